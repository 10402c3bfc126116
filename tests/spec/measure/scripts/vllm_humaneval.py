import argparse
import json
from pathlib import Path

from datasets import load_dataset
from vllm import LLM, SamplingParams


def parse():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="Qwen/Qwen2.5-Coder-32B-Instruct")
    ap.add_argument("--tp", type=int, default=4, help="tensor parallel size")
    ap.add_argument("--max-model-len", type=int, default=8192)
    ap.add_argument("--gpu-mem", type=float, default=0.9)
    ap.add_argument("--n", type=int, default=10)
    ap.add_argument("--temperature", type=float, default=0.8)
    ap.add_argument("--top-p", type=float, default=0.95)
    ap.add_argument("--max-tokens", type=int, default=1024)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--out", default="preds/humaneval")
    return ap.parse_args()


def main():
    args = parse()
    problems = load_dataset("openai/openai_humaneval", split="test")
    llm = LLM(
        model=args.model,
        tensor_parallel_size=args.tp,
        max_model_len=args.max_model_len,
        gpu_memory_utilization=args.gpu_mem,
        dtype="bfloat16",
        enable_prefix_caching=True,
        seed=args.seed,
    )
    chats = [[{"role": "user", "content": "Complete this function:\n" + p["prompt"]}] for p in problems]
    params = SamplingParams(
        n=args.n,
        temperature=args.temperature,
        top_p=args.top_p,
        max_tokens=args.max_tokens,
        stop=["\nclass ", "\nif __name__"],
    )
    outputs = llm.chat(chats, params)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "samples.jsonl").open("w") as f:
        for p, o in zip(problems, outputs):
            for c in o.outputs:
                f.write(json.dumps({"task_id": p["task_id"], "completion": c.text}) + "\n")


if __name__ == "__main__":
    main()
