"""LOOP003: gradients are computed and cleared in a loop, and the optimizer never steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import Link, kind_link
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program

_KNOWN = frozenset(
    "zero_grad state_dict load_state_dict param_groups add_param_group state defaults train eval".split()
)


class UnsteppedOptimizer(WholeRule):
    name = "unstepped-optimizer"
    code = "LOOP003"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), (".zero_grad(",), (".backward(",))
    why = "Gradients are computed and thrown away: the parameters stay as they were made, and the loss never falls."
    instead = "Step the optimizer behind the backward pass."
    quotes = ("DBG-CODE-10",)
    looks_at = "optimizers whose gradients are cleared in a loop"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("zero_grad") if event.obj.kind == "optimizer")

    def check(self, program: Program) -> Iterator[Report]:
        events = program.events
        if not events.of_kind("zero_grad") or not events.of_kind("backward"):
            program.why(None, "nothing here computes gradients")
            return
        stepped = self._steps(program)
        if stepped is not None:
            program.why(None, "{} steps, or may step, an optimizer", stepped, see=stepped)
            return
        seen: set[object] = set()
        for clear in events.of_kind("zero_grad"):
            report = self._report(clear, program) if clear.obj.base.ident not in seen else None
            if report is not None:
                seen.add(clear.obj.base.ident)
                yield report

    @staticmethod
    def _steps(program: Program) -> ast.AST | None:
        """What steps an optimizer in this file, or writes parameters by hand."""
        for call in program.method_calls("step"):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).kind != "scheduler":
                return call
        for event in program.events.of_kind("optimizer_step", "step", "set_grad"):
            return event.node
        for node in ast.walk(program.tree):
            if isinstance(node, ast.Attribute) and node.attr in ("grad", "_grad"):
                return node
        return None

    def _report(self, clear: Event, program: Program) -> Report | None:
        optimizer, call = clear.obj, clear.node
        assert isinstance(call, ast.Call)
        func = call.func
        name = func.value if isinstance(func, ast.Attribute) else None
        backward = _backward_beside(clear, program)
        if optimizer.kind != "optimizer" or optimizer.confidence != "high" or not isinstance(name, ast.Name):
            program.why(call, "it is not one certain optimizer of this file that is cleared")
            return None
        if backward is None:
            program.why(call, "no backward pass runs in the same loop of this function")
            return None
        leaves = _leaves(name, call, program)
        if leaves is not None:
            program.why(call, "{} may step the optimizer", leaves, see=leaves)
            return None
        path = dotted(name) or "optimizer"
        title = f"Step behind the backward pass (`{path[:60]}.step()`)"
        edit = line_after(program, _behind(backward, program), f"{path}.step()")
        evidence = made(optimizer, f"`{path}`")
        evidence.append(Step(program, backward.node, "the gradients are computed here"))
        return Report(
            at=call,
            headline=f"`{path[:36]}` never steps: the gradients are computed and cleared, the model never learns",
            confidence=optimizer.confidence,
            links=lambda: [kind_link(program, optimizer, path), _NOWHERE],
            evidence=evidence,
            cause=f"{self.name}@{program.span(call).start}",
            fix=(lambda: Fix(title, "unsafe", (edit,))) if edit is not None else None,
            fix_title=title if edit is not None else "",
        )


_NOWHERE = Link("path", "high", "nothing in this file steps an optimizer, and it is given to nothing else")


def _backward_beside(clear: Event, program: Program) -> Event | None:
    """A backward pass in the same block of a loop, or below it, with nothing but code of this function around."""
    index = program.index
    loop = next((b for b in index.ancestors(clear.stmt) if isinstance(b, ast.For | ast.AsyncFor | ast.While)), None)
    for event in program.events.of_kind("backward"):
        if loop is not None and event.scope is clear.scope and index.inside(event.stmt, loop) and not event.handled:
            return event
    return None


def _leaves(name: ast.Name, at: ast.Call, program: Program) -> ast.AST | None:
    """A use of the optimizer by which something else may step it."""
    found = program.names.lookup(name.id, program.scope(at))
    if found is None or found[0].kind == "class" or any(b.kind != "assign" for b in found[1]):
        return at
    made_by = {id(b.value) for b in found[1]}
    reads = program.flow.reads(name.id, found[0])
    for call in program.index.calls:
        if id(call) in made_by:
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        if any(argument in reads for argument in given):
            qualified = program.qualified(call) or ""
            if not qualified.startswith(("torch.optim.lr_scheduler.", "builtins.print", "builtins.len")):
                return call
    parents = program.flow.parents(found[0])
    for read in reads:
        parent = parents.get(read)
        if isinstance(parent, ast.Attribute) and parent.attr in _KNOWN:
            continue
        if isinstance(parent, ast.Call | ast.keyword):
            continue  # judged above
        return read
    return None


def _behind(backward: Event, program: Program) -> ast.stmt:
    """The statement behind which the step belongs: the last clip in the block, else the backward pass."""
    block = program.index.parent.get(backward.stmt)
    last = backward.stmt
    for event in program.events.of_kind("clip"):
        if program.index.parent.get(event.stmt) is block and event.stmt.lineno > last.lineno:
            last = event.stmt
    return last
