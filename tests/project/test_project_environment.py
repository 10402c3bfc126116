"""Installed packages as the host sees them: found beside the project, read, never run."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.program.program import Program
from dry_debug.project.environment import KNOWN, Environment, find
from dry_debug.project.host import ProjectHost
from dry_debug.project.installed import ACTIVATED
from dry_debug.project.read import read
from dry_debug.project.versions import declared


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def environment(root: Path, name: str = ".venv") -> Path:
    write(root / name / "pyvenv.cfg", "home = /nowhere\n")
    packages = root / name / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    return packages


def install(packages: Path, name: str, files: dict[str, str], requires: str = "torch>=2", version: str = "1.2") -> None:
    for path, text in files.items():
        write(packages / path, text)
    write(
        packages / f"{name}-{version}.dist-info" / "METADATA",
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: {requires}\n",
    )


OPTIMIZERS = {
    "mylib/__init__.py": "from .optim import Ranger\nimport torch\nraise SystemExit('this was run')\n",
    "mylib/optim.py": """
        import torch
        class Base(torch.optim.Optimizer):
            pass
        class Ranger(Base):
            pass
        def make(parameters):
            return Ranger(parameters)
    """,
}
SCRIPT = """
    import torch
    from mylib import Ranger
    from mylib.optim import make
    net = torch.nn.Linear(1, 1)
    first = Ranger(net.parameters())
    second = make(net.parameters())
    first.step()
    second.step()
