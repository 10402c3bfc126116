import click
import torch
from datasets import load_dataset
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForTokenClassification, AutoTokenizer, get_scheduler

from punct_labels import PunctCollator


@click.command()
@click.option("--model", "model_name", default="microsoft/mdeberta-v3-base", show_default=True)
@click.option("--dataset", default="wmt/europarl", show_default=True)
@click.option("--lang", default="de", show_default=True)
@click.option("--epochs", default=2, show_default=True, type=int)
@click.option("--batch-size", default=64, show_default=True, type=int)
@click.option("--accumulate", default=1, show_default=True, type=int)
@click.option("--lr", default=4e-5, show_default=True, type=float)
@click.option("--warmup-steps", default=1000, show_default=True, type=int)
@click.option("--max-len", default=192, show_default=True, type=int)
@click.option("--clip", default=1.0, show_default=True, type=float)
@click.option("--seed", default=8, show_default=True, type=int)
@click.option("--out", default="punct-model", show_default=True, type=click.Path())
@click.option("--fp16/--no-fp16", default=True, show_default=True)
def train(model_name, dataset, lang, epochs, batch_size, accumulate, lr, warmup_steps, max_len, clip, seed, out, fp16):
    """Restore punctuation with a token classifier."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(model_name)
    model = AutoModelForTokenClassification.from_pretrained(model_name, num_labels=6).cuda()
    rows = load_dataset(dataset, lang, split="train")
    loader = DataLoader(rows, batch_size=batch_size, shuffle=True, collate_fn=PunctCollator(tokenizer, max_len))
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    steps = epochs * len(loader) // accumulate
    scheduler = get_scheduler("linear", optimizer, num_warmup_steps=warmup_steps, num_training_steps=steps)
    scaler = torch.cuda.amp.GradScaler(enabled=fp16)
    for epoch in range(epochs):
        model.train()
        for i, batch in enumerate(tqdm(loader)):
            batch = {k: v.cuda() for k, v in batch.items()}
            with torch.cuda.amp.autocast(enabled=fp16):
                loss = model(**batch).loss / accumulate
            scaler.scale(loss).backward()
            if (i + 1) % accumulate == 0:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
                scaler.step(optimizer)
                scaler.update()
                scheduler.step()
                optimizer.zero_grad()
        model.save_pretrained(f"{out}/epoch-{epoch}")
        tokenizer.save_pretrained(f"{out}/epoch-{epoch}")


if __name__ == "__main__":
    train()
