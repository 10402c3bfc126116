"""What is seen in other files of the project, and in loops that go by steps."""

from tests.spec.observing import seen, verdicts

BUILDERS = """import torch, torchvision
def build_model(cfg):
    return torchvision.models.get_model(cfg.arch, weights=None)
def build_optimizer(model, cfg):
    return torch.optim.SGD(model.parameters(), lr=cfg.rate, momentum=0.9)
def unused(model):
    return torch.optim.Adagrad(model.parameters(), lr=0.5)
def fit(model, optimizer, loader, cfg):
    for epoch in range(cfg.rounds):
        for x, y in loader:
            loss = model(x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""
MAIN = """from dataclasses import dataclass
from builders import build_model, build_optimizer, fit
@dataclass
class Config:
    arch: str = "resnet34"
    rate: float = 0.07
    rounds: int = 33
cfg = Config()
model = build_model(cfg)
fit(model, build_optimizer(model, cfg), loader, cfg)
"""


def test_what_called_functions_of_other_files_set() -> None:
    files = {"builders.py": BUILDERS}
    assert seen(MAIN, "optimizer", files) == ["sgd"]
    assert seen(MAIN, "learning_rate", files) == ["0.07"]
    assert seen(MAIN, "epochs", files) == ["33"]
    asked = "resnet34, SGD with a learning rate of 0.05, 33 epochs"
    assert verdicts(asked, MAIN, files) == [
        ("model", "match"),
        ("learning_rate", "deviation"),
        ("epochs", "match"),
        ("optimizer", "match"),
    ]


def test_constants_of_a_settings_module_that_are_computed() -> None:
    files = {"settings.py": 'from pathlib import Path\nROOT = Path("runs")\nOUT = ROOT / "moths"\nDEVICE = "cuda"\n'}
    source = """import torch, settings as S
net = torch.nn.Linear(2, 2).to(S.DEVICE)
torch.save(net.state_dict(), S.OUT / "last.pt")
"""
    assert seen(source, "output_dir", files) == ["runs/moths/last.pt"]


def test_a_loop_over_steps_around_the_updates_of_a_critic() -> None:
    source = """import torch
N_CRITIC = 5
opt_g = torch.optim.Adam(g.parameters(), lr=1e-4)
opt_d = torch.optim.Adam(d.parameters(), lr=4e-4)
for step in range(7000):
    for _ in range(N_CRITIC):
        loss_d = d(next(real)).mean() - d(g(noise())).mean()
        opt_d.zero_grad(); loss_d.backward(); opt_d.step()
    loss_g = -d(g(noise())).mean()
    opt_g.zero_grad(); loss_g.backward(); opt_g.step()
    if step % 500 == 0:
        save_image(g(fixed), "sheet.png")
    if step % 2000 == 0:
        torch.save(g.state_dict(), "g.pt")
"""
    assert seen(source, "max_steps") == ["7000"]
    assert seen(source, "epochs") == []
    assert seen(source, "save_cadence") == ["every 2000 steps"]


def test_the_length_of_a_run_of_reinforcement_learning() -> None:
    source = """import torch
total_timesteps = 900_000
updates = total_timesteps // (16 * 128)
opt = torch.optim.Adam(net.parameters(), lr=2e-4)
for update in range(1, updates + 1):
    for group in opt.param_groups:
        group["lr"] = 2e-4 * (1 - (update - 1) / updates)
    loss = net(rollout())
    opt.zero_grad(); loss.backward(); opt.step()
"""
    assert seen(source, "max_steps") == ["900000"]
    assert seen(source, "scheduler") == ["linear"]
    assert verdicts("constant learning rate of 2e-4", source) == [
        ("learning_rate", "match"),
        ("scheduler", "deviation"),
    ]


def test_a_loop_that_counts_up_to_a_number_of_steps() -> None:
    source = """import torch
opt = torch.optim.Adam(net.parameters(), lr=2e-4)
step = 0
while step < 450:
    for batch in loader:
        loss = net(batch)
        opt.zero_grad(); loss.backward(); opt.step()
        step += 1
"""
    assert seen(source, "max_steps") == ["450"]


def test_a_dictionary_of_settings_that_is_handed_through() -> None:
    source = """import random, torch
HP = {"total_steps": 70_000, "batch_size": 48, "lr": 3e-4, "seed": 4, "buffer": 10_000}
class Agent:
    def __init__(self, hp):
        self.hp = hp
        self.opt = torch.optim.Adam(self.net.parameters(), lr=hp["lr"])
    def learn(self):
        rows = random.sample(self.memory, self.hp["batch_size"])
        loss = self.net(rows)
        self.opt.zero_grad(); loss.backward(); self.opt.step()
def main(hp):
    agent = Agent(hp)
    for step in range(1, hp["total_steps"] + 1):
        agent.learn()
main(HP)
"""
    assert seen(source, "batch_size") == ["48"]
    assert verdicts("batch size 32, 70k steps", source) == [("batch_size", "deviation"), ("max_steps", "match")]


def test_a_guard_that_is_named_for_evaluation() -> None:
    source = """import torch
class cfg:
    epochs = 20
    eval_every = 4
opt = torch.optim.Adam(net.parameters(), lr=3e-4)
for epoch in range(cfg.epochs):
    for batch in loader:
        loss = net(batch)
        opt.zero_grad(); loss.backward(); opt.step()
    if epoch % cfg.eval_every == 0:
        writer.add_scalar("hit@10", hit_rate(), epoch)
"""
    assert "every 4 epochs" in seen(source, "eval_cadence")


def test_files_that_differ_by_a_number_are_two() -> None:
    source = 'import pandas as pd\nrows = pd.read_csv("data/load.csv")\n'
    assert verdicts("train on data/load_2026.csv", source) == [("dataset", "deviation")]
    assert verdicts("train on data/load.csv", source) == [("dataset", "match")]
