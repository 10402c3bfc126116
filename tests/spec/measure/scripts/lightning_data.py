import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger
from torch import nn
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassAccuracy
from transformers import AutoModel, AutoTokenizer

from data import Reviews


class ReviewData(pl.LightningDataModule):
    def __init__(self, model_name="xlm-roberta-base", batch_size=24, max_length=192):
        super().__init__()
        self.save_hyperparameters()
        self.tokenizer = AutoTokenizer.from_pretrained(model_name)

    def collate(self, rows):
        texts, labels = zip(*rows)
        batch = self.tokenizer(
            list(texts), truncation=True, padding=True, max_length=self.hparams.max_length, return_tensors="pt"
        )
        return batch, torch.tensor(labels)

    def train_dataloader(self):
        return DataLoader(Reviews("train"), batch_size=self.hparams.batch_size, shuffle=True, collate_fn=self.collate)

    def val_dataloader(self):
        return DataLoader(Reviews("val"), batch_size=self.hparams.batch_size, collate_fn=self.collate)


class ReviewClassifier(pl.LightningModule):
    def __init__(self, model_name="xlm-roberta-base", learning_rate=1e-5, weight_decay=0.02):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = AutoModel.from_pretrained(model_name)
        self.head = nn.Linear(self.encoder.config.hidden_size, 5)
        self.accuracy = MulticlassAccuracy(num_classes=5)

    def forward(self, batch):
        return self.head(self.encoder(**batch).last_hidden_state[:, 0])

    def training_step(self, batch, batch_idx):
        inputs, labels = batch
        loss = nn.functional.cross_entropy(self(inputs), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        inputs, labels = batch
        self.log("val_acc", self.accuracy(self(inputs), labels))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.hparams.learning_rate, weight_decay=self.hparams.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
        return [optimizer], [scheduler]


if __name__ == "__main__":
    pl.seed_everything(17, workers=True)
    trainer = pl.Trainer(
        accelerator="gpu",
        devices=2,
        strategy="ddp",
        max_epochs=6,
        precision="16-mixed",
        gradient_clip_val=1.0,
        accumulate_grad_batches=4,
        val_check_interval=0.5,
        logger=WandbLogger(project="reviews"),
        callbacks=[ModelCheckpoint(dirpath="checkpoints/reviews", monitor="val_acc", mode="max"), EarlyStopping("val_acc", mode="max")],
    )
    trainer.fit(ReviewClassifier(), datamodule=ReviewData())
