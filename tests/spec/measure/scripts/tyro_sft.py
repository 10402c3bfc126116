from dataclasses import dataclass, field
from typing import Literal

import tyro
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer


@dataclass
class Adapter:
    r: int = 64
    alpha: int = 128
    dropout: float = 0.1
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass
class Optim:
    lr: float = 1e-4
    schedule: Literal["cosine", "linear", "constant"] = "constant"
    warmup: float = 0.03
    wd: float = 0.0
    name: str = "paged_adamw_32bit"


@dataclass
class Args:
    model: str = "mistralai/Mistral-7B-Instruct-v0.3"
    data: str = "HuggingFaceH4/ultrachat_200k"
    out: str = "runs/tyro-sft"
    epochs: int = 2
    per_device: int = 4
    accumulate: int = 8
    context: int = 8192
    seed: int = 99
    adapter: Adapter = field(default_factory=Adapter)
    optim: Optim = field(default_factory=Optim)


def main(args: Args) -> None:
    peft_config = LoraConfig(
        r=args.adapter.r,
        lora_alpha=args.adapter.alpha,
        lora_dropout=args.adapter.dropout,
        target_modules=list(args.adapter.targets),
        task_type="CAUSAL_LM",
    )
    train = load_dataset(args.data, split="train_sft")
    held_out = load_dataset(args.data, split="test_sft")
    config = SFTConfig(
        output_dir=args.out,
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.per_device,
        gradient_accumulation_steps=args.accumulate,
        learning_rate=args.optim.lr,
        lr_scheduler_type=args.optim.schedule,
        warmup_ratio=args.optim.warmup,
        weight_decay=args.optim.wd,
        optim=args.optim.name,
        max_length=args.context,
        bf16=True,
        gradient_checkpointing=True,
        eval_strategy="steps",
        eval_steps=250,
        save_strategy="steps",
        save_steps=250,
        logging_steps=10,
        report_to=["wandb"],
        seed=args.seed,
    )
    trainer = SFTTrainer(
        model=args.model, args=config, train_dataset=train, eval_dataset=held_out, peft_config=peft_config
    )
    trainer.train()


if __name__ == "__main__":
    main(tyro.cli(Args))
