# Cassava leaf disease, single fold
import os
import random
import time

import numpy as np
import pandas as pd
import timm
import torch
import torch.nn as nn
from sklearn.model_selection import StratifiedKFold
from torch.cuda.amp import GradScaler, autocast
from torch.utils.data import DataLoader

from cassava_data import CassavaDataset, get_transforms


class CFG:
    debug = False
    print_freq = 100
    num_workers = 4
    model_name = "tf_efficientnet_b4_ns"
    size = 512
    epochs = 10
    lr = 1e-4
    min_lr = 1e-6
    batch_size = 16
    valid_batch_size = 32
    weight_decay = 1e-6
    gradient_accumulation_steps = 2
    max_grad_norm = 1000
    seed = 42
    n_fold = 5
    trn_fold = 0
    output_dir = "./cassava_b4"


def seed_torch(seed):
    random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)


def valid_fn(loader, model, criterion):
    model.eval()
    losses, preds = [], []
    for images, labels in loader:
        with torch.no_grad():
            out = model(images.cuda())
        losses.append(criterion(out, labels.cuda()).item())
        preds.append(out.argmax(1).cpu().numpy())
    return np.mean(losses), np.concatenate(preds)


def train_loop(train_df, valid_df):
    train_loader = DataLoader(
        CassavaDataset(train_df, get_transforms("train", CFG.size)),
        batch_size=CFG.batch_size,
        shuffle=True,
        num_workers=CFG.num_workers,
        pin_memory=True,
        drop_last=True,
    )
    valid_loader = DataLoader(
        CassavaDataset(valid_df, get_transforms("valid", CFG.size)),
        batch_size=CFG.valid_batch_size,
        num_workers=CFG.num_workers,
    )
    model = timm.create_model(CFG.model_name, pretrained=True, num_classes=5).cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG.lr, weight_decay=CFG.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=CFG.epochs, eta_min=CFG.min_lr)
    criterion = nn.CrossEntropyLoss()
    scaler = GradScaler()
    best = 0.0

    for epoch in range(CFG.epochs):
        start = time.time()
        model.train()
        for step, (images, labels) in enumerate(train_loader):
            with autocast():
                loss = criterion(model(images.cuda()), labels.cuda()) / CFG.gradient_accumulation_steps
            scaler.scale(loss).backward()
            if (step + 1) % CFG.gradient_accumulation_steps == 0:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), CFG.max_grad_norm)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
            if step % CFG.print_freq == 0:
                print(f"epoch {epoch + 1} step {step}/{len(train_loader)} loss {loss.item():.4f}")
        val_loss, preds = valid_fn(valid_loader, model, criterion)
        scheduler.step()
        acc = (preds == valid_df["label"].values).mean()
        print(f"epoch {epoch + 1} val {val_loss:.4f} acc {acc:.4f} time {time.time() - start:.0f}s")
        if acc > best:
            best = acc
            torch.save(model.state_dict(), f"{CFG.output_dir}/{CFG.model_name}_fold{CFG.trn_fold}_best.pth")


if __name__ == "__main__":
    seed_torch(CFG.seed)
    os.makedirs(CFG.output_dir, exist_ok=True)
    df = pd.read_csv("train.csv")
    folds = list(StratifiedKFold(CFG.n_fold, shuffle=True, random_state=CFG.seed).split(df, df["label"]))
    tr, va = folds[CFG.trn_fold]
    train_loop(df.iloc[tr].reset_index(drop=True), df.iloc[va].reset_index(drop=True))
