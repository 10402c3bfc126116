import argparse

import evaluate
from datasets import load_dataset
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    set_seed,
)


def parse_args():
    parser = argparse.ArgumentParser(description="Headlines from articles")
    parser.add_argument("--model_name_or_path", type=str, default="google/mt5-small")
    parser.add_argument("--learning_rate", type=float, default=5e-4)
    parser.add_argument("--train_batch_size", type=int, default=16)
    parser.add_argument("--eval_batch_size", type=int, default=32)
    parser.add_argument("--max_steps", type=int, default=10_000)
    parser.add_argument("--warmup_steps", type=int, default=500)
    parser.add_argument("--output_dir", type=str, default="exp/headlines")
    parser.add_argument("--seed", type=int, default=2024)
    return parser.parse_args()


def main(args):
    set_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(args.model_name_or_path)
    raw = load_dataset("EdinburghNLP/xsum")

    def encode(rows):
        return tokenizer(rows["document"], text_target=rows["summary"], max_length=768, truncation=True)

    data = raw.map(encode, batched=True, remove_columns=raw["train"].column_names)
    rouge = evaluate.load("rouge")
    training_args = Seq2SeqTrainingArguments(
        output_dir=args.output_dir,
        learning_rate=args.learning_rate,
        per_device_train_batch_size=args.train_batch_size,
        per_device_eval_batch_size=args.eval_batch_size,
        max_steps=args.max_steps,
        warmup_steps=args.warmup_steps,
        optim="adafactor",
        lr_scheduler_type="constant_with_warmup",
        max_grad_norm=0.5,
        eval_strategy="steps",
        eval_steps=1000,
        save_steps=1000,
        save_total_limit=3,
        logging_steps=100,
        report_to=["tensorboard"],
        predict_with_generate=True,
        seed=args.seed,
    )
    trainer = Seq2SeqTrainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        compute_metrics=lambda result: rouge.compute(predictions=result.predictions, references=result.label_ids),
    )
    trainer.train()


if __name__ == "__main__":
    main(parse_args())
