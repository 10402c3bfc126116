"""`dry-debug route`: text and paths in, JSON or text out, and the exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from dry_debug.cli.main import main
from dry_debug_rules.catalogue.routes import AREAS

ROOT = Path(__file__).resolve().parents[2]

LEAK = """import torch
from torch import nn

model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
loader = torch.utils.data.DataLoader([])
total = 0
for x, y in loader:
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    total += loss
print(total)
"""


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch):
    def pipe(data: bytes) -> None:
        buffer = io.BytesIO(data)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=buffer, isatty=lambda: False))

    return pipe


def routed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["route", *arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_has_the_contracts_keys(capsys) -> None:
    data = routed(capsys, "URGENT: CUDA out of memory")
    assert set(data) == {"routes", "question", "pressure", "quotes", "frame", "suspects"}
    assert set(data["routes"][0]) == {"area", "because", "first", "then", "rules"}
    assert data["routes"][0]["area"] in AREAS and data["routes"][0]["first"]
    assert data["question"] is None and data["pressure"] == ["time"] and data["quotes"] and data["suspects"] == []


def test_an_ambiguous_text_prints_one_question_and_is_no_failure(capsys) -> None:
    data = routed(capsys, "my model is broken")
    assert data["routes"] == [] and data["question"]
    assert main(["route", "my model is broken"]) == 0
    assert data["question"].split(":")[0] in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_text_comes_from_standard_input(arguments, capsys, piped) -> None:
    piped(b"IndexError: index out of range in self\n")
    assert routed(capsys, *arguments)["routes"][0]["area"] == "debugging-techniques"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_standard_input_is_read_in_any_usual_encoding(encoding, capsys, piped) -> None:
    piped("Fehler – IndexError: index out of range in self\r\n".encode(encoding))
    assert routed(capsys)["routes"][0]["area"] == "debugging-techniques"


def test_bytes_that_are_no_text_are_read_around(capsys, piped) -> None:
    piped(bytes(range(256)) + b"\n\nIndexError: index out of range in self\n")
    assert routed(capsys)["routes"][0]["area"] == "debugging-techniques"


def test_the_findings_of_the_paths_that_explain_it_are_suspects(capsys, tmp_path) -> None:
    file = tmp_path / "train.py"
    file.write_text(LEAK, encoding="utf-8")
    data = routed(capsys, "memory keeps growing", str(file))
    assert [item["name"] for item in data["suspects"]] == ["attached-loss-total"]
    assert data["suspects"][0]["filename"] == str(file) and data["suspects"][0]["location"]["row"] == 14
    assert routed(capsys, "results differ in every run", str(file))["suspects"] == []


def test_a_first_argument_that_is_a_path_is_no_text(capsys, tmp_path, piped) -> None:
    file = tmp_path / "train.py"
    file.write_text(LEAK, encoding="utf-8")
    piped(b"memory keeps growing")
    assert [item["name"] for item in routed(capsys, str(file))["suspects"]] == ["attached-loss-total"]


def test_the_text_form_shows_checks_frame_findings_and_quotes(capsys, tmp_path) -> None:
    file = tmp_path / "train.py"
    file.write_text(LEAK, encoding="utf-8")
    text = f'URGENT!\n\nTraceback (most recent call last):\n  File "{file}", line 14, in <module>\nMemoryLeak: memory\n'
    assert main(["route", text + "\nGPU memory keeps growing", str(file)]) == 0
    out = capsys.readouterr().out
    assert "tensor-operations-and-memory" in out and "Check first:" in out
    assert f"{file}:14, in <module>" in out
    assert "attached-loss-total" in out
    assert "RT-RAT-1" in out


def test_a_missing_path_is_told_and_ends_with_two(capsys, tmp_path) -> None:
    assert main(["route", "memory keeps growing", str(tmp_path / "none.py")]) == 2
    captured = capsys.readouterr()
    assert "tensor-operations-and-memory" in captured.out
    assert "none.py" in captured.err


@pytest.mark.parametrize("arguments", [("--format", "xml"), ("--nonsense",), ("x", "--config", "/none.toml")])
def test_bad_arguments_end_with_two(arguments, capsys) -> None:
    assert main(["route", *arguments]) == 2
    assert capsys.readouterr().err


def test_the_whole_process_routes_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from dry_debug.cli.main import main; status = main(['route', 'loss is nan', '--format', 'json']);"
        "heavy = {'pygls', 'lsprotocol', 'libcst', 'jedi', 'rich'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr); raise SystemExit(status)"
    )
    paths = os.pathsep.join([str(ROOT / "server"), str(ROOT / "rules")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["routes"][0]["area"] == "debugging-techniques"
