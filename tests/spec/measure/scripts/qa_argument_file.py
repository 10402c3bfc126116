import argparse

from datasets import load_dataset
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    DefaultDataCollator,
    Trainer,
    TrainingArguments,
)

from qa_features import to_features


def build_parser():
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("-m", "--checkpoint", default="microsoft/deberta-v3-base")
    p.add_argument("-l", "--lr", type=float, default=2e-5)
    p.add_argument("-e", "--epochs", type=float, default=2)
    p.add_argument("-b", "--batch", type=int, default=12)
    p.add_argument("--accum", type=int, default=2)
    p.add_argument("--max-length", type=int, default=384)
    p.add_argument("--stride", type=int, default=128)
    p.add_argument("-o", "--out", default="models/squad-deberta")
    p.add_argument("--seed", type=int, default=30)
    p.add_argument("--fp16", action=argparse.BooleanOptionalAction, default=True)
    return p


def main():
    a = build_parser().parse_args()
    tok = AutoTokenizer.from_pretrained(a.checkpoint)
    squad = load_dataset("squad_v2")
    features = squad.map(
        lambda rows: to_features(tok, rows, a.max_length, a.stride), batched=True, remove_columns=squad["train"].column_names
    )
    training = TrainingArguments(
        a.out,
        learning_rate=a.lr,
        num_train_epochs=a.epochs,
        per_device_train_batch_size=a.batch,
        per_device_eval_batch_size=2 * a.batch,
        gradient_accumulation_steps=a.accum,
        weight_decay=0.01,
        warmup_ratio=0.1,
        fp16=a.fp16,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        logging_steps=100,
        report_to="none",
        seed=a.seed,
    )
    trainer = Trainer(
        AutoModelForQuestionAnswering.from_pretrained(a.checkpoint),
        training,
        train_dataset=features["train"],
        eval_dataset=features["validation"],
        data_collator=DefaultDataCollator(),
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
