from dataclasses import asdict, dataclass

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Settings:
    csv: str = "data/grid_load.csv"
    history: int = 168
    horizon: int = 24
    hidden: int = 128
    layers: int = 2
    dropout: float = 0.15
    batch_size: int = 256
    max_epochs: int = 150
    lr: float = 2e-3
    weight_decay: float = 1e-5
    clip: float = 0.25
    val_every: int = 2
    save_every: int = 10
    seed: int = 1882
    ckpt_dir: str = "ckpts/grid_load"


class LoadWindows(Dataset):
    def __init__(self, values, history, horizon):
        self.values = torch.as_tensor(values, dtype=torch.float32)
        self.history, self.horizon = history, horizon

    def __len__(self):
        return len(self.values) - self.history - self.horizon + 1

    def __getitem__(self, i):
        middle = i + self.history
        return self.values[i:middle, None], self.values[middle : middle + self.horizon]


class GridData(pl.LightningDataModule):
    def __init__(self, s: Settings):
        super().__init__()
        self.s = s

    def setup(self, stage=None):
        load = pd.read_csv(self.s.csv, parse_dates=["time"], index_col="time")["mw"].to_numpy(np.float32)
        cut = int(len(load) * 0.85)
        mean, std = load[:cut].mean(), load[:cut].std()
        scaled = (load - mean) / std
        self.train_set = LoadWindows(scaled[:cut], self.s.history, self.s.horizon)
        self.val_set = LoadWindows(scaled[cut - self.s.history :], self.s.history, self.s.horizon)

    def train_dataloader(self):
        return DataLoader(self.train_set, self.s.batch_size, shuffle=True, num_workers=4)

    def val_dataloader(self):
        return DataLoader(self.val_set, self.s.batch_size, num_workers=4)


class Forecaster(pl.LightningModule):
    def __init__(self, s: Settings):
        super().__init__()
        self.s = s
        self.save_hyperparameters(asdict(s))
        self.lstm = nn.LSTM(1, s.hidden, s.layers, batch_first=True, dropout=s.dropout)
        self.head = nn.Linear(s.hidden, s.horizon)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.huber_loss(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_mae", (self(x) - y).abs().mean(), prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.RMSprop(self.parameters(), lr=self.s.lr, weight_decay=self.s.weight_decay)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.97)
        return {"optimizer": optimizer, "lr_scheduler": scheduler}


def main():
    s = Settings()
    pl.seed_everything(s.seed, workers=True)
    trainer = pl.Trainer(
        max_epochs=s.max_epochs,
        accelerator="gpu",
        devices=1,
        precision="32-true",
        gradient_clip_val=s.clip,
        check_val_every_n_epoch=s.val_every,
        logger=MLFlowLogger(experiment_name="grid-load", tracking_uri="http://mlflow.grid.example:5000"),
        callbacks=[ModelCheckpoint(dirpath=s.ckpt_dir, every_n_epochs=s.save_every, save_top_k=-1)],
    )
    trainer.fit(Forecaster(s), datamodule=GridData(s))


if __name__ == "__main__":
    main()
