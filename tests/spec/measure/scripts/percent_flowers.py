# %% [markdown]
# # Flowers
# A first baseline.

# %%
import timm
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

LR = 1e-2
BATCH = 64
EPOCHS = 8
SEED = 21
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(SEED)

# %%
tf = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])
train_ds = datasets.Flowers102("data", split="train", transform=tf, download=True)
val_ds = datasets.Flowers102("data", split="val", transform=tf, download=True)
train_dl = DataLoader(train_ds, batch_size=BATCH, shuffle=True, num_workers=8)
val_dl = DataLoader(val_ds, batch_size=2 * BATCH)

# %%
net = timm.create_model("resnet50", pretrained=True, num_classes=102).to(device)
opt = torch.optim.SGD(net.parameters(), lr=LR, momentum=0.9, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=3, gamma=0.1)

# %%
for epoch in range(EPOCHS):
    net.train()
    for x, y in train_dl:
        loss = torch.nn.functional.cross_entropy(net(x.to(device)), y.to(device))
        opt.zero_grad()
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        hits = sum((net(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in val_dl)
    print(f"epoch {epoch}: {hits / len(val_ds):.3f}")

# %%
torch.save(net.state_dict(), "weights/flowers.pt")
