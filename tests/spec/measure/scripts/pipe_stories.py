import torch
from transformers import pipeline, set_seed

set_seed(13)
generator = pipeline(
    "text-generation",
    model="HuggingFaceTB/SmolLM2-1.7B-Instruct",
    torch_dtype=torch.bfloat16,
    device=0,
)

with open("titles.txt") as f:
    titles = [line.strip() for line in f if line.strip()]

for title in titles:
    messages = [{"role": "user", "content": f"Write a short story with the title {title!r}."}]
    out = generator(messages, max_new_tokens=400, do_sample=True, temperature=0.8, top_p=0.92)
    print(out[0]["generated_text"][-1]["content"])
    print("---")
