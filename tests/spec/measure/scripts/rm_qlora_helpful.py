"""Reward model for helpful answers (Bradley-Terry loss on pairs)."""
import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BitsAndBytesConfig
from trl import RewardConfig, RewardTrainer


def build_parser():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", default="Qwen/Qwen2.5-7B-Instruct")
    p.add_argument("--dataset", default="trl-lib/ultrafeedback_binarized")
    p.add_argument("--output-dir", default="rm/qwen7b-helpful")
    p.add_argument("--max-length", type=int, default=2048)
    p.add_argument("--batch-size", type=int, default=4, help="pairs per device")
    p.add_argument("--eval-batch-size", type=int, default=8)
    p.add_argument("--grad-accum", type=int, default=12)
    p.add_argument("--lr", type=float, default=1.5e-5)
    p.add_argument("--epochs", type=float, default=1)
    p.add_argument("--warmup-ratio", type=float, default=0.05)
    p.add_argument("--weight-decay", type=float, default=0.001)
    p.add_argument("--lora-r", type=int, default=48)
    p.add_argument("--lora-alpha", type=int, default=96)
    p.add_argument("--lora-dropout", type=float, default=0.0)
    p.add_argument("--eval-steps", type=int, default=120)
    p.add_argument("--save-steps", type=int, default=240)
    p.add_argument("--seed", type=int, default=2718)
    return p


def main():
    args = build_parser().parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = AutoModelForSequenceClassification.from_pretrained(
        args.model, num_labels=1, quantization_config=quantization, dtype=torch.bfloat16
    )
    model.config.pad_token_id = tokenizer.pad_token_id

    dataset = load_dataset(args.dataset)
    config = RewardConfig(
        output_dir=args.output_dir,
        max_length=args.max_length,
        per_device_train_batch_size=args.batch_size,
        per_device_eval_batch_size=args.eval_batch_size,
        gradient_accumulation_steps=args.grad_accum,
        gradient_checkpointing=True,
        learning_rate=args.lr,
        num_train_epochs=args.epochs,
        lr_scheduler_type="linear",
        warmup_ratio=args.warmup_ratio,
        weight_decay=args.weight_decay,
        optim="paged_adamw_8bit",
        bf16=True,
        center_rewards_coefficient=0.01,
        eval_strategy="steps",
        eval_steps=args.eval_steps,
        save_steps=args.save_steps,
        save_total_limit=2,
        logging_steps=10,
        report_to="wandb",
        seed=args.seed,
    )
    peft_config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=args.lora_r,
        lora_alpha=args.lora_alpha,
        lora_dropout=args.lora_dropout,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        modules_to_save=["score"],
    )
    trainer = RewardTrainer(
        model=model,
        args=config,
        train_dataset=dataset["train"],
        eval_dataset=dataset["test"],
        processing_class=tokenizer,
        peft_config=peft_config,
    )
    trainer.train()
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_model(args.output_dir)


if __name__ == "__main__":
    main()
