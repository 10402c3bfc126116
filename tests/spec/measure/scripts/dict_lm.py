import os

import torch
from transformers import get_cosine_schedule_with_warmup

from model import TinyGPT

CONFIG = dict(
    lr=1e-3,
    weight_decay=0.1,
    batch_size=64,
    block_size=256,
    max_iters=20_000,
    warmup_iters=200,
    eval_interval=500,
    grad_clip=1.0,
    out_dir="out-10m",
)

with open("data/tinyshakespeare.txt") as file:
    text = file.read()
chars = sorted(set(text))
encode = {c: i for i, c in enumerate(chars)}
tokens = torch.tensor([encode[c] for c in text])
split = int(0.9 * len(tokens))
parts = {"train": tokens[:split], "val": tokens[split:]}
device = "cuda" if torch.cuda.is_available() else "cpu"


def get_batch(part):
    block = CONFIG["block_size"]
    at = torch.randint(len(parts[part]) - block - 1, (CONFIG["batch_size"],))
    x = torch.stack([parts[part][i : i + block] for i in at])
    y = torch.stack([parts[part][i + 1 : i + 1 + block] for i in at])
    return x.to(device), y.to(device)


model = TinyGPT(len(chars), CONFIG["block_size"]).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG["lr"], weight_decay=CONFIG["weight_decay"])
scheduler = get_cosine_schedule_with_warmup(optimizer, CONFIG["warmup_iters"], CONFIG["max_iters"])


@torch.no_grad()
def estimate_loss():
    model.eval()
    loss = torch.stack([model(*get_batch("val"))[1] for _ in range(50)]).mean()
    model.train()
    return loss.item()


os.makedirs(CONFIG["out_dir"], exist_ok=True)
for it in range(CONFIG["max_iters"]):
    if it % CONFIG["eval_interval"] == 0:
        print(it, estimate_loss())
    _, loss = model(*get_batch("train"))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CONFIG["grad_clip"])
    optimizer.step()
    scheduler.step()
torch.save(model.state_dict(), os.path.join(CONFIG["out_dir"], "model.pt"))
