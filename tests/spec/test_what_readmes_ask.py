"""What a README that describes how its models were trained asks of the files of its project: little."""

import ast

from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.spec.compare import compliance
from dry_debug.text.document import Document

ROOT = "/nowhere/readme"
TRAINING = """import argparse
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-2)
args = parser.parse_args()
net = torch.nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=args.lr)
for step in range(100):
    loss = net(torch.ones(2, 4)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
SERVING = """import torch
from torch.utils.data import DataLoader

net = torch.load("net.pt")
for batch in DataLoader(torch.ones(9, 4), batch_size=1):
    print(net(batch))
"""


def verdicts(code: str, readme: str) -> dict[str, str]:
    """By field, what is said of what the README asks for."""
    document = Document.from_text(code, f"{ROOT}/run.py")
    tree = parse(document)
    assert isinstance(tree, ast.Module)
    host = ProjectHost(ROOT, {f"{ROOT}/README.md": readme})
    items = compliance(Program(document, tree, host)).items
    return {item.field: item.verdict for item in items if item.verdict != "assumption"}


def test_the_training_of_a_readme_is_a_deviation_of_a_file_that_trains() -> None:
    assert verdicts(TRAINING, "## Hyperparameters\n\nlr 1e-3\n") == {"learning_rate": "deviation"}


def test_it_asks_nothing_of_a_file_that_only_predicts() -> None:
    assert verdicts(SERVING, "## Hyperparameters\n\nlr 1e-3, batch size 128\n") == {}


def test_stages_with_values_of_their_own_ask_for_neither() -> None:
    stages = "## Hyperparameters\n\nFirst stage:\n\nlr 1e-3\n\nSecond stage:\n\nlr 2e-5\n"
    assert verdicts(TRAINING, stages) == {}


def test_what_the_command_of_the_readme_may_set_is_no_deviation() -> None:
    for command in ("bash scripts/run.sh", "python run.py --lr 1e-3"):
        readme = f"## Hyperparameters\n\nlr 1e-3\n\n## Usage\n\n```\n{command}\n```\n"
        assert verdicts(TRAINING, readme) == {"learning_rate": "cannot_tell"}, command


def test_settings_similar_to_those_of_another_model_do_not_ask_for_it() -> None:
    readme = "## Hyperparameters\n\nWe use a similar set of hyperparameters as Vicuna in finetuning.\n"
    assert "model" not in verdicts(TRAINING, readme)
