"""Embedding model for question answering, from pairs of questions and passages."""

import click
from datasets import load_dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.evaluation import InformationRetrievalEvaluator
from sentence_transformers.losses import MultipleNegativesRankingLoss
from sentence_transformers.training_args import BatchSamplers


def as_retrieval(rows):
    queries = {f"q{i}": row["query"] for i, row in enumerate(rows)}
    corpus = {f"d{i}": row["answer"] for i, row in enumerate(rows)}
    return InformationRetrievalEvaluator(queries, corpus, {f"q{i}": {f"d{i}"} for i in range(len(rows))}, name="nq")


@click.command(context_settings={"show_default": True})
@click.option("--base", default="BAAI/bge-base-en-v1.5", help="model to start from")
@click.option("--epochs", type=int, default=1)
@click.option("--lr", type=float, default=2e-5)
@click.option("--batch-size", type=int, default=128)
@click.option("--out", type=click.Path(), default="models/bge-nq")
def main(base, epochs, lr, batch_size, out):
    model = SentenceTransformer(base)
    model.max_seq_length = 256
    pairs = load_dataset("sentence-transformers/natural-questions", split="train")
    pairs = pairs.train_test_split(test_size=2000, seed=12)
    args = SentenceTransformerTrainingArguments(
        output_dir=out,
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=256,
        learning_rate=lr,
        warmup_ratio=0.1,
        bf16=True,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        eval_strategy="steps",
        eval_steps=200,
        save_strategy="steps",
        save_steps=400,
        save_total_limit=2,
        logging_steps=50,
        report_to="mlflow",
        seed=12,
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=args,
        train_dataset=pairs["train"],
        eval_dataset=pairs["test"],
        loss=MultipleNegativesRankingLoss(model),
        evaluator=as_retrieval(pairs["test"]),
    )
    trainer.train()
    model.save_pretrained(out)


if __name__ == "__main__":
    main()
