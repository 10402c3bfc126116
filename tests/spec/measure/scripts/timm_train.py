#!/usr/bin/env python3
"""Image classification, after timm's train.py."""
import argparse

import timm
import torch
import wandb
from timm.data import Mixup, create_dataset, create_loader
from timm.loss import SoftTargetCrossEntropy
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV2, random_seed

parser = argparse.ArgumentParser(description="PyTorch ImageNet Training")
group = parser.add_argument_group("Dataset parameters")
group.add_argument("--data-dir", metavar="DIR", default="/data/imagenet100")
group.add_argument("--num-classes", type=int, default=100)
group = parser.add_argument_group("Model parameters")
group.add_argument("--model", default="convnext_tiny", type=str, metavar="MODEL")
group.add_argument("--drop-path", type=float, default=0.1)
group.add_argument("-b", "--batch-size", type=int, default=192, metavar="N", help="Input batch size for training")
group.add_argument("-vb", "--validation-batch-size", type=int, default=384)
group = parser.add_argument_group("Optimizer parameters")
group.add_argument("--opt", default="adamw", type=str, metavar="OPTIMIZER")
group.add_argument("--lr", type=float, default=8e-4, metavar="LR")
group.add_argument("--weight-decay", type=float, default=0.05)
group.add_argument("--clip-grad", type=float, default=5.0, metavar="NORM")
group = parser.add_argument_group("Learning rate schedule parameters")
group.add_argument("--sched", type=str, default="cosine", metavar="SCHEDULER")
group.add_argument("--epochs", type=int, default=150, metavar="N")
group.add_argument("--warmup-epochs", type=int, default=10, metavar="N")
group.add_argument("--min-lr", type=float, default=1e-6)
group = parser.add_argument_group("Augmentation and misc")
group.add_argument("--mixup", type=float, default=0.8)
group.add_argument("--model-ema-decay", type=float, default=0.9998)
group.add_argument("--seed", type=int, default=42, metavar="S")
group.add_argument("--log-interval", type=int, default=50, metavar="N")
group.add_argument("--output", default="output/convnext", type=str, metavar="PATH")


def main():
    args = parser.parse_args()
    random_seed(args.seed)
    wandb.init(project="imagenet100", config=vars(args))
    model = timm.create_model(args.model, num_classes=args.num_classes, drop_path_rate=args.drop_path).cuda()
    ema = ModelEmaV2(model, decay=args.model_ema_decay)
    shape = (3, 224, 224)
    train = create_loader(
        create_dataset("", root=args.data_dir, split="train"), shape, args.batch_size, is_training=True, num_workers=12
    )
    val = create_loader(create_dataset("", root=args.data_dir, split="val"), shape, args.validation_batch_size)
    mixup = Mixup(mixup_alpha=args.mixup, num_classes=args.num_classes)
    optimizer = timm.optim.create_optimizer_v2(model, opt=args.opt, lr=args.lr, weight_decay=args.weight_decay)
    scheduler, num_epochs = create_scheduler_v2(
        optimizer, sched=args.sched, num_epochs=args.epochs, warmup_epochs=args.warmup_epochs, min_lr=args.min_lr
    )
    loss_fn = SoftTargetCrossEntropy()
    for epoch in range(num_epochs):
        model.train()
        for i, (x, y) in enumerate(train):
            x, y = mixup(x, y)
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_grad)
            optimizer.step()
            ema.update(model)
            if i % args.log_interval == 0:
                wandb.log({"loss": loss.item(), "epoch": epoch})
        scheduler.step(epoch + 1)
        model.eval()
        with torch.no_grad():
            hits = sum((ema.module(x).argmax(1) == y).sum().item() for x, y in val)
        wandb.log({"top1": hits / len(val.dataset)})
        torch.save(ema.module.state_dict(), f"{args.output}/last.pth")


if __name__ == "__main__":
    main()
