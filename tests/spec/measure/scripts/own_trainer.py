from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from audio import Clips, MelCNN


class Hyper(NamedTuple):
    eta: float = 0.002
    n_epoch: int = 25
    minibatch: int = 48
    momentum: float = 0.9
    l2: float = 1e-4
    decay_every: int = 8
    snapshot_every: int = 5
    rng_seed: int = 77


class Experiment:
    def __init__(self, hyper: Hyper, folder: str = "runs/birds", **options: Any) -> None:
        self.hyper = hyper
        self.folder = folder
        self.device = torch.device(options.get("device", "cuda"))
        torch.manual_seed(hyper.rng_seed)
        self.net = MelCNN(classes=options.get("classes", 50)).to(self.device)
        self.optim = torch.optim.SGD(
            self.net.parameters(), lr=hyper.eta, momentum=hyper.momentum, weight_decay=hyper.l2, nesterov=True
        )
        self.sched = torch.optim.lr_scheduler.StepLR(self.optim, step_size=hyper.decay_every, gamma=0.1)
        self.writer = SummaryWriter(folder)

    def loader(self, part: str) -> DataLoader:
        return DataLoader(Clips(part), batch_size=self.hyper.minibatch, shuffle=part == "train", num_workers=2)

    def fit(self) -> None:
        train, held_out = self.loader("train"), self.loader("test")
        criterion = nn.CrossEntropyLoss()
        for epoch in range(self.hyper.n_epoch):
            self.net.train()
            for clips, species in train:
                self.optim.zero_grad()
                loss = criterion(self.net(clips.to(self.device)), species.to(self.device))
                loss.backward()
                self.optim.step()
            self.sched.step()
            self.writer.add_scalar("accuracy", self.score(held_out), epoch)
            if (epoch + 1) % self.hyper.snapshot_every == 0:
                torch.save(self.net.state_dict(), f"{self.folder}/net{epoch + 1}.pt")

    @torch.no_grad()
    def score(self, loader: DataLoader) -> float:
        self.net.eval()
        hits = [(self.net(c.to(self.device)).argmax(1).cpu() == s).float().mean().item() for c, s in loader]
        return sum(hits) / len(hits)


if __name__ == "__main__":
    Experiment(Hyper(), classes=60).fit()
