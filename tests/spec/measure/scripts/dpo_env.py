import os

from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

MODEL = os.environ.get("MODEL", "HuggingFaceH4/zephyr-7b-beta")
LR = float(os.environ.get("LR", "5e-6"))

model = AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype="bfloat16", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained(MODEL)
train = load_dataset("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")
common = dict(
    output_dir="out/dpo",
    per_device_train_batch_size=4,
    per_device_eval_batch_size=8,
    gradient_accumulation_steps=8,
    num_train_epochs=1,
    learning_rate=LR,
    lr_scheduler_type="linear",
    warmup_ratio=0.1,
    bf16=True,
    eval_strategy="steps",
    eval_steps=100,
    save_steps=100,
    logging_steps=10,
    report_to="none",
    seed=0,
)
args = DPOConfig(**common)
trainer = DPOTrainer(
    model,
    args=args,
    train_dataset=train,
    processing_class=tokenizer,
    peft_config=LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
)
trainer.train()
