import argparse
import logging

import torch
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    default_data_collator,
    get_polynomial_decay_schedule_with_warmup,
)

log = logging.getLogger("clm")


def add_common(parser):
    parser.add_argument("--pretrained", type=str)
    parser.add_argument("--peak-lr", type=float)
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--bsz", type=int)
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--warmup-updates", type=int)
    parser.add_argument("--decay", type=float)
    parser.add_argument("--log-every", type=int)
    parser.add_argument("--dest")
    parser.set_defaults(
        pretrained="EleutherAI/pythia-410m",
        peak_lr=1e-4,
        n_epochs=2,
        bsz=16,
        chunk=512,
        warmup_updates=200,
        decay=0.01,
        log_every=25,
        dest="ckpts/pythia-poems",
    )


def batches(tokenizer, opts):
    raw = load_dataset("merve/poetry", split="train")
    tokens = raw.map(
        lambda row: tokenizer(row["content"], truncation=True, max_length=opts.chunk, padding="max_length"),
        remove_columns=raw.column_names,
    )
    return DataLoader(tokens, batch_size=opts.bsz, shuffle=True, collate_fn=default_data_collator)


def run(opts):
    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(opts.pretrained)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(opts.pretrained).cuda()
    loader = batches(tokenizer, opts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=opts.peak_lr, weight_decay=opts.decay)
    schedule = get_polynomial_decay_schedule_with_warmup(
        optimizer, num_warmup_steps=opts.warmup_updates, num_training_steps=opts.n_epochs * len(loader)
    )
    step = 0
    for epoch in range(opts.n_epochs):
        for batch in loader:
            batch = {k: v.cuda() for k, v in batch.items()}
            loss = model(**batch, labels=batch["input_ids"]).loss
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % opts.log_every == 0:
                log.info("%d %.3f", step, loss.item())
        model.save_pretrained(f"{opts.dest}/{epoch}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    add_common(parser)
    run(parser.parse_args())
