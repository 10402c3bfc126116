"""Train a small ResNet on CIFAR-10."""
import argparse
import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms

from small_resnet import ResNet18

parser = argparse.ArgumentParser(description="PyTorch CIFAR10 Training")
parser.add_argument("--data", default="./data", type=str, help="where the data set is kept")
parser.add_argument("--epochs", default=200, type=int, metavar="N", help="number of total epochs to run")
parser.add_argument("--start-epoch", default=0, type=int, metavar="N")
parser.add_argument("-b", "--batch-size", default=128, type=int, metavar="N", help="mini-batch size (default: 128)")
parser.add_argument("--test-batch-size", default=100, type=int)
parser.add_argument("--lr", "--learning-rate", default=0.1, type=float, metavar="LR", dest="lr")
parser.add_argument("--momentum", default=0.9, type=float)
parser.add_argument("--wd", "--weight-decay", default=5e-4, type=float, dest="weight_decay")
parser.add_argument("--print-freq", "-p", default=50, type=int, help="print frequency (default: 50)")
parser.add_argument("--resume", default="", type=str, metavar="PATH")
parser.add_argument("--save-dir", default="checkpoint", type=str)
parser.add_argument("--seed", default=1, type=int)
parser.add_argument("--workers", "-j", default=4, type=int)

best_acc = 0.0


def loaders(args):
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    augment = transforms.Compose([
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(mean, std),
    ])
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    trainset = torchvision.datasets.CIFAR10(args.data, train=True, download=True, transform=augment)
    testset = torchvision.datasets.CIFAR10(args.data, train=False, download=True, transform=plain)
    return (
        torch.utils.data.DataLoader(trainset, batch_size=args.batch_size, shuffle=True, num_workers=args.workers),
        torch.utils.data.DataLoader(testset, batch_size=args.test_batch_size, shuffle=False, num_workers=args.workers),
    )


def train(args, model, device, loader, criterion, optimizer, epoch):
    model.train()
    for batch_idx, (inputs, targets) in enumerate(loader):
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        if batch_idx % args.print_freq == 0:
            print(f"epoch {epoch} [{batch_idx}/{len(loader)}] loss {loss.item():.4f}")


def test(model, device, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for inputs, targets in loader:
            correct += (model(inputs.to(device)).argmax(1) == targets.to(device)).sum().item()
    return 100.0 * correct / len(loader.dataset)


def main():
    global best_acc
    args = parser.parse_args()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    train_loader, test_loader = loaders(args)
    model = ResNet18(num_classes=10).to(device)
    criterion = nn.CrossEntropyLoss().to(device)
    optimizer = optim.SGD(model.parameters(), args.lr, momentum=args.momentum, weight_decay=args.weight_decay)
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[100, 150], gamma=0.1)

    if args.resume:
        state = torch.load(args.resume, map_location=device, weights_only=True)
        model.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        args.start_epoch = state["epoch"] + 1

    for epoch in range(args.start_epoch, args.epochs):
        train(args, model, device, train_loader, criterion, optimizer, epoch)
        acc = test(model, device, test_loader)
        scheduler.step()
        if acc > best_acc:
            best_acc = acc
            os.makedirs(args.save_dir, exist_ok=True)
            state = {"net": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "acc": acc}
            torch.save(state, os.path.join(args.save_dir, "ckpt.pth"))
    print("best accuracy", best_acc)


if __name__ == "__main__":
    main()
