"""The corpus: scripts of our own, the same for the same seed, in folders that look like repositories.

    python benchmarks/corpus.py FOLDER [--lines N]

writes one. A tenth of the files are training scripts; the others are models, data, utilities and plain Python, of
lengths spread as in repositories (a median near 150 lines, a tail to 1,500), importing from one another.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from random import Random

import blocks

IMPORTS = """import argparse
import json
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset
"""
PLAIN_IMPORTS = "import json\nimport os\nimport re\nfrom collections import defaultdict\n"


def utilities(r: Random, lines: int) -> str:
    """Plain helpers, no PyTorch."""
    return _grown(r, [PLAIN_IMPORTS], (blocks.plain_function,), lines)


def operations(r: Random, lines: int) -> str:
    """Helpers over tensors and a few plain ones."""
    return _grown(r, [IMPORTS], (blocks.tensor_function, blocks.tensor_function, blocks.plain_function), lines)


def models(r: Random, lines: int) -> str:
    """A file of modules."""
    parts, names = [IMPORTS], []
    while _length(parts) < lines:
        names.append(blocks.class_name(r, f"Block{len(names)}"))
        parts.append(blocks.block(r, names[-1]))
    parts.append(blocks.model(r, "Network", names[-r.randint(1, 4) :]))
    return "\n\n".join(parts)


def training(r: Random, lines: int, inside: bool = False) -> str:
    """A training script; `inside` a repository it takes its model and helpers from other files."""
    parts = [IMPORTS]
    if inside:
        parts[0] += "\nfrom models import Network\nfrom utils import *\nimport operations\n"
    parts.append(blocks.options(r))
    data = blocks.dataset(r)
    parts.append(data)
    names = []
    while _length(parts) < lines - 110:
        kind = r.random()
        if kind < 0.35:
            names.append(blocks.class_name(r, f"Block{len(names)}"))
            parts.append(blocks.block(r, names[-1]))
        else:
            parts.append((blocks.tensor_function if kind < 0.7 else blocks.plain_function)(r))
    if not inside:
        parts.append(blocks.model(r, "Network", names[-3:]))
    dataset = data.partition("class ")[2].partition("(")[0]
    parts.append(blocks.training(r, f"Network(num_classes={r.randint(2, 100)})", f"{dataset}(args.data)"))
    return "\n\n".join(parts)


def _grown(r: Random, parts: list[str], kinds: tuple[object, ...], lines: int) -> str:
    while _length(parts) < lines:
        parts.append(r.choice(kinds)(r))  # type: ignore[operator]
    return "\n\n".join(parts)


def _length(parts: list[str]) -> int:
    return sum(part.count("\n") + 3 for part in parts)


def _lines(r: Random) -> int:
    return min(1500, max(8, int(r.lognormvariate(5.0, 0.8))))


def repository(r: Random) -> Iterator[tuple[str, str]]:
    """(path, text) of the files of one repository, twenty or so."""
    yield "models.py", models(r, _lines(r))
    yield "utils.py", utilities(r, _lines(r))
    yield "operations.py", operations(r, _lines(r))
    for number in range(r.randint(1, 3)):
        yield f"train_{number}.py", training(r, max(160, _lines(r)), inside=True)
    yield "train.py", training(r, max(160, _lines(r)))
    yield "lib/__init__.py", ""
    for number in range(r.randint(5, 20)):
        make = r.choice((utilities, utilities, operations, models))
        yield f"lib/{blocks.noun(r)}_{number}.py", make(r, _lines(r))


def files(total_lines: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """(relative path, text) of repositories until they have `total_lines` lines together."""
    r, written, number = Random(seed), 0, 0
    while written < total_lines:
        for path, text in repository(r):
            written += text.count("\n")
            yield f"repo_{number:03}/{path}", text
        number += 1


def script(lines: int, seed: int = 7) -> str:
    """One training script of about so many lines."""
    return training(Random(seed), lines)


def write(folder: str, total_lines: int, seed: int = 1) -> tuple[int, int]:
    """Writes the corpus below `folder` and returns the number of files and of lines."""
    count = lines = 0
    for path, text in files(total_lines, seed):
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        count, lines = count + 1, lines + text.count("\n")
    return count, lines


def write_crossed(folder: str, total_lines: int, seed: int = 3, imports: int = 6) -> tuple[int, int]:
    """Writes one package in which every file takes something from `imports` others, drawn at random; as `write`.

    Nothing stands near to what it needs: the worst case for whatever is kept from one file to the next.
    """
    r = Random(seed)
    made: list[tuple[str, str]] = []
    lines = 0
    while lines < total_lines:
        make = r.choice((utilities, utilities, operations, models, training))
        made.append((f"part_{len(made) % 40:02}/{blocks.noun(r)}_{len(made)}", make(r, max(60, _lines(r)))))
        lines += made[-1][1].count("\n")
    for number, (path, text) in enumerate(made):
        taken = []
        for other in r.sample(range(len(made)), min(imports, len(made))):
            if other != number:
                names = [line.split("(")[0].split(":")[0].split()[1] for line in made[other][1].split("\n")
                         if line.startswith(("def ", "class "))]  # fmt: skip
                taken.append(f"from {made[other][0].replace('/', '.')} import {r.choice(names)}\n")
        full = os.path.join(folder, f"{path}.py")
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write("".join(taken) + text)
    return len(made), lines + len(made) * imports


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--lines", type=int, default=60_000)
    given = parser.parse_args()
    count, lines = write(given.folder, given.lines)
    print(f"{count} files, {lines} lines")
