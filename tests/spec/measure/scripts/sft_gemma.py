import yaml
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

with open("sft_gemma.yaml") as f:
    cfg = yaml.safe_load(f)

bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype="bfloat16")
tokenizer = AutoTokenizer.from_pretrained(cfg["model"]["name"])
model = AutoModelForCausalLM.from_pretrained(
    cfg["model"]["name"],
    quantization_config=bnb,
    attn_implementation=cfg["model"]["attn_implementation"],
    device_map="auto",
)

dataset = load_dataset(cfg["data"]["name"], cfg["data"]["subset"])

trainer = SFTTrainer(
    model=model,
    args=SFTConfig(**cfg["training"]),
    train_dataset=dataset["train"],
    eval_dataset=dataset["test"],
    processing_class=tokenizer,
    peft_config=LoraConfig(**cfg["lora"]),
)
trainer.train()
trainer.save_model()
