import argparse
import json

from datasets import load_dataset
from transformers import AutoTokenizer
from vllm import LLM, SamplingParams


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="mistralai/Mistral-7B-Instruct-v0.3")
    parser.add_argument("--tp", type=int, default=4)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--output", default="answers.jsonl")
    args = parser.parse_args()

    rows = load_dataset("openai/gsm8k", "main", split="test")
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    prompts = [
        tokenizer.apply_chat_template([{"role": "user", "content": row["question"]}], tokenize=False, add_generation_prompt=True)
        for row in rows
    ]
    llm = LLM(
        args.model,
        tensor_parallel_size=args.tp,
        gpu_memory_utilization=0.9,
        max_model_len=4096,
        dtype="float16",
    )
    sampling = SamplingParams(temperature=args.temperature, max_tokens=args.max_tokens, stop=["</s>"])
    outputs = llm.generate(prompts, sampling)
    with open(args.output, "w") as file:
        for row, output in zip(rows, outputs):
            file.write(json.dumps({"gold": row["answer"], "text": output.outputs[0].text}) + "\n")


if __name__ == "__main__":
    main()
