"""`dry-debug facts` and `dry-debug explain` as a user runs them."""

import json
import os
from pathlib import Path

from tests.cli.command import BROKEN, CODE, LOAD, RULE, dry_debug

TRAIN = "import torch\nnet = torch.nn.Linear(1, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# title"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": TRAIN},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
         "source": "path = 'a.pt'\nnet.load_state_dict(torch.load(path))\n"},
    ],
}  # fmt: skip


def test_the_facts_of_one_file_are_the_object_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TRAIN)
    done = dry_debug("facts", "a.py", "--format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert next(iter(found)) == "frameworks"
    assert [(c["name"], c["line"]) for c in found["components"]] == [("net", 2), ("opt", 3)]


def test_facts_as_text_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TRAIN)
    shown = dry_debug("facts", "a.py", cwd=tmp_path).stdout.decode()
    assert "  a.py:3  optimizer  opt  type=SGD  covers=net\n" in shown


def test_facts_of_several_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text(TRAIN)
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text(BROKEN)
    done = dry_debug("facts", "sub", "b.py", "bad.py", "--format", "json", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert [os.path.relpath(row["filename"], tmp_path) for row in rows] == [os.path.join("sub", "a.py"), "b.py"]
    assert done.returncode == 2, "one of them does not parse"
    assert b"bad.py:1: syntax error" in done.stderr


def test_facts_of_standard_input(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import torch\ndef make(net):\n    return torch.optim.Adam(net.parameters())\n")
    source = "import torch\nfrom helper import make\nnet = torch.nn.Linear(1, 1)\nopt = make(net)\n"
    arguments = ("facts", "-", "--stdin-filename", "a.py", "--format", "json")
    done = dry_debug(*arguments, cwd=tmp_path, stdin=source.encode())
    found = json.loads(done.stdout)
    assert [c["type"] for c in found["components"] if c["kind"] == "optimizer"] == ["Adam"]
    refused = dry_debug("facts", "-", "a.py", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, b"")


def test_facts_of_a_file_that_does_not_parse(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(BROKEN)
    done = dry_debug("facts", "bad.py", "--format", "json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"dry-debug: bad.py:1: syntax error: ")


def test_facts_of_a_notebook_name_the_cell(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    found = json.loads(dry_debug("facts", "a.ipynb", "--format", "json", cwd=tmp_path).stdout)
    assert [(c["name"], c["cell"], c["line"]) for c in found["components"]] == [("net", 2, 2), ("opt", 2, 3)]
    assert [(row["cell"], row["line"]) for row in found["loads"]] == [(3, 2)]
    assert "  a.ipynb:cell 2:3  " in dry_debug("facts", "a.ipynb", cwd=tmp_path).stdout.decode()


def test_the_order_of_facts_does_not_depend_on_hashes(tmp_path: Path) -> None:
    names = " + ".join(f"torch.rand({i})" for i in range(9))
    (tmp_path / "a.py").write_text(TRAIN + f"import transformers, vllm, peft\nx = {names}\n")
    answers = {
        dry_debug("facts", "a.py", "--format", "json", cwd=tmp_path, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1", "2")
    }
    assert len(answers) == 1


def test_explain_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    done = dry_debug("explain", "a.py:5", CODE, "--format", "json", cwd=tmp_path)
    (rule,) = json.loads(done.stdout)["rules"]
    assert (rule["name"], rule["status"]) == (RULE, "reported")
    assert rule["chain"][-1]["line"] == 5


def test_explain_names_the_line_of_the_config_that_ignores_a_rule(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LOAD)
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n\n[tool.dry-debug]\nignore = ["{CODE}"]\n')
    shown = dry_debug("explain", "a.py:5", cwd=tmp_path).stdout.decode()
    assert "not reported: the rule is ignored (pyproject.toml:5)" in shown
    flag = dry_debug("explain", "a.py:5", "--isolated", "--ignore", CODE, cwd=tmp_path).stdout.decode()
    assert "not reported: the rule is ignored (--ignore)" in flag


def test_explain_in_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    shown = dry_debug("explain", "a.ipynb:cell 3:2", cwd=tmp_path).stdout.decode()
    assert shown.startswith("a.ipynb:cell 3:2: net.load_state_dict(torch.load(path))\n")
    assert f"{CODE} {RULE}: warning, high confidence" in shown
    refused = dry_debug("explain", "a.ipynb:2", cwd=tmp_path)
    assert refused.returncode == 2
    assert b"say which cell" in refused.stderr
    assert dry_debug("explain", "a.ipynb:cell 1:1", cwd=tmp_path).returncode == 2
