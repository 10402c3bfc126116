from dataclasses import dataclass, field

import torch
from omegaconf import MISSING, OmegaConf
from torch.utils.data import DataLoader
from transformers import AutoModelForTokenClassification, AutoTokenizer, get_linear_schedule_with_warmup

from ner_data import Sentences, pad_batch


@dataclass
class ModelConf:
    name: str = "xlm-roberta-base"
    max_len: int = 192
    labels: int = 9


@dataclass
class OptimConf:
    lr: float = 3e-5
    weight_decay: float = 0.01
    warmup_ratio: float = 0.06
    grad_clip: float = 1.0


@dataclass
class LoopConf:
    epochs: int = 6
    train_bs: int = 32
    eval_bs: int = 64
    seed: int = 11


@dataclass
class Conf:
    run_name: str = MISSING
    out: str = "exp/ner"
    model: ModelConf = field(default_factory=ModelConf)
    optim: OptimConf = field(default_factory=OptimConf)
    loop: LoopConf = field(default_factory=LoopConf)


def evaluate(model, loader) -> float:
    model.eval()
    right = total = 0
    with torch.inference_mode():
        for batch in loader:
            batch = {k: v.to("cuda") for k, v in batch.items()}
            guess = model(**batch).logits.argmax(-1)
            mask = batch["labels"] != -100
            right += (guess[mask] == batch["labels"][mask]).sum().item()
            total += mask.sum().item()
    return right / total


def main() -> None:
    conf = OmegaConf.merge(OmegaConf.structured(Conf), OmegaConf.from_cli())
    torch.manual_seed(conf.loop.seed)
    tokenizer = AutoTokenizer.from_pretrained(conf.model.name)
    model = AutoModelForTokenClassification.from_pretrained(conf.model.name, num_labels=conf.model.labels).to("cuda")
    train = Sentences("train", tokenizer, conf.model.max_len)
    dev = Sentences("dev", tokenizer, conf.model.max_len)
    train_loader = DataLoader(train, conf.loop.train_bs, shuffle=True, collate_fn=pad_batch)
    dev_loader = DataLoader(dev, conf.loop.eval_bs, collate_fn=pad_batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=conf.optim.lr, weight_decay=conf.optim.weight_decay)
    total = len(train_loader) * conf.loop.epochs
    scheduler = get_linear_schedule_with_warmup(optimizer, int(conf.optim.warmup_ratio * total), total)
    best = 0.0
    for epoch in range(conf.loop.epochs):
        model.train()
        for batch in train_loader:
            loss = model(**{k: v.to("cuda") for k, v in batch.items()}).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), conf.optim.grad_clip)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad(set_to_none=True)
        score = evaluate(model, dev_loader)
        if score > best:
            best = score
            model.save_pretrained(f"{conf.out}/best")
            tokenizer.save_pretrained(f"{conf.out}/best")


if __name__ == "__main__":
    main()
