"""Training loops that cut their batches out of whole arrays by hand, the same ones in every epoch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.arguments import given
from dry_debug.program.reaching import always_in
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.values import UNKNOWN
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# A stretch of a sequence follows the one before it: its order is part of the data.
_SEQUENCE = re.compile(r"bptt|hidden|seq_?len|unroll|window|\bcarry\b|context_?len|block_size|time_?step|\.detach\(\)")
# A bracket with a colon in it; brackets stand in one another up to three deep.
_SLICE = re.compile(r"\[(?:[^][]|\[(?:[^][]|\[[^][]*\])*\])*:")
_ORDERS = re.compile(r"shuffle|permut|sampl|rand|choice|sort", re.IGNORECASE)


class _Slice(NamedTuple):
    """`path[bounds]`, or `path.narrow(0, *bounds)`: `bounds` as text; `node` is the whole read, which a helper may
    make."""

    path: str
    bounds: str
    node: ast.Subscript | ast.Call


_Outside = tuple[list[ast.For | ast.While], tuple[str, ...]]  # loops, innermost first; the arrays' paths there


@dataclass(frozen=True, slots=True)
class SlicedBatches:
    """`loop` cuts `arrays` (paths, in the order of the text) at the same bounds, in each round of `epochs`."""

    loop: ast.For
    epochs: ast.For | ast.While
    arrays: tuple[str, ...]
    first: ast.Subscript | ast.Call  # the first slice


def sliced_batches(program: Program) -> Iterator[tuple[ast.For, SlicedBatches | str]]:
    """Each loop over a range that slices arrays at bounds made of its counter, or over pieces that arrays are split
    into; a text: why it is left alone."""
    index = program.index
    for scope in (index.module, *index.functions):
        for loop in scope.loops:
            if not isinstance(loop, ast.For):
                continue
            over = program.training.loops.iterated(loop, scope)
            name = last_name(over.func) if isinstance(over, ast.Call) else ""
            if not isinstance(over, ast.Call) or name not in ("range", "trange", "zip"):
                continue
            if not program.why.listens and not _worth_a_look(loop, scope, program):
                continue
            slices = _splits(over) if name == "zip" else _slices(loop, program)
            if slices:
                yield loop, _judged(loop, slices, program)


def _worth_a_look(loop: ast.For, scope: Scope, program: Program) -> bool:
    """What `_judged` would say of a loop whatever it slices, before its lines are looked through."""
    loops, around = program.training.loops, _loops_around(loop, program)
    if not around:
        sites = program.call_sites(scope) if scope.kind == "function" else []
        stmts = [program.statement(call) for call in sites]
        if not stmts or not all(stmt is not None and _loops_around(stmt, program) for stmt in stmts):
            return False
    # Whether the functions that it calls step costs more than all else.
    return not any(map(loops.goes_over_data, around)) and loops.steps_in(loop, only_steps=True)


def _splits(over: ast.Call) -> list[_Slice]:
    """`zip(inputs.split(size), targets.split(size))`: all that is zipped is split."""
    found = []
    for call in over.args:
        torch = isinstance(call, ast.Call) and dotted(call.func) in ("torch.split", "torch.chunk")
        if (
            not isinstance(call, ast.Call)
            or last_name(call.func) not in ("split", "chunk")
            or len(call.args) != 1 + torch
        ):
            return []
        assert isinstance(call.func, ast.Attribute)
        path = dotted(call.args[0] if torch else call.func.value)
        if path is None:
            return []
        found.append(_Slice(path, ast.dump(call.args[-1]), call))
    return found


def _judged(loop: ast.For, slices: list[_Slice], program: Program) -> SlicedBatches | str:
    arrays = tuple(dict.fromkeys(one.path for one in slices))
    if not program.training.loops.steps_in(loop, only_steps=True):
        return "no step of an optimizer happens in the loop"
    if len(arrays) < 2:
        return "only one array is sliced at these bounds: it may hold an order of its own"
    if _in_dataset(arrays, program):
        return "the arrays are given to a `TensorDataset` too: the loop stands there to compare"
    around = _loops_around(loop, program)
    outside = [(around, arrays)] if around else _at_calls(loop, arrays, program)
    if not outside:
        return "no loop over epochs stands around it"
    if any(program.training.loops.goes_over_data(block) for blocks, _ in outside for block in blocks):
        return "it goes through the parts of a batch"
    if all(_behind_first(one.node) for one in slices):
        return "all are cut along their second dimension, which may be time"
    span = program.span(loop)
    if _SEQUENCE.search(program.document.source[span.start : span.end]):
        return "the slices may be stretches of one sequence, which follow each other"
    for blocks, paths in (*outside, *(_at_calls(loop, arrays, program) if around else ())):
        changed = _changed(blocks[-1], paths, program)
        if changed is not None:
            return f"`{changed}` is made anew, or put in another order, between the epochs"
    if around and _made_for_each_call(loop, arrays, program):
        return "each call of the function brings samples of its own, and a loop calls it"
    return SlicedBatches(loop, outside[0][0][0], arrays, slices[0].node)


def _in_dataset(arrays: tuple[str, ...], program: Program) -> bool:
    made = program.calls_of("torch.utils.data.TensorDataset")
    return any(dotted(given) in arrays for call in made for given in call.args)


def _made_for_each_call(loop: ast.For, arrays: tuple[str, ...], program: Program) -> bool:
    """Whether the function around `loop` makes one of the arrays, and is called in a loop of this file."""
    function = program.scope(loop)
    if function.kind != "function":
        return False
    roots = {path.partition(".")[0] for path in arrays}
    if all(b.kind == "param" for root in roots for b in function.bindings.get(root, ())):
        return False
    stmts = [stmt for call in program.call_sites(function) if (stmt := program.statement(call)) is not None]
    return any(_loops_around(stmt, program) for stmt in stmts)


def _loops_around(node: ast.AST, program: Program) -> list[ast.For | ast.While]:
    return [block for block in program.index.ancestors(node) if isinstance(block, ast.For | ast.While)]


def _at_calls(loop: ast.For, arrays: tuple[str, ...], program: Program) -> list[_Outside]:
    """The loops around each call of the function that `loop` stands in, and what the arrays are called there; nothing
    where one call stands in no loop, or where the function itself changes the arrays."""
    function = program.scope(loop)
    found: list[_Outside] = []
    parameters = {parameter.arg for parameter in function.parameters()} if function.kind == "function" else set[str]()
    sites = program.call_sites(function) if function.kind == "function" else []
    if sites and isinstance(function.node, ast.stmt) and _changed(function.node, arrays, program) is not None:
        return []
    for call in sites:
        stmt = program.statement(call)
        around = _loops_around(stmt, program) if stmt is not None else []
        paths = [given(call, function, path) if path in parameters else None for path in arrays]
        named = [dotted(expr) if expr is not None else path for expr, path in zip(paths, arrays, strict=True)]
        if not around or any(name is None for name in named):
            return []
        found.append((around, tuple(name for name in named if name is not None)))
    return found


def _slices(loop: ast.For, program: Program) -> list[_Slice]:
    """The reads of `array[low:high]` in the loop whose bounds both move with its counter: those at the first bounds
    that two arrays have in common, else of one of them."""
    counters = names_in(loop.target)
    made = list(_assigned([s for s in program.index.assignments if always_in(program.index, s, loop)]))
    moving = _moving(counters, made)
    found: dict[str, list[_Slice]] = {}
    inside = list(nodes(loop)) if _may_slice(loop, program) else _calls_in(loop, program)
    for part in _parts_of(inside, moving):
        found.setdefault(part.bounds, []).append(part)
    for call in inside:
        for part in _by_helper(call, moving, program) if isinstance(call, ast.Call) else ():
            found.setdefault(part.bounds, []).append(part)
    several = next((group for group in found.values() if len({one.path for one in group}) > 1), None)
    chosen = several or next(iter(found.values()), [])
    return sorted(chosen, key=lambda one: (one.node.lineno, one.node.col_offset))


def _may_slice(block: ast.AST, program: Program) -> bool:
    """Whether a stretch may be taken in the text of a block: a bracket with a colon inside, or `narrow`."""
    text = program.text(block)
    return "narrow" in text or _SLICE.search(text) is not None


def _calls_in(loop: ast.For, program: Program) -> list[ast.AST]:
    """The calls in a loop, the last first, as `nodes` gives them."""
    first, last, stmt_of = loop.lineno, loop.end_lineno or loop.lineno, program.index.stmt_of
    calls = (call for call in reversed(program.index.calls) if first <= call.lineno <= last)
    return [c for c in calls if (stmt := stmt_of.get(c)) is loop or (stmt and program.index.inside(stmt, loop))]


def _parts_of(inside: Iterable[ast.AST], moving: set[str]) -> Iterator[_Slice]:
    """The reads among the nodes `inside` a block of stretches whose bounds are made of the names that are `moving`."""
    for node in inside:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            path, parts = dotted(node.value), node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            # Behind `:`, where the samples lie along the second dimension.
            part = next((one for one in parts if not _is_whole(one)), None)
            if path is None or not isinstance(part, ast.Slice) or part.lower is None or part.upper is None or part.step:
                continue
            if names_in(part.lower) & moving and names_in(part.upper) & moving:
                yield _Slice(path, ast.dump(part), node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "narrow":
            path = dotted(node.func.value)
            if path is not None and len(node.args) == 3 and names_in(node.args[1]) & moving:
                yield _Slice(path, f"{ast.dump(node.args[1])} {ast.dump(node.args[2])}", node)


def _behind_first(node: ast.expr) -> bool:
    """`x[:, low:high]`."""
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and _is_whole(node.slice.elts[0])


def _is_whole(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and part.lower is None and part.upper is None and part.step is None


def _by_helper(call: ast.Call, moving: set[str], program: Program) -> Iterator[_Slice]:
    """The same in a function of this file that is given what moves, under the names of the call."""
    moves = any(
        isinstance(n, ast.Name) and n.id in moving
        for expr in (*call.args, *(k.value for k in call.keywords)) for n in nodes(expr)
    )  # fmt: skip
    target = program.target(call) if moves else UNKNOWN
    body = target.scope.node if target.scope is not None and target.program is program else None
    if target.scope is None or not isinstance(body, ast.FunctionDef):
        return
    passed = {p.arg: given(call, target.scope, p.arg) for p in target.scope.parameters()}
    counters = {name for name, expr in passed.items() if expr is not None and names_in(expr) & moving}
    if not counters or not _may_slice(body, program):
        return
    inside = [s for s in program.index.assignments if program.index.parent.get(s) is body]
    for part in _parts_of(nodes(body), _moving(counters, list(_assigned(inside)))):
        root, dot, rest = part.path.partition(".")
        expr = passed.get(root)
        outer = dotted(expr) if expr is not None else root if root not in target.scope.bindings else None
        if root == target.scope.self_name and target.scope.class_scope is not None:
            outer = root
        if outer is not None:
            yield _Slice(outer + dot + rest, part.bounds, part.node)


def _moving(counters: set[str], made: list[tuple[str, ast.expr]]) -> set[str]:
    moving = counters | {name for name, value in made if names_in(value) & counters}
    return moving | {name for name, value in made if names_in(value) & moving}  # `end = start + size`


def _assigned(stmts: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """The names that assignments make, each with what it is made of."""
    for stmt in stmts:
        if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1:
            target, value = stmt.targets[0], stmt.value
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple):
                values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
                pairs = list(zip(target.elts, values, strict=False))
            yield from ((one.id, made) for one, made in pairs if isinstance(one, ast.Name))


def _changed(outer: ast.stmt, arrays: tuple[str, ...], program: Program) -> str | None:
    """The array that is bound, written to, or given to what may put it in another order, inside `outer`."""
    for node in nodes(outer):
        path: str | None = None
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            path = next((p for one in targets for part in nodes(one) if (p := dotted(part)) in arrays), None)
        elif isinstance(node, ast.Call):
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                parts.append(node.func.value)
            path = next((p for expr in parts if (p := dotted(expr)) in arrays), None)
            path = path if path is not None and _may_order(node, program) else None
        if path is not None:
            return path
    return None


def _may_order(call: ast.Call, program: Program) -> bool:
    """Whether a call that is given an array may put it in another order: by its name, or by what its function says."""
    if _ORDERS.search(last_name(call.func)):
        return True
    target = program.target(call)
    if target.kind != "function" or target.scope is None or target.program is None:
        return False
    body = target.scope.node
    if not isinstance(body, ast.stmt):
        return False
    span = target.program.span(body)
    return _ORDERS.search(target.program.document.source[span.start : span.end]) is not None
