"""Which folders hold the packages that a project's code uses. No interpreter is started: none of these exists."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dry_debug.project import run
from dry_debug.project.config import Configs
from dry_debug.project.installed import ACTIVATED, folders_of, package_folders


@pytest.fixture(autouse=True)
def nothing_is_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ACTIVATED:
        monkeypatch.delenv(name, raising=False)


def made(home: Path, *below: str, config: str | None = None) -> list[str]:
    """An environment with these folders of packages."""
    for name in below:
        (home / name).mkdir(parents=True)
    if config is not None:
        (home / "pyvenv.cfg").write_text(config, "utf-8")
    return [str(home / name) for name in below]


UNIX = "lib/python3.12/site-packages"


def test_a_virtual_environment_of_the_project_needs_its_mark(tmp_path: Path) -> None:
    made(tmp_path / "env", UNIX)  # somebody's folder: `env` may be environments of reinforcement learning
    assert package_folders(str(tmp_path), variables={}) == []
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /nowhere\n", "utf-8")
    assert package_folders(str(tmp_path), variables={}) == [str(tmp_path / "env" / UNIX)]


def test_an_environment_of_conda_in_the_project(tmp_path: Path) -> None:
    own = made(tmp_path / "env", UNIX)
    (tmp_path / "env" / "conda-meta").mkdir()
    assert package_folders(str(tmp_path), variables={}) == own


def test_the_order_named_then_in_the_project_then_activated(tmp_path: Path) -> None:
    named = made(tmp_path / "named", UNIX)
    inside = made(tmp_path / "project" / ".venv", UNIX, config="home = /nowhere\n")
    active = made(tmp_path / "active", UNIX)
    conda = made(tmp_path / "conda", UNIX)
    root, variables = str(tmp_path / "project"), {"VIRTUAL_ENV": str(tmp_path / "active")}
    variables["CONDA_PREFIX"] = str(tmp_path / "conda")
    assert package_folders(root, str(tmp_path / "named"), variables) == named
    assert package_folders(root, None, variables) == inside
    (tmp_path / "project" / ".venv" / "pyvenv.cfg").unlink()
    assert package_folders(root, None, variables) == active
    del variables["VIRTUAL_ENV"]
    assert package_folders(root, None, variables) == conda
    assert package_folders(root, str(tmp_path / "absent"), variables) == conda
    assert package_folders(root, None, {"VIRTUAL_ENV": "."}) == []  # not what `activate` sets


def test_the_activated_environment_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    active = made(tmp_path / "active", UNIX)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "active"))
    assert package_folders(str(tmp_path)) == active


@pytest.mark.parametrize(
    ("folder", "interpreter"),
    [
        (UNIX, "bin/python"),
        ("lib64/python3.12/site-packages", "bin/python3.12"),
        ("lib/pypy3.10/site-packages", "bin/pypy3"),
        ("lib/python3/dist-packages", "bin/python3"),
        ("local/lib/python3.12/dist-packages", "bin/python3"),
        ("Lib/site-packages", "Scripts/python.exe"),
        ("Lib/site-packages", "python.exe"),
    ],
)
def test_where_each_kind_of_installation_has_its_packages(tmp_path: Path, folder: str, interpreter: str) -> None:
    found = made(tmp_path / "home", folder)
    assert folders_of(str(tmp_path / "home" / interpreter)) == found
    assert folders_of(str(tmp_path / "home")) == found


def test_a_folder_that_is_not_there_is_no_interpreter(tmp_path: Path) -> None:
    """`/nowhere` would be one in the folder `/`, whose `lib` has the system's packages."""
    made(tmp_path, UNIX)
    assert folders_of(str(tmp_path / "nowhere")) == []
    assert folders_of(str(tmp_path / "bin" / "nowhere")) == []
    assert folders_of(str(tmp_path / "bin" / "python3.12")) == [str(tmp_path / UNIX)]


def test_a_link_to_an_interpreter_leads_to_its_packages_but_one_of_an_environment_does_not(tmp_path: Path) -> None:
    base = made(tmp_path / "base", UNIX)
    own = made(tmp_path / "project" / ".venv", UNIX, config="home = /nowhere\n")
    (tmp_path / "base" / "bin").mkdir()
    (tmp_path / "base" / "bin" / "python3").touch()
    for folder in (tmp_path / "links", tmp_path / "project" / ".venv" / "bin"):
        folder.mkdir()
        (folder / "python3").symlink_to(tmp_path / "base" / "bin" / "python3")
    assert folders_of(str(tmp_path / "links" / "python3")) == base
    assert folders_of(str(tmp_path / "project" / ".venv" / "bin" / "python3")) == own


