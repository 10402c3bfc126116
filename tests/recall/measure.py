"""Recall on real fixes: `DRY_DEBUG_MIRRORS=DIR python -m tests.recall.measure [RULE ...]`.

`cases.tsv` holds facts only: the rule, the repository, the commit that mended it, the file, the line of the mistake in
its parent (1-based; empty where it is not one line) and what the first run said, before anything was mended. They
were labelled from the commits before the linter ran. `DIR/owner+name/repo` are bare clones; cases without are left out.
A case is found when the rule says something of the parent's file that it does not say of the fixed one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from dry_debug.lint import manifest
from dry_debug.lint.engine import analyse
from dry_debug.project.host import ProjectHost
from dry_debug.text.decode import decode

_READ = (".py", ".yaml", ".yml", ".toml", ".cfg", "requirements.txt")
MAX_BYTES = 1_500_000


def cases(*rules: str) -> list[list[str]]:
    """The rows of the table, of these rules only if some are named."""
    lines = Path(__file__).with_name("cases.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return [row for row in rows if not rules or row[0] in rules]


def _git(repo: Path, *args: str, given: bytes = b"") -> bytes:
    return subprocess.run(["git", f"--git-dir={repo}", *args], input=given, capture_output=True).stdout


def _write(repo: Path, revision: str, folder: Path) -> None:
    """The text files of one revision, as far as the clone has them."""
    wanted: list[tuple[str, str]] = []
    for row in _git(repo, "ls-tree", "-r", "-l", revision).decode("utf-8", "replace").splitlines():
        meta, path = row.split("\t", 1)
        mode, kind, blob, size = meta.split()
        if kind == "blob" and mode != "120000" and path.endswith(_READ) and size.isdigit() and int(size) <= MAX_BYTES:
            wanted.append((blob, path))
    told = _git(repo, "cat-file", "--batch", given="\n".join(blob for blob, _ in wanted).encode() + b"\n")
    at = 0
    for _, path in wanted:
        end = told.index(b"\n", at)
        head = told[at:end].split()
        if head[1] == b"missing":
            at = end + 1
            continue
        size_of = int(head[2])
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(told[end + 1 : end + 1 + size_of])
        at = end + 2 + size_of


def said(repo: Path, revision: str, path: str, rule: str) -> Counter[str]:
    """What a rule says of one file of a revision, with the rest of that revision around it."""
    known = next(info for info in manifest.rules() if info.code == rule)
    with tempfile.TemporaryDirectory() as name:
        _write(repo, revision, Path(name))
        file = Path(name) / path
        if not file.exists():
            return Counter()
        result = analyse(decode(file.read_bytes(), str(file)), ProjectHost(name), rules=[known])
        return Counter(finding.message for finding in result.with_fixes() if finding.code == rule)


def main() -> None:
    """Prints one line a case and one line a rule."""
    mirrors = Path(os.environ.get("DRY_DEBUG_MIRRORS", "mirrors"))
    found: Counter[str] = Counter()
    first: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for rule, name, fix, path, line, told in cases(*sys.argv[1:]):
        repo = mirrors / name.replace("/", "+") / "repo"
        if not repo.exists():
            continue
        repo = repo / ".git" if (repo / ".git").exists() else repo
        before, after = said(repo, f"{fix}^", path, rule), said(repo, fix, path, rule)
        hit = bool(before - after)
        seen[rule] += 1
        found[rule] += hit
        first[rule] += told == "found"
        print("found " if hit else "missed", rule, name, fix, f"{path}:{line}", flush=True)
    for rule in sorted(seen):
        print(f"{rule} {found[rule]} of {seen[rule]} (at first {first[rule]})")
    print(f"all {sum(found.values())} of {sum(seen.values())} (at first {sum(first.values())})")


if __name__ == "__main__":
    main()
