import tomllib
from pathlib import Path

import pandas as pd
import torch
from pydantic import BaseModel
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Data(BaseModel):
    csv: Path
    target: str
    batch_size: int


class Optim(BaseModel):
    lr: float
    weight_decay: float


class Train(BaseModel):
    epochs: int
    patience: int
    out: Path


class Settings(BaseModel):
    seed: int
    data: Data
    optim: Optim
    train: Train


with open("tabular.toml", "rb") as file:
    settings = Settings(**tomllib.load(file))

torch.manual_seed(settings.seed)
device = "cuda" if torch.cuda.is_available() else "cpu"
table = pd.read_csv(settings.data.csv)
y = torch.tensor(table.pop(settings.data.target).to_numpy(), dtype=torch.float32)
x = torch.tensor(table.to_numpy(), dtype=torch.float32)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, random_state=settings.seed, stratify=y)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=settings.data.batch_size, shuffle=True)

model = nn.Sequential(nn.Linear(x.shape[1], 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 1)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=settings.optim.lr, weight_decay=settings.optim.weight_decay)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=2)
loss_fn = nn.BCEWithLogitsLoss()
settings.train.out.mkdir(parents=True, exist_ok=True)

best, waited = 0.0, 0
for epoch in range(settings.train.epochs):
    model.train()
    for features, label in loader:
        loss = loss_fn(model(features.to(device)).squeeze(1), label.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        auc = roc_auc_score(y_val, model(x_val.to(device)).squeeze(1).cpu())
    scheduler.step(auc)
    print(f"epoch {epoch}: auc {auc:.4f}")
    waited = 0 if auc > best else waited + 1
    if auc > best:
        best = auc
        torch.save(model.state_dict(), settings.train.out / "best.pt")
    if waited >= settings.train.patience:
        break
