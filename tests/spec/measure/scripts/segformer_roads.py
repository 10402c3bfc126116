import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader
from torchmetrics.segmentation import MeanIoU
from transformers import SegformerForSemanticSegmentation, get_scheduler

from road_tiles import RoadTiles


def cycle(loader):
    while True:
        yield from loader


def upsample(logits, masks):
    return F.interpolate(logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)


@torch.no_grad()
def evaluate(accelerator, model, loader, num_classes):
    metric = MeanIoU(num_classes=num_classes, input_format="index").to(accelerator.device)
    model.eval()
    for images, masks in loader:
        guess = upsample(model(pixel_values=images).logits, masks).argmax(1)
        guess, masks = accelerator.gather_for_metrics((guess, masks))
        metric.update(guess, masks)
    model.train()
    return metric.compute().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="segformer_roads.json")
    opts = parser.parse_args()
    with open(opts.config) as f:
        cfg = json.load(f)
    train, data, run = cfg["train"], cfg["data"], cfg["run"]

    set_seed(train["seed"])
    accelerator = Accelerator(
        gradient_accumulation_steps=train["accumulation"],
        mixed_precision=train["mixed_precision"],
        log_with=run["tracker"],
        project_dir=run["dir"],
    )
    accelerator.init_trackers("roads", config=train)

    labels = cfg["model"]["labels"]
    model = SegformerForSemanticSegmentation.from_pretrained(
        cfg["model"]["checkpoint"], id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)}
    )
    train_loader = DataLoader(
        RoadTiles(data["root"], "train", crop=data["crop"]),
        batch_size=train["batch_size"],
        shuffle=True,
        num_workers=data["workers"],
        drop_last=True,
    )
    val_loader = DataLoader(
        RoadTiles(data["root"], "val"), batch_size=train["val_batch_size"], num_workers=data["workers"]
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=train["lr"], weight_decay=train["weight_decay"])
    scheduler = get_scheduler(
        train["schedule"], optimizer, num_warmup_steps=train["warmup"], num_training_steps=train["steps"]
    )
    model, optimizer, train_loader, val_loader, scheduler = accelerator.prepare(
        model, optimizer, train_loader, val_loader, scheduler
    )

    step = 0
    model.train()
    for images, masks in cycle(train_loader):
        with accelerator.accumulate(model):
            loss = F.cross_entropy(upsample(model(pixel_values=images).logits, masks), masks, ignore_index=255)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), train["max_norm"])
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        if not accelerator.sync_gradients:
            continue
        step += 1
        if step % run["log_every"] == 0:
            accelerator.log({"loss": loss.item(), "lr": scheduler.get_last_lr()[0]}, step=step)
        if step % run["eval_every"] == 0:
            miou = evaluate(accelerator, model, val_loader, len(labels))
            accelerator.log({"miou": miou}, step=step)
        if step % run["save_every"] == 0 and accelerator.is_main_process:
            accelerator.unwrap_model(model).save_pretrained(Path(run["dir"]) / f"step_{step}")
        if step == train["steps"]:
            break
    accelerator.end_training()


if __name__ == "__main__":
    main()
