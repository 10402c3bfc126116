"""Puts the server's dependencies into one folder that serves every CPython from 3.11 to 3.14.

Pure packages are the same for all of them. A native module's file name holds the ABI that it was built for, so the
builds for all versions lie side by side in one package, and each interpreter loads its own.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# Installed with the command line but never imported by the server: rich and what it brings are for the terminal;
# libcst reads YAML only in its own command-line tool.
LEFT_OUT = ("rich", "pygments", "markdown_it", "mdurl", "yaml", "_yaml", "yaml_ft")

PRUNED = (
    "bin",
    "libcst/tests",
    "libcst/**/tests",
    "**/test_*.py",
    "**/*.pyi.orig",
    "**/__pycache__",
    "**/RECORD",
    "**/direct_url.json",
)


def dependencies(pyproject: Path) -> list[str]:
    """The requirements of the distribution, as written in its pyproject.toml."""
    with pyproject.open("rb") as file:
        requirements: list[str] = tomllib.load(file)["project"]["dependencies"]
    return requirements


def install(requirements: Sequence[str], platforms: Sequence[str], libs: Path, scratch: Path) -> list[str]:
    """Installs `requirements` into `libs` for all PYTHONS; returns what was installed, as `name==version`.

    Raises SystemExit when pip finds no wheel.
    """
    first, *others = PYTHONS
    pip_install(requirements, platforms, first, libs)
    pins = installed(libs)
    native = [name for name, folder in distributions(libs) if not is_pure(folder)]
    wanted = [pin for pin in pins if pin.partition("==")[0] in native and not left_out(pin.partition("==")[0])]
    for python in others:
        if wanted:
            target = scratch / python
            pip_install([*wanted, "--no-deps"], platforms, python, target)
            shutil.copytree(target, libs, dirs_exist_ok=True)
    drop(libs)
    return installed(libs)


def pip_install(arguments: Sequence[str], platforms: Sequence[str], python: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", f"--target={target}"]
    command += [f"--platform={tag}" for tag in platforms]
    if subprocess.run([*command, *arguments]).returncode:
        raise SystemExit(f"pip could not install {' '.join(arguments)} for Python {python} on {', '.join(platforms)}")


def distributions(libs: Path) -> list[tuple[str, Path]]:
    """(name, its .dist-info folder) of each package, by name."""
    return sorted((folder.name.split("-")[0], folder) for folder in libs.glob("*.dist-info"))


def installed(libs: Path) -> list[str]:
    return ["==".join(folder.name.removesuffix(".dist-info").split("-")[:2]) for _, folder in distributions(libs)]


def is_pure(dist_info: Path) -> bool:
    """Whether the wheel said that it fits every interpreter."""
    return "-none-any" in (dist_info / "WHEEL").read_text(encoding="utf-8")


def left_out(distribution: str) -> bool:
    return distribution.lower() in {"rich", "pygments", "markdown_it_py", "mdurl", "pyyaml", "pyyaml_ft"}


def drop(libs: Path) -> None:
    """Removes packages and files that the server never reads. Licences stay."""
    for name, folder in distributions(libs):
        if left_out(name):
            shutil.rmtree(folder)
    for package in LEFT_OUT:
        shutil.rmtree(libs / package, ignore_errors=True)
    for pattern in PRUNED:
        for path in sorted(libs.glob(pattern), reverse=True):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
