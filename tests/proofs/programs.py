"""Programs whose checkpoints leave something out; each trains `argv[1]` epochs with `argv[2]` workers.

Every one of them draws from Python's, NumPy's and PyTorch's generators: in the dataset, in dropout, in the order of the
data. The lines tell the losses, and the last one what the run has come to.
"""

from dataclasses import dataclass

HEAD = """import os
import random
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

EPOCHS, WORKERS = int(sys.argv[1]), int(sys.argv[2])


class Noisy(Dataset):
    def __init__(self):
        self.x = torch.linspace(-1, 1, 48).reshape(12, 4)

    def __len__(self):
        return 12

    def __getitem__(self, i):
        noise = torch.from_numpy(np.random.normal(size=4)).float()
        return self.x[i] + 0.1 * noise * random.random(), self.x[i].sum().reshape(1)


random.seed(3)
np.random.seed(3)
torch.manual_seed(3)
"""
MODEL = """model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
loader = DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=WORKERS)
"""
TRAIN = """    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
"""
END = """
print("WEIGHTS", [p.detach().flatten().tolist() for p in model.parameters()])
"""
SHOW = '    print("LOSS", epoch, loss.item().hex())\n'


@dataclass(frozen=True)
class Case:
    """A program of one or more files; `variant` is which of the fixes is applied, 0 for the preferred one."""

    name: str
    files: dict[str, str]
    variant: int = 0

    def __str__(self) -> str:
        return self.name


def script(body: str, end: str = END) -> dict[str, str]:
    return {"main.py": HEAD + MODEL + body + end}


