"""A character model that is trained on slices of one long text, in one pass."""

import torch
from torch import nn


def train(cell, head: nn.Linear, batches: list) -> None:
    """`cell` is an LSTM or a GRU."""
    optimizer = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.1)
    criterion = nn.CrossEntropyLoss()
    hidden = None
    for step, (inputs, targets) in enumerate(batches):
        optimizer.zero_grad()
        output, hidden = cell(inputs, hidden)
        loss = criterion(head(output).flatten(0, 1), targets.flatten())
        loss.backward()
        optimizer.step()
        print("perte 🔥", step, loss.item())
