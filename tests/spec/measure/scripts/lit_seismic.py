"""Picks P and S arrivals in seismograms with a small 1d U-Net (Lightning)."""
import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from seismograms import StationWindows


def block(a, b, stride=1):
    return nn.Sequential(nn.Conv1d(a, b, 7, stride, 3), nn.BatchNorm1d(b), nn.GELU())


class PhasePicker(L.LightningModule):
    """Three channels in, probabilities of noise, P and S for each sample out."""

    def __init__(self, width: int = 16, lr: float = 1.8e-3, patience: int = 4, factor: float = 0.3):
        super().__init__()
        self.save_hyperparameters()
        w = width
        self.down = nn.ModuleList([block(3, w), block(w, 2 * w, 4), block(2 * w, 4 * w, 4), block(4 * w, 8 * w, 4)])
        self.up = nn.ModuleList([block(12 * w, 4 * w), block(6 * w, 2 * w), block(3 * w, w)])
        self.head = nn.Conv1d(w, 3, 1)

    def forward(self, x):
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        for layer, skip in zip(self.up, reversed(skips[:-1])):
            x = F.interpolate(x, size=skip.shape[-1], mode="linear")
            x = layer(torch.cat([x, skip], 1))
        return self.head(x)

    def loss(self, batch):
        waves, labels = batch
        return -(labels * self(waves).log_softmax(1)).sum(1).mean()

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch), sync_dist=True, prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=self.hparams.factor, patience=self.hparams.patience
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss", "frequency": 2},
        }


class Stations(L.LightningDataModule):
    def __init__(self, root: str = "data/alpine_network", batch_size: int = 144, workers: int = 10):
        super().__init__()
        self.save_hyperparameters()

    def loader(self, split):
        return DataLoader(
            StationWindows(self.hparams.root, split, samples=6000),
            batch_size=self.hparams.batch_size,
            shuffle=split == "train",
            num_workers=self.hparams.workers,
            persistent_workers=True,
        )

    def train_dataloader(self):
        return self.loader("train")

    def val_dataloader(self):
        return self.loader("dev")


def main():
    L.seed_everything(1356, workers=True)
    trainer = L.Trainer(
        accelerator="gpu",
        devices=2,
        strategy="ddp",
        precision="16-mixed",
        max_epochs=70,
        gradient_clip_val=0.6,
        check_val_every_n_epoch=2,
        log_every_n_steps=20,
        logger=TensorBoardLogger("tb", name="phase_picker"),
        callbacks=[
            ModelCheckpoint(dirpath="checkpoints/phase_picker", every_n_epochs=14, save_top_k=-1),
            LearningRateMonitor(logging_interval="epoch"),
        ],
    )
    trainer.fit(PhasePicker(), datamodule=Stations())


if __name__ == "__main__":
    main()
