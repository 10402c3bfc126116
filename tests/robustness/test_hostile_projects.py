"""Hostile folders, through the command: an answer in bounded time for check, facts and explain, exit 0, 1 or 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.robustness.hostile import TRAINING

_SECONDS = 60.0  # a bound against hanging, for one command on a busy machine
_REPOSITORY = Path(__file__).resolve().parents[2]


def _write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)


def _rings(root: Path) -> None:
    """Star imports in a ring, recursion through three modules, classes that inherit through them, reexports."""
    one, two, three = "one", "two", "three"
    for name, after, last in ((one, two, three), (two, three, one), (three, one, two)):
        _write(
            root,
            {
                f"{name}.py": f"import torch\nfrom {after} import *\nimport {last}\n"
                f"from {after} import f_{after} as g\n\n\n"
                f"class C_{name}(C_{after}):\n    def forward(self, x):\n        return super().forward(x)\n\n\n"
                f"def f_{name}(model, optimizer, x):\n    model.eval()\n    g(model, optimizer, x)\n"
                f"    {last}.f_{last}(model, optimizer, f_{after}(model, optimizer, x))\n    optimizer.step()\n"
                f"    return f_{name}(model, optimizer, x)\n"
            },
        )
    _write(root, {"main.py": "from one import *\n" + TRAINING + "\nf_one(Net(), optim.Adam(Net().parameters()), 1)\n"})


def _imports_itself(root: Path) -> None:
    _write(
        root,
        {"main.py": "import main\nfrom main import *\nfrom . import main\n" + TRAINING},
    )
    _write(
        root,
        {
            "p/__init__.py": "from . import *\nfrom .p import *\nfrom .. import p\n",
            "p/p/__init__.py": "from .. import *",
        },
    )


def _links(root: Path) -> None:
    """Links to folders above, to themselves, to nowhere, to a pipe and to what never ends."""
    _write(root, {"main.py": "from up import *\nimport pipe, zero, nowhere, folder\n" + TRAINING, "a/b.py": TRAINING})
    os.symlink(root, root / "a" / "up")
    os.symlink(root / "a", root / "a" / "again")
    os.symlink("round", root / "round")
    os.symlink("round.py", root / "round.py")
    os.symlink("nothing.py", root / "nowhere.py")
    os.symlink("/dev/zero", root / "zero.py")
    os.mkfifo(root / "pipe.py")
    (root / "folder.py").mkdir()


def _unreadable(root: Path) -> None:
    _write(root, {"main.py": "import shut\n" + TRAINING, "shut.py": "x = 1\n", "inner/deep.py": TRAINING})
    (root / "shut.py").chmod(0)
    (root / "inner").chmod(0)


def _wrong_bytes(root: Path) -> None:
    _write(
        root,
        {
            "main.py": "import utf16, nulls, latin, cookie, mac\nfrom binary import load\n" + TRAINING,
            "utf16.py": TRAINING.encode("utf-16"),
            "nulls.py": b"x = 1\0\n",
            "latin.py": "é = 1  # ü\n".encode("latin-1"),
            "cookie.py": b"# -*- coding: no-such-thing -*-\nx = 1\n",
            "mac.py": TRAINING.replace("\n", "\r"),
            "binary.py": bytes(range(256)) * 40,
            "rot.py": b"# coding: rot13\nvzcbeg gbepu\n",
            "empty.py": b"",
            "bom.py": b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
            "hex.py": b"# coding: hex\n696d706f7274\n",
            "undefined.py": b"# coding: undefined\nx = 1\n",
            "idna.py": b"# coding: idna\nx = 1\n",
        },
    )


def _settings(root: Path) -> None:
    """Configurations that are no such thing."""
    _write(
        root,
        {
            "main.py": TRAINING,
            "pyproject.toml": b"[tool.dry-debug\n\xff",
            "a/dry-debug.toml": "extend = 'dry-debug.toml'\n",
            "a/b.py": TRAINING,
            "c/pyproject.toml": "[tool]\ndry-debug = 3\n",
            "c/d.py": TRAINING,
            "INSTRUCTIONS.md": b"\xff\xfe learning rate: 1e-999999\n" + b"lr: 1e-3 " * 20_000,
            "n.ipynb": '{"cells": 3}',
            "m.ipynb": '{"cells": [{"cell_type": "code", "source": 7}]}',
            "o.ipynb": "[" * 9999,
        },
    )


def _names(root: Path) -> None:
    """File names that no module has."""
    _write(
        root,
        {
            "main.py": TRAINING,
            "a b.py": TRAINING,
            "-x.py": TRAINING,
            "é\u2028.py": TRAINING,
            "x" * 200 + ".py": TRAINING,
            "class.py": TRAINING,
            "__init__.py": TRAINING,
            "{{a}}.py": TRAINING,
            "%41.py": TRAINING,
        },
    )
    with open(os.fsencode(root) + b"/\xff.py", "wb") as file:
        file.write(TRAINING.encode())


_FOLDERS: dict[str, Callable[[Path], None]] = {
    "modules in a ring": _rings,
    "a module that imports itself": _imports_itself,
    "links that lead nowhere or on for ever": _links,
    "files and folders that cannot be read": _unreadable,
    "wrong bytes": _wrong_bytes,
    "broken settings and notebooks": _settings,
    "strange names": _names,
}


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    paths = os.pathsep.join(str(_REPOSITORY / name) for name in ("server", "rules"))
    return subprocess.run(
        [sys.executable, "-m", "dry_debug.cli.main", *arguments],
        cwd=folder,
        timeout=_SECONDS,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder.parent / "cache")},
        check=False,
    )


@pytest.mark.parametrize("name", _FOLDERS)
def test_a_hostile_folder_gets_an_answer(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    _FOLDERS[name](folder)
    checked = _run(folder, "check", "--format", "json", ".")
    told = [_run(folder, "facts", "main.py"), _run(folder, "explain", "main.py:33")]
    for path in (folder / "shut.py", folder / "inner"):
        if path.exists():
            path.chmod(0o755)
    for done in (checked, *told):
        assert done.returncode in (0, 1, 2), done.stderr.decode()
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert b"failed" not in done.stderr, done.stderr.decode()
    assert b'"rule' in checked.stdout or b"main.py" in checked.stdout, checked.stdout
