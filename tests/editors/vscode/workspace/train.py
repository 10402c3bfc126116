"""Fine-tunes a small classifier."""

import torch
from torch import nn
from torch.utils.data import DataLoader

EPOCHS = 20


def train(model: nn.Module, loader: DataLoader, path: str | None = None) -> None:
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    start = 0
    if path is not None:
        checkpoint = torch.load(path)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        start = checkpoint["epoch"] + 1

    for epoch in range(start, EPOCHS):
        model.train()
        total = 0.0
        for inputs, targets in loader:
            loss = criterion(model(inputs.cuda()), targets.cuda())
            loss.backward()
            optimizer.step()
            total += loss
        print(f"epoch {epoch}: {total / len(loader):.4f}")
        torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")
