import json
from pathlib import Path

import click
import timm
import torch
from timm.data import create_transform, resolve_model_data_config
from timm.loss import LabelSmoothingCrossEntropy
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder


@click.command(context_settings={"show_default": True})
@click.option("--data-dir", type=click.Path(file_okay=False), default="data/plant_leaves")
@click.option("--arch", default="convnext_tiny.fb_in22k")
@click.option("--epochs", default=35)
@click.option("--batch-size", default=72)
@click.option("--val-batch-size", default=144)
@click.option("--lr", default=8e-5)
@click.option("--weight-decay", default=0.02)
@click.option("--warmup-steps", default=500)
@click.option("--smoothing", default=0.1)
@click.option("--amp/--no-amp", default=True, help="bfloat16 autocast")
@click.option("--save-every", default=5, help="epochs")
@click.option("--workdir", type=click.Path(path_type=Path), default=Path("work/leaves"))
@click.option("--seed", default=6)
def train(
    data_dir, arch, epochs, batch_size, val_batch_size, lr, weight_decay, warmup_steps, smoothing, amp, save_every,
    workdir, seed,
):
    """Fine-tune a timm model on the leaf photos."""
    torch.manual_seed(seed)
    workdir.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda:0")

    model = timm.create_model(arch, pretrained=True, num_classes=38).to(device)
    data_config = resolve_model_data_config(model)
    train_set = ImageFolder(f"{data_dir}/train", create_transform(**data_config, is_training=True))
    val_set = ImageFolder(f"{data_dir}/val", create_transform(**data_config, is_training=False))
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, num_workers=8, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=val_batch_size, num_workers=8)

    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    total = epochs * len(train_loader)
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, 1.0, total_iters=warmup_steps)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup_steps)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[warmup_steps])
    criterion = LabelSmoothingCrossEntropy(smoothing=smoothing)
    history = []

    for epoch in range(1, epochs + 1):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=amp):
                loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()

        model.eval()
        hits = 0
        with torch.inference_mode():
            for images, labels in val_loader:
                hits += (model(images.to(device)).argmax(1).cpu() == labels).sum().item()
        history.append({"epoch": epoch, "loss": running / len(train_loader), "top1": hits / len(val_set)})
        click.echo(f"{epoch:3d}  loss {history[-1]['loss']:.4f}  top1 {history[-1]['top1']:.4f}")
        if epoch % save_every == 0:
            torch.save(model.state_dict(), workdir / f"{arch}_{epoch}.pth")
    (workdir / "history.json").write_text(json.dumps(history, indent=2))


if __name__ == "__main__":
    train()
