import argparse
import csv
import os

import sglang as sgl

parser = argparse.ArgumentParser()
parser.add_argument("--model", default=os.environ.get("SGL_MODEL", "Qwen/Qwen3-8B"))
parser.add_argument("--input", default="reviews.csv")
parser.add_argument("--output", default="labels.csv")
parser.add_argument("--temp", type=float, default=0.0)
parser.add_argument("--max-out", type=int, default=16)
parser.add_argument("--ctx", type=int, default=8192)
opts = parser.parse_args()

PROMPT = "Is this review positive, negative or mixed? Answer with one word.\n\n{text}\n\nAnswer:"


def main():
    llm = sgl.Engine(model_path=opts.model, dtype="bfloat16", context_length=opts.ctx, random_seed=3, tp_size=1)
    with open(opts.input, newline="") as f:
        rows = list(csv.DictReader(f))
    params = {"temperature": opts.temp, "max_new_tokens": opts.max_out, "stop": ["\n"]}
    outputs = llm.generate([PROMPT.format(text=row["text"]) for row in rows], params)
    with open(opts.output, "w", newline="") as f:
        writer = csv.writer(f)
        for row, out in zip(rows, outputs):
            writer.writerow([row["id"], out["text"].strip()])
    llm.shutdown()


if __name__ == "__main__":
    main()
