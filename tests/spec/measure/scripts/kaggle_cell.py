# %% [markdown]
# # Leaf counting, fold 0

# %%
import albumentations as A
import pandas as pd
import timm
import torch
import torch.nn as nn
from torch.cuda.amp import GradScaler, autocast
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from leaves import LeafDataset


# %%
class CFG:
    debug = False
    backbone = "tf_efficientnet_b3_ns"
    size = 300
    n_folds = 5
    epochs = 12
    bs = 24
    valid_bs = 48
    max_lr = 1.5e-3
    weight_decay = 1e-6
    accum_steps = 1
    max_norm = 10.0
    seed = 2021
    out = "/kaggle/working/"


torch.manual_seed(CFG.seed)
folds = pd.read_csv("../input/leaf-folds/folds.csv")
train_df, valid_df = folds[folds.fold != 0], folds[folds.fold == 0]
if CFG.debug:
    train_df = train_df.sample(200)

# %%
train_loader = DataLoader(LeafDataset(train_df, CFG.size), batch_size=CFG.bs, shuffle=True, drop_last=True)
valid_loader = DataLoader(LeafDataset(valid_df, CFG.size), batch_size=CFG.valid_bs)
model = timm.create_model(CFG.backbone, pretrained=True, num_classes=1).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=CFG.max_lr / 25, weight_decay=CFG.weight_decay)
scheduler = OneCycleLR(optimizer, max_lr=CFG.max_lr, epochs=CFG.epochs, steps_per_epoch=len(train_loader))
scaler = GradScaler()
criterion = nn.SmoothL1Loss()

# %%
best = float("inf")
for epoch in range(CFG.epochs):
    model.train()
    for images, counts in tqdm(train_loader):
        with autocast():
            loss = criterion(model(images.cuda()).squeeze(1), counts.cuda())
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), CFG.max_norm)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        scheduler.step()
    model.eval()
    total = 0.0
    with torch.no_grad():
        for images, counts in valid_loader:
            total += (model(images.cuda()).squeeze(1) - counts.cuda()).abs().sum().item()
    mae = total / len(valid_df)
    print(f"epoch {epoch} mae {mae:.3f}")
    if mae < best:
        best = mae
        torch.save(model.state_dict(), CFG.out + "fold0_best.pth")
