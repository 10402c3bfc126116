from pathlib import Path

import hydra
import pandas as pd
import torch
import torch.nn.functional as F
import wandb
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from transformers import AutoProcessor, CLIPModel, get_scheduler, set_seed


class Products(Dataset):
    def __init__(self, csv):
        self.rows = pd.read_csv(csv)
        self.folder = Path(csv).parent / "images"

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows.iloc[i]
        return Image.open(self.folder / row.image).convert("RGB"), row.title


def make_loader(csv, batch_size, processor, cfg, shuffle=False):
    def collate(pairs):
        images, titles = zip(*pairs)
        return processor(
            text=list(titles),
            images=list(images),
            padding="max_length",
            truncation=True,
            max_length=cfg.data.text_length,
            return_tensors="pt",
        )

    return DataLoader(
        Products(csv), batch_size, shuffle=shuffle, collate_fn=collate, num_workers=cfg.data.num_workers, drop_last=shuffle
    )


@torch.no_grad()
def recall_at_1(model, loader):
    model.eval()
    hits = total = 0
    for batch in loader:
        logits = model(**batch.to("cuda")).logits_per_text
        hits += (logits.argmax(1) == torch.arange(len(logits), device="cuda")).sum().item()
        total += len(logits)
    model.train()
    return hits / total


@hydra.main(version_base=None, config_path="conf_products", config_name="config")
def main(cfg: DictConfig):
    set_seed(cfg.seed)
    out = Path(cfg.output_dir)
    out.mkdir(parents=True, exist_ok=True)
    run = wandb.init(config=OmegaConf.to_container(cfg, resolve=True), **cfg.wandb)

    processor = AutoProcessor.from_pretrained(cfg.model.name)
    model = CLIPModel.from_pretrained(cfg.model.name).to("cuda")
    train_loader = make_loader(cfg.data.train_csv, cfg.train.batch_size, processor, cfg, shuffle=True)
    val_loader = make_loader(cfg.data.val_csv, cfg.train.eval_batch_size, processor, cfg)
    optimizer = instantiate(cfg.optimizer, params=model.parameters())
    total = cfg.train.epochs * len(train_loader)
    scheduler = get_scheduler(
        cfg.scheduler.name, optimizer, num_warmup_steps=cfg.scheduler.warmup_steps, num_training_steps=total
    )
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[cfg.train.precision]

    step = 0
    for epoch in range(cfg.train.epochs):
        for batch in train_loader:
            with torch.autocast("cuda", dtype=dtype):
                logits = model(**batch.to("cuda")).logits_per_text
            labels = torch.arange(len(logits), device="cuda")
            loss = (F.cross_entropy(logits.float(), labels) + F.cross_entropy(logits.float().T, labels)) / 2
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.train.grad_clip)
            optimizer.step()
            scheduler.step()
            step += 1
            if step % cfg.train.log_every == 0:
                run.log({"loss": loss.item(), "epoch": epoch}, step=step)
            if step % cfg.train.eval_every == 0:
                run.log({"recall@1": recall_at_1(model, val_loader)}, step=step)
            if step % cfg.train.save_every == 0:
                model.save_pretrained(out / f"step_{step}")
    model.save_pretrained(out / "final")
    run.finish()


if __name__ == "__main__":
    main()
