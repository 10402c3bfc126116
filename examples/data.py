"""Loaders over a folder of images, with a little augmentation of our own."""

import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, random_split


class Tiles(Dataset):
    def __init__(self, path: str) -> None:
        archive = np.load(path)
        self.images = archive["images"]
        self.labels = archive["labels"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        image = torch.from_numpy(self.images[index]).float() / 255
        if random.random() < 0.5:
            image = image.flip(-1)
        image = image + torch.from_numpy(np.random.normal(0, 0.01, tuple(image.shape))).float()
        return image, int(self.labels[index])


def build_loaders(path: str, batch_size: int):
    dataset = Tiles(path)
    held_out = len(dataset) // 10
    train_set, val_set = random_split(dataset, [len(dataset) - held_out, held_out])
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=batch_size)
    return train_loader, val_loader