PLAIN = f"""optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
start_epoch = 0
if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt", map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    start_epoch = checkpoint["epoch"]
for epoch in range(start_epoch, EPOCHS):
{TRAIN}{SHOW}    torch.save({{"model": model.state_dict(), "epoch": epoch}}, "last.pt")
"""
SCHEDULER = f"""optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.3)
for epoch in range(1, EPOCHS + 1):
{TRAIN}{SHOW}    scheduler.step()
    torch.save(
        {{
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
        }},
        "last.pt",
    )
"""
AMP = f"""optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=4)
first = 0
if os.path.isfile("run.ckpt"):
    state = torch.load("run.ckpt", weights_only=True)
    model.load_state_dict(state["net"])
    optimizer.load_state_dict(state["opt"])
    first = state["epoch"] + 1
for epoch in range(first, EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.mse_loss(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print("SCALE", epoch, scaler.get_scale())
{SHOW}    state = {{'net': model.state_dict(), 'opt': optimizer.state_dict(), 'epoch': epoch}}
    torch.save(state, "run.ckpt")
"""
ACCUMULATION = f"""optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5)
global_step = 0
for epoch in range(EPOCHS):
    for i, (x, y) in enumerate(loader):
        loss = nn.functional.mse_loss(model(x), y) / 3
        loss.backward()
        if (i + 1) % 3 == 0:
            for group in optimizer.param_groups:
                group["lr"] = 0.01 / (1 + global_step)
            optimizer.step()
            optimizer.zero_grad()
            global_step += 1
    print("STEPS", epoch, global_step)
{SHOW}    torch.save(model.state_dict(), "last.pt")
"""
EMA = f"""optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
ema = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.7))
begin = 0
if os.path.exists("last.pt"):
    saved = torch.load("last.pt")
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    begin = saved["epoch"] + 1
for epoch in range(begin, EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        ema.update_parameters(model)
{SHOW}    torch.save({{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}}, "last.pt")
"""
EMA_END = '\nprint("WEIGHTS", [p.detach().flatten().tolist() for m in (model, ema) for p in m.parameters()])\n'
TWO = """critic = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
opt_model = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.5, 0.9))
opt_critic = torch.optim.Adam(critic.parameters(), lr=0.01, betas=(0.5, 0.9))
for epoch in range(EPOCHS):
    for x, y in loader:
        opt_critic.zero_grad()
        (critic(model(x).detach()).mean() - critic(y).mean()).backward()
        opt_critic.step()
        opt_model.zero_grad()
        loss = -critic(model(x)).mean()
        loss.backward()
        opt_model.step()
    print("LOSS", epoch, loss.item().hex())
    torch.save({"model": model.state_dict(), "critic": critic.state_dict()}, "gan.pt")
"""
TWO_END = '\nprint("WEIGHTS", [p.detach().flatten().tolist() for m in (model, critic) for p in m.parameters()])\n'
RNN = """class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 8, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, x, hidden):
        out, hidden = self.rnn(x, hidden)
        return self.head(out), hidden


model = Reader()
loader = DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=WORKERS)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
for epoch in range(EPOCHS):
    hidden = None
    for x, y in loader:
        optimizer.zero_grad()
        out, hidden = model(x.unsqueeze(0), hidden)
        hidden = tuple(h.detach() for h in hidden)
        loss = nn.functional.mse_loss(out.squeeze(0), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print("LOSS", epoch, loss.item().hex())
    path = "reader-last.pt"
    torch.save({"model": model.state_dict(), "epoch": epoch}, path)
"""
EARLY = """optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
best_loss = float("inf")
patience = 0
if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
for epoch in range(EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    score = np.float64(loss.item())
    scheduler.step(score)
    if score < best_loss:
        best_loss = score
        patience = 0
        torch.save(model.state_dict(), "best.pt")
    else:
        patience += 1
    print("LOSS", epoch, loss.item().hex(), float(best_loss).hex(), patience)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
"""
STOPPER = """class Patience:
    def __init__(self, rounds=2):
        self.rounds = rounds
        self.counter = 0
        self.best_score = None
        self.stop = False

    def __call__(self, loss, optimizer):
        score = -np.float64(loss)
        if self.best_score is None or score > self.best_score:
            self.best_score = score
            self.counter = 0
        else:
            self.counter += 1
            self.stop = self.counter > self.rounds
            for group in optimizer.param_groups:
                group["lr"] *= 0.5


optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
patience = Patience()
for epoch in range(EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    patience(loss.item(), optimizer)
    print("LOSS", epoch, loss.item().hex(), float(patience.best_score).hex(), patience.counter)
    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")
"""
TRAINER = """from state import load_state, save_state


class Trainer:
    def __init__(self, model, loader):
        self.model = model
        self.loader = loader
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.02)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=6)
        self.start_epoch = load_state("run.pt", self.model, self.optimizer)

    def fit(self, epochs):
        for epoch in range(self.start_epoch, epochs):
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = nn.functional.mse_loss(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            print("LOSS", epoch, loss.item().hex())
            save_state("run.pt", self.model, self.optimizer, epoch)
"""
STATE = """import os

import torch


def save_state(path, model, optimizer, epoch):
    torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict(), 'epoch': epoch}, path)


def load_state(path, model, optimizer):
    if not os.path.exists(path):
        return 0
    checkpoint = torch.load(path, map_location='cpu')
    model.load_state_dict(checkpoint['model'])
    optimizer.load_state_dict(checkpoint['optimizer'])
    return checkpoint['epoch'] + 1
"""
TRAINER_MAIN = """from trainer import EPOCHS, WORKERS, DataLoader, Noisy, Trainer, nn

"""
TRAINER_RUN = """trainer = Trainer(model, loader)
trainer.fit(EPOCHS)
"""

LATE = f"""begin = 0
if len(sys.argv) > 1 and os.path.isfile("last.pt"):
    checkpoint = torch.load("last.pt", map_location="cpu")
    begin = checkpoint["epoch"] + 1
    model.load_state_dict(checkpoint["model"])
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3, 4], gamma=0.5)
part, _ = torch.utils.data.random_split(Noisy(), [8, 4])
loader = DataLoader(part, batch_size=4, shuffle=True, num_workers=WORKERS)
for epoch in range(begin, EPOCHS):
{TRAIN}{SHOW}    torch.save({{"model": model.state_dict(), "epoch": epoch}}, "last.pt")
    scheduler.step()
"""

WHILE = f"""optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
epoch = 0
steps = 0
while epoch < EPOCHS:
{TRAIN}        steps += 1
    scheduler.step()
    print("LOSS", epoch, loss.item().hex(), steps)
    epoch += 1
    torch.save(dict(model=model.state_dict(), epoch=epoch), "last.pt")
"""
FOREVER = """optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
data = Noisy()
step = 0
while True:
    if step == EPOCHS:
        break
    x, y = zip(*(data[i] for i in torch.randint(12, (4,)).tolist()))
    loss = nn.functional.mse_loss(model(torch.stack(x)), torch.stack(y))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("LOSS", step, loss.item().hex())
    torch.save({"model": model.state_dict(), "step": step}, "last.pt")
    step += 1
"""

