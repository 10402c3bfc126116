import argparse
import json

from datasets import load_dataset
from transformers import AutoTokenizer
from vllm import LLM, SamplingParams


def build_prompts(tokenizer, rows):
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": row["question"]}], tokenize=False, add_generation_prompt=True
        )
        for row in rows
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=str, default="Qwen/Qwen2.5-Math-7B-Instruct")
    parser.add_argument("--tp", type=int, default=2)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--max-new-tokens", type=int, default=2048)
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=str, default="outputs/gsm8k.jsonl")
    args = parser.parse_args()

    rows = load_dataset("openai/gsm8k", "main", split="test")
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    llm = LLM(
        model=args.model,
        tensor_parallel_size=args.tp,
        dtype="bfloat16",
        max_model_len=4096,
        gpu_memory_utilization=0.9,
        seed=args.seed,
    )
    params = SamplingParams(
        n=args.n, temperature=args.temperature, top_p=args.top_p, max_tokens=args.max_new_tokens
    )
    outputs = llm.generate(build_prompts(tokenizer, rows), params)
    with open(args.out, "w") as handle:
        for row, output in zip(rows, outputs):
            handle.write(json.dumps({"gold": row["answer"], "samples": [o.text for o in output.outputs]}) + "\n")


if __name__ == "__main__":
    main()
