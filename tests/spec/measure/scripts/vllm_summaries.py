import json

from vllm import LLM, SamplingParams

CONFIG = {
    "model": "mistralai/Mistral-Small-24B-Instruct-2501",
    "tensor_parallel_size": 2,
    "max_model_len": 24576,
    "gpu_memory_utilization": 0.92,
    "dtype": "bfloat16",
    "seed": 21,
}
SAMPLING = dict(temperature=0.15, top_p=0.9, max_tokens=768)
SYSTEM = "Summarise the meeting in at most ten sentences. Name every decision and who is responsible for it."


def load_transcripts(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            yield json.loads(line)


if __name__ == "__main__":
    meetings = list(load_transcripts("meetings/2026.jsonl"))
    llm = LLM(**CONFIG)
    params = SamplingParams(**SAMPLING)
    chats = [
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": m["transcript"]}] for m in meetings
    ]
    for m, out in zip(meetings, llm.chat(chats, params)):
        m["summary"] = out.outputs[0].text.strip()
    with open("meetings/summaries.jsonl", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(m) + "\n" for m in meetings)
