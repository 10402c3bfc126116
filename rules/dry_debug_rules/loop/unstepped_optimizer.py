"""LOOP003: gradients are computed and cleared in a loop, and the optimizer never steps."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.arguments import given
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import Link, kind_link
from dry_debug.program.relations import different
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

_MAX_HOPS = 3  # functions that hand the optimizer on
_HARMLESS = ("torch.optim.lr_scheduler.", "builtins.print", "builtins.len")
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
        seen: set[object] = set()
        for clear in events.of_kind("zero_grad"):
            if clear.obj.base.ident in seen:
                continue
            stepped = self._steps(program, clear)
            if stepped is not None:
                program.why(clear, "{} steps, or may step, the optimizer", stepped, see=stepped)
                continue
            report = self._report(clear, program)
            if report is not None:
                seen.add(clear.obj.base.ident)
                yield report

    @staticmethod
    def _steps(program: Program, clear: Event) -> ast.AST | None:
        """What steps the optimizer that is cleared, or may, in this file, or writes parameters by hand."""
        for call in program.method_calls("step"):
            assert isinstance(call.func, ast.Attribute)
            value = program.value(call.func.value, call)
            if value.kind != "scheduler" and not _apart(value, call, clear, program):
                return call
        for event in program.events.of_kind("optimizer_step", "step", "set_grad"):
            if not _apart(event.obj, event.node, clear, program):
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
        here = backward.scope is clear.scope  # elsewhere the optimizer has another name, if any
        edit = line_after(program, _behind(backward, program), f"{path}.step()") if here else None
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


def _apart(stepped: Value, at: ast.AST, clear: Event, program: Program) -> bool:
    """Whether a step is that of another optimizer, which a function that nothing here calls makes for itself."""
    function = program.scope(at)
    return (
        stepped.kind == "optimizer"
        and stepped.args in program.index.scope_of
        and program.scope(stepped.args) is function
        and function.kind == "function"
        and function is not clear.scope
        and not program.call_sites(function)
        and different(stepped.base.ident, clear.obj.base.ident)
    )


def _backward_beside(clear: Event, program: Program) -> Event | None:
    """A backward pass in the same loop of a function, there or in what is called there."""
    index = program.index
    for scope, stmt in _places(clear, program):
        loop = next((b for b in index.ancestors(stmt) if isinstance(b, LoopNode)), None)
        for event in program.events.of_kind("backward") if loop is not None else ():
            if event.handled or loop is None:
                continue
            if any(s is scope and index.inside(at, loop) for s, at in _places(event, program)):
                return event
    return None


def _places(event: Event, program: Program) -> list[tuple[Scope, ast.stmt]]:
    """Where an event stands, and where the calls of its function stand."""
    found = [(event.scope, event.stmt)]
    for call in program.call_sites(event.scope) if event.scope.kind == "function" else ():
        stmt = program.statement(call)
        if stmt is not None:
            found.append((program.scope(call), stmt))
    return found


def _leaves(name: ast.Name, at: ast.AST, program: Program) -> ast.AST | None:
    """A use of the optimizer by which something else may step it."""
    found = program.names.lookup(name.id, program.scope(at))
    if found is None or found[0].kind == "class":
        return at
    if [b.kind for b in found[1]] == ["param"]:
        passed = program.arguments_of(found[0], name.id)
        for owner, given_, _, stmt in passed:  # in who calls the function
            leaves = _leaves(given_, stmt, owner) if isinstance(given_, ast.Name) and stmt is not None else at
            if leaves is not None:
                return leaves
        return _used(name.id, found[0], program, 0) if passed else at
    if any(b.kind != "assign" for b in found[1]):
        return at
    return _used(name.id, found[0], program, 0, {id(b.value) for b in found[1]})


def _used(name: str, scope: Scope, program: Program, hops: int, made_by: Collection[int] = ()) -> ast.AST | None:
    """A use of the variable by which it may be stepped, also in functions of the project that are handed it."""
    reads = program.flow.reads(name, scope)
    for call in program.index.calls:
        if id(call) in made_by:
            continue
        if any(argument in reads for argument in (*call.args, *(k.value for k in call.keywords))):
            qualified = program.qualified(call) or ""
            if not qualified.startswith(_HARMLESS) and not _harmless(call, reads, program, hops):
                return call
    parents = program.flow.parents(scope)
    for read in reads:
        parent = parents.get(read)
        if isinstance(parent, ast.Attribute) and parent.attr in _KNOWN:
            continue
        if isinstance(parent, ast.Call | ast.keyword):
            continue  # judged above
        target = parent.targets[0] if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None
        if isinstance(target, ast.Name) and not program.flow.reads(target.id, scope):
            continue  # another name, which nobody reads
        return read
    return None


def _harmless(call: ast.Call, reads: Collection[ast.AST], program: Program, hops: int) -> bool:
    """Whether the function that is handed the optimizer is seen to leave it alone."""
    target = program.target(call)
    function, owner = target.scope, target.program
    if target.kind != "function" or function is None or owner is None or function.kind != "function":
        return False
    inside = [p.arg for p in function.parameters() if given(call, function, p.arg) in reads]
    return (
        hops < _MAX_HOPS
        and len(inside) == 1
        and len(function.bindings.get(inside[0], ())) == 1
        and _used(inside[0], function, owner, hops + 1) is None
    )


def _behind(backward: Event, program: Program) -> ast.stmt:
    """The statement behind which the step belongs: the last clip in the block, else the backward pass."""
    block = program.index.parent.get(backward.stmt)
    last = backward.stmt
    for event in program.events.of_kind("clip"):
        if program.index.parent.get(event.stmt) is block and event.stmt.lineno > last.lineno:
            last = event.stmt
    return last
