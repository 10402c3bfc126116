import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

LR = 1e-3
BATCH_SIZE = 64
EPOCHS = 10
WEIGHT_DECAY = 1e-4

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
train_set = datasets.CIFAR10("data", train=True, transform=transforms.ToTensor(), download=True)
test_set = datasets.CIFAR10("data", train=False, transform=transforms.ToTensor())
train_loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)
test_loader = DataLoader(test_set, batch_size=256)

model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    with torch.no_grad():
        right = sum((model(x.to(device)).argmax(1) == y.to(device)).sum().item() for x, y in test_loader)
    model.train()
    return right / len(test_set)


for epoch in range(EPOCHS):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x.to(device)), y.to(device))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    print(epoch, evaluate())
    torch.save(model.state_dict(), "checkpoints/last.pt")
