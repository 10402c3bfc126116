import argparse
import os

import timm
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets, transforms
from yacs.config import CfgNode as CN

_C = CN()
_C.SEED = 3407
_C.OUTPUT = "output/birds"

_C.DATA = CN()
_C.DATA.PATH = "data/cub200"
_C.DATA.IMG_SIZE = 224
_C.DATA.BATCH_SIZE = 48
_C.DATA.NUM_WORKERS = 8

_C.MODEL = CN()
_C.MODEL.NAME = "swin_tiny_patch4_window7_224"
_C.MODEL.NUM_CLASSES = 200
_C.MODEL.DROP_PATH_RATE = 0.2

_C.TRAIN = CN()
_C.TRAIN.EPOCHS = 60
_C.TRAIN.BASE_LR = 1e-4
_C.TRAIN.WEIGHT_DECAY = 0.05
_C.TRAIN.CLIP_GRAD = 5.0
_C.TRAIN.ACCUMULATION_STEPS = 2
_C.TRAIN.PRINT_FREQ = 25
_C.TRAIN.SAVE_FREQ = 10


def get_config():
    parser = argparse.ArgumentParser()
    parser.add_argument("--opts", nargs="+", default=[], help="KEY VALUE pairs")
    args = parser.parse_args()
    config = _C.clone()
    config.merge_from_list(args.opts)
    config.freeze()
    return config


def build_loader(config, split):
    if split == "train":
        tf = transforms.Compose([transforms.RandomResizedCrop(config.DATA.IMG_SIZE), transforms.ToTensor()])
    else:
        tf = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])
    data = datasets.ImageFolder(os.path.join(config.DATA.PATH, split), tf)
    return DataLoader(
        data, batch_size=config.DATA.BATCH_SIZE, shuffle=split == "train", num_workers=config.DATA.NUM_WORKERS
    )


def main(config):
    torch.manual_seed(config.SEED)
    os.makedirs(config.OUTPUT, exist_ok=True)
    writer = SummaryWriter(config.OUTPUT)
    train_loader, val_loader = build_loader(config, "train"), build_loader(config, "val")
    model = timm.create_model(
        config.MODEL.NAME,
        pretrained=True,
        num_classes=config.MODEL.NUM_CLASSES,
        drop_path_rate=config.MODEL.DROP_PATH_RATE,
    ).cuda()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.TRAIN.BASE_LR, weight_decay=config.TRAIN.WEIGHT_DECAY
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.TRAIN.EPOCHS)

    for epoch in range(config.TRAIN.EPOCHS):
        model.train()
        for idx, (samples, targets) in enumerate(train_loader):
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(samples.cuda()), targets.cuda())
            (loss / config.TRAIN.ACCUMULATION_STEPS).backward()
            if (idx + 1) % config.TRAIN.ACCUMULATION_STEPS == 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.TRAIN.CLIP_GRAD)
                optimizer.step()
                optimizer.zero_grad()
            if idx % config.TRAIN.PRINT_FREQ == 0:
                writer.add_scalar("loss", loss.item(), epoch * len(train_loader) + idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x.cuda()).argmax(1) == y.cuda()).sum().item() for x, y in val_loader)
        writer.add_scalar("acc", hits / len(val_loader.dataset), epoch)
        if (epoch + 1) % config.TRAIN.SAVE_FREQ == 0:
            torch.save(model.state_dict(), os.path.join(config.OUTPUT, f"ckpt_epoch_{epoch + 1}.pth"))


if __name__ == "__main__":
    main(get_config())
