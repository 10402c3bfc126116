"""`dry-debug report` as a command: its exit status, formats, files, and instructions from several places."""

import json
from pathlib import Path

import pytest

from tests.cli.command import dry_debug

CONFIG = (
    "from dataclasses import dataclass\n\n\n@dataclass\nclass TrainConfig:\n    lr: float = 2e-4\n    epochs: int = 3\n"
)
TRAIN = """import torch

from config import TrainConfig

cfg = TrainConfig()
torch.manual_seed(7)
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
for epoch in range(cfg.epochs):
    for batch in loader:
        optimizer.zero_grad()
        model(batch).mean().backward()
        optimizer.step()
"""


def project(folder: Path, instructions: str) -> None:
    (folder / "config.py").write_text(CONFIG)
    (folder / "train.py").write_text(TRAIN)
    (folder / "INSTRUCTIONS.md").write_text(instructions)


def test_several_files_are_one_report(tmp_path: Path) -> None:
    project(tmp_path, "lr 1e-4, 3 epochs, seed 7, max length 512\n")
    done = dry_debug("report", ".", "--format", "json", cwd=tmp_path)
    data = json.loads(done.stdout)
    assert done.returncode == 1
    assert [row["field"] for row in data["compliance"]["matches"]] == ["epochs", "seed"]
    (row,) = data["compliance"]["deviations"]
    assert (row["field"], row["asked"], row["got"]) == ("learning_rate", 1e-4, 2e-4)
    assert row["code"] == {"file": "config.py", "line": 6}
    assert row["instruction"] == {
        "file": "INSTRUCTIONS.md",
        "line": 1,
        "text": "lr 1e-4, 3 epochs, seed 7, max length 512",
    }
    assert [row["field"] for row in data["compliance"]["not_implemented"]] == ["max_length"]


def test_nothing_to_do_is_status_zero(tmp_path: Path) -> None:
    project(tmp_path, "lr 2e-4, 3 epochs\n")
    assert dry_debug("report", "train.py", cwd=tmp_path).returncode == 0


def test_the_file_named_by_spec_counts_and_no_other(tmp_path: Path) -> None:
    project(tmp_path, "lr 1e-4\n")
    (tmp_path / "ticket.txt").write_text("lr 2e-4\n")
    done = dry_debug("report", "train.py", "--spec", "ticket.txt", "--format", "json", cwd=tmp_path)
    data = json.loads(done.stdout)
    assert [r["instruction"]["file"] for r in data["compliance"]["matches"]] == ["ticket.txt"]
    assert not data["critical"]


def test_the_nearest_instructions_win_and_others_fill_in(tmp_path: Path) -> None:
    (tmp_path / "TASK.md").write_text("lr 5e-5, seed 7\n")
    inner = tmp_path / "runs"
    inner.mkdir()
    project(inner, "lr 2e-4\n")
    (tmp_path / "dry-debug.toml").write_text("")
    data = json.loads(dry_debug("report", ".", "--format", "json", cwd=tmp_path).stdout)
    told = {row["field"]: row["instruction"]["file"] for row in data["compliance"]["matches"]}
    assert told == {"learning_rate": "runs/INSTRUCTIONS.md", "seed": "TASK.md"}


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_format_can_go_to_a_file(tmp_path: Path, name: str) -> None:
    project(tmp_path, "lr 1e-4\n")
    done = dry_debug("report", "train.py", "--format", name, "--output-file", "out", "--exit-zero", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    assert "Learning Rate Mismatch" in (tmp_path / "out").read_text("utf-8")


def test_what_cannot_be_done_is_status_two(tmp_path: Path) -> None:
    project(tmp_path, "lr 1e-4\n")
    assert dry_debug("report", "missing.py", cwd=tmp_path).returncode == 2
    assert dry_debug("report", "train.py", "--spec", "missing.md", cwd=tmp_path).returncode == 2
