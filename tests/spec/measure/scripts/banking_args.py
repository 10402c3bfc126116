import argparse

import evaluate
import numpy as np
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)


def parse_args():
    parser = argparse.ArgumentParser(description="Intent classification")
    parser.add_argument("--model_name_or_path", type=str, default="microsoft/deberta-v3-small")
    parser.add_argument("--dataset_name", type=str, default="PolyAI/banking77")
    parser.add_argument("--max_seq_length", type=int, default=96)
    parser.add_argument("--per_device_train_batch_size", type=int, default=32)
    parser.add_argument("--per_device_eval_batch_size", type=int, default=128)
    parser.add_argument("--gradient_accumulation_steps", type=int, default=2)
    parser.add_argument("--learning_rate", type=float, default=4e-5)
    parser.add_argument("--weight_decay", type=float, default=0.01)
    parser.add_argument("--num_train_epochs", type=float, default=8)
    parser.add_argument("--warmup_ratio", type=float, default=0.06)
    parser.add_argument("--lr_scheduler_type", type=str, default="cosine")
    parser.add_argument("--patience", type=int, default=3)
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument("--output_dir", type=str, default="results/banking77")
    return parser.parse_args()


def main():
    args = parse_args()
    set_seed(args.seed)

    raw = load_dataset(args.dataset_name)
    labels = raw["train"].features["label"].names
    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)
    model = AutoModelForSequenceClassification.from_pretrained(args.model_name_or_path, num_labels=len(labels))

    def tokenize(batch):
        return tokenizer(batch["text"], truncation=True, max_length=args.max_seq_length)

    data = raw.map(tokenize, batched=True, remove_columns=["text"])
    accuracy = evaluate.load("accuracy")

    def compute_metrics(pred):
        logits, refs = pred
        return accuracy.compute(predictions=np.argmax(logits, axis=-1), references=refs)

    training_args = TrainingArguments(
        output_dir=args.output_dir,
        learning_rate=args.learning_rate,
        per_device_train_batch_size=args.per_device_train_batch_size,
        per_device_eval_batch_size=args.per_device_eval_batch_size,
        gradient_accumulation_steps=args.gradient_accumulation_steps,
        num_train_epochs=args.num_train_epochs,
        weight_decay=args.weight_decay,
        warmup_ratio=args.warmup_ratio,
        lr_scheduler_type=args.lr_scheduler_type,
        bf16=True,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        logging_steps=50,
        report_to="wandb",
        seed=args.seed,
    )
    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=compute_metrics,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=args.patience)],
    )
    trainer.train()
    trainer.save_model(args.output_dir)
    print(trainer.evaluate())


if __name__ == "__main__":
    main()
