"""What the code needs of the GPUs by what is written down: a device of a certain number, a generation of cards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.walks import is_text
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.observed import Observed
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_CUDA = re.compile(r"cuda:(\d{1,2})\Z")
_NUMBERED = ("torch.cuda.set_device", "torch.cuda.device")
AMPERE_OR_NEWER = Hardware(None, "a GPU of the Ampere generation or newer")


def highest(program: Program) -> Iterator[Observed]:
    """The highest number of a device that is written down (`"cuda:3"`, `.cuda(3)`, `device_map={"": 3}`): as many
    devices and one more are needed. Nothing where the program chooses which devices it sees."""
    source = program.document.source
    if ("cuda" not in source and "device_map" not in source) or "CUDA_VISIBLE_DEVICES" in source:
        return
    found: tuple[int, ast.expr, Traced] | None = None
    for expr, at in _devices(program):
        traced = trace(program, expr, at)
        number = _number(traced.value) if traced.known else None
        if number is not None and number > 0 and (found is None or number > found[0]):
            found = number, expr, traced
    if found is not None:
        yield Observed("hardware", Hardware(found[0] + 1), found[1], found[2], unit="index")


def _number(value: object) -> int | None:
    match = _CUDA.match(value) if isinstance(value, str) else None
    if match is not None:
        return int(match[1])
    return value if isinstance(value, int) and not isinstance(value, bool) and value < 64 else None


def _devices(program: Program) -> Iterator[tuple[ast.expr, ast.AST]]:
    """(expression, where it stands) of everything that names a device."""
    for name in ("torch.device", *_NUMBERED):
        yield from ((call.args[0], call) for call in program.calls_of(name) if call.args)
    for method in ("to", "cuda"):
        for call in program.method_calls(method):
            for expr in (*call.args[:1], *(k.value for k in call.keywords if k.arg == "device")):
                if method == "cuda" or is_text(expr):
                    yield expr, call
    for call in program.index.calls:
        for keyword in call.keywords:
            if keyword.arg in ("device", "map_location") and is_text(keyword.value):
                yield keyword.value, call
            if keyword.arg == "device_map" and isinstance(keyword.value, ast.Dict):
                yield from ((value, call) for value in keyword.value.values)


def generation(program: Program) -> Iterator[Observed]:
    """What runs on Ampere and newer cards only: FlashAttention 2, and bfloat16 in vLLM, which refuses it elsewhere."""
    source = program.document.source
    if "flash_attention_2" in source:
        for call in program.index.calls:
            for keyword in call.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if (keyword.arg == "attn_implementation" and value == "flash_attention_2") or (
                    keyword.arg == "use_flash_attention_2" and value is True
                ):
                    yield Observed("hardware", AMPERE_OR_NEWER, keyword.value, unit="generation")
                    return
    if "vllm" in source and "bfloat16" in source:
        for call in program.calls_of("vllm.LLM"):
            for keyword in call.keywords:
                if keyword.arg == "dtype" and getattr(keyword.value, "value", None) == "bfloat16":
                    yield Observed("hardware", AMPERE_OR_NEWER, keyword.value, unit="generation")
                    return
