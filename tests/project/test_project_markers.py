"""What a project declares only for some Pythons, platforms, extras or for its own developers."""

from __future__ import annotations

from pathlib import Path

import pytest
from dry_debug.project.host import ProjectHost
from dry_debug.project.markers import PYTHONS, admitted, holds
from dry_debug.project.versions import declared


@pytest.mark.parametrize(
    ("marker", "pythons", "expected"),
    [
        ('python_version < "3.8"', PYTHONS, False),
        ('python_version >= "3.8"', PYTHONS, True),
        ('python_version < "3.11"', PYTHONS, None),
        ('python_version < "3.11"', ("3.9", "3.10"), True),
        ('python_full_version >= "3.10.2"', ("3.10",), True),
        ('sys_platform == "win32"', PYTHONS, None),
        ('sys_platform == "linux" or sys_platform != "linux"', PYTHONS, True),
        ('platform_machine == "riscv64"', PYTHONS, False),
        ('extra == "train"', PYTHONS, None),
        ('extra == "train" and python_version < "3"', PYTHONS, False),
        ("nonsense ==", PYTHONS, None),
        ("(" * 900, PYTHONS, None),
        ('python_version < "3.8"' + " " * 2_000, PYTHONS, None),
    ],
)
def test_a_marker_holds_everywhere_nowhere_or_nobody_knows(
    marker: str, pythons: tuple[str, ...], expected: bool | None
) -> None:
    assert holds(marker, pythons) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (">=3.10,<3.12", ("3.10", "3.11")),
        ("^3.12", ("3.12", "3.13", "3.14")),
        ("3.11", ("3.11",)),
        ("3.11.4", ("3.11",)),
        ("~3.9", ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")),
        ("", PYTHONS),
        ("whatever", PYTHONS),
        ("<3", PYTHONS),
    ],
)
def test_a_project_narrows_the_pythons(condition: str, expected: tuple[str, ...]) -> None:
    assert admitted(condition) == expected


def version(root: Path, **files: str) -> str | None:
    for name, text in files.items():
        path = root / {"txt": "requirements.txt", "dev": "requirements-dev.txt", "toml": "pyproject.toml"}.get(
            name, name
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return declared(str(root)).get("torch")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('torch==1.13.1; python_version < "3.7"\ntorch==2.4.0; python_version >= "3.7"\n', "2.4.0"),
        ('torch==1.13.1; python_version < "3.12"\ntorch==2.4.0; python_version >= "3.12"\n', None),
        ('torch==2.4.0; sys_platform == "darwin"\ntorch==2.4.0; sys_platform != "darwin"\n', "2.4.0"),
        ('torch==2.4.0+cpu; sys_platform == "darwin"\ntorch==2.5.0; sys_platform != "darwin"\n', None),
        ('torch==1.10.0; extra == "old"\ntorch>=2.1\n', ">=2.1"),
        ('torch==1.10.0; python_version < "3"\n', None),
        ('torch==2.3.0 ; sys_platform == "linux"  # the only one\n', "2.3.0"),
        ('torch==2.3.0 \\\n    ; python_version < "3.3"\n', None),
        ("torch==2.3.0 ; no marker at all\n", "2.3.0"),
    ],
)
def test_requirements_with_markers(tmp_path: Path, text: str, expected: str | None) -> None:
    assert version(tmp_path, txt=text) == expected


def test_what_the_project_says_of_its_python_decides(tmp_path: Path) -> None:
    text = 'torch==1.13.1; python_version < "3.12"\ntorch==2.4.0; python_version >= "3.12"\n'
    assert version(tmp_path, txt=text, toml='[project]\nrequires-python = ">=3.12"\n') == "2.4.0"
    assert version(tmp_path, txt=text, toml='[tool.poetry.dependencies]\npython = ">=3.9,<3.11"\n') == "1.13.1"
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / ".python-version").write_text("3.12.4\n")
    assert version(tmp_path, txt=text) == "2.4.0"


def test_what_developers_need_gives_way(tmp_path: Path) -> None:
    assert version(tmp_path, dev="torch==1.10.0\n") == "1.10.0"
    assert version(tmp_path, dev="torch==1.10.0\n", txt="torch==2.4.0\n") == "2.4.0"
    assert (
        version(tmp_path, dev="torch==1.10.0\n", txt="numpy\n", **{"requirements/gpu.txt": "torch==2.2.0\n"}) == "2.2.0"
    )


def test_several_files_of_one_level_count_where_they_agree(tmp_path: Path) -> None:
    assert (
        version(tmp_path, **{"requirements-gpu.txt": "torch==2.2.0\n", "requirements-cpu.txt": "torch==2.2.0\n"})
        == "2.2.0"
    )
    assert version(tmp_path, **{"requirements-cpu.txt": "torch==2.1.0\n"}) is None


def test_compiled_requirements_come_before_what_they_are_made_from(tmp_path: Path) -> None:
    assert version(tmp_path, **{"requirements.in": "torch>=2\n", "requirements.txt": "torch==2.4.1\n"}) == "2.4.1"


def test_an_extra_gives_way_and_two_that_disagree_say_nothing(tmp_path: Path) -> None:
    extras = '[project.optional-dependencies]\ntrain = ["torch==2.1.0"]\nold = ["torch==1.9.0"]\n'
    assert version(tmp_path, toml=extras) is None
    assert version(tmp_path, toml=extras.partition("old")[0]) == "2.1.0"
    assert version(tmp_path, toml='[project]\ndependencies = ["torch>=2.3"]\n' + extras) == ">=2.3"


def test_poetry_has_a_row_for_each_platform(tmp_path: Path) -> None:
    torch = '[{version = "2.2", platform = "linux"}, {version = "2.0", platform = "darwin"}]'
    rows = f"[tool.poetry.dependencies]\ntorch = {torch}\n"
    assert version(tmp_path, toml=rows) is None
    assert version(tmp_path, toml=rows.replace('"2.0"', '"2.2"')) == "^2.2"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("version = '2.2.0'\nresolution-markers = [\"python_version < '3.7'\"]", "2.4.0"),
        ("version = '2.2.0'\nresolution-markers = [\"sys_platform == 'darwin'\"]", None),
        ("version = '2.2.0'", None),
    ],
)
def test_a_lock_file_with_a_package_at_two_versions(tmp_path: Path, rows: str, expected: str | None) -> None:
    other = "version = '2.4.0'\nresolution-markers = [\"python_version >= '3.7'\"]"
    if "darwin" in rows:
        other = "version = '2.4.0'\nresolution-markers = [\"sys_platform == 'linux'\", \"sys_platform == 'win32'\"]"
    text = "".join(f"[[package]]\nname = 'torch'\n{row}\n" for row in (rows, other))
    found = version(tmp_path, **{"uv.lock": text})
    assert found == (expected or ("2.4.0" if "resolution" not in rows else None))


def test_the_host_answers_with_what_holds(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        'torch==1.2; python_version < "3.6"\ntorch==2.4; python_version > "3.6"\n'
    )
    assert ProjectHost(str(tmp_path)).version("torch") == "2.4"


def test_declarations_are_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text('torch==2.4\nlib==1; python_version < "3"\nnumpy\n')
    assert dict(declared(str(tmp_path))) == {"torch": "2.4"} and len(declared(str(tmp_path))) == 1
