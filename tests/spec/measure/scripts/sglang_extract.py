import sglang as sgl

llm = sgl.Engine(model_path="meta-llama/Llama-3.1-8B-Instruct", tp_size=1, dtype="bfloat16", context_length=16384)
sampling = {"temperature": 0.0, "max_new_tokens": 300}
with open("tickets.txt") as file:
    prompts = [line.strip() for line in file]
for output in llm.generate(prompts, sampling):
    print(output["text"])
