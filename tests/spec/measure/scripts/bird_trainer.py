import random
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn as nn
import torchaudio
import wandb
from torch.utils.data import DataLoader
from torchmetrics.classification import MultilabelAveragePrecision

import bird_settings as cfg
from xeno_canto import XenoCanto


class Trainer:
    def __init__(self):
        self.seed_all(cfg.SEED)
        self.device = torch.device(cfg.DEVICE)
        self.run_dir = Path(cfg.RUN_DIR)
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.train_loader = self.make_loader("train", cfg.TRAIN_BATCH)
        self.valid_loader = self.make_loader("valid", cfg.VALID_BATCH)
        self.frontend = nn.Sequential(
            torchaudio.transforms.MelSpectrogram(cfg.SAMPLE_RATE, n_fft=1024, hop_length=320, n_mels=128),
            torchaudio.transforms.AmplitudeToDB(top_db=80),
        ).to(self.device)
        self.model = timm.create_model(
            cfg.BACKBONE, pretrained=True, in_chans=1, num_classes=cfg.NUM_CLASSES, drop_rate=cfg.DROP_RATE
        ).to(self.device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=cfg.LEARNING_RATE,
            momentum=cfg.MOMENTUM,
            weight_decay=cfg.WEIGHT_DECAY,
            nesterov=True,
        )
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, cfg.MILESTONES, gamma=cfg.GAMMA)
        self.criterion = nn.BCEWithLogitsLoss()
        self.metric = MultilabelAveragePrecision(num_labels=cfg.NUM_CLASSES).to(self.device)
        self.run = wandb.init(project=cfg.PROJECT, dir=str(self.run_dir))

    @staticmethod
    def seed_all(seed):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    @staticmethod
    def make_loader(split, batch_size):
        data = XenoCanto(cfg.AUDIO_DIR, split, seconds=cfg.CLIP_SECONDS, sample_rate=cfg.SAMPLE_RATE)
        return DataLoader(
            data, batch_size=batch_size, shuffle=split == "train", num_workers=12, pin_memory=True, drop_last=split == "train"
        )

    def logits(self, wave):
        spec = self.frontend(wave.to(self.device, non_blocking=True))
        return self.model(spec.unsqueeze(1))

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for wave, target in self.train_loader:
            loss = self.criterion(self.logits(wave), target.to(self.device).float())
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), cfg.CLIP_NORM)
            self.optimizer.step()
            total += loss.item()
        self.scheduler.step()
        return total / len(self.train_loader)

    @torch.inference_mode()
    def validate(self):
        self.model.eval()
        self.metric.reset()
        for wave, target in self.valid_loader:
            self.metric.update(self.logits(wave).sigmoid(), target.to(self.device))
        return self.metric.compute().item()

    def save(self, epoch):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "epoch": epoch}
        torch.save(state, self.run_dir / f"epoch_{epoch:03d}.pt")

    def fit(self):
        for epoch in range(1, cfg.EPOCHS + 1):
            row = {"epoch": epoch, "loss": self.train_epoch(), "lr": self.optimizer.param_groups[0]["lr"]}
            if epoch % cfg.VALID_EVERY == 0:
                row["cmap"] = self.validate()
            if epoch % cfg.SAVE_EVERY == 0:
                self.save(epoch)
            self.run.log(row)
        self.run.finish()


if __name__ == "__main__":
    Trainer().fit()
