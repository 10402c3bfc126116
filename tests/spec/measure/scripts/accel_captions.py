import argparse

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import AutoProcessor, BlipForConditionalGeneration, get_linear_schedule_with_warmup


def get_dataloaders(processor, batch_size, eval_batch_size):
    data = load_dataset("jxie/flickr8k")

    def collate(rows):
        enc = processor(
            images=[r["image"] for r in rows],
            text=[r["caption_0"] for r in rows],
            padding="max_length",
            truncation=True,
            max_length=64,
            return_tensors="pt",
        )
        enc["labels"] = enc["input_ids"].masked_fill(enc["attention_mask"] == 0, -100)
        return enc

    train = DataLoader(data["train"], shuffle=True, collate_fn=collate, batch_size=batch_size, num_workers=4)
    val = DataLoader(data["validation"], collate_fn=collate, batch_size=eval_batch_size, num_workers=4)
    return train, val


def training_function(config, args):
    accelerator = Accelerator(
        mixed_precision=args.mixed_precision,
        gradient_accumulation_steps=config["accumulate"],
        log_with="tensorboard",
        project_dir=args.output_dir,
    )
    set_seed(config["seed"])
    accelerator.init_trackers("blip")
    processor = AutoProcessor.from_pretrained(config["model"])
    model = BlipForConditionalGeneration.from_pretrained(config["model"])
    train_loader, val_loader = get_dataloaders(processor, config["batch_size"], config["eval_batch_size"])
    optimizer = torch.optim.AdamW(params=model.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
    scheduler = get_linear_schedule_with_warmup(
        optimizer=optimizer,
        num_warmup_steps=100,
        num_training_steps=len(train_loader) * config["num_epochs"] // config["accumulate"],
    )
    model, optimizer, train_loader, val_loader, scheduler = accelerator.prepare(
        model, optimizer, train_loader, val_loader, scheduler
    )
    for epoch in range(config["num_epochs"]):
        model.train()
        for step, batch in enumerate(train_loader):
            with accelerator.accumulate(model):
                loss = model(**batch).loss
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            if step % 20 == 0:
                accelerator.log({"loss": loss.item()}, step=epoch * len(train_loader) + step)
        model.eval()
        total = 0.0
        for batch in val_loader:
            with torch.no_grad():
                total += accelerator.gather(model(**batch).loss).mean().item()
        accelerator.print(f"epoch {epoch}: val loss {total / len(val_loader):.4f}")
        accelerator.save_state(f"{args.output_dir}/epoch_{epoch}")
    accelerator.end_training()


def main():
    parser = argparse.ArgumentParser(description="BLIP captioning")
    parser.add_argument("--mixed_precision", default="fp16", choices=["no", "fp16", "bf16"])
    parser.add_argument("--output_dir", default="blip_flickr")
    args = parser.parse_args()
    config = {
        "model": "Salesforce/blip-image-captioning-base",
        "lr": 2e-5,
        "weight_decay": 0.05,
        "num_epochs": 4,
        "seed": 42,
        "batch_size": 24,
        "eval_batch_size": 64,
        "accumulate": 2,
    }
    training_function(config, args)


if __name__ == "__main__":
    main()
