import os
import uuid

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from vllm import AsyncEngineArgs, AsyncLLMEngine, SamplingParams

MODEL_ID = os.getenv("MODEL_ID", "meta-llama/Llama-3.1-8B-Instruct")

engine = AsyncLLMEngine.from_engine_args(
    AsyncEngineArgs(
        model=MODEL_ID,
        tensor_parallel_size=int(os.getenv("TP", "1")),
        dtype="bfloat16",
        max_model_len=32768,
        gpu_memory_utilization=0.92,
        max_num_seqs=64,
        disable_log_requests=True,
    )
)
app = FastAPI(title="assistant")


class Question(BaseModel):
    prompt: str
    temperature: float = 0.3
    top_p: float = 0.9
    max_tokens: int = 800


@app.get("/health")
async def health():
    await engine.check_health()
    return {"model": MODEL_ID}


@app.post("/generate")
async def generate(question: Question):
    params = SamplingParams(
        temperature=question.temperature,
        top_p=question.top_p,
        max_tokens=question.max_tokens,
    )

    async def stream():
        sent = 0
        async for output in engine.generate(question.prompt, params, request_id=uuid.uuid4().hex):
            text = output.outputs[0].text
            yield text[sent:]
            sent = len(text)

    return StreamingResponse(stream(), media_type="text/plain")
