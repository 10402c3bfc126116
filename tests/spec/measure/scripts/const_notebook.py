# %% [markdown]
# ## Cats vs. dogs, transfer learning

# %%
import torch
import torch.nn as nn
from torch.optim import Adam
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, models, transforms

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DATA_DIR = "data/cats_dogs"
IMG_SIZE = 224
BATCH_SIZE = 32
NUM_EPOCHS = 8
LEARNING_RATE = 1e-4
GAMMA = 0.7
SEED = 42

torch.manual_seed(SEED)

# %%
tf = transforms.Compose([transforms.Resize((IMG_SIZE, IMG_SIZE)), transforms.ToTensor()])
full = datasets.ImageFolder(DATA_DIR, transform=tf)
n_val = int(0.2 * len(full))
train_ds, val_ds = random_split(full, [len(full) - n_val, n_val])
train_dl = DataLoader(train_ds, batch_size=BATCH_SIZE, shuffle=True)
val_dl = DataLoader(val_ds, batch_size=BATCH_SIZE)

# %%
model = models.efficientnet_b0(weights=models.EfficientNet_B0_Weights.DEFAULT)
for p in model.features.parameters():
    p.requires_grad = False
model.classifier[1] = nn.Linear(model.classifier[1].in_features, 2)
model = model.to(DEVICE)

criterion = nn.CrossEntropyLoss()
optimizer = Adam(model.classifier.parameters(), lr=LEARNING_RATE)
scheduler = StepLR(optimizer, step_size=1, gamma=GAMMA)

# %%
for epoch in range(NUM_EPOCHS):
    model.train()
    for data, label in train_dl:
        data, label = data.to(DEVICE), label.to(DEVICE)
        loss = criterion(model(data), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    hits = 0
    with torch.no_grad():
        for data, label in val_dl:
            hits += (model(data.to(DEVICE)).argmax(1).cpu() == label).sum().item()
    scheduler.step()
    print(f"Epoch {epoch + 1}: val acc {hits / n_val:.3f}")

torch.save(model.state_dict(), "models/cats_dogs.pt")
