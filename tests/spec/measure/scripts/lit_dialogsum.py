import lightning.pytorch as pl
import torch
from datasets import load_dataset
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, get_linear_schedule_with_warmup

HPARAMS = {
    "model_name": "google/flan-t5-base",
    "max_source_length": 768,
    "lr": 1e-4,
    "weight_decay": 0.01,
    "warmup_steps": 300,
    "train_batch_size": 8,
    "eval_batch_size": 16,
    "epochs": 5,
    "accumulate": 4,
    "clip": 1.0,
    "seed": 1701,
}


class DialogSum(pl.LightningDataModule):
    def __init__(self, hparams, tokenizer):
        super().__init__()
        self.h = hparams
        self.tokenizer = tokenizer
        self.collate = DataCollatorForSeq2Seq(tokenizer)

    def _encode(self, row):
        enc = self.tokenizer("summarize: " + row["dialogue"], truncation=True, max_length=self.h["max_source_length"])
        enc["labels"] = self.tokenizer(text_target=row["summary"], truncation=True)["input_ids"]
        return enc

    def setup(self, stage=None):
        raw = load_dataset("knkarthick/dialogsum")
        self.data = raw.map(self._encode, remove_columns=raw["train"].column_names)

    def train_dataloader(self):
        return DataLoader(
            self.data["train"], batch_size=self.h["train_batch_size"], shuffle=True, num_workers=4, collate_fn=self.collate
        )

    def val_dataloader(self):
        return DataLoader(self.data["validation"], batch_size=self.h["eval_batch_size"], num_workers=4, collate_fn=self.collate)


class Summarizer(pl.LightningModule):
    def __init__(self, hparams):
        super().__init__()
        self.save_hyperparameters(hparams)
        self.model = AutoModelForSeq2SeqLM.from_pretrained(hparams["model_name"])

    def training_step(self, batch, batch_idx):
        loss = self.model(**batch).loss
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.model(**batch).loss, prog_bar=True, sync_dist=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams["lr"], weight_decay=self.hparams["weight_decay"])
        scheduler = get_linear_schedule_with_warmup(
            optimizer, self.hparams["warmup_steps"], self.trainer.estimated_stepping_batches
        )
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


if __name__ == "__main__":
    pl.seed_everything(HPARAMS["seed"])
    tokenizer = AutoTokenizer.from_pretrained(HPARAMS["model_name"])
    trainer = pl.Trainer(
        max_epochs=HPARAMS["epochs"],
        accelerator="gpu",
        devices=2,
        strategy="ddp",
        precision="bf16-mixed",
        accumulate_grad_batches=HPARAMS["accumulate"],
        gradient_clip_val=HPARAMS["clip"],
        val_check_interval=0.5,
        log_every_n_steps=25,
        logger=TensorBoardLogger("tb", name="dialogsum"),
        callbacks=[
            ModelCheckpoint(dirpath="ckpts/dialogsum", every_n_train_steps=1000, save_top_k=-1),
            LearningRateMonitor("step"),
        ],
    )
    trainer.fit(Summarizer(HPARAMS), datamodule=DialogSum(HPARAMS, tokenizer))
