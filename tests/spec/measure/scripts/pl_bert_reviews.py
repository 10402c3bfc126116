from argparse import ArgumentParser

import pytorch_lightning as pl
import torch
from datasets import load_dataset
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_cosine_schedule_with_warmup


class ReviewClassifier(pl.LightningModule):
    def __init__(self, hparams):
        super().__init__()
        self.save_hyperparameters(hparams)
        self.model = AutoModelForSequenceClassification.from_pretrained(hparams.model_name, num_labels=2)
        self.tokenizer = AutoTokenizer.from_pretrained(hparams.model_name)

    def prepare(self, split):
        rows = load_dataset("imdb", split=split)
        rows = rows.map(
            lambda r: self.tokenizer(
                r["text"], truncation=True, padding="max_length", max_length=self.hparams.max_seq_length
            ),
            batched=True,
        )
        rows.set_format("torch", columns=["input_ids", "attention_mask", "label"])
        return rows

    def train_dataloader(self):
        return DataLoader(self.prepare("train"), batch_size=self.hparams.train_batch_size, shuffle=True, num_workers=4)

    def val_dataloader(self):
        return DataLoader(self.prepare("test"), batch_size=self.hparams.eval_batch_size, num_workers=4)

    def training_step(self, batch, batch_idx):
        out = self.model(batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["label"])
        self.log("train_loss", out.loss)
        return out.loss

    def validation_step(self, batch, batch_idx):
        out = self.model(batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["label"])
        self.log("val_acc", (out.logits.argmax(-1) == batch["label"]).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        opt = torch.optim.AdamW(
            self.model.parameters(), lr=self.hparams.learning_rate, weight_decay=self.hparams.weight_decay
        )
        total = self.trainer.estimated_stepping_batches
        sched = get_cosine_schedule_with_warmup(opt, self.hparams.warmup_steps, total)
        return [opt], [{"scheduler": sched, "interval": "step"}]


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--model_name", type=str, default="bert-base-uncased")
    parser.add_argument("--max_seq_length", type=int, default=256)
    parser.add_argument("--train_batch_size", type=int, default=24)
    parser.add_argument("--eval_batch_size", type=int, default=48)
    parser.add_argument("--learning_rate", type=float, default=3e-5)
    parser.add_argument("--weight_decay", type=float, default=0.01)
    parser.add_argument("--warmup_steps", type=int, default=200)
    parser.add_argument("--max_epochs", type=int, default=4)
    parser.add_argument("--gpus", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--out", type=str, default="lightning_logs/imdb")
    args = parser.parse_args()

    pl.seed_everything(args.seed)
    trainer = pl.Trainer(
        max_epochs=args.max_epochs,
        accelerator="gpu",
        devices=args.gpus,
        strategy="ddp",
        precision="bf16-mixed",
        accumulate_grad_batches=2,
        val_check_interval=0.5,
        logger=TensorBoardLogger("tb", name="imdb"),
        callbacks=[ModelCheckpoint(dirpath=args.out, monitor="val_acc", mode="max", every_n_train_steps=500)],
    )
    trainer.fit(ReviewClassifier(args))
