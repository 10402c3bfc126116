"""Supervised fine-tuning of a small chat model on chemistry questions."""
from dataclasses import dataclass, field

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, HfArgumentParser, set_seed
from trl import SFTConfig, SFTTrainer


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="Qwen/Qwen3-4B-Base", metadata={"help": "Checkpoint on the hub"})
    lora_rank: int = field(default=32)
    lora_alpha: int = field(default=64)
    lora_dropout: float = field(default=0.05)


@dataclass
class DataArguments:
    dataset_name: str = field(default="camel-ai/chemistry")
    max_seq_length: int = field(default=1536, metadata={"help": "Longer conversations are truncated"})
    test_fraction: float = field(default=0.02)


@dataclass
class RunArguments:
    output_dir: str = field(default="runs/chem-sft")
    learning_rate: float = field(default=2e-4)
    num_epochs: int = field(default=3)
    micro_batch_size: int = field(default=8)
    gradient_accumulation_steps: int = field(default=4)
    warmup_ratio: float = field(default=0.03)
    weight_decay: float = field(default=0.0)
    max_grad_norm: float = field(default=1.0)
    eval_steps: int = field(default=200)
    save_steps: int = field(default=400)
    logging_steps: int = field(default=20)
    report_to: str = field(default="wandb")
    seed: int = field(default=314)


def to_messages(row):
    return {
        "messages": [
            {"role": "user", "content": row["message_1"]},
            {"role": "assistant", "content": row["message_2"]},
        ]
    }


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, RunArguments))
    model_args, data_args, run_args = parser.parse_args_into_dataclasses()
    set_seed(run_args.seed)

    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    model = AutoModelForCausalLM.from_pretrained(model_args.model_name_or_path, dtype=torch.bfloat16)

    data = load_dataset(data_args.dataset_name, split="train")
    data = data.map(to_messages, remove_columns=data.column_names)
    data = data.train_test_split(test_size=data_args.test_fraction, seed=run_args.seed)

    training_args = SFTConfig(
        output_dir=run_args.output_dir,
        max_length=data_args.max_seq_length,
        packing=True,
        num_train_epochs=run_args.num_epochs,
        per_device_train_batch_size=run_args.micro_batch_size,
        gradient_accumulation_steps=run_args.gradient_accumulation_steps,
        learning_rate=run_args.learning_rate,
        lr_scheduler_type="cosine",
        warmup_ratio=run_args.warmup_ratio,
        weight_decay=run_args.weight_decay,
        max_grad_norm=run_args.max_grad_norm,
        optim="adamw_torch_fused",
        bf16=True,
        gradient_checkpointing=True,
        eval_strategy="steps",
        eval_steps=run_args.eval_steps,
        save_steps=run_args.save_steps,
        logging_steps=run_args.logging_steps,
        report_to=run_args.report_to,
        seed=run_args.seed,
    )
    peft_config = LoraConfig(
        r=model_args.lora_rank,
        lora_alpha=model_args.lora_alpha,
        lora_dropout=model_args.lora_dropout,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        task_type="CAUSAL_LM",
    )
    trainer = SFTTrainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizer,
        peft_config=peft_config,
    )
    trainer.train()
    trainer.save_model(run_args.output_dir)


if __name__ == "__main__":
    main()
