# %%
import json

from vllm import LLM, SamplingParams

MODEL_ID = "microsoft/phi-4"
MAX_NEW = 2048

# %%
with open("eval/prompts.jsonl") as f:
    rows = [json.loads(line) for line in f]
len(rows)

# %%
llm = LLM(model=MODEL_ID, dtype="bfloat16", max_model_len=16384, seed=1, enable_prefix_caching=True)
params = SamplingParams(temperature=0.0, max_tokens=MAX_NEW)

# %%
chats = [[{"role": "user", "content": row["prompt"]}] for row in rows]
outputs = llm.chat(chats, params)

# %%
with open("eval/answers.jsonl", "w") as f:
    for row, out in zip(rows, outputs):
        f.write(json.dumps({**row, "answer": out.outputs[0].text}) + "\n")
