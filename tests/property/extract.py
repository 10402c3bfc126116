"""Extracting: a run of statements becomes a function (or method) that is called in their place."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dry_debug.program.walks import is_definition, is_docstring

from tests.property.naming import Function, definite, free_names, leaves_block, names, own_nodes, parameters
from tests.property.origins import (
    Project,
    all_places,
    header,
    is_import,
    made,
    stamp_all,
)
from tests.property.tally import Tally, Transformation


@dataclass
class Block:
    """A list of statements, and what is around it."""

    body: list[ast.stmt]
    first: int  # behind the docstring and imports
    before: list[ast.stmt]  # what has run, in the blocks around it, when it begins
    bound: set[str]  # by the heads around it: parameters, targets of loops, `with ... as`
    function: Function | None
    cls: ast.ClassDef | None  # of which `function` is a method
    top: ast.stmt  # the statement of the module that it stands in


def blocks_of(tree: ast.Module) -> Iterator[Block]:
    """The blocks of statements of a module and of its functions, outermost first."""
    start = header(tree.body)
    if tree.body:
        yield from _block(tree.body, [], set(), None, None, None, start)


def _block(
    body: list[ast.stmt],
    before: list[ast.stmt],
    bound: set[str],
    function: Function | None,
    cls: ast.ClassDef | None,
    top: ast.stmt | None,
    first: int = 0,
) -> Iterator[Block]:
    if first < len(body):
        yield Block(body, first, before, bound, function, cls, top or body[first])
    for at, node in enumerate(body):
        here = [*before, *body[:at]]
        outer = top or node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = {a.arg for a in parameters(node.args)}
            lead = 1 if is_docstring(node.body[0]) else 0
            yield from _block(node.body, [], own, node, None, outer, lead)
        elif isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, ast.FunctionDef):
                    own = {a.arg for a in parameters(child.args)}
                    lead = 1 if is_docstring(child.body[0]) else 0
                    yield from _block(child.body, [], own, child, node, outer, lead)
        elif isinstance(node, ast.For):
            targets = names([node.target]).writes
            yield from _block(node.body, here, bound | targets, function, cls, outer)
        elif isinstance(node, ast.With):
            targets = names([i.optional_vars for i in node.items if i.optional_vars]).writes
            yield from _block(node.body, here, bound | targets, function, cls, outer)
        elif isinstance(node, ast.If | ast.While | ast.Try):
            yield from _block(node.body, here, bound, function, cls, outer)
            if node.orelse and not isinstance(node, ast.Try):
                yield from _block(node.orelse, here, bound, function, cls, outer)


def runs(block: Block) -> Iterator[tuple[int, int]]:
    """The runs that are tried: each statement, each two in a row, and the whole block."""
    first, last = block.first, len(block.body)
    seen = {(at, at + size) for size in (1, 2) for at in range(first, last - size + 1)} | {(first, last)}
    yield from sorted(seen)


_DEFINITIONS, _NO_CALLS = "definitions", "calls nothing"


@dataclass
class _Plan:
    takes: list[str]
    gives: list[str]


def _plan(block: Block, run: Sequence[ast.stmt], scope: ast.AST, exported: bool) -> _Plan | str:
    """What the new function takes and gives back; or why the run cannot be moved."""
    if any(is_definition(s) or is_import(s) for s in run):
        return _DEFINITIONS
    if leaves_block(run):
        return "leaves the block"
    nodes = list(own_nodes(run))
    if any(isinstance(n, ast.Global | ast.Nonlocal | ast.Delete | ast.NamedExpr) for n in nodes):
        return "global, del or walrus"
    called = {n.id for n in nodes if isinstance(n, ast.Name)}
    if called & {"super", "locals", "vars", "globals", "__class__"}:
        return "looks at its own frame"
    if not any(isinstance(n, ast.Call) for n in nodes):
        return _NO_CALLS
    here = names(run)
    inside = set(map(id, run))
    body: list[ast.stmt] = scope.body  # type: ignore[attr-defined]
    elsewhere = names(_without(body, inside))
    everything = names(body)
    local = (everything.writes - everything.defines) | (block.bound if block.function else set())
    if block.function is not None:
        local |= {a.arg for a in parameters(block.function.args)} | everything.writes
        if any(isinstance(n, ast.Global | ast.Nonlocal) for n in own_nodes(body)):
            return "global, del or walrus"
    if here.captured & local or elsewhere.captured & here.writes:
        return "a closure"
    sure = block.bound | definite(block.before)
    sure |= definite(block.body[: _index(block.body, run[0])])
    again = _read_first(run, set()) if _in_loop(block, scope) else set()
    gives = here.writes if exported else here.writes & (elsewhere.reads | again)
    unsure = gives - definite(run)  # goes in, to come out as it was where the run does not bind it
    takes = (_read_first(run, set()) & local) | unsure
    if takes - sure:
        return "perhaps not bound before"
    if block.function is None and any(free_names(n) & here.writes for n in body if is_definition(n)):
        return "a function reads the global"
    return _Plan(sorted(takes), sorted(gives))


def _index(body: Sequence[ast.stmt], node: ast.stmt) -> int:
    return next(i for i, s in enumerate(body) if s is node)


def _in_loop(block: Block, scope: ast.AST) -> bool:
    """Whether what is bound in the block may be read when it runs again."""
    return any(
        isinstance(loop, ast.For | ast.While) and any(n is block.body[0] for n in ast.walk(loop))
        for loop in ast.walk(scope)
    )


def _read_first(run: Sequence[ast.stmt], bound: set[str]) -> set[str]:
    """Names that the run may read before it has bound them; `bound` are bound when it begins."""
    found: set[str] = set()
    bound = set(bound)
    for node in run:
        if isinstance(node, ast.For):
            found |= names([node.iter]).reads - bound
            found |= _read_first(node.body, bound | names([node.target]).writes) | _read_first(node.orelse, bound)
        elif isinstance(node, ast.With):
            inner = set(bound)
            for item in node.items:
                found |= names([item.context_expr]).reads - inner
                inner |= names([item.optional_vars]).writes if item.optional_vars else set()
            found |= _read_first(node.body, inner)
        elif isinstance(node, ast.If | ast.While):
            found |= names([node.test]).reads - bound
            found |= _read_first(node.body, bound) | _read_first(node.orelse, bound)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody):
                found |= _read_first(part, bound)
            for handler in node.handlers:
                found |= _read_first(handler.body, bound | {handler.name or ""})
        else:
            found |= names([node]).reads - bound
        bound |= definite([node])
    return found


def _without(body: Sequence[ast.stmt], inside: set[int]) -> list[ast.AST]:
    """The nodes of a body but for those statements: heads and other statements."""
    found: list[ast.AST] = []
    for node in body:
        if id(node) in inside:
            continue
        if any(id(n) in inside for n in ast.walk(node)):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    found.extend(_without([child], inside))
                elif isinstance(child, ast.ExceptHandler | ast.match_case):
                    found.extend(_without(child.body, inside))
                else:
                    found.append(child)
        else:
            found.append(node)
    return found


def extracted(kind: str) -> Transformation:
    """`kind`: `function` (of the module) or `method` (of the class, where the run stands in a method)."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        imported = project.imported()
        for name, tree in project.trees.items():
            for number, block in enumerate(blocks_of(tree)):
                if kind == "method" and not _can_be_method(block):
                    continue
                scope: ast.AST = block.function or tree
                for start, end in runs(block):
                    run = block.body[start:end]
                    exported = block.function is None and name in imported
                    plan = _plan(block, run, scope, exported)
                    if isinstance(plan, str):
                        tally.skip(plan) if plan not in (_DEFINITIONS, _NO_CALLS) else tally.no_place()
                        continue
                    other = project.copy()
                    target = list(blocks_of(other.trees[name]))[number]
                    _carry_out(other.trees[name], target, start, end, plan, kind)
                    yield f"{name}:{run[0].lineno}-{run[-1].end_lineno}", other

    return transform


