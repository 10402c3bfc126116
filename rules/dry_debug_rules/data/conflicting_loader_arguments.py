"""DATA007: a DataLoader is given arguments that exclude each other, and raises when it is made."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_NOTHING = object()  # what an argument holds that is not known


class ConflictingLoaderArguments(SiteRule):
    name = "conflicting-loader-arguments"
    code = "DATA007"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("DataLoader",), ("sampler", "persistent_workers", "prefetch_factor", "IterableDataset", "drop_last"))
    calls = ("torch.utils.data.DataLoader",)
    why = "`DataLoader` refuses the combination with a ValueError, so the run ends here before the first batch."
    quotes = ("DBG-RF-4",)
    instead = "Keep the one argument that says what you mean."
    looks_at = "calls of `DataLoader`"

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            program.why(call, "what it is given is not all spelled out")
            return
        if program.is_test:
            program.why(call, "the file is a test")
            return
        found = _conflict(call, program)
        if found is None:
            program.why(call, "none of its arguments is known to exclude another")
            return
        first, second, wrong = found
        names = " and ".join(f"`{n}`" for n in wrong)
        title = f"Remove {names}"
        edits = [_removal(call, name, program) for name in wrong]
        fixable = all(edit is not None for edit in edits)
        yield Report(
            at=call,
            headline=f"`DataLoader` raises: {first} and {second} exclude each other",
            confidence="high",
            evidence=[Step(program, k.value, f"`{k.arg}`") for k in call.keywords if k.arg in wrong],
            links=lambda: [Link("kind", "high", "the arguments stand in the call as they are")],
            fix=(lambda: Fix(title, "unsafe", tuple(e for e in edits if e is not None))) if fixable else None,
            fix_title=title if fixable else "",
        )


def _conflict(call: ast.Call, program: Program) -> tuple[str, str, list[str]] | None:
    """What excludes what, in words, and the arguments that are one too many."""

    def held(position: int, name: str) -> object:
        return _constant(argument(call, position, name), call, program)

    shuffle, size, drop = held(2, "shuffle"), held(1, "batch_size"), held(8, "drop_last")
    sampler, batches = argument(call, 3, "sampler"), argument(call, 4, "batch_sampler")
    if batches is not None and _is_sampler(batches, call, program):
        wrong = [
            name
            for name, value, usual in (("batch_size", size, (None, 1)), ("shuffle", shuffle, (None, False)),
                                       ("drop_last", drop, (None, False)))
            if value is not _NOTHING and value not in usual
        ]  # fmt: skip
        if sampler is not None and _is_sampler(sampler, call, program):
            wrong.append("sampler")
        if wrong:
            return "`batch_sampler`", " and ".join(f"`{n}`" for n in wrong), wrong
    if shuffle is True and sampler is not None and _is_sampler(sampler, call, program):
        return "`sampler`", "`shuffle=True`", ["shuffle"]
    if shuffle is True and _iterable(call, program):
        return "an `IterableDataset`", "`shuffle=True`", ["shuffle"]
    workers = held(5, "num_workers")
    if workers in (None, 0) and workers is not _NOTHING:
        wrong = []
        if held(99, "persistent_workers") is True:
            wrong.append("persistent_workers")
        if isinstance(held(99, "prefetch_factor"), int):
            wrong.append("prefetch_factor")
        if wrong:
            none = "no `num_workers`" if workers is None else "`num_workers=0`"
            return none, " and ".join(f"`{n}`" for n in wrong), wrong
    return None


def _constant(expr: ast.expr | None, call: ast.Call, program: Program) -> object:
    """The literal that is passed, or that the one variable holds; None where nothing is passed."""
    if expr is None:
        return None
    if isinstance(expr, ast.Name):
        found = program.names.lookup(expr.id, program.scope(call))
        bindings = found[1] if found is not None else []
        if (
            len(bindings) == 1
            and bindings[0].kind == "assign"
            and not bindings[0].path
            and bindings[0].value is not None
        ):
            expr = bindings[0].value
    return expr.value if isinstance(expr, ast.Constant) else _NOTHING


def _is_sampler(expr: ast.expr, call: ast.Call, program: Program) -> bool:
    value = program.value(expr, call)
    return value.kind == "sampler" and value.confidence == "high" and not value.maybe_none


def _iterable(call: ast.Call, program: Program) -> bool:
    """Whether the dataset is of a class that is an `IterableDataset`."""
    expr = argument(call, 0, "dataset")
    value = program.value(expr, call) if expr is not None else None
    if value is None or value.scope is None or value.program is None or value.maybe_none:
        return False
    bases = value.program.evaluator.bases(value.scope)
    return value.kind == "dataset" and any(b.type == "torch.utils.data.IterableDataset" for b in bases)


def _removal(call: ast.Call, name: str, program: Program) -> TextEdit | None:
    """The edit that takes a keyword argument out, with the comma before it."""
    keyword = next((k for k in call.keywords if k.arg == name), None)
    if keyword is None:
        return None
    source, span = program.document.source, program.span(keyword)
    comma = source.rfind(",", program.span(call).start, span.start)
    between = source[comma + 1 : span.start] if comma >= 0 else "#"
    return TextEdit(Span(comma, span.end), "") if not between.strip() else None
