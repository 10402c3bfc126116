import argparse
import datetime
import json
import math
import os
import time
from pathlib import Path

import timm
import torch
import torch.distributed as dist
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets, transforms


def get_args_parser():
    parser = argparse.ArgumentParser("Image classification", add_help=False)
    parser.add_argument("--batch_size", default=64, type=int, help="Batch size per GPU")
    parser.add_argument("--epochs", default=100, type=int)
    parser.add_argument("--accum_iter", default=2, type=int, help="Accumulate gradient iterations")
    # model
    parser.add_argument("--model", default="deit_small_patch16_224", type=str, metavar="MODEL")
    parser.add_argument("--input_size", default=224, type=int)
    parser.add_argument("--drop_path", type=float, default=0.1)
    # optimizer
    parser.add_argument("--clip_grad", type=float, default=1.0, metavar="NORM")
    parser.add_argument("--weight_decay", type=float, default=0.05)
    parser.add_argument("--lr", type=float, default=5e-4, metavar="LR")
    parser.add_argument("--min_lr", type=float, default=1e-6)
    parser.add_argument("--warmup_epochs", type=int, default=5, metavar="N")
    # mixup
    parser.add_argument("--mixup", type=float, default=0.8)
    parser.add_argument("--cutmix", type=float, default=1.0)
    # data
    parser.add_argument("--data_path", default="/datasets/imagenet", type=str)
    parser.add_argument("--nb_classes", default=1000, type=int)
    parser.add_argument("--output_dir", default="./output_dir")
    parser.add_argument("--log_dir", default="./output_dir/tb")
    parser.add_argument("--save_freq", default=20, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--resume", default="")
    parser.add_argument("--num_workers", default=10, type=int)
    return parser


def adjust_learning_rate(optimizer, epoch, args):
    if epoch < args.warmup_epochs:
        lr = args.lr * epoch / args.warmup_epochs
    else:
        progress = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
        lr = args.min_lr + (args.lr - args.min_lr) * 0.5 * (1.0 + math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr


def train_one_epoch(model, criterion, loader, optimizer, scaler, mixup, epoch, args, device):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for it, (samples, targets) in enumerate(loader):
        if it % args.accum_iter == 0:
            adjust_learning_rate(optimizer, it / len(loader) + epoch, args)
        samples, targets = mixup(samples.to(device), targets.to(device))
        with torch.amp.autocast("cuda"):
            loss = criterion(model(samples), targets)
        scaler.scale(loss / args.accum_iter).backward()
        if (it + 1) % args.accum_iter == 0:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_grad)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    right = torch.zeros(2, device=device)
    for images, target in loader:
        output = model(images.to(device))
        right += torch.tensor([(output.argmax(1) == target.to(device)).sum(), len(target)], device=device)
    dist.all_reduce(right)
    return (right[0] / right[1]).item()


def main(args):
    dist.init_process_group("nccl")
    gpu = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(gpu)
    device = torch.device("cuda", gpu)
    torch.manual_seed(args.seed + dist.get_rank())

    transform = transforms.Compose([transforms.RandomResizedCrop(args.input_size), transforms.ToTensor()])
    dataset_train = datasets.ImageFolder(os.path.join(args.data_path, "train"), transform=transform)
    dataset_val = datasets.ImageFolder(os.path.join(args.data_path, "val"), transform=transform)
    sampler = DistributedSampler(dataset_train, shuffle=True)
    loader_train = DataLoader(
        dataset_train, sampler=sampler, batch_size=args.batch_size, num_workers=args.num_workers, drop_last=True
    )
    loader_val = DataLoader(
        dataset_val,
        sampler=DistributedSampler(dataset_val, shuffle=False),
        batch_size=int(1.5 * args.batch_size),
        num_workers=args.num_workers,
    )
    mixup = Mixup(mixup_alpha=args.mixup, cutmix_alpha=args.cutmix, num_classes=args.nb_classes)
    model = timm.create_model(args.model, num_classes=args.nb_classes, drop_path_rate=args.drop_path).to(device)
    model = DistributedDataParallel(model, device_ids=[gpu])
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    scaler = torch.amp.GradScaler("cuda")
    criterion = SoftTargetCrossEntropy()
    writer = SummaryWriter(args.log_dir) if dist.get_rank() == 0 else None

    start = time.time()
    for epoch in range(args.epochs):
        sampler.set_epoch(epoch)
        loss = train_one_epoch(model, criterion, loader_train, optimizer, scaler, mixup, epoch, args, device)
        acc = evaluate(model, loader_val, device)
        if writer is not None:
            writer.add_scalar("loss", loss, epoch)
            writer.add_scalar("acc1", acc, epoch)
            if epoch % args.save_freq == 0 or epoch + 1 == args.epochs:
                torch.save({"model": model.module.state_dict(), "epoch": epoch}, f"{args.output_dir}/checkpoint-{epoch}.pth")
            with (Path(args.output_dir) / "log.txt").open("a") as f:
                f.write(json.dumps({"epoch": epoch, "loss": loss, "acc1": acc}) + "\n")
    print("Training time", datetime.timedelta(seconds=int(time.time() - start)))


if __name__ == "__main__":
    args = get_args_parser().parse_args()
    Path(args.output_dir).mkdir(parents=True, exist_ok=True)
    main(args)
