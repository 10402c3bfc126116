"""What is known of GPUs by their names: memory in GB and compute capability. Data, no analysis.

Sources: NVIDIA's data sheets of the cards (memory) and https://developer.nvidia.com/cuda-gpus and
https://developer.nvidia.com/cuda-legacy-gpus (compute capability), read 2026-11. Memory is what the card is sold with:
what a program can use is less. Of a card that exists with several sizes all are listed.
"""

from __future__ import annotations

import re

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """`memory` in GB, the sizes that the card is sold with, ascending; `capability` as (major, minor)."""

    name: str
    memory: tuple[int, ...]
    capability: tuple[int, int]


_ALL = (
    Gpu("P100", (12, 16), (6, 0)),
    Gpu("GTX 1080 Ti", (11,), (6, 1)),
    Gpu("V100", (16, 32), (7, 0)),
    Gpu("T4", (16,), (7, 5)),
    Gpu("RTX 2080 Ti", (11,), (7, 5)),
    Gpu("A100", (40, 80), (8, 0)),
    Gpu("A30", (24,), (8, 0)),
    Gpu("A10", (24,), (8, 6)),
    Gpu("A10G", (24,), (8, 6)),
    Gpu("A16", (16,), (8, 6)),
    Gpu("A2", (16,), (8, 6)),
    Gpu("A40", (48,), (8, 6)),
    Gpu("RTX A6000", (48,), (8, 6)),
    Gpu("RTX 3060", (8, 12), (8, 6)),
    Gpu("RTX 3060 Ti", (8,), (8, 6)),
    Gpu("RTX 3070", (8,), (8, 6)),
    Gpu("RTX 3070 Ti", (8,), (8, 6)),
    Gpu("RTX 3080", (10, 12), (8, 6)),
    Gpu("RTX 3080 Ti", (12,), (8, 6)),
    Gpu("RTX 3090", (24,), (8, 6)),
    Gpu("RTX 3090 Ti", (24,), (8, 6)),
    Gpu("L4", (24,), (8, 9)),
    Gpu("L40", (48,), (8, 9)),
    Gpu("L40S", (48,), (8, 9)),
    Gpu("RTX 4060", (8,), (8, 9)),
    Gpu("RTX 4060 Ti", (8, 16), (8, 9)),
    Gpu("RTX 4070", (12,), (8, 9)),
    Gpu("RTX 4070 Ti", (12, 16), (8, 9)),
    Gpu("RTX 4080", (16,), (8, 9)),
    Gpu("RTX 4090", (24,), (8, 9)),
    Gpu("RTX 5090", (32,), (12, 0)),
    Gpu("A800", (40, 80), (8, 0)),
    Gpu("H800", (80,), (9, 0)),
    Gpu("H100", (80, 94), (9, 0)),
    Gpu("H200", (141,), (9, 0)),
    Gpu("B200", (180, 192), (10, 0)),
)


AMPERE = (8, 0)  # the compute capability that the generation begins with


def _key(name: str) -> str:
    return re.sub(r"nvidia|geforce|tesla|rtx|gtx|quadro|[\s_-]+", "", name.lower())


_BY_KEY = {_key(gpu.name): gpu for gpu in _ALL}


def gpu_named(name: str) -> Gpu | None:
    """The card of that name, however much of its maker and series is said with it ("a100", "RTX 4090", "4090")."""
    key = _key(name)
    return _BY_KEY.get(key) or _BY_KEY.get(key.removesuffix("s"))
