import logging
import os
from dataclasses import dataclass

import torch
from datasets import load_dataset
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup

import wandb

logger = logging.getLogger(__name__)


@dataclass
class TrainConfig:
    model_name: str = "roberta-base"
    num_labels: int = 4
    max_len: int = 256
    train_batch_size: int = 16
    eval_batch_size: int = 64
    lr: float = 2e-5
    weight_decay: float = 0.01
    num_epochs: int = 3
    warmup_ratio: float = 0.06
    grad_accum_steps: int = 2
    max_grad_norm: float = 1.0
    use_amp: bool = True
    log_interval: int = 50
    eval_interval: int = 500
    seed: int = 42
    save_dir: str = "outputs/agnews"
    device: str = "cuda"


class NewsTrainer:
    def __init__(self, cfg: TrainConfig):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.tokenizer = AutoTokenizer.from_pretrained(cfg.model_name)
        self.model = AutoModelForSequenceClassification.from_pretrained(cfg.model_name, num_labels=cfg.num_labels)
        self.model.to(cfg.device)
        self.train_loader, self.val_loader = self._build_loaders()
        self.optimizer = AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
        total = len(self.train_loader) // cfg.grad_accum_steps * cfg.num_epochs
        self.scheduler = get_linear_schedule_with_warmup(self.optimizer, int(cfg.warmup_ratio * total), total)
        self.scaler = torch.cuda.amp.GradScaler(enabled=cfg.use_amp)
        self.step = 0
        self.best = 0.0

    def _build_loaders(self):
        raw = load_dataset("ag_news")
        encode = lambda rows: self.tokenizer(  # noqa: E731
            rows["text"], truncation=True, padding="max_length", max_length=self.cfg.max_len
        )
        data = raw.map(encode, batched=True).with_format("torch", columns=["input_ids", "attention_mask", "label"])
        return (
            DataLoader(data["train"], batch_size=self.cfg.train_batch_size, shuffle=True, num_workers=4),
            DataLoader(data["test"], batch_size=self.cfg.eval_batch_size),
        )

    def _forward(self, batch):
        batch = {k: v.to(self.cfg.device, non_blocking=True) for k, v in batch.items()}
        labels = batch.pop("label")
        with torch.cuda.amp.autocast(enabled=self.cfg.use_amp):
            return self.model(**batch, labels=labels), labels

    def fit(self):
        for epoch in range(self.cfg.num_epochs):
            self.model.train()
            for i, batch in enumerate(self.train_loader):
                out, _ = self._forward(batch)
                self.scaler.scale(out.loss / self.cfg.grad_accum_steps).backward()
                if (i + 1) % self.cfg.grad_accum_steps:
                    continue
                self.scaler.unscale_(self.optimizer)
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_grad_norm)
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.scheduler.step()
                self.optimizer.zero_grad(set_to_none=True)
                self.step += 1
                if self.step % self.cfg.log_interval == 0:
                    wandb.log({"train/loss": out.loss.item(), "lr": self.scheduler.get_last_lr()[0]}, step=self.step)
                if self.step % self.cfg.eval_interval == 0:
                    self.evaluate()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        hits = total = 0
        for batch in self.val_loader:
            out, labels = self._forward(batch)
            hits += (out.logits.argmax(-1) == labels).sum().item()
            total += labels.numel()
        accuracy = hits / total
        wandb.log({"val/accuracy": accuracy}, step=self.step)
        if accuracy > self.best:
            self.best = accuracy
            self.save()
        self.model.train()

    def save(self):
        os.makedirs(self.cfg.save_dir, exist_ok=True)
        self.model.save_pretrained(self.cfg.save_dir)
        self.tokenizer.save_pretrained(self.cfg.save_dir)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    config = TrainConfig()
    wandb.init(project="agnews", config=vars(config))
    NewsTrainer(config).fit()
