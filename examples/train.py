"""Trains the classifier: python train.py tiles.npz --resume last.pt"""

import argparse

import torch
import torch.nn as nn
from torch.amp import GradScaler, autocast

from data import build_loaders
from model import Classifier
from utils import load_checkpoint, set_seed


def evaluate(model, loader, device):
    model.eval()
    correct = seen = 0
    with torch.no_grad():
        for images, labels in loader:
            predicted = model(images.to(device)).argmax(1).cpu()
            correct += (predicted == labels).sum().item()
            seen += len(labels)
    return correct / seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--resume", default="")
    args = parser.parse_args()

    set_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader, val_loader = build_loaders(args.data, args.batch_size)

    model = Classifier().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    scaler = GradScaler("cuda")
    criterion = nn.CrossEntropyLoss()

    start_epoch = load_checkpoint(args.resume, model, optimizer) if args.resume else 0
    model.train()
    for epoch in range(start_epoch, args.epochs):
        running_loss = 0.0
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            with autocast("cuda"):
                loss = criterion(model(images), labels)
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            running_loss += loss
        scheduler.step()

        accuracy = evaluate(model, val_loader, device)
        print(f"epoch {epoch}: loss {running_loss / len(train_loader):.3f}, accuracy {accuracy:.3f}")
        # quick save for now, will optimize later
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")


if __name__ == "__main__":
    main()
