import numpy as np
import torch
from sklearn.datasets import fetch_openml
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from nets import TabularNet

torch.manual_seed(8)
X, y = fetch_openml("wine-quality-red", version=1, return_X_y=True, as_frame=False)
X_train, X_test, y_train, y_test = train_test_split(X.astype(np.float32), y, test_size=0.2, random_state=8)

net = NeuralNetClassifier(
    TabularNet,
    module__hidden=128,
    max_epochs=60,
    lr=0.005,
    batch_size=64,
    optimizer=torch.optim.AdamW,
    optimizer__weight_decay=0.02,
    iterator_train__shuffle=True,
    callbacks=[
        LRScheduler(policy=CosineAnnealingLR, T_max=60),
        EpochScoring("accuracy", lower_is_better=False),
        EarlyStopping(patience=10),
        Checkpoint(dirname="skorch/wine", monitor="valid_loss_best"),
    ],
    device="cuda",
)
net.fit(X_train, y_train)
print("test accuracy", net.score(X_test, y_test))
