import argparse
import math

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, default_data_collator, get_scheduler

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="EleutherAI/pythia-410m")
parser.add_argument("--dataset", default="wikitext")
parser.add_argument("--subset", default="wikitext-103-raw-v1")
parser.add_argument("--block-size", type=int, default=512)
parser.add_argument("--bs", type=int, default=8, help="per device")
parser.add_argument("--grad-accum", type=int, default=8)
parser.add_argument("--lr", type=float, default=3e-5)
parser.add_argument("--wd", type=float, default=0.1)
parser.add_argument("--scheduler", default="cosine")
parser.add_argument("--warmup", type=int, default=200)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--save-every", type=int, default=1000)
parser.add_argument("--out", default="runs/pythia")
parser.add_argument("--seed", type=int, default=5)
args = parser.parse_args()

accelerator = Accelerator(gradient_accumulation_steps=args.grad_accum, mixed_precision="bf16", log_with="wandb")
set_seed(args.seed)
accelerator.init_trackers("pythia", config=vars(args))

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForCausalLM.from_pretrained(args.model)
raw = load_dataset(args.dataset, args.subset)


def chunk(rows):
    ids = sum(tokenizer(rows["text"])["input_ids"], [])
    blocks = [ids[i : i + args.block_size] for i in range(0, len(ids) - args.block_size, args.block_size)]
    return {"input_ids": blocks, "labels": blocks}


data = raw.map(chunk, batched=True, remove_columns=["text"])
train_loader = DataLoader(data["train"], shuffle=True, batch_size=args.bs, collate_fn=default_data_collator)
eval_loader = DataLoader(data["validation"], batch_size=16, collate_fn=default_data_collator)

no_decay = ["bias", "layernorm"]
groups = [
    {"params": [p for n, p in model.named_parameters() if not any(k in n for k in no_decay)], "weight_decay": args.wd},
    {"params": [p for n, p in model.named_parameters() if any(k in n for k in no_decay)], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=args.lr)
steps = math.ceil(len(train_loader) / args.grad_accum) * args.epochs
scheduler = get_scheduler(args.scheduler, optimizer, num_warmup_steps=args.warmup, num_training_steps=steps)
model, optimizer, train_loader, eval_loader, scheduler = accelerator.prepare(
    model, optimizer, train_loader, eval_loader, scheduler
)

done = 0
for epoch in range(args.epochs):
    model.train()
    for batch in tqdm(train_loader):
        with accelerator.accumulate(model):
            loss = model(**batch).loss
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        if accelerator.sync_gradients:
            done += 1
            accelerator.log({"loss": loss.item()}, step=done)
            if done % args.save_every == 0:
                accelerator.save_state(f"{args.out}/step_{done}")
    model.eval()
    losses = []
    for batch in eval_loader:
        with torch.no_grad():
            losses.append(accelerator.gather(model(**batch).loss))
    accelerator.print("perplexity", torch.exp(torch.stack(losses).mean()).item())
accelerator.unwrap_model(model).save_pretrained(args.out)
accelerator.end_training()
