"""Fine-tunes a classifier."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def train(model: nn.Module, data: Dataset) -> None:
    loader = DataLoader(data, batch_size=16, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(3):
        model.train()
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss
        scheduler.step()
        print("🔥", epoch, total / len(loader))
