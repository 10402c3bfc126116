import json
from pathlib import Path
from typing import Annotated

import typer
from vllm import LLM, SamplingParams

app = typer.Typer(add_completion=False)

PROMPT = """You answer reviews of our hotels on behalf of the house. Be friendly, thank the guest, and address each
point of criticism in one sentence. Never promise a refund.

Review ({stars} stars):
{review}"""


def read_jsonl(path: Path):
    with path.open(encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


@app.command()
def main(
    reviews: Annotated[Path, typer.Option(help="One JSON object per line")] = Path("data/hotel_reviews.jsonl"),
    answers: Annotated[Path, typer.Option()] = Path("data/hotel_answers.jsonl"),
    model: Annotated[str, typer.Option()] = "meta-llama/Llama-3.1-8B-Instruct",
    tensor_parallel_size: Annotated[int, typer.Option("--tp")] = 1,
    max_model_len: Annotated[int, typer.Option()] = 8192,
    gpu_memory_utilization: Annotated[float, typer.Option()] = 0.9,
    temperature: Annotated[float, typer.Option()] = 0.7,
    top_p: Annotated[float, typer.Option()] = 0.95,
    max_tokens: Annotated[int, typer.Option()] = 400,
    seed: Annotated[int, typer.Option()] = 12,
):
    """Write a draft answer for every review."""
    rows = read_jsonl(reviews)
    llm = LLM(
        model=model,
        tensor_parallel_size=tensor_parallel_size,
        max_model_len=max_model_len,
        gpu_memory_utilization=gpu_memory_utilization,
        dtype="bfloat16",
        enable_prefix_caching=True,
        seed=seed,
    )
    sampling = SamplingParams(
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        repetition_penalty=1.05,
    )
    conversations = [
        [{"role": "user", "content": PROMPT.format(stars=row["stars"], review=row["text"])}] for row in rows
    ]
    outputs = llm.chat(conversations, sampling)
    unfinished = 0
    with answers.open("w", encoding="utf-8") as f:
        for row, output in zip(rows, outputs, strict=True):
            completion = output.outputs[0]
            unfinished += completion.finish_reason == "length"
            f.write(json.dumps({"id": row["id"], "answer": completion.text.strip()}, ensure_ascii=False) + "\n")
    typer.echo(f"{len(rows)} answers, {unfinished} of them cut off")


if __name__ == "__main__":
    app()
