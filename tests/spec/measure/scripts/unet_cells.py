"""Cell segmentation with a U-Net, all in one file."""
import logging
from pathlib import Path

import torch
import torch.nn.functional as F
from monai.data import CacheDataset, DataLoader, decollate_batch
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks.nets import UNet
from torch.utils.tensorboard import SummaryWriter

from cells import load_files, train_transforms, val_transforms

logging.basicConfig(level=logging.INFO)

hparams = {
    "epochs": 400,
    "batch_size": 6,
    "lr": 2e-3,
    "weight_decay": 3e-5,
    "val_interval": 10,
    "clip": 12.0,
    "seed": 64,
    "workdir": "work/cells",
}


def main(hp):
    torch.manual_seed(hp["seed"])
    workdir = Path(hp["workdir"])
    workdir.mkdir(parents=True, exist_ok=True)
    writer = SummaryWriter(workdir / "tb")
    train_files, val_files = load_files("data/cells")
    train_loader = DataLoader(CacheDataset(train_files, train_transforms), batch_size=hp["batch_size"], shuffle=True)
    val_loader = DataLoader(CacheDataset(val_files, val_transforms), batch_size=1)

    model = UNet(2, in_channels=3, out_channels=4, channels=(32, 64, 128, 256), strides=(2, 2, 2), num_res_units=2)
    model = model.to("cuda:0")
    loss_function = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=hp["lr"], momentum=0.99, nesterov=True, weight_decay=hp["weight_decay"]
    )
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=hp["epochs"], power=0.9)
    scaler = torch.amp.GradScaler("cuda")
    dice = DiceMetric(include_background=False, reduction="mean")
    best = 0.0

    for epoch in range(hp["epochs"]):
        model.train()
        total = 0.0
        for batch in train_loader:
            x, y = batch["image"].to("cuda:0"), batch["label"].to("cuda:0")
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.float16):
                loss = loss_function(model(x), y)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), hp["clip"])
            scaler.step(optimizer)
            scaler.update()
            total += loss.item()
        scheduler.step()
        writer.add_scalar("loss", total / len(train_loader), epoch)

        if (epoch + 1) % hp["val_interval"] == 0:
            model.eval()
            with torch.no_grad():
                for batch in val_loader:
                    out = model(batch["image"].to("cuda:0")).argmax(1, keepdim=True)
                    out = F.one_hot(out.squeeze(1), 4).movedim(-1, 1)
                    label = F.one_hot(batch["label"].long().squeeze(1), 4).movedim(-1, 1).to("cuda:0")
                    dice(decollate_batch(out), decollate_batch(label))
            score = dice.aggregate().item()
            dice.reset()
            writer.add_scalar("dice", score, epoch)
            if score > best:
                best = score
                torch.save(model.state_dict(), workdir / "best.pt")


if __name__ == "__main__":
    main(hparams)
