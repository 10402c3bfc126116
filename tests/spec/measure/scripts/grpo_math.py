import re

from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer

SYSTEM = "Reason step by step and give the final answer after ####."


def to_prompt(row):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": row["question"]}]
    return {"prompt": messages, "gold": row["answer"].split("####")[-1].strip()}


def correct(completions, gold, **kwargs):
    answers = [re.findall(r"####\s*(-?[\d,.]+)", c[0]["content"]) for c in completions]
    return [1.0 if a and a[-1] == g else 0.0 for a, g in zip(answers, gold)]


data = load_dataset("openai/gsm8k", "main", split="train").map(to_prompt)
config = GRPOConfig(
    output_dir="checkpoints/grpo-gsm8k",
    learning_rate=1e-6,
    lr_scheduler_type="cosine",
    max_steps=500,
    per_device_train_batch_size=8,
    num_generations=8,
    max_prompt_length=512,
    max_completion_length=1024,
    temperature=0.9,
    beta=0.04,
    use_vllm=True,
    bf16=True,
    save_steps=50,
    logging_steps=1,
    report_to="wandb",
)
trainer = GRPOTrainer(model="Qwen/Qwen2.5-3B-Instruct", reward_funcs=correct, args=config, train_dataset=data)
trainer.train()
