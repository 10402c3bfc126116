"""Sort support tickets with an instruct model, offline."""
import csv
from dataclasses import dataclass
from pathlib import Path

from vllm import LLM, SamplingParams
from vllm.sampling_params import GuidedDecodingParams

LABELS = ["billing", "bug", "feature", "other"]


@dataclass(frozen=True)
class Settings:
    model: str = "meta-llama/Llama-3.3-70B-Instruct"
    quantization: str = "fp8"
    gpus: int = 4
    context: int = 8192
    temperature: float = 0.0
    max_tokens: int = 8
    tickets: Path = Path("data/tickets.csv")


def run(cfg: Settings) -> list[str]:
    llm = LLM(
        model=cfg.model,
        quantization=cfg.quantization,
        tensor_parallel_size=cfg.gpus,
        max_model_len=cfg.context,
        enable_prefix_caching=True,
    )
    sampling = SamplingParams(
        temperature=cfg.temperature,
        max_tokens=cfg.max_tokens,
        guided_decoding=GuidedDecodingParams(choice=LABELS),
    )
    with open(cfg.tickets) as handle:
        rows = list(csv.DictReader(handle))
    chats = [
        [
            {"role": "system", "content": f"Answer with one of {', '.join(LABELS)}."},
            {"role": "user", "content": row["text"]},
        ]
        for row in rows
    ]
    return [out.outputs[0].text for out in llm.chat(chats, sampling)]


if __name__ == "__main__":
    for label in run(Settings()):
        print(label)
