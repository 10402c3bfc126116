from pathlib import Path
from typing import Annotated

import typer
from datasets import load_dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, losses
from sentence_transformers.training_args import SentenceTransformerTrainingArguments

app = typer.Typer()


@app.command()
def train(
    base: str = "sentence-transformers/all-MiniLM-L6-v2",
    data: Annotated[str, typer.Option(help="pairs of question and answer")] = "sentence-transformers/gooaq",
    out: Path = Path("models/faq-minilm"),
    epochs: int = 2,
    batch_size: int = 256,
    lr: float = 3e-5,
    warmup: float = 0.1,
    max_seq_length: int = 128,
    seed: int = 21,
    fp16: bool = False,
    bf16: bool = True,
):
    model = SentenceTransformer(base)
    model.max_seq_length = max_seq_length
    pairs = load_dataset(data, split="train").train_test_split(test_size=5000, seed=seed)
    args = SentenceTransformerTrainingArguments(
        output_dir=str(out),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        learning_rate=lr,
        warmup_ratio=warmup,
        fp16=fp16,
        bf16=bf16,
        eval_strategy="steps",
        eval_steps=1000,
        save_strategy="steps",
        save_steps=1000,
        logging_steps=100,
        seed=seed,
    )
    trainer = SentenceTransformerTrainer(
        model=model,
        args=args,
        train_dataset=pairs["train"],
        eval_dataset=pairs["test"],
        loss=losses.MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    model.save_pretrained(str(out / "final"))


if __name__ == "__main__":
    app()