def _can_be_method(block: Block) -> bool:
    if block.cls is None or block.function is None or block.function.decorator_list:
        return False
    return [a.arg for a in block.function.args.args[:1]] == ["self"]


def _carry_out(tree: ast.Module, block: Block, start: int, end: int, plan: _Plan, kind: str) -> None:
    run = block.body[start:end]
    places = all_places(run)
    takes = [n for n in plan.takes if kind == "function" or n != "self"]
    given = ", ".join(plan.gives)
    prefix = "self." if kind == "method" else ""
    call = f"{prefix}carry_out({', '.join(takes)})"
    lead = f"{given} = {call}" if given else call
    parameters_ = ["self", *takes] if kind == "method" else takes
    definition = made(
        f"def carry_out({', '.join(parameters_)}):\n    pass" + (f"\n    return {given}" if given else "")
    )[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.body[:1] = copy.copy(run)
    new = made(lead, places)
    stamp_all(new, places)
    block.body[start:end] = new
    if kind == "method":
        assert block.cls is not None
        block.cls.body.append(definition)
    else:
        at = next(i for i, s in enumerate(tree.body) if s is block.top or any(s is n for n in new))
        tree.body.insert(at, definition)


EXTRACTIONS: dict[str, Transformation] = {
    "a run as a function": extracted("function"),
    "a run as a method": extracted("method"),
}
