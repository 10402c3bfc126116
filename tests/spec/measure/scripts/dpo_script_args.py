from dataclasses import dataclass, field
from typing import Optional

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, HfArgumentParser
from trl import DPOConfig, DPOTrainer


@dataclass
class ScriptArguments:
    beta: float = field(default=0.1, metadata={"help": "the beta of the DPO loss"})
    model_name_or_path: str = field(default="Qwen/Qwen2.5-7B-Instruct", metadata={"help": "the SFT model"})
    learning_rate: float = field(default=5e-6, metadata={"help": "optimizer learning rate"})
    lr_scheduler_type: str = field(default="cosine")
    warmup_steps: int = field(default=100)
    optimizer_type: str = field(default="paged_adamw_32bit")
    per_device_train_batch_size: int = field(default=4)
    per_device_eval_batch_size: int = field(default=1)
    gradient_accumulation_steps: int = field(default=4)
    lora_alpha: int = field(default=16)
    lora_dropout: float = field(default=0.05)
    lora_r: int = field(default=8)
    max_prompt_length: int = field(default=512)
    max_length: int = field(default=1024)
    max_steps: int = field(default=1000, metadata={"help": "max number of training steps"})
    logging_steps: int = field(default=10)
    save_steps: int = field(default=100)
    eval_steps: int = field(default=100)
    output_dir: str = field(default="./results_dpo")
    report_to: Optional[str] = field(default="wandb")
    seed: int = field(default=0)


def main():
    (script_args,) = HfArgumentParser(ScriptArguments).parse_args_into_dataclasses()

    model = AutoModelForCausalLM.from_pretrained(script_args.model_name_or_path, torch_dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(script_args.model_name_or_path)
    pairs = load_dataset("trl-lib/ultrafeedback_binarized")

    training_args = DPOConfig(
        per_device_train_batch_size=script_args.per_device_train_batch_size,
        per_device_eval_batch_size=script_args.per_device_eval_batch_size,
        max_steps=script_args.max_steps,
        logging_steps=script_args.logging_steps,
        save_steps=script_args.save_steps,
        gradient_accumulation_steps=script_args.gradient_accumulation_steps,
        gradient_checkpointing=True,
        learning_rate=script_args.learning_rate,
        eval_strategy="steps",
        eval_steps=script_args.eval_steps,
        output_dir=script_args.output_dir,
        report_to=script_args.report_to,
        lr_scheduler_type=script_args.lr_scheduler_type,
        warmup_steps=script_args.warmup_steps,
        optim=script_args.optimizer_type,
        bf16=True,
        beta=script_args.beta,
        max_length=script_args.max_length,
        max_prompt_length=script_args.max_prompt_length,
        seed=script_args.seed,
    )

    peft_config = LoraConfig(
        r=script_args.lora_r,
        lora_alpha=script_args.lora_alpha,
        lora_dropout=script_args.lora_dropout,
        target_modules=["q_proj", "v_proj", "k_proj", "o_proj"],
        bias="none",
        task_type="CAUSAL_LM",
    )

    dpo_trainer = DPOTrainer(
        model,
        ref_model=None,
        args=training_args,
        train_dataset=pairs["train"],
        eval_dataset=pairs["test"],
        processing_class=tokenizer,
        peft_config=peft_config,
    )
    dpo_trainer.train()
    dpo_trainer.save_model(script_args.output_dir)


if __name__ == "__main__":
    main()
