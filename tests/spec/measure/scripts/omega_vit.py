import sys

import timm
import torch
from omegaconf import OmegaConf
from timm.scheduler import CosineLRScheduler
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

import wandb

cfg = OmegaConf.merge(OmegaConf.load("omega_vit.yaml"), OmegaConf.from_cli(sys.argv[1:]))


def build_loaders():
    size = cfg.data.image_size
    train_tf = transforms.Compose([
        transforms.RandomResizedCrop(size),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
    ])
    val_tf = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()])
    train = datasets.Food101(cfg.data.root, split="train", transform=train_tf)
    val = datasets.Food101(cfg.data.root, split="test", transform=val_tf)
    return (
        DataLoader(train, batch_size=cfg.train.batch_size, shuffle=True, num_workers=cfg.data.workers),
        DataLoader(val, batch_size=cfg.train.batch_size, num_workers=cfg.data.workers),
    )


def main():
    torch.manual_seed(cfg.seed)
    train_loader, val_loader = build_loaders()
    model = timm.create_model(cfg.model.name, pretrained=True, num_classes=101).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.optim.lr, weight_decay=cfg.optim.weight_decay)
    scheduler = CosineLRScheduler(
        optimizer, t_initial=cfg.train.epochs, warmup_t=cfg.optim.warmup_epochs, lr_min=1e-6
    )
    scaler = torch.amp.GradScaler("cuda")
    wandb.init(project="food101", config=OmegaConf.to_container(cfg))

    for epoch in range(cfg.train.epochs):
        model.train()
        for i, (x, y) in enumerate(train_loader):
            with torch.autocast("cuda", dtype=torch.float16):
                loss = torch.nn.functional.cross_entropy(model(x.cuda()), y.cuda(), label_smoothing=0.1)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.optim.clip)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        scheduler.step(epoch + 1)
        if epoch % cfg.train.eval_every == 0:
            model.eval()
            with torch.no_grad():
                hits = sum((model(x.cuda()).argmax(1) == y.cuda()).sum().item() for x, y in val_loader)
            wandb.log({"epoch": epoch, "top1": hits / len(val_loader.dataset)})
        torch.save(model.state_dict(), f"{cfg.out_dir}/last.pt")


if __name__ == "__main__":
    main()
