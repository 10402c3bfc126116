"""SASRec: which song comes next in a session?"""
import os
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from sessions import Sessions


@dataclass
class SASRecConfig:
    # data
    sessions_path: str = "data/listening_sessions.parquet"
    max_len: int = 100
    # network
    dim: int = 96
    num_blocks: int = 3
    num_heads: int = 4
    dropout: float = 0.25
    # optimisation
    lr: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 192
    eval_batch_size: int = 384
    epochs: int = 60
    lr_step: int = 20  # epochs until the rate is halved
    grad_clip: float = 2.5
    # run
    eval_every: int = 5
    save_every: int = 15
    log_every: int = 200
    out_dir: str = "sasrec_runs/base"
    seed: int = 88
    device: str = "cuda"


class SASRec(nn.Module):
    def __init__(self, num_items, cfg):
        super().__init__()
        self.items = nn.Embedding(num_items + 1, cfg.dim, padding_idx=0)
        self.positions = nn.Embedding(cfg.max_len, cfg.dim)
        block = nn.TransformerEncoderLayer(
            cfg.dim, cfg.num_heads, cfg.dim * 4, cfg.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, cfg.num_blocks, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg.dim)

    def forward(self, seq):
        n = seq.size(1)
        x = self.items(seq) + self.positions(torch.arange(n, device=seq.device))
        mask = nn.Transformer.generate_square_subsequent_mask(n, device=seq.device)
        return self.norm(self.blocks(x, mask=mask, is_causal=True)) @ self.items.weight.T


class Runner:
    def __init__(self, cfg: SASRecConfig):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        os.makedirs(cfg.out_dir, exist_ok=True)
        train_set = Sessions(cfg.sessions_path, "train", cfg.max_len)
        self.train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True, num_workers=4)
        self.eval_loader = DataLoader(
            Sessions(cfg.sessions_path, "eval", cfg.max_len), batch_size=cfg.eval_batch_size, num_workers=4
        )
        self.model = SASRec(train_set.num_items, cfg).to(cfg.device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=cfg.lr, betas=(0.9, 0.98), weight_decay=cfg.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=cfg.lr_step, gamma=0.5)
        self.writer = SummaryWriter(cfg.out_dir)
        self.step = 0

    def train_epoch(self):
        self.model.train()
        for seq, target in self.train_loader:
            seq, target = seq.to(self.cfg.device), target.to(self.cfg.device)
            loss = F.cross_entropy(self.model(seq).flatten(0, 1), target.flatten(), ignore_index=0)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.grad_clip)
            self.optimizer.step()
            self.step += 1
            if self.step % self.cfg.log_every == 0:
                self.writer.add_scalar("loss", loss.item(), self.step)

    @torch.no_grad()
    def hit_rate(self, k=10):
        self.model.eval()
        hits = total = 0
        for seq, target in self.eval_loader:
            top = self.model(seq.to(self.cfg.device))[:, -1].topk(k).indices.cpu()
            hits += (top == target[:, -1:]).any(1).sum().item()
            total += len(seq)
        return hits / total

    def run(self):
        for epoch in range(1, self.cfg.epochs + 1):
            self.train_epoch()
            self.scheduler.step()
            if epoch % self.cfg.eval_every == 0:
                self.writer.add_scalar("hit@10", self.hit_rate(), epoch)
            if epoch % self.cfg.save_every == 0:
                torch.save(self.model.state_dict(), os.path.join(self.cfg.out_dir, f"sasrec_{epoch}.pt"))


if __name__ == "__main__":
    Runner(SASRecConfig()).run()
