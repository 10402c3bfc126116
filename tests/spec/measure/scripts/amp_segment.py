from dataclasses import dataclass
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from data import Scans


@dataclass
class HParams:
    lr: float = 8e-4
    wd: float = 1e-5
    batch: int = 12
    epochs: int = 40
    accum: int = 2
    clip: float = 2.0
    seed: int = 0
    out: Path = Path("exp/seg")


def train(hp: HParams) -> None:
    torch.manual_seed(hp.seed)
    model = smp.Unet("resnet34", classes=4).cuda()
    train_loader = DataLoader(Scans("train"), batch_size=hp.batch, shuffle=True, num_workers=4, pin_memory=True)
    val_loader = DataLoader(Scans("val"), batch_size=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=hp.lr, weight_decay=hp.wd)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=hp.epochs)
    scaler = torch.cuda.amp.GradScaler()
    writer = SummaryWriter(hp.out / "tb")
    loss_fn = smp.losses.DiceLoss("multiclass")
    best = 0.0
    for epoch in range(hp.epochs):
        model.train()
        for i, (scan, mask) in enumerate(train_loader):
            with torch.cuda.amp.autocast():
                loss = loss_fn(model(scan.cuda()), mask.cuda()) / hp.accum
            scaler.scale(loss).backward()
            if (i + 1) % hp.accum == 0:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), hp.clip)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
        scheduler.step()
        if (epoch + 1) % 5 == 0:
            dice = validate(model, val_loader)
            writer.add_scalar("dice", dice, epoch)
            if dice > best:
                best = dice
                torch.save(model.state_dict(), hp.out / "best.pt")


@torch.no_grad()
def validate(model, loader) -> float:
    model.eval()
    scores = [smp.metrics.f1_score(*model(scan.cuda()), mask.cuda()) for scan, mask in loader]
    return float(torch.tensor(scores).mean())


if __name__ == "__main__":
    train(HParams())