"""


@pytest.fixture(autouse=True)
def nothing_is_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ACTIVATED:
        monkeypatch.delenv(name, raising=False)


def kinds(root: Path, named: str | None = None) -> list[str]:
    script = write(root / "train.py", SCRIPT)
    result = analyse(read(str(script)), ProjectHost(str(root), environment=named), Settings())
    program = result.program
    assert program is not None
    return [program.export(name).kind for name in ("first", "second")]


def test_a_class_of_an_installed_package_is_what_its_bases_say(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    install(packages, "mylib", OPTIMIZERS)
    assert kinds(tmp_path) == ["optimizer", "optimizer"]


def test_the_environment_of_the_settings_comes_before_the_folder_beside_the_project(tmp_path: Path) -> None:
    packages = environment(tmp_path / "elsewhere", "home")
    install(packages, "mylib", OPTIMIZERS)
    root = tmp_path / "project"
    root.mkdir()
    environment(root)
    assert kinds(root)[1] == "unknown"
    python = packages.parents[2] / "bin" / "python"  # need not exist: it is not run
    assert kinds(root, str(python)) == ["optimizer", "optimizer"]
    assert kinds(root, str(packages.parents[2])) == ["optimizer", "optimizer"]


def test_without_an_environment_nothing_is_looked_for(tmp_path: Path) -> None:
    install(tmp_path / ".venv" / "lib" / "python3.12" / "site-packages", "mylib", OPTIMIZERS)  # no pyvenv.cfg
    assert find(str(tmp_path)) is None
    assert kinds(tmp_path)[1] == "unknown"


@pytest.mark.parametrize("top", ["torch", "transformers", "numpy", "os"])
def test_what_the_model_knows_is_not_read_again(tmp_path: Path, top: str) -> None:
    packages = environment(tmp_path)
    install(packages, top, {f"{top}/__init__.py": "import torch\n"})
    found = find(str(tmp_path))
    assert found is not None and top in KNOWN
    assert found.places(top) == []


def test_packages_that_have_nothing_to_do_with_torch_are_left_alone(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    install(packages, "plain", {"plain/__init__.py": "def helper(): ...\n"}, requires="requests")
    install(packages, "near", {"near/__init__.py": ""}, requires="torch-stubs")
    install(packages, "deep", {"deep_lib/__init__.py": ""}, requires="accelerate (>=0.20)")
    write(packages / "deep-1.2.dist-info" / "top_level.txt", "deep_lib\n")
    found = find(str(tmp_path))
    assert found is not None
    assert [bool(found.places(top)) for top in ("plain", "near", "deep_lib", "absent")] == [False, False, True, False]


def test_a_package_under_development_is_found_through_its_pth_file(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    write(tmp_path / "checkout" / "src" / "mylib" / "optim.py", OPTIMIZERS["mylib/optim.py"])
    write(tmp_path / "checkout" / "src" / "mylib" / "__init__.py", "from .optim import Ranger\n")
    (packages / "mylib.pth").write_text(f"import os; os.abort()\n{tmp_path / 'checkout' / 'src'}\n")
    assert kinds(tmp_path) == ["optimizer", "optimizer"]


def test_an_installed_package_does_not_take_modules_from_the_project(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    install(packages, "mylib", {"mylib/__init__.py": "import torch\nfrom helpers import Ranger\n"})
    write(tmp_path / "helpers.py", "import torch\nclass Ranger(torch.optim.Optimizer): ...\n")
    host = ProjectHost(str(tmp_path))
    inside = host.module("mylib", str(tmp_path / "train.py"))
    assert isinstance(inside, Program)
    assert host.module("helpers", inside.document.path) is None


def test_versions_are_those_of_the_metadata(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    install(packages, "Some_Package", {}, version="2.1.0+cu121")
    write(tmp_path / "requirements.txt", "some-package>=1\nother==3.1\n")
    host = ProjectHost(str(tmp_path))
    assert [host.version(name) for name in ("some.package", "other", "third")] == ["2.1.0+cu121", "3.1", None]
    asked = host.asked_for(str(tmp_path / "train.py"))
    keys = {question: host.answer_key(question) for question in asked}
    write(tmp_path / "requirements.txt", "other==3.2\n")
    host.refresh()
    assert {question for question in keys if host.answer_key(question) != keys[question]} == {
        f"version:other:{tmp_path}"
    }


def test_a_folder_of_its_own_needs_speaks_for_its_files(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    install(packages, "torch", {}, version="2.9.0")
    write(tmp_path / "requirements.txt", "torch>=2\nother==3.1\n")
    write(tmp_path / "examples" / "old" / "requirements.txt", "torch==1.4\n")
    write(tmp_path / "examples" / "old" / "sub" / "train.py", "")
    host = ProjectHost(str(tmp_path))
    old = str(tmp_path / "examples" / "old" / "sub" / "train.py")
    assert [host.version(name, old) for name in ("torch", "other", "third")] == ["1.4", "3.1", None]
    assert host.version("torch", str(tmp_path / "examples" / "new.py")) == "2.9.0"
    assert host.version("torch") == "2.9.0"
    assert host.version("torch", str(tmp_path.parent / "elsewhere" / "train.py")) == "2.9.0"
    keys = {question: host.answer_key(question) for question in host.asked_for(old)}
    write(tmp_path / "examples" / "old" / "requirements.txt", "torch==1.5\n")
    host.refresh()
    changed = {question for question in keys if host.answer_key(question) != keys[question]}
    assert changed == {f"version:torch:{tmp_path / 'examples' / 'old' / 'sub'}"}


def test_a_file_answers_for_the_versions_that_it_and_its_modules_asked_for_alone(tmp_path: Path) -> None:
    """Else the cache of a project of many folders grows with the square of their number."""
    write(tmp_path / "one" / "train.py", "from helpers import f\n")
    write(tmp_path / "one" / "helpers.py", "def f(): ...\n")
    write(tmp_path / "two" / "train.py", "")
    host = ProjectHost(str(tmp_path))
    one, two = str(tmp_path / "one" / "train.py"), str(tmp_path / "two" / "train.py")
    helpers = host.module("helpers", one)
    assert isinstance(helpers, Program)
    host.version("torch", one)
    host.version("numpy", helpers.document.path)
    host.version("torch", two)
    asked = {question for question in host.asked_for(one) if question.startswith("version:")}
    assert asked == {f"version:{name}:{tmp_path / 'one'}" for name in ("torch", "numpy")}
    assert host.asked_for(two) == {f"version:torch:{tmp_path / 'two'}"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "torch==2.1.0  # here\nlib[extra] >= 1.0, <2\n-r x.txt\n-e .\n", ("2.1.0", ">=1.0,<2")),
        ("requirements-dev.txt", "torch~=2.1; python_version > '3.8'\nlib == 1.* \n", ("~=2.1", "==1.*")),
        ("requirements/base.txt", "torch==1.13\nlib\n", ("1.13", None)),
        ("pyproject.toml", '[project]\ndependencies=["torch (>=2)"]\n[dependency-groups]\na=["lib<3"]', (">=2", "<3")),
        ("pyproject.toml", '[tool.poetry.dependencies]\ntorch = "2.1"\nlib = {version = ">=1"}\n', ("^2.1", ">=1")),
        ("setup.cfg", "[options]\ninstall_requires =\n    torch>=1.9\n    lib==4\n", (">=1.9", "4")),
        ("setup.py", "needs = ['torch>=1', 'lib']\nsetup(install_requires=needs)\n", (">=1", None)),
        ("environment.yml", "dependencies:\n  - torch=2.2.1=py311\n  - pip:\n    - lib>=5\n", ("2.2.1", ">=5")),
        ("environment.yaml", "dependencies:\n  - pytorch=1.12\n  - lib\n", ("1.12", None)),
        ("trainer-requirements.txt", "torch==1.11.0\nlib>=2\n", ("1.11.0", ">=2")),
        ("README.md", "Run `pip install torch==2.0.1`.\n\n    conda install lib=3.1 -c other\n", ("2.0.1", "3.1")),
        ("README.md", "pip install \\\n  'torch==1.9.0' \\\n  --index-url https://x.org/a=b\n", ("1.9.0", None)),
        ("README.md", "Old: pip install torch==1.9\n\nNew: pip install torch==2.1\n", (None, None)),
        ("README.md", "Results with torch==1.9 differ; install lib==2 by hand.\n", (None, None)),
        ("uv.lock", '[[package]]\nname = "torch"\nversion = "2.3.1"\n', ("2.3.1", None)),
        ("Pipfile.lock", '{"default": {"torch": {"version": "==2.0"}, "lib": {"version": "==1"}}}', ("2.0", "1")),
    ],
)  # fmt: skip
def test_declared_versions(tmp_path: Path, name: str, text: str, expected: tuple[str | None, str | None]) -> None:
    write(tmp_path / name, text)
    found = declared(str(tmp_path))
    assert (found.get("torch"), found.get("lib")) == expected


@pytest.mark.parametrize(
    ("place", "version"),
    [
        ("git+https://example.org/us/torch.git@v2.1.0", "2.1.0"),
        ("git+http://example.org/us/torch.git@v0.8.5_ours#egg=torch", "0.8.5"),
        ("https://example.org/torch/archive/v1.7.2.zip", "1.7.2"),
        ("git+https://example.org/us/torch.git@our-branch", "@ git+https://example.org/us/torch.git@our-branch"),
        ("git+https://example.org/us/torch.git", "@ git+https://example.org/us/torch.git"),
    ],
)
def test_what_comes_from_an_address_has_the_version_of_its_tag(tmp_path: Path, place: str, version: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"torch @ {place}\nlib>=2\n")
    found = declared(str(tmp_path))
    assert (found["torch"], found["lib"]) == (version, ">=2")


def test_what_a_readme_has_installed_is_contradicted_by_a_list(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("pip install torch==1.9.0 lib==1.0\n")
    (tmp_path / "requirements.txt").write_text("torch>=2\n")
    assert (declared(str(tmp_path))["torch"], declared(str(tmp_path))["lib"]) == (">=2", "1.0")


def test_a_lock_file_comes_before_what_it_was_made_from(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torch>=2"]\n')
    (tmp_path / "poetry.lock").write_text('[[package]]\nname = "torch"\nversion = "2.4.0"\n')
    assert declared(str(tmp_path))["torch"] == "2.4.0"


@pytest.mark.parametrize("text", ["[", "\0", "[[package]]\nname = 1\n", "[project]\ndependencies = 3\n", "x = [[1]]"])
def test_broken_metadata_declares_nothing(tmp_path: Path, text: str) -> None:
    for name in ("pyproject.toml", "uv.lock", "setup.cfg", "setup.py", "Pipfile.lock", "environment.yml"):
        (tmp_path / name).write_text(f"install_requires{text}" if name == "setup.py" else text)
    assert declared(str(tmp_path)) == {}
    assert Environment([str(tmp_path / "nowhere")]).version("torch") is None


FINDER = """from __future__ import annotations
import sys