CASES = [
    Case("plain", script(PLAIN)),
    Case("scheduler", script(SCHEDULER), 1),
    Case("amp", script(AMP)),
    Case("accumulation", script(ACCUMULATION), 1),
    Case("ema", script(EMA, EMA_END)),
    Case("two optimizers", script(TWO, TWO_END), 1),
    Case("hidden state", {"main.py": HEAD + RNN + END}, 1),
    Case("early stopping", script(EARLY)),
    Case("an object that stops early", script(STOPPER), 1),
    Case("made after the load", script(LATE)),
    Case("while", script(WHILE), 1),
    Case("while True", script(FOREVER), 1),
    Case("functions of while", script(WHILE), 2),
    Case("class of while True", script(FOREVER), 2),
    Case("functions", script(SCHEDULER), 2),
    Case("class", script(SCHEDULER), 3),
    Case(
        "two files",
        {"main.py": f"{TRAINER_MAIN}{MODEL}{TRAINER_RUN}{END}", "trainer.py": HEAD + TRAINER, "state.py": STATE},
    ),
]

# Each rank draws numbers of its own: from Python's, NumPy's and PyTorch's generator, and for its dropout.
RANKS = """import os
import random
import sys

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

EPOCHS = int(sys.argv[1])
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(3)
model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1)))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
data = TensorDataset(torch.linspace(-1, 1, 48).reshape(12, 4), torch.linspace(0, 1, 12).reshape(12, 1))
sampler = DistributedSampler(data)
loader = DataLoader(data, batch_size=2, sampler=sampler)
random.seed(3 + rank)
np.random.seed(3 + rank)
torch.manual_seed(3 + rank)
start_epoch = 0
if os.path.exists("last.pt"):
    checkpoint = torch.load("last.pt", map_location="cpu")
    model.load_state_dict(checkpoint["model"])
    start_epoch = checkpoint["epoch"] + 1
for epoch in range(start_epoch, EPOCHS):
    sampler.set_epoch(epoch)
    for x, y in loader:
        optimizer.zero_grad()
        noise = torch.as_tensor(np.random.normal(size=4)).float() * random.random()
        loss = nn.functional.mse_loss(model(x + 0.1 * noise), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print("LOSS", epoch, loss.item().hex())
SAVE
print("WEIGHTS", [p.detach().flatten().tolist() for p in model.parameters()])
dist.destroy_process_group()
"""
ON_EACH = """    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")"""
ON_ONE = """    if rank == 0:
        torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")"""
STATE_FIRST = """    if epoch % 2 == 1:
        state = {"model": model.state_dict(), "epoch": epoch}
        if rank == 0:
            torch.save(state, "last.pt")"""

# NumPy is seeded by nobody. Until the model is wrapped all ranks have to draw alike: weights, the split of the data.
SEEDS = """import json
import random
import sys

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler, random_split

EPOCHS, WORKERS = int(sys.argv[1]), int(sys.argv[2])


class Noisy(Dataset):
    def __len__(self):
        return 24

    def __getitem__(self, i):
        return i, float(np.random.normal()) + random.random()


dist.init_process_group("gloo")
rank = dist.get_rank()
random.seed(3)
torch.manual_seed(3)
data, held_out = random_split(Noisy(), [16, 8])
print("SPLIT", sorted(held_out.indices), float(np.random.normal()))
sampler = DistributedSampler(data)
loader = DataLoader(data, batch_size=2, sampler=sampler, num_workers=WORKERS)
plain = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
print("WEIGHTS", [p.detach().flatten().tolist() for p in plain.parameters()])
model = DistributedDataParallel(plain)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(EPOCHS):
    sampler.set_epoch(epoch)
    for i, noise in loader:
        here = float(np.random.normal())
        optimizer.zero_grad()
        out = model(noise.float().unsqueeze(1))
        out.square().mean().backward()
        optimizer.step()
        print("DATA", epoch, data.indices, i.tolist())
        print("NOISE", epoch, json.dumps([noise.tolist(), here, torch.rand(1).item()]))
dist.destroy_process_group()
"""
