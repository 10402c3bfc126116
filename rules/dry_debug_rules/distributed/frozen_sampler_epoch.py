"""DIST006: a DistributedSampler that is never told the epoch shuffles the same way each time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_before
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.arguments import argument
from dry_debug.program.epochs_elsewhere import hands_out_for_training, tells_epoch, trains_elsewhere
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.program.reached import reached
from dry_debug.program.sampling import EpochRead, epoch_reads, samplers
from dry_debug.program.walks import loop_head

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

SAMPLER = "torch.utils.data.DistributedSampler"
_PATH: dict[Confidence, str] = {
    "high": "the epoch loop goes through the loader each time",
    "medium": "the number of epochs is not known, or one unless asked for",
    "low": "it is not known what the sampler is",
}
# What prepares a loader tells its sampler the epoch by itself.
_PREPARES = ("prepare", "prepare_data_loader", "setup_dataloaders", "process_dataloader")


class FrozenSamplerEpoch(WholeRule):
    name = "frozen-sampler-epoch"
    code = "DIST006"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("istributed",), ("torch",))
    why = (
        "The sampler shuffles with seed + epoch, and without `set_epoch` the epoch stays 0: every epoch brings the "
        "same batches in the same order, as if nothing were shuffled."
    )
    instead = "Call `set_epoch(epoch)` on the sampler at the head of every epoch."
    quotes = ("CKPT-RF-S3", "DBG-RAT-8")

    looks_at = "calls of `DistributedSampler`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        yield from program.calls_of(SAMPLER)

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        if tells_epoch(program):
            program.why(None, "something in this file tells a sampler the epoch (`set_epoch`)")
            return
        if not program.calls_of(SAMPLER) and not program.leaves_file:
            program.why(None, "no `DistributedSampler` is made here, and no import leads to a file that may make one")
            return
        seen: set[ast.Call] = set()
        for read in epoch_reads(program):
            for sampler in samplers(read.loader):
                call, owner = sampler.args, sampler.origin
                if call is None or owner is None or call in seen or owner.qualified(call) != SAMPLER:
                    continue
                seen.add(call)
                confidence = _confidence(read, program)
                at = Step(owner, call, "")
                if confidence is None:
                    program.why(at, "there is a single epoch: {}", loop_head(read.epochs))
                elif not _shuffles(call, owner):
                    program.why(at, "it does not shuffle, or it is not known whether it does")
                elif _told_elsewhere(read, owner, program):
                    program.why(at, "another file or a library tells the sampler the epoch, or may")
                elif _made_in(call, owner, read, program):
                    program.why(at, "it is made anew for each epoch: with what seed is its own affair")
                else:
                    yield self._report(read, call, owner, weakest(confidence, sampler.confidence), program)
        for call in program.calls_of(SAMPLER):
            if call not in seen:
                yield from self._handed_out(call, program)

    def _handed_out(self, call: ast.Call, program: Program) -> Iterator[Report]:
        """Of a loader that the file makes for others."""
        epochs = None
        if _shuffles(call, program) and hands_out_for_training(program, call):
            epochs = trains_elsewhere(program)
        if epochs is None:
            program.why(
                call, "no epoch loop is known to train on a loader that draws from it and is never told the epoch"
            )
            return
        yield Report(
            at=call,
            headline=f"`{program.short(call, 50)}` shuffles every epoch the same way: no `set_epoch`",
            confidence="medium",
            evidence=[epochs],
            links=lambda: [Link("kind", "medium", "it is the first of its function: the loader is for training")],
        )

    def _report(
        self, read: EpochRead, call: ast.Call, owner: Program, confidence: Confidence, program: Program
    ) -> Report:
        evidence = [Step(program, loop_head(read.epochs), "each epoch")]
        if read.batches is not read.epochs:
            evidence.append(Step(read.program, loop_head(read.batches), "goes through the loader here"))
        at: ast.AST = call
        if owner is not program:
            at = loop_head(read.epochs)
            evidence.append(Step(owner, call, "the sampler"))
        line = _line(read, call, owner, program)
        return Report(
            at=at,
            headline=f"`{owner.short(call, 50)}` shuffles every epoch the same way: no `set_epoch`",
            confidence=confidence,
            evidence=evidence,
            cause=f"{self.name}@{owner.document.path}:{owner.span(call).start}",
            links=lambda: [kind_link(program, read.loader), Link("path", confidence, _PATH[confidence])],
            fix=(lambda: _fix(read, line, program)) if line else None,
            fix_title=_title(line) if line else "",
        )


def _made_in(call: ast.Call, owner: Program, read: EpochRead, program: Program) -> bool:
    """Whether every epoch makes the sampler, in the loop itself or in a function that it calls."""
    if owner is program and program.index.inside(program.statement(call) or call, read.epochs):
        return True
    home = owner.scope(call)
    return any(function is home for _, function in reached(program, read.epochs))


def _confidence(read: EpochRead, program: Program) -> Confidence | None:
    """None where there is a single epoch; medium where that is the default."""
    if isinstance(read.epochs, ast.While):
        return "medium"
    count = program.training.loops.count_of(read.epochs) if isinstance(read.epochs, ast.For) else None
    if isinstance(count, ast.Constant) and count.value == 1:
        return None
    return "medium" if count is not None and program.training.number(count, read.epochs) == 1 else "high"


def _shuffles(call: ast.Call, owner: Program) -> bool:
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return False
    expr = argument(call, 3, "shuffle")
    if expr is None:
        return True
    value = owner.value(expr, call)
    return value.kind == "const" and value.const is True


def _told_elsewhere(read: EpochRead, owner: Program, program: Program) -> bool:
    """Whether another file, or a library that takes the loader over, tells the sampler the epoch."""
    others = {id(p): p for p in (owner, read.program, *(o for o, _ in reached(program, read.epochs)))}
    if any(tells_epoch(other) for other in others.values()):
        return True
    if any(name.startswith(("deepspeed.", "ray.", "ignite.")) for name, _ in program.qualified_calls()):
        return True
    calls = [call for name in _PREPARES for call in program.method_calls(name)]
    return any(_takes(call, read.loader, program) for call in calls)


def _takes(call: ast.Call, loader: Value, program: Program) -> bool:
    """Whether the loader may be among what a call is given."""
    for expr in (*call.args, *(k.value for k in call.keywords)):
        value = program.value(expr, call)
        if isinstance(expr, ast.Starred) or value.kind in ("unknown", "container"):
            return True
        if value.kind == "loader" and (value.base.ident == loader.base.ident or _made_alike(value, loader)):
            return True
    return False


def _made_alike(one: Value, other: Value) -> bool:
    """Whether one call makes both: in a helper, and as its caller knows it."""
    return one.base.args is not None and one.base.args is other.base.args


def _line(read: EpochRead, call: ast.Call, owner: Program, program: Program) -> list[str]:
    """The statement that tells the sampler the epoch, line by line; [] where the names for it are not at hand."""
    loop = read.epochs
    if not isinstance(loop, ast.For) or program.training.loops.count_of(loop) is None:
        return []
    target = loop.target
    if not isinstance(target, ast.Name) or target.id == "_":
        return []
    components, scope = program.training.components, program.scope(loop)
    found = samplers(read.loader)
    one: Value | None = next((s for s in found if s.args is call), None)
    name = components.name_at(one, scope) if one is not None and len(found) == 1 else None
    if name is None:
        loader = components.name_at(read.loader, scope)
        name = f"{loader}.sampler" if loader is not None else None
    if name is None:
        return []
    tell = f"{name}.set_epoch({target.id})"
    if len(found) == 1 and one is not None and not one.maybe_none:
        return [tell]
    if owner is not program or loop.body[0].lineno == loop.lineno:
        return []  # an `if` cannot stand in the line of the loop
    return [f"if isinstance({name}, {program.text(call.func)}):", f"    {tell}"]


def _title(line: list[str]) -> str:
    return f"Tell the sampler the epoch (`{line[-1].strip()[:60]}`)"


def _fix(read: EpochRead, line: list[str], program: Program) -> Fix:
    return Fix(_title(line), "unsafe", (line_before(program, read.epochs.body[0], "\n".join(line)),))