MAPPING: dict[str, str] = {mapping!r}
NAMESPACES: dict[str, list[str]] = {{}}
raise SystemExit('this was run')
"""


def editable(packages: Path, mapping: object) -> None:
    """What `pip install --editable` leaves for a package that is not in a folder of its own (setuptools from 64 on)."""
    install(packages, "mylib", {}, requires="tqdm")
    write(packages / "__editable__.mylib-1.2.pth", "import __editable___mylib_1_2_finder; __editable___x.install()")
    (packages / "__editable___mylib_1_2_finder.py").write_text(FINDER.format(mapping=mapping))


@pytest.mark.parametrize("inside", ["code", "code/src"])
def test_an_editable_install_that_maps_its_packages(tmp_path: Path, inside: str) -> None:
    root, code = tmp_path / "project", tmp_path / inside
    for path, text in OPTIMIZERS.items():
        write(code / path, text)
    editable(environment(root), {"mylib": str(code / "mylib"), "gone": str(tmp_path / "gone")})
    assert kinds(root) == ["optimizer", "optimizer"]


@pytest.mark.parametrize(
    "mapping", [{}, [], {"mylib": 3}, {"mylib": "mylib"}, {"mylib": "/elsewhere/yourlib"}, {3: "/mylib"}, "{", {"": ""}]
)
def test_an_editable_install_that_maps_nothing_known(tmp_path: Path, mapping: object) -> None:
    editable(environment(tmp_path), mapping)
    assert kinds(tmp_path) == ["unknown", "unknown"]


def test_check_runs_nothing_of_the_environment(tmp_path: Path) -> None:
    install(environment(tmp_path), "mylib", OPTIMIZERS)
    write(tmp_path / "train.py", SCRIPT)
    code = (
        "import sys; from dry_debug.cli.main import main; sys.argv = ['dry-debug', 'check', '--no-cache', '.']\n"
        "try: main()\nexcept SystemExit: pass\nassert 'mylib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
