import argparse

import timm
import torch
from lightning.fabric import Fabric
from torch.utils.data import DataLoader

from data import imagenet


def main(args):
    fabric = Fabric(accelerator="cuda", devices=4, precision="bf16-mixed")
    fabric.launch()
    fabric.seed_everything(0)
    model = timm.create_model("vit_small_patch16_224", num_classes=1000)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    model, optimizer = fabric.setup(model, optimizer)
    loader = fabric.setup_dataloaders(DataLoader(imagenet("train"), batch_size=args.batch_size, shuffle=True, num_workers=8))
    for epoch in range(args.epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            fabric.backward(loss)
            optimizer.step()
        fabric.print(f"epoch {epoch}: {loss.item():.3f}")
    fabric.save("ckpt/vit-s/last.ckpt", {"model": model})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--batch-size", type=int, default=256, help="per device")
    parser.add_argument("--epochs", type=int, default=100)
    main(parser.parse_args())
