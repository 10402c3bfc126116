import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from data import tokens
from gpt import GPT, GPTConfig

learning_rate = 6e-4
batch_size = 12
block_size = 1024
grad_accum = 5
max_iters = 20000
grad_clip = 1.0
weight_decay = 1e-1
eval_interval = 1000

dist.init_process_group("nccl")
rank = int(os.environ["LOCAL_RANK"])
torch.cuda.set_device(rank)
torch.manual_seed(1337 + rank)
model = DistributedDataParallel(GPT(GPTConfig(block_size=block_size)).cuda(), device_ids=[rank])
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.95))
loader = iter(DataLoader(tokens, batch_size=batch_size, sampler=DistributedSampler(tokens)))


def evaluate():
    model.eval()
    model.train()


for it in range(max_iters):
    for micro in range(grad_accum):
        x, y = next(loader)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(x.cuda(), y.cuda()) / grad_accum
        loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    if it % eval_interval == 0:
        evaluate()
        if rank == 0:
            torch.save(model.module.state_dict(), "out/ckpt.pt")
