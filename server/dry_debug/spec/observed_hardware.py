"""How many devices the code uses and which: by wrappers, counts that are written down, devices by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.spec.hardware import Hardware
from dry_debug.spec.kinds import kind_of_call
from dry_debug.spec.observed import Observed
from dry_debug.spec.observed_calls import passed
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def hardware_of(program: Program) -> Iterator[Observed]:
    several: ast.AST | None = None
    for kind, _, node in program.training.components.wrappers:
        if kind in ("ddp", "fsdp", "dp"):
            several = node
    for name in ("torch.distributed.init_process_group", "torch.nn.DataParallel", "torch.multiprocessing.spawn"):
        several = next(iter(program.calls_of(name)), several)
    counted = list(_counts(program))
    yield from counted
    yield from _needs(program)
    if several is not None and not any(o.known for o in counted):
        optional = _is_optional(program, several)
        if optional is None:
            yield Observed("hardware", None, several, known=False)
        else:
            yield Observed("hardware", Hardware(-1), several, unit="optional" if optional else "")
    elif not counted and several is None:
        cpu = _on_cpu(program)
        if cpu is not None:
            yield Observed("hardware", Hardware(None, device="cpu"), cpu)
        elif (fixed := _only_cuda(program) or _told_gpu(program)) is not None:
            yield Observed("hardware", Hardware(1), program.tree.body[0], implied=True)
            yield Observed("hardware", Hardware(None), fixed)
        elif program.training.is_training and not any(
            kind_of_call(n) in ("trainer", "accelerator", "fabric") for n, _ in program.qualified_calls()
        ):
            yield Observed(
                "hardware", Hardware(1), program.tree.body[0] if program.tree.body else program.tree, implied=True
            )


def _is_optional(program: Program, several: ast.AST) -> bool | None:
    """Whether the set-up for several devices is left out where there is one: by a test around it, or a default. None
    for a wrapper whose process group is made where nobody can see it."""
    from dry_debug.program.process_setup import ProcessSetup

    setup = ProcessSetup(program)
    if setup.decided() is not None or setup.decided_by(several) is not None:
        return True
    if setup.wrapper is None or any(p.kind in ("init", "spawn") for p in setup.parts):
        return False
    elsewhere = setup.joined_elsewhere()
    return any(other.decided() is not None for other in elsewhere) if elsewhere else None


def _needs(program: Program) -> Iterator[Observed]:
    """What the code needs at least: the device of the highest number that is written down, a generation of GPUs."""
    from dry_debug.spec.observed_devices import generation, highest

    yield from highest(program)
    yield from generation(program)


def _counts(program: Program) -> Iterator[Observed]:
    """Numbers of devices that are written down."""
    for name, call in program.qualified_calls():
        kind = kind_of_call(name)
        for argument, expr, at in passed(program, call):
            counts = (
                (
                    kind in ("trainer", "fabric")
                    and argument in ("devices", "gpus", "num_devices")
                    and "lightning" in name
                )
                or argument in ("tensor_parallel_size", "tp_size")
                or (argument == "nprocs" and name.endswith("spawn"))
                or (argument == "world_size" and name.endswith("init_process_group"))
            )
            if not counts:
                continue
            traced = expr if isinstance(expr, Traced) else trace(program, expr, at)
            place = call if isinstance(expr, Traced) else expr
            value: Any = traced.value if traced.known else None
            if isinstance(value, list):
                value = len(value)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                value *= _replicas(call)
                how = "tensor_parallel" if argument in ("tensor_parallel_size", "tp_size") else ""
                yield Observed("hardware", Hardware(value), place, traced, unit=how)
            elif value in (-1, "auto", None):
                yield Observed("hardware", None, place, traced, known=False)
    for assignment in program.index.assignments:
        target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
        if (
            isinstance(target, ast.Subscript)
            and isinstance(target.slice, ast.Constant)
            and target.slice.value == "CUDA_VISIBLE_DEVICES"
        ):
            value = assignment.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
                yield Observed(
                    "hardware", Hardware(len(value.value.split(","))), value, Traced(True, value.value, program, value)
                )


def _replicas(call: ast.Call) -> int:
    """By how much an engine multiplies its tensor parallel devices: stages of a pipeline, copies of the model."""
    times = 1
    for keyword in call.keywords:
        more = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg in ("pipeline_parallel_size", "data_parallel_size", "pp_size", "dp_size"):
            times *= more if type(more) is int and more > 0 else 1
    return times


def _on_cpu(program: Program) -> ast.AST | None:
    """`device = torch.device("cpu")`, where nothing else is named."""
    source = program.document.source
    if "cuda" in source or "mps" in source:
        return None
    for name, call in program.qualified_calls():
        if (
            name == "torch.device"
            and call.args
            and isinstance(call.args[0], ast.Constant)
            and call.args[0].value == "cpu"
        ):
            return call
        if any(
            k.arg in ("use_cpu", "no_cuda") and isinstance(k.value, ast.Constant) and k.value.value is True
            for k in call.keywords
        ):
            return call
        if not name.endswith("Generator") and any(
            k.arg in ("accelerator", "device") and isinstance(k.value, ast.Constant) and k.value.value == "cpu"
            for k in call.keywords
        ):
            return call
    return None


def _only_cuda(program: Program) -> ast.AST | None:
    """`.cuda()`, `.to("cuda")`, `device="cuda"` in a program that never asks whether there is one."""
    source = program.document.source
    if "is_available" in source or ("cuda" not in source and not program.imports_project):
        return None
    for call in program.method_calls("cuda"):
        return call
    for call in program.index.calls:
        for expr in (*call.args, *(k.value for k in call.keywords if k.arg == "device")):
            is_device = isinstance(expr, ast.Attribute) and expr.attr.lower() in ("device", "dev", "gpu")
            if isinstance(expr, ast.Name) or is_device:
                traced = trace(program, expr, call)
                if traced.known and isinstance(traced.value, str) and traced.value.startswith("cuda"):
                    return expr
            if isinstance(expr, ast.Constant) and isinstance(expr.value, str) and expr.value.startswith("cuda"):
                return expr
    return None


def _told_gpu(program: Program) -> ast.AST | None:
    """`Trainer(device="gpu")`."""
    if '"gpu"' not in program.document.source and "'gpu'" not in program.document.source:
        return None
    for call in program.index.calls:
        for keyword in call.keywords:
            if keyword.arg in ("device", "accelerator") and getattr(keyword.value, "value", None) == "gpu":
                return keyword.value
    return None
