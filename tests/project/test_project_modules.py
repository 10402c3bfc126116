"""What is kept of other files between two analyses, and that findings do not depend on it."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest
from dry_debug.lint.settings import Settings
from dry_debug.project import run
from dry_debug.project.config import Configs
from dry_debug.project.host import ProjectHost
from dry_debug.project.modules import Modules
from dry_debug.render.record import Record

# Files that need one another, in circles too: what one of them is depends on the others.
FILES = {
    "lib/__init__.py": "from .models import *\nfrom .loops import fit, step_all\n",
    "lib/models.py": """
        import torch.nn as nn
        from .loops import helper
        __all__ = ["Net", "make"]
        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(3, 3)
            def forward(self, x):
                return helper(self.layer(x))
        class Net(Base):
            pass
        def make():
            return Net()
    """,
    "lib/loops.py": """
        import torch
        from . import models
        def helper(x):
            return x * 2
        def step_all(optimizer, loss):
            loss.backward()
            optimizer.step()
        def fit(loader):
            model = models.make()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for x, y in loader:
                step_all(optimizer, (model(x) - y).mean())
        def ping(n):
            return pong(n - 1)
        def pong(n):
            return ping(n) if n else models.make()
    """,
    "train.py": """
        import torch
        from lib import Net, step_all
        from lib.loops import ping
        def main(loader, val):
            model = Net()
            optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
            for epoch in range(3):
                model.eval()
                for x, y in loader:
                    step_all(optimizer, (model(x) - y).mean())
                torch.save({"epoch": epoch, "model": model.state_dict()}, "last.pt")
            other = ping(3)
            state = torch.load("last.pt")
            other.load_state_dict(state["model"])
        main([], [])
    """,
    "again.py": """
        import torch
        import train
        from lib.models import make
        def resume(loader):
            model = make()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            state = torch.load("last.pt")
            model.load_state_dict(state["model"])
            for x, y in loader:
                loss = (model(x) - y).mean()
                loss.backward()
                optimizer.step()
    """,
}


@pytest.fixture
def project(tmp_path: Path) -> list[str]:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    (tmp_path / "pyproject.toml").write_text("[tool.dry-debug]\npreview = true\nmin-confidence = 'low'\n")
    return [str(tmp_path / name) for name in FILES]


def found(paths: list[str], jobs: int = 1, use_cache: bool = False) -> dict[str, list[Record]]:
    return {r.path: r.records for r in run.check(paths, Configs(), jobs=jobs, use_cache=use_cache)}


def test_findings_do_not_depend_on_what_was_analysed_before(
    project: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: dict[str, list[Record]] = {}
    for path in project:
        run.host_for.cache_clear()
        alone |= found([path])
    assert sum(len(records) for records in alone.values()) >= 4
    assert any(item["related"] for records in alone.values() for item in records)
    order = list(project)
    for seed in range(6):
        random.Random(seed).shuffle(order)
        run.host_for.cache_clear()
        assert found(order) == alone
        assert found(order) == alone  # and again with a host that knows everything
    monkeypatch.setattr(run, "_BYTES_FOR_A_WORKER", 1)
    assert found(order, jobs=2) == alone


def test_findings_do_not_depend_on_how_many_modules_are_kept(
    project: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.host_for.cache_clear()
    everything = found(project)
    trim = Modules.trim
    monkeypatch.setattr(Modules, "trim", lambda self, most=0: trim(self, 0))
    run.host_for.cache_clear()
    assert found(project) == everything


def test_a_file_that_others_import_means_itself(project: list[str]) -> None:
    """The analysed file and what other files import under its name are one: an object of its classes stays one."""
    host = ProjectHost(str(Path(project[3]).parent))
    from dry_debug.lint.engine import analyse
    from dry_debug.project.read import read

    result = analyse(read(project[3]), host, Settings())
    assert result.program is not None
    assert host.module("train", project[4]) is result.program


def test_modules_asked_for_the_longest_time_ago_are_forgotten_first() -> None:
    modules = Modules()
    for name in "abc":
        modules.add(name, 1, b"x = 1\n")
    assert modules.get("a", 1) is not None
    assert modules.trim(12) == 1
    assert modules.get("b", 1) is None
    assert modules.get("a", 1) is not None and modules.get("c", 1) is not None
    assert modules.get("a", 2) is None  # the file has changed
    assert modules.get("a", None) is None  # nobody knows whether it has


def test_between_two_analyses_only_trees_and_indexes_are_kept(project: list[str]) -> None:
    run.host_for.cache_clear()
    found(project)
    host = run.host_for(str(Path(project[0]).parent.parent))
    assert not host._programs and not host._used
    assert "modules" in host.statistics()


def test_a_package_that_gives_on_everything_is_not_read_as_a_whole(tmp_path: Path) -> None:
    """`getattr(package, name)` stands for one of its classes; of a package of hundreds nobody can tell which."""
    for number in range(70):
        (tmp_path / "big").mkdir(exist_ok=True)
        (tmp_path / "big" / f"m{number}.py").write_text(f"import torch\nclass C{number}(torch.nn.Module): ...\n")
    (tmp_path / "big" / "__init__.py").write_text("".join(f"from .m{n} import C{n}\n" for n in range(70)))
    script = tmp_path / "train.py"
    script.write_text("import torch, sys, big\nnet = getattr(big, sys.argv[1])()\nnet.eval()\ntorch.load('x')\n")
    run.host_for.cache_clear()
    found([str(script)])
    host = run.host_for(str(tmp_path))
    assert len(host._modules._known) <= 2
