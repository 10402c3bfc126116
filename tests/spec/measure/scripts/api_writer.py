import asyncio
import json
import os
import uuid

from vllm import AsyncEngineArgs, AsyncLLMEngine, SamplingParams

SETTINGS = {
    "engine": {
        "model": os.environ.get("WRITER_MODEL", "google/gemma-3-12b-it"),
        "dtype": "bfloat16",
        "max_model_len": 8192,
        "gpu_memory_utilization": 0.9,
        "tensor_parallel_size": 1,
    },
    "sampling": {"temperature": 1.0, "top_p": 0.95, "top_k": 64, "max_tokens": 1200},
}


def make_engine() -> AsyncLLMEngine:
    return AsyncLLMEngine.from_engine_args(AsyncEngineArgs(**SETTINGS["engine"]))


async def write(engine: AsyncLLMEngine, prompt: str, overrides: dict | None = None) -> str:
    sampling = SamplingParams(**{**SETTINGS["sampling"], **(overrides or {})})
    text = ""
    async for part in engine.generate(prompt, sampling, request_id=uuid.uuid4().hex):
        text = part.outputs[0].text
    return text


async def main() -> None:
    engine = make_engine()
    with open("briefs.jsonl") as file:
        briefs = [json.loads(line)["brief"] for line in file]
    texts = await asyncio.gather(*(write(engine, brief) for brief in briefs))
    for text in texts:
        print(json.dumps({"text": text}))


if __name__ == "__main__":
    asyncio.run(main())
