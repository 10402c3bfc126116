import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

model_id = "mistralai/Mistral-7B-v0.1"
quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
model = AutoModelForCausalLM.from_pretrained(model_id, quantization_config=quantization, device_map="auto")
dataset = load_dataset("HuggingFaceH4/ultrachat_200k", split="train_sft")
args = SFTConfig(
    output_dir="out/mistral-qlora",
    per_device_train_batch_size=2,
    gradient_accumulation_steps=8,
    learning_rate=1e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.03,
    max_steps=1000,
    optim="paged_adamw_8bit",
    bf16=True,
    max_length=2048,
    logging_steps=5,
    save_steps=200,
    report_to="tensorboard",
)
peft_config = LoraConfig(r=64, lora_alpha=16, lora_dropout=0.1, target_modules="all-linear")
trainer = SFTTrainer(model=model, args=args, train_dataset=dataset, peft_config=peft_config)
trainer.train()
trainer.save_model("out/mistral-qlora")
