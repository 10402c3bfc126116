import json
import math
import os
import time
from types import SimpleNamespace

import numpy as np
import torch

from chargpt_model import GPT, GPTConfig

CONFIG_PATH = os.path.join(os.path.dirname(__file__), "json_chargpt.json")

with open(CONFIG_PATH) as fh:
    cfg = SimpleNamespace(**json.load(fh))

torch.manual_seed(cfg.seed)
device_type = "cuda"
ctx = torch.autocast(device_type, dtype=torch.bfloat16)
data_dir = os.path.join("data", cfg.dataset)


def get_batch(split):
    data = np.memmap(os.path.join(data_dir, f"{split}.bin"), dtype=np.uint16, mode="r")
    ix = torch.randint(len(data) - cfg.block_size, (cfg.batch_size,))
    x = torch.stack([torch.from_numpy(data[i : i + cfg.block_size].astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + cfg.block_size].astype(np.int64)) for i in ix])
    return x.to("cuda"), y.to("cuda")


def get_lr(it):
    if it < cfg.warmup_iters:
        return cfg.learning_rate * (it + 1) / (cfg.warmup_iters + 1)
    ratio = (it - cfg.warmup_iters) / (cfg.max_iters - cfg.warmup_iters)
    return cfg.min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (cfg.learning_rate - cfg.min_lr)


model = GPT(GPTConfig(n_layer=cfg.n_layer, n_head=cfg.n_head, n_embd=cfg.n_embd, block_size=cfg.block_size)).to("cuda")
optimizer = torch.optim.AdamW(
    model.parameters(), lr=cfg.learning_rate, betas=(0.9, 0.95), weight_decay=cfg.weight_decay
)


@torch.no_grad()
def estimate_loss():
    model.eval()
    losses = torch.zeros(cfg.eval_iters)
    for k in range(cfg.eval_iters):
        x, y = get_batch("val")
        with ctx:
            _, loss = model(x, y)
        losses[k] = loss.item()
    model.train()
    return losses.mean().item()


t0 = time.time()
best = 1e9
for it in range(cfg.max_iters + 1):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    if it % cfg.eval_interval == 0:
        val = estimate_loss()
        print(f"step {it}: val {val:.4f}")
        if val < best:
            best = val
            os.makedirs(cfg.out_dir, exist_ok=True)
            torch.save({"model": model.state_dict(), "it": it}, os.path.join(cfg.out_dir, "ckpt.pt"))
    for _ in range(cfg.gradient_accumulation_steps):
        x, y = get_batch("train")
        with ctx:
            _, loss = model(x, y)
        (loss / cfg.gradient_accumulation_steps).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), cfg.grad_clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if it % cfg.log_interval == 0:
        print(f"iter {it}: loss {loss.item():.4f}, {time.time() - t0:.1f}s")
