"""A small convolutional classifier."""

import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
        )
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(32 * 4 * 4, classes)

    def forward(self, images):
        hidden = self.features(images).flatten(1)
        logits = self.head(self.dropout(hidden))
        return F.softmax(logits, dim=1)
