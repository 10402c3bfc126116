"""Trains on crops in a random order."""

import random

import numpy as np
import torch
from torch import nn


def main():
    print("graine 🔥")
    torch.manual_seed(7)
    torch.cuda.manual_seed_all(7)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = nn.Linear(8, 2).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in np.random.permutation(300):
        inputs = torch.full((4, 8), random.random(), device=device)
        targets = torch.full((4,), int(step) % 2, device=device)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
