"""Which files import a given one: the nearest first, bounded, and as a part of the cache's key."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_debug.project import importers
from dry_debug.project.host import ProjectHost
from dry_debug.project.importers import words_of_imports


def lay(root: Path, **files: str) -> ProjectHost:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ProjectHost(str(root))


def names(host: ProjectHost, path: Path, word: str = "") -> list[str]:
    return [program.document.path.rpartition("/")[2] for program in host.importers(str(path), word)]


@pytest.mark.parametrize(
    "text",
    [
        "from tools import fit\n",
        "import tools\ntools.fit()\n",
        "import os, tools as t\nt.fit()\n",
        "from . import (\n    other,\n    tools,\n)\ntools.fit()\n",
        "from lib.tools import fit as f\n",
        "def main():\n    from tools import fit\n",
        "\ufefffrom tools import fit\n",
        "\ffrom tools import fit\n",
    ],
)
def test_an_import_in_any_form(tmp_path: Path, text: str) -> None:
    host = lay(tmp_path, tools="def fit(): ...\n", main=text, apart="import os\n")
    assert names(host, tmp_path / "tools.py", "fit") == ["main.py"]
    assert names(host, tmp_path / "tools.py", "other_name") == []


def test_a_package_hands_on_what_it_imports(tmp_path: Path) -> None:
    host = lay(tmp_path, main="from lib import fit\n", lib__tools="def fit(): ...\n")
    (tmp_path / "lib" / "__init__.py").write_text("from .tools import fit\n")
    assert names(host, tmp_path / "lib" / "tools.py", "fit") == ["main.py"]


def test_a_module_hands_on_the_name_that_it_imports(tmp_path: Path) -> None:
    """`tools` has moved, and its old home still offers what others import from there."""
    old, other = "from new_home import fit\n", "from old_home import rest\nfit = rest\n"
    host = lay(tmp_path, new_home="def fit(): ...\n", old_home=old, main="from old_home import fit\n", other=other)
    assert names(host, tmp_path / "new_home.py", "fit") == ["old_home.py", "main.py", "other.py"]
    assert names(host, tmp_path / "new_home.py", "rest") == []


def test_the_nearest_come_first_and_environments_are_left_out(tmp_path: Path) -> None:
    text = "from tools import fit\n"
    host = lay(tmp_path, far__a=text, near__tools="", near__b=text, near__below__c=text, venv__d=text, top=text)
    assert names(host, tmp_path / "near" / "tools.py", "fit") == ["b.py", "c.py", "top.py", "a.py"]


def test_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"m{number}": "import tools\n" for number in range(40)}
    host = lay(tmp_path, tools="", **files)
    assert len(names(host, tmp_path / "tools.py")) == importers.MOST
    monkeypatch.setattr(importers, "MAX_FILES", 5)
    host.refresh()
    assert len(names(host, tmp_path / "tools.py")) == 5
    monkeypatch.setattr(importers, "MAX_FOLDERS", 0)
    host.refresh()
    assert len(names(host, tmp_path / "tools.py")) == 5  # of its own folder


def test_the_answer_is_part_of_the_cache_key(tmp_path: Path) -> None:
    host = lay(tmp_path, tools="def fit(): ...\n", main="from tools import fit\nfit()\n")
    tools, question = str(tmp_path / "tools.py"), f"importers:fit:{tmp_path / 'tools.py'}"

    def key() -> str:
        host.refresh()
        return host.answer_key(question)

    host.importers(tools, "fit")
    assert question in host.asked_for(tools)
    first = key()
    assert key() == first
    (tmp_path / "main.py").write_text("from tools import fit\nfit(1)\n")
    second = key()
    assert second != first  # an importer that has changed
    (tmp_path / "more.py").write_text("from tools import fit\n")
    assert key() != second  # another one


def test_what_importers_ask_belongs_to_the_questions(tmp_path: Path) -> None:
    host = lay(tmp_path, tools="def fit(x): ...\n", main="from tools import fit\n", other="x = 1\n")
    (program,) = host.importers(str(tmp_path / "tools.py"), "fit")
    program.host.module("other", program.document.path)
    assert any(q.startswith("module:0:other:") for q in host.asked_for(str(tmp_path / "tools.py")))


def test_an_open_file_counts_as_it_is_in_the_editor(tmp_path: Path) -> None:
    host = lay(tmp_path, tools="def fit(): ...\n", main="x = 1\n")
    tools, main = str(tmp_path / "tools.py"), str(tmp_path / "main.py")
    question = f"importers:fit:{tools}"
    assert names(host, tmp_path / "tools.py", "fit") == [] and not host.rests_on(question, main)
    host.refresh({main: "from tools import fit\n", str(tmp_path / "new.py"): "import tools\ntools.fit()\n"})
    assert names(host, tmp_path / "tools.py", "fit") == ["main.py", "new.py"]
    assert host.rests_on(question, main)
    host.refresh({main: "x = 1\n"})
    assert host.rests_on(question, main)  # it was in the last answer: what rests on it is no longer so


def test_words_of_imports() -> None:
    text = b"import a.b as c\nfrom .d import e  # f\nx = 'import g'\nif 1:\n  from h.i import (j,\n   k)\n"
    assert words_of_imports(text) >= {b"b", b"d", b"e", b"i", b"j", b"k"}
    assert not words_of_imports(text) & {b"g", b"x", b"h"}
