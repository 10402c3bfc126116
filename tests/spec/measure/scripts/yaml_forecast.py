import argparse
from pathlib import Path

import torch
import yaml
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from load_series import LoadSeries
from patch_transformer import PatchTransformer


def get_optimizer(name, params, cfg):
    if name == "adam":
        return torch.optim.Adam(params, lr=cfg["lr"])
    if name == "adamw":
        return torch.optim.AdamW(params, lr=cfg["lr"], weight_decay=cfg["weight_decay"])
    raise ValueError(f"unknown optimizer {name}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="yaml_forecast.yaml")
    args = parser.parse_args()
    with open(args.config) as f:
        cfg = yaml.safe_load(f)

    torch.manual_seed(cfg["seed"])
    device = torch.device(cfg["device"])
    train_set = LoadSeries(cfg["data"]["path"], window=cfg["data"]["window"], horizon=cfg["data"]["horizon"])
    val_set = LoadSeries(cfg["data"]["path"], window=cfg["data"]["window"], horizon=cfg["data"]["horizon"], split="val")
    train_loader = DataLoader(train_set, batch_size=cfg["data"]["batch_size"], shuffle=True)
    val_loader = DataLoader(val_set, batch_size=cfg["data"]["batch_size"])

    model = PatchTransformer(**cfg["model"]).to(device)
    tcfg = cfg["training"]
    optimizer = get_optimizer(tcfg["optimizer"], model.parameters(), tcfg)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=tcfg["lr_patience"])
    criterion = nn.HuberLoss()
    out = Path(cfg["output_dir"])
    out.mkdir(parents=True, exist_ok=True)
    writer = SummaryWriter(out / "tb")

    best = float("inf")
    for epoch in range(1, tcfg["epochs"] + 1):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x.to(device)), y.to(device))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), tcfg["grad_clip"])
            optimizer.step()
        writer.add_scalar("loss/train", loss.item(), epoch)

        model.eval()
        with torch.no_grad():
            val = sum(criterion(model(x.to(device)), y.to(device)).item() for x, y in val_loader) / len(val_loader)
        writer.add_scalar("loss/val", val, epoch)
        scheduler.step(val)
        if epoch % tcfg["save_every"] == 0:
            torch.save(model.state_dict(), out / f"epoch_{epoch:03d}.pt")
        if val < best:
            best = val
            torch.save(model.state_dict(), out / "best.pt")


if __name__ == "__main__":
    main()
