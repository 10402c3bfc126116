"""The file of instructions that an editor's command writes, and whether git would take it along."""

from __future__ import annotations

import os

FOLDER = ".dry-debug"
FILE = "instructions.md"
_HEAD = "# Instructions\n\nWhat the code was asked to do: one thing a line, the last line about a thing counts.\n\n"


def path_of(root: str) -> str:
    """Where the instructions of the project at `root` stand."""
    return os.path.join(root, FOLDER, FILE)


def store(root: str, text: str) -> str:
    """Write the instructions of the project at `root` and return their path. Without a text an existing file stays, and
    a new one gets a heading to write under. Raises OSError."""
    path = path_of(root)
    if not text.strip() and os.path.isfile(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    body = text if text.strip() else _HEAD
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(body if body.endswith("\n") else body + "\n")
    return path


def is_tracked(root: str) -> bool:
    """Whether git would take the file along: the project is a repository, and no line of its .gitignore names it."""
    repository = _repository(root)
    if repository is None:
        return False
    names = {FOLDER, f"/{FOLDER}", f"{FOLDER}/{FILE}", f"/{FOLDER}/{FILE}", f"**/{FOLDER}"}
    for folder in {repository, root}:
        lines = {line.strip().rstrip("/") for line in _lines(os.path.join(folder, ".gitignore"))}
        if names & lines:
            return False
    return True


def ignore(root: str) -> str:
    """Add the file to the .gitignore of the project and return that path. Raises OSError."""
    path = os.path.join(root, ".gitignore")
    text = "\n".join(_lines(path))
    if is_tracked(root):
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(("\n" if text and not _ends_line(path) else "") + f"{FOLDER}/{FILE}\n")
    return path


def _repository(root: str) -> str | None:
    folder = os.path.abspath(root)
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _ends_line(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read().endswith(b"\n")
