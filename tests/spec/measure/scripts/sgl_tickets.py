"""Sorts support tickets with the offline engine of SGLang."""
import json
from collections import Counter
from enum import Enum

import sglang as sgl
from pydantic import BaseModel, Field
from transformers import AutoTokenizer

TICKETS = "tickets/inbox.jsonl"
RESULT = "tickets/sorted.jsonl"
MODEL = "Qwen/Qwen2.5-32B-Instruct"
TP = 4
CONTEXT_LENGTH = 6144
CHUNK = 512


class Queue(str, Enum):
    billing = "billing"
    delivery = "delivery"
    technical = "technical"
    other = "other"


class Decision(BaseModel):
    queue: Queue
    urgent: bool
    summary: str = Field(max_length=200)


SAMPLING_PARAMS = {
    "temperature": 0.05,
    "top_p": 0.85,
    "max_new_tokens": 256,
    "json_schema": json.dumps(Decision.model_json_schema()),
}

INSTRUCTION = (
    "You sort the tickets of a web shop. Choose the queue, say whether the ticket is urgent, and sum it up in one "
    "sentence. Answer in JSON."
)


def build_prompt(tokenizer, ticket):
    messages = [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": f"Subject: {ticket['subject']}\n\n{ticket['body'][:12_000]}"},
    ]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def chunks(items, size):
    for start in range(0, len(items), size):
        yield items[start : start + size]


def main():
    with open(TICKETS, encoding="utf-8") as f:
        tickets = [json.loads(line) for line in f]
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    engine = sgl.Engine(
        model_path=MODEL,
        tp_size=TP,
        context_length=CONTEXT_LENGTH,
        dtype="bfloat16",
        random_seed=777,
        mem_fraction_static=0.85,
        log_level="warning",
    )
    counts = Counter()
    with open(RESULT, "w", encoding="utf-8") as f:
        for part in chunks(tickets, CHUNK):
            outputs = engine.generate([build_prompt(tokenizer, t) for t in part], SAMPLING_PARAMS)
            for ticket, output in zip(part, outputs):
                decision = Decision.model_validate_json(output["text"])
                counts[decision.queue.value] += 1
                f.write(json.dumps({"id": ticket["id"], **decision.model_dump(mode="json")}) + "\n")
    engine.shutdown()
    print(counts.most_common())


if __name__ == "__main__":
    main()