@pytest.mark.parametrize("value", ["true", "True", "false"])
def test_an_environment_may_show_the_packages_of_the_system(tmp_path: Path, value: str) -> None:
    """A container that comes with PyTorch, and a virtual environment over it."""
    system = made(tmp_path / "usr", "local/lib/python3.12/dist-packages")
    config = f"home = {tmp_path / 'usr' / 'bin'}\ninclude-system-site-packages = {value}\nversion = 3.12.3\n"
    own = made(tmp_path / ".venv", UNIX, config=config)
    assert package_folders(str(tmp_path), variables={}) == own + (system if value != "false" else [])


def test_lib64_is_not_named_twice(tmp_path: Path) -> None:
    own = made(tmp_path / "home", UNIX)
    (tmp_path / "home" / "lib64").symlink_to(tmp_path / "home" / "lib")
    assert folders_of(str(tmp_path / "home")) == own


def test_what_venv_makes_is_found() -> None:
    """The environment of these tests themselves."""
    import sysconfig

    found = [os.path.realpath(folder) for folder in folders_of(sys.prefix)]
    assert os.path.realpath(sysconfig.get_path("purelib")) in found


# -- as a user sets it -------------------------------------------------------------------------------------------------

SCRIPT = (
    "import torch\nfrom mylib import Ranger\nmodel = torch.nn.Linear(1, 1)\noptimizer = Ranger(model.parameters())\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project, and an environment elsewhere in which `mylib` is installed."""
    packages = Path(made(tmp_path / "conda", UNIX)[0])
    (packages / "mylib").mkdir()
    text = "import torch\nclass Ranger(torch.optim.Optimizer):\n    pass\n"
    (packages / "mylib" / "__init__.py").write_text(text, "utf-8")
    (packages / "mylib-1.0.dist-info").mkdir()
    (packages / "mylib-1.0.dist-info" / "METADATA").write_text("Name: mylib\nRequires-Dist: torch\n", "utf-8")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "train.py").write_text(SCRIPT, "utf-8")
    return tmp_path / "project"


def facts(project: Path, *flags: str, **variables: str) -> tuple[int, str, list[str]]:
    """Exit status, what was complained about, and the kinds of the components."""
    command = [sys.executable, "-m", "dry_debug", "facts", str(project / "train.py"), "--format", "json", *flags]
    environment = {name: value for name, value in os.environ.items() if name not in ACTIVATED} | variables
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, env=environment)
    rows = json.loads(done.stdout)["components"] if done.stdout else []
    return done.returncode, done.stderr, [row["kind"] for row in rows]


def test_the_flag_names_an_environment(project: Path) -> None:
    assert facts(project) == (0, "", ["model"])
    assert facts(project, "--environment", "../conda") == (0, "", ["model", "optimizer"])
    assert facts(project, "--environment", "../conda/bin/python") == (0, "", ["model", "optimizer"])
    assert facts(project, CONDA_PREFIX=str(project.parent / "conda")) == (0, "", ["model", "optimizer"])


def test_a_flag_that_leads_nowhere_is_told(project: Path) -> None:
    status, said, kinds = facts(project, "--environment", "../condo")
    assert (status, kinds) == (2, [])
    assert said == "dry-debug: --environment: there are no installed packages in ../condo\n"


def test_a_config_names_it_relative_to_itself(project: Path) -> None:
    (project / "dry-debug.toml").write_text('environment = "../conda"\n', "utf-8")
    assert facts(project) == (0, "", ["model", "optimizer"])
    config = Configs().of_file(str(project / "train.py"))
    assert config.problems == ()
    task = run.task_of(str(project / "train.py"), Configs())
    assert run.host_of(task).module("mylib", task.path) is not None


def test_a_config_that_leads_nowhere_is_told_with_its_line(project: Path) -> None:
    (project / "dry-debug.toml").write_text('preview = true\nenvironment = "gone"\n', "utf-8")
    (problem,) = Configs().of_file(str(project / "train.py")).problems
    assert (problem.message, problem.line) == ("`environment`: there are no installed packages in 'gone'", 2)
