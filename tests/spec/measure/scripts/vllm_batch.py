import json

from vllm import LLM, SamplingParams

MODEL = "Qwen/Qwen2.5-7B-Instruct"

llm = LLM(model=MODEL, tensor_parallel_size=2, dtype="bfloat16", max_model_len=8192, seed=0)
params = SamplingParams(temperature=0.2, top_p=0.95, max_tokens=512)
with open("prompts.jsonl") as file:
    prompts = [[{"role": "user", "content": json.loads(line)["prompt"]}] for line in file]
with open("answers.jsonl", "w") as file:
    for output in llm.chat(prompts, params):
        file.write(json.dumps({"text": output.outputs[0].text}) + "\n")
