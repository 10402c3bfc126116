"""Summaries of tickets, set up by the environment of the job."""

import json
import os

from vllm import LLM, SamplingParams

MODEL = os.environ.get("MODEL", "meta-llama/Llama-3.3-70B-Instruct")
TP = int(os.environ.get("TP_SIZE", 4))
MAX_LEN = int(os.getenv("MAX_MODEL_LEN", "32768"))
TEMPERATURE = float(os.getenv("TEMPERATURE", "0.3"))
TOP_P = float(os.getenv("TOP_P", "0.9"))
MAX_TOKENS = int(os.getenv("MAX_TOKENS", "300"))
SOURCE = os.getenv("SOURCE", "tickets/2026.jsonl")


def main() -> None:
    with open(SOURCE) as file:
        tickets = [json.loads(line) for line in file]
    engine = LLM(MODEL, tensor_parallel_size=TP, max_model_len=MAX_LEN, dtype="bfloat16", seed=0)
    sampling = SamplingParams(temperature=TEMPERATURE, top_p=TOP_P, max_tokens=MAX_TOKENS)
    chats = [[{"role": "user", "content": f"Summarise:\n{t['body']}"}] for t in tickets]
    for ticket, out in zip(tickets, engine.chat(chats, sampling)):
        print(json.dumps({"id": ticket["id"], "summary": out.outputs[0].text}))


if __name__ == "__main__":
    main()
