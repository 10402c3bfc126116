import argparse
import json

import sglang as sgl


def main():
    parser = argparse.ArgumentParser(description="Extract parties, dates and amounts from contracts")
    parser.add_argument("--input", default="contracts/clauses.jsonl")
    parser.add_argument("--output", default="contracts/extracted.jsonl")
    parser.add_argument("--model", default="Qwen/Qwen3-14B")
    parser.add_argument("--tp", type=int, default=2)
    parser.add_argument("--ctx", type=int, default=12288)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--temperature", type=float, default=0.1)
    parser.add_argument("--top-p", type=float, default=0.8)
    parser.add_argument("--max-new-tokens", type=int, default=640)
    parser.add_argument("--seed", type=int, default=404)
    args = parser.parse_args()

    schema = json.dumps({
        "type": "object",
        "properties": {
            "parties": {"type": "array", "items": {"type": "string"}},
            "date": {"type": "string"},
            "amount": {"type": "number"},
        },
        "required": ["parties", "date", "amount"],
    })
    with open(args.input) as f:
        clauses = [json.loads(line) for line in f]

    engine = sgl.Engine(
        model_path=args.model,
        tp_size=args.tp,
        context_length=args.ctx,
        dtype=args.dtype,
        random_seed=args.seed,
        mem_fraction_static=0.88,
    )
    params = {
        "temperature": args.temperature,
        "top_p": args.top_p,
        "max_new_tokens": args.max_new_tokens,
        "json_schema": schema,
    }
    prompts = ["Extract the parties, the date and the amount.\n\n" + c["text"] for c in clauses]
    answers = engine.generate(prompts, params)
    with open(args.output, "w") as f:
        for clause, answer in zip(clauses, answers):
            f.write(json.dumps({"id": clause["id"], **json.loads(answer["text"])}) + "\n")
    engine.shutdown()


if __name__ == "__main__":
    main()
