from dataclasses import dataclass

from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from torch.optim import Adam
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup


@dataclass
class Config:
    model_name: str = "bert-base-uncased"
    learning_rate: float = 5e-5
    train_batch_size: int = 32
    eval_batch_size: int = 128
    num_epochs: int = 4
    accumulation_steps: int = 2
    max_length: int = 256
    seed: int = 7
    output_dir: str = "runs/bert"


def main(cfg: Config):
    set_seed(cfg.seed)
    accelerator = Accelerator(mixed_precision="fp16", gradient_accumulation_steps=cfg.accumulation_steps)
    tokenizer = AutoTokenizer.from_pretrained(cfg.model_name)
    model = AutoModelForSequenceClassification.from_pretrained(cfg.model_name, num_labels=2)
    data = load_dataset("imdb")
    data = data.map(lambda row: tokenizer(row["text"], truncation=True, padding="max_length", max_length=cfg.max_length))
    train_loader = DataLoader(data["train"], batch_size=cfg.train_batch_size, shuffle=True)
    eval_loader = DataLoader(data["test"], batch_size=cfg.eval_batch_size)
    optimizer = Adam(model.parameters(), lr=cfg.learning_rate)
    total = len(train_loader) * cfg.num_epochs
    scheduler = get_linear_schedule_with_warmup(optimizer, int(0.1 * total), total)
    model, optimizer, train_loader, eval_loader, scheduler = accelerator.prepare(
        model, optimizer, train_loader, eval_loader, scheduler
    )
    for epoch in range(cfg.num_epochs):
        model.train()
        for batch in train_loader:
            with accelerator.accumulate(model):
                loss = model(**batch).loss
                accelerator.backward(loss)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
    accelerator.unwrap_model(model).save_pretrained(cfg.output_dir)


if __name__ == "__main__":
    main(Config())
