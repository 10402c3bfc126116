"""OVER001: a run is set up for several processes although there is one GPU."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.process_setup import Part, ProcessSetup
from dry_debug.spec.sources import sources_of, wants_several

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instruction import Instruction

_SAYS = {
    "ddp": "this wraps the model for several processes",
    "fsdp": "this splits the model over several processes",
    "init": "this sets up a process group",
    "spawn": "this starts processes",
    "strategy": "this asks for one process a GPU",
}


class DistributedCodeForOneGpu(WholeRule):
    name = "distributed-code-for-one-gpu"
    code = "OVER001"
    severity = "critical"
    triggers = (
        ("DistributedDataParallel", "FullyShardedDataParallel", "fully_shard", "init_process_group", "spawn", "ddp",
         "fsdp", "DDPStrategy", "FSDPStrategy"),
        ("torch", "lightning"),
    )  # fmt: skip
    why = (
        "With one process there is nobody to exchange gradients with: the process group, the launcher and the "
        "`module.` before every key of a checkpoint have to be debugged, and nothing runs faster for them."
    )
    instead = (
        "Remove the process group, the wrapper and the distributed sampler, and move the model with `.to(device)`."
    )
    quotes = ("DRY-RF-3", "DRY-RF-6", "DRY-EX-5")
    looks_at = "wrappers, process groups and strategies for several processes"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (part.node for part in ProcessSetup(program).parts)

    def check(self, program: Program) -> Iterator[Report]:
        setup, why = ProcessSetup(program), program.why
        reason = _silent(setup, program)
        if reason is not None:
            why(None, reason)
            for part in setup.parts:
                why(part.node, reason)
            return
        asked, said = _asked(program), setup.alone()
        certain = [p for p in setup.parts if p.alone is not None]
        known = asked is not None or said is not None
        test = _decided(setup) if known and not certain else None
        about = certain or _about(setup, asked is not None, said is not None)
        if known and test is None:
            for part in about:
                yield _report(part, setup, asked, part.alone or said, program)
        if why.listens:
            _tell(setup, about, known, test, program)


def _decided(setup: ProcessSetup) -> Step | None:
    """What decides whether there are several processes, here or where the process group is made."""
    here = setup.decided()
    for other, call in setup.started_elsewhere() if here is None else ():
        test = other.decided_by(call)
        if test is not None:
            return Step(other.program, test, "this decides whether there are several processes")
    if here is not None or any(p.kind in ("init", "spawn") for p in setup.parts):
        return here
    return next((step for other in setup.joined_elsewhere() if (step := other.decided()) is not None), None)


def _silent(setup: ProcessSetup, program: Program) -> str | None:
    if not setup.parts:
        return "nothing here sets up several processes"
    if program.is_test:
        return "the file is a test"
    return "sharding that moves parameters to the CPU saves memory on one GPU too" if setup.offloads else None


def _about(setup: ProcessSetup, asked: bool, said: bool) -> list[Part]:
    """What the finding is about: the wrapper of a run whose process group is made where that can be seen, else the
    process group or the processes of a run that wraps its model in another file, or that trains."""
    set_up = [p for p in setup.parts if p.kind in ("init", "spawn")][:1]
    if setup.wrapper is not None:
        return [setup.wrapper] if set_up or said or setup.joined_elsewhere() else []
    joins = bool(set_up) and set_up[0].kind == "init"
    if asked and set_up and (setup.program.training.is_training or (joins and setup.wrapped_elsewhere() is not None)):
        return set_up
    return set_up if set_up and said and not asked and setup.wrapped_elsewhere() is not None else []


def _tell(setup: ProcessSetup, about: list[Part], known: bool, test: Step | None, program: Program) -> None:
    """Tells of each part why nothing is said of it."""
    for part in setup.parts:
        if not known:
            why = "nothing says for certain that there is one GPU (instructions, `world_size=1`, `devices=1`)"
            program.why(part.node, why)
        elif test is not None:
            program.why(part.node, "the program runs as one process as well, by {}", test, see=test)
        elif not about:
            text = "where the process group is made cannot be seen"
            program.why(part.node, text if setup.wrapper is not None else "no model is wrapped: a library may need it")
        elif part not in about:
            program.why(part.node, "it is told of {}", Step(program, about[0].node, ""))


def _report(part: Part, setup: ProcessSetup, asked: Instruction | None, said: Step | None, program: Program) -> Report:
    from dry_debug.spec.shown import asked_text

    from dry_debug_rules.spec._pointing import asked_here, short, source_name

    written = part.node.func if isinstance(part.node, ast.Call) else part.node
    name = f"`{program.short(written, 36)}`"
    evidence = [Step(program, p.node, _SAYS[p.kind]) for p in setup.parts if p is not part][:3]
    elsewhere = setup.wrapped_elsewhere() if setup.wrapper is None and part.kind != "strategy" else None
    evidence += [elsewhere] if elsewhere is not None else []
    if said is not None:
        evidence.insert(0, said)
    if asked is None:
        assert said is not None
        headline = f"{name} is for several processes, and `{program.short(said.node, 30)}` makes it one"
        link = Link("resolution", "high", said.message)
    else:
        where = f"{source_name(asked.path, program)} line {asked.line}"
        headline = f"{name} is for several GPUs, but {where} says {short(asked_text(asked), 24)}"
        link = Link("resolution", "high", f"{where} asks for {asked_text(asked)}")
    return Report(
        at=part.node,
        headline=short(headline, 100),
        confidence="high",
        severity=None if asked is not None and asked.explicit and not _counts_gpus(setup) else "warning",
        evidence=evidence,
        related=[asked_here(asked, program)] if asked is not None else [],
        # One GPU asked for, several used: what hardware-deviation says of it is the same.
        cause=f"several-devices@{program.document.path}" if asked is not None else "",
        links=lambda: [link],
    )


def _counts_gpus(setup: ProcessSetup) -> bool:
    """Whether the run starts as many processes as it finds GPUs, here or in the file that starts it."""
    return setup.counts_gpus or any(other.counts_gpus for other, _ in setup.started_elsewhere())


def _asked(program: Program) -> Instruction | None:
    """The instruction that says that there is one GPU; None where the instructions ask for several processes."""
    if not sources_of(program):
        return None
    from dry_debug.spec.ambient import asked_of
    from dry_debug.spec.hardware import Hardware

    if wants_several(program):
        return None
    found = [i for i in asked_of(program) if i.field == "hardware"]
    one = all(isinstance(v, Hardware) and v.count == 1 and v.device == "gpu" for i in found for v in i.values)
    return found[-1] if found and one else None
