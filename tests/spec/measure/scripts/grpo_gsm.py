import re

from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

SYSTEM = "Think step by step and put the answer between <answer> tags."
MODEL_ID = "Qwen/Qwen2.5-1.5B-Instruct"
RUN_NAME = "qwen-grpo-gsm8k"


def to_prompt(row):
    return {
        "prompt": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": row["question"]}],
        "answer": row["answer"].split("####")[-1].strip(),
    }


def correctness(completions, answer, **kwargs):
    found = [re.search(r"<answer>(.*?)</answer>", c[0]["content"], re.DOTALL) for c in completions]
    return [2.0 if m and m.group(1).strip() == a else 0.0 for m, a in zip(found, answer)]


dataset = load_dataset("openai/gsm8k", "main", split="train").map(to_prompt)

training_args = GRPOConfig(
    output_dir="outputs/" + RUN_NAME,
    run_name=RUN_NAME,
    learning_rate=5e-6,
    adam_beta1=0.9,
    adam_beta2=0.99,
    weight_decay=0.1,
    warmup_ratio=0.1,
    lr_scheduler_type="cosine",
    logging_steps=1,
    bf16=True,
    per_device_train_batch_size=8,
    gradient_accumulation_steps=4,
    num_generations=8,
    max_prompt_length=256,
    max_completion_length=768,
    num_train_epochs=1,
    save_steps=100,
    max_grad_norm=0.1,
    temperature=0.9,
    use_vllm=True,
    report_to="wandb",
)
peft_config = LoraConfig(r=16, lora_alpha=64, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM")

trainer = GRPOTrainer(
    model=MODEL_ID,
    reward_funcs=[correctness],
    args=training_args,
    train_dataset=dataset,
    peft_config=peft_config,
)
trainer.train()
