import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "gpt2"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.float16).cuda().eval()
answers = []
for line in open("questions.txt"):
    inputs = tokenizer(line, return_tensors="pt").to("cuda")
    with torch.no_grad():
        out = model.generate(**inputs, max_new_tokens=128, do_sample=True, temperature=0.8, top_p=0.9)
    answers.append(tokenizer.decode(out[0], skip_special_tokens=True))
