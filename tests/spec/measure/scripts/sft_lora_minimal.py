from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

dataset = load_dataset("HuggingFaceH4/ultrachat_200k")

training_args = SFTConfig(
    output_dir="mistral-7b-ultrachat-lora",
    num_train_epochs=2,
    per_device_train_batch_size=8,
    per_device_eval_batch_size=8,
    gradient_accumulation_steps=2,
    learning_rate=1e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.05,
    weight_decay=0.0,
    max_length=4096,
    packing=True,
    bf16=True,
    optim="adamw_torch_fused",
    logging_steps=20,
    eval_strategy="steps",
    eval_steps=500,
    save_strategy="epoch",
    report_to=["tensorboard"],
    model_init_kwargs={"torch_dtype": "bfloat16", "attn_implementation": "flash_attention_2"},
)

trainer = SFTTrainer(
    model="mistralai/Mistral-7B-v0.3",
    args=training_args,
    train_dataset=dataset["train_sft"],
    eval_dataset=dataset["test_sft"],
    peft_config=LoraConfig(
        r=32,
        lora_alpha=64,
        lora_dropout=0.0,
        target_modules="all-linear",
        modules_to_save=["lm_head"],
        task_type="CAUSAL_LM",
    ),
)
trainer.train()
trainer.save_model()
