import json
from pathlib import Path

import sglang as sgl

MODEL = "mistralai/Mistral-Small-24B-Instruct-2501"
SCHEMA = json.loads(Path("invoice_schema.json").read_text())


def main():
    engine = sgl.Engine(
        model_path=MODEL,
        tp_size=2,
        dtype="bfloat16",
        context_length=16384,
        mem_fraction_static=0.88,
        random_seed=5,
    )
    texts = [p.read_text() for p in sorted(Path("invoices").glob("*.txt"))]
    prompts = [f"Extract the fields of this invoice as JSON.\n\n{t}\n\nJSON:" for t in texts]
    sampling = {
        "temperature": 0.0,
        "max_new_tokens": 512,
        "json_schema": json.dumps(SCHEMA),
    }
    for start in range(0, len(prompts), 256):
        for out in engine.generate(prompts[start : start + 256], sampling):
            print(out["text"])
    engine.shutdown()


if __name__ == "__main__":
    main()
