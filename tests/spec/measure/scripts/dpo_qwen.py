"""DPO on top of the SFT model."""
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

MODEL = "Qwen/Qwen2.5-3B-Instruct"
DATA = "argilla/ultrafeedback-binarized-preferences-cleaned"
OUT = "outputs/qwen-dpo"

tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype=torch.bfloat16)
model.config.use_cache = False

data = load_dataset(DATA, split="train").train_test_split(test_size=0.02, seed=13)

peft_config = LoraConfig(
    r=64,
    lora_alpha=128,
    lora_dropout=0.05,
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
    bias="none",
    task_type="CAUSAL_LM",
)

args = DPOConfig(
    output_dir=OUT,
    beta=0.1,
    loss_type="sigmoid",
    max_length=1536,
    per_device_train_batch_size=2,
    per_device_eval_batch_size=4,
    gradient_accumulation_steps=16,
    num_train_epochs=1,
    learning_rate=5e-6,
    lr_scheduler_type="linear",
    warmup_steps=150,
    max_grad_norm=0.3,
    optim="adamw_torch",
    bf16=True,
    gradient_checkpointing=True,
    logging_steps=10,
    eval_strategy="steps",
    eval_steps=200,
    save_steps=200,
    report_to="tensorboard",
    seed=13,
)

trainer = DPOTrainer(
    model=model,
    args=args,
    train_dataset=data["train"],
    eval_dataset=data["test"],
    processing_class=tokenizer,
    peft_config=peft_config,
)
trainer.train()
trainer.save_model(OUT)
