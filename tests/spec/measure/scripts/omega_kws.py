from pathlib import Path

import torch
from datasets import load_dataset
from omegaconf import OmegaConf
from torch.utils.data import DataLoader
from transformers import AutoModelForAudioClassification, get_cosine_schedule_with_warmup

from audio import make_collate

cfg = OmegaConf.merge(OmegaConf.load("omega_kws.yaml"), OmegaConf.from_cli())


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = total = 0
    for batch in loader:
        batch = {k: v.cuda() for k, v in batch.items()}
        guess = model(input_values=batch["input_values"]).logits.argmax(-1)
        right += (guess == batch["labels"]).sum().item()
        total += len(guess)
    model.train()
    return right / total


def main():
    torch.manual_seed(cfg.train.seed)
    data = load_dataset(cfg.data.name, cfg.data.config)
    collate = make_collate(cfg.model.name)
    train_loader = DataLoader(data["train"], batch_size=cfg.data.batch_size, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(data["validation"], batch_size=cfg.data.eval_batch_size, collate_fn=collate)
    model = AutoModelForAudioClassification.from_pretrained(cfg.model.name, num_labels=cfg.model.num_labels).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.optim.lr, weight_decay=cfg.optim.weight_decay)
    total = len(train_loader) * cfg.train.epochs
    scheduler = get_cosine_schedule_with_warmup(optimizer, int(cfg.optim.warmup_ratio * total), total)
    out = Path(cfg.train.out)
    out.mkdir(parents=True, exist_ok=True)
    step = 0
    for epoch in range(cfg.train.epochs):
        for batch in train_loader:
            batch = {k: v.cuda() for k, v in batch.items()}
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = model(**batch).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.optim.clip)
            optimizer.step()
            scheduler.step()
            step += 1
            if step % cfg.train.log_every == 0:
                print(f"step {step} loss {loss.item():.4f}")
        print(f"epoch {epoch}: accuracy {accuracy(model, val_loader):.4f}")
    model.save_pretrained(out)


if __name__ == "__main__":
    main()
