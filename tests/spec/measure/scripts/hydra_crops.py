"""Predicts the yield of a field from Sentinel-2 tiles: timm backbone, Accelerate, Hydra."""
import math
from pathlib import Path

import hydra
import timm
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader
from transformers import get_cosine_schedule_with_warmup

from fields import FieldTiles


@torch.no_grad()
def rmse(model, loader, accelerator):
    model.eval()
    errors = []
    for tiles, target in loader:
        pred = model(tiles).squeeze(1).float()
        errors.append(accelerator.gather_for_metrics((pred - target) ** 2))
    model.train()
    return math.sqrt(torch.cat(errors).mean().item())


@hydra.main(version_base="1.3", config_path="conf_crops", config_name="config")
def main(cfg: DictConfig):
    set_seed(cfg.seed)
    accelerator = Accelerator(
        mixed_precision=cfg.trainer.mixed_precision,
        gradient_accumulation_steps=cfg.trainer.grad_accum,
        log_with=cfg.trainer.tracker,
    )
    accelerator.init_trackers("crop-yield", config={"config": OmegaConf.to_yaml(cfg)})
    out = Path(cfg.out_dir)

    model = timm.create_model(
        cfg.model.name,
        pretrained=cfg.model.pretrained,
        in_chans=cfg.data.bands,
        num_classes=1,
        drop_path_rate=cfg.model.drop_path,
    )
    train_data = FieldTiles(cfg.data.root, "train", cfg.data.bands)
    val_data = FieldTiles(cfg.data.root, "val", cfg.data.bands)
    train_loader = DataLoader(
        train_data, batch_size=cfg.data.batch_size, shuffle=True, num_workers=cfg.data.workers, drop_last=True
    )
    val_loader = DataLoader(val_data, batch_size=cfg.data.val_batch_size, num_workers=cfg.data.workers)

    optimizer = instantiate(cfg.optim.optimizer, params=model.parameters())
    updates = math.ceil(len(train_loader) / cfg.trainer.grad_accum) * cfg.trainer.epochs
    scheduler = get_cosine_schedule_with_warmup(optimizer, cfg.optim.warmup_steps, updates)
    model, optimizer, train_loader, val_loader, scheduler = accelerator.prepare(
        model, optimizer, train_loader, val_loader, scheduler
    )

    for epoch in range(1, cfg.trainer.epochs + 1):
        for tiles, target in train_loader:
            with accelerator.accumulate(model):
                loss = F.smooth_l1_loss(model(tiles).squeeze(1).float(), target)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), cfg.trainer.clip)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
        row = {"loss": loss.item(), "lr": scheduler.get_last_lr()[0]}
        if epoch % cfg.trainer.eval_every == 0:
            row["rmse"] = rmse(model, val_loader, accelerator)
        accelerator.log(row, step=epoch)
        if epoch % cfg.trainer.save_every == 0:
            accelerator.save_state(out / f"epoch_{epoch:03d}")
    accelerator.end_training()


if __name__ == "__main__":
    main()
