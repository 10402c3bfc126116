"""Goes on with a training run from its last checkpoint."""

import torch
from torch import nn


def resume(model: nn.Module, path: str) -> int:
    checkpoint = torch.load(path, map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    return int(checkpoint["epoch"])
