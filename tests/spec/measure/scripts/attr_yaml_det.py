import argparse
import os

import torch
import torchvision
import yaml
from torch.optim.lr_scheduler import MultiStepLR
from torchvision.models.detection import fasterrcnn_resnet50_fpn

from pallet_data import PalletDetection, collate


class Config(dict):
    """A dict whose keys are attributes."""

    def __getattr__(self, name):
        value = self[name]
        return Config(value) if isinstance(value, dict) else value


def load_config(path):
    with open(path) as f:
        return Config(yaml.safe_load(f))


def build_optimizer(cfg, model):
    params = [p for p in model.parameters() if p.requires_grad]
    if cfg.OPTIM.NAME == "SGD":
        return torch.optim.SGD(params, lr=cfg.OPTIM.LR, momentum=cfg.OPTIM.MOMENTUM, weight_decay=cfg.OPTIM.WEIGHT_DECAY)
    return torch.optim.AdamW(params, lr=cfg.OPTIM.LR, weight_decay=cfg.OPTIM.WEIGHT_DECAY)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg", type=str, default="attr_yaml_det.yaml")
    args = parser.parse_args()
    cfg = load_config(args.cfg)
    torch.manual_seed(cfg.SEED)

    train_set = PalletDetection(cfg.DATA.ROOT, "train")
    val_set = PalletDetection(cfg.DATA.ROOT, "val")
    train_loader = torch.utils.data.DataLoader(
        train_set, batch_size=cfg.TRAIN.BATCH_SIZE, shuffle=True, collate_fn=collate, num_workers=4
    )
    val_loader = torch.utils.data.DataLoader(val_set, batch_size=1, collate_fn=collate)
    model = fasterrcnn_resnet50_fpn(weights="DEFAULT").cuda()
    optimizer = build_optimizer(cfg, model)
    scheduler = MultiStepLR(optimizer, milestones=cfg.OPTIM.STEPS, gamma=0.1)
    os.makedirs(cfg.OUTPUT_DIR, exist_ok=True)

    for epoch in range(cfg.TRAIN.EPOCHS):
        model.train()
        for step, (images, targets) in enumerate(train_loader):
            images = [i.cuda() for i in images]
            targets = [{k: v.cuda() for k, v in t.items()} for t in targets]
            loss = sum(model(images, targets).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % cfg.TRAIN.PRINT_EVERY == 0:
                print(f"[{epoch}] {step}/{len(train_loader)} loss {loss.item():.3f}")
        scheduler.step()
        if (epoch + 1) % cfg.TRAIN.SAVE_EVERY == 0:
            torch.save(model.state_dict(), os.path.join(cfg.OUTPUT_DIR, f"model_{epoch + 1}.pth"))
        model.eval()
        with torch.no_grad():
            found = [model([i.cuda() for i in images]) for images, _ in val_loader]
        print(f"epoch {epoch}: {sum(len(f[0]['boxes']) for f in found)} boxes")


if __name__ == "__main__":
    main()
