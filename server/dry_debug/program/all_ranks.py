"""Whether every process of a distributed run comes to a place: what sets the run up, and what may hold some back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.evidence import Step
from dry_debug.program.reached import reached
from dry_debug.program.reaching import side, terminates
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import ChainNode, FunctionNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# What shows that the processes of a run share one model.
WRAPPERS = ("torch.nn.parallel.DistributedDataParallel", "apex.parallel.DistributedDataParallel",
            "torch.distributed.fsdp.FullyShardedDataParallel")  # fmt: skip
# Words of a test that may be about the process, or about whether there are several.
_DOUBT = re.compile(
    "rank|master|main|primary|root|chief|leader|writer|logger|tensorboard|tb_log|wandb|dist|ddp|parallel|world|single"
    "|node|gpu|device|worker|zero|should_save|fsdp|deepspeed|log_?dir|proc|local"
)
MAX_CALLERS, MAX_DEPTH, MAX_BINDINGS, MAX_HANDED = 40, 6, 6, 3


def shared_by(program: Program, node: ast.AST) -> Step | None:
    """What shows that the function of `node` runs in every process of a distributed run: a wrapper around the model
    or the set-up of the process group, in its callers, its class, or what those call. None if nothing does."""
    setups = _setups(program)
    foreign = {value.scope: (value.program, call) for value, call in _foreign_setups(program)}
    if not setups and not foreign:
        return None
    by_scope: dict[Scope | None, ast.Call] = {}
    for call in setups:
        by_scope.setdefault(_function(program.scope(call)), call)
    classes = {s.class_scope: c for s, c in by_scope.items() if s is not None and s.class_scope is not None}
    level, seen = [_function(program.scope(node))], set[Scope | None]()
    for _ in range(MAX_DEPTH):
        above: list[Scope | None] = []
        for scope in level:
            if scope in seen or len(seen) > MAX_CALLERS:
                continue
            seen.add(scope)
            if scope in by_scope:
                return Step(program, by_scope[scope], "")
            if scope is not None and scope.class_scope in classes:
                return Step(program, classes[scope.class_scope], "")
            found = _set_up_below(program, scope, by_scope, foreign)
            if found is not None:
                return found
            if scope is not None:
                above.extend(_function(program.scope(site)) for site in program.call_sites(scope))
        level = above
    return None


def _set_up_below(
    program: Program,
    scope: Scope | None,
    by_scope: dict[Scope | None, ast.Call],
    foreign: dict[Scope | None, tuple[Program | None, ast.Call]],
) -> Step | None:
    blocks = [scope.node] if scope is not None else program.tree.body
    for block in blocks:
        if not isinstance(block, ast.stmt) or (scope is None and isinstance(block, ast.FunctionDef | ast.ClassDef)):
            continue
        for owner, function in reached(program, block):
            if owner is program and function in by_scope:
                return Step(program, by_scope[function], "")
            if function in foreign:
                return Step(owner, foreign[function][1], "")
    return None


def _setups(program: Program) -> list[ast.Call]:
    """The calls of this file that wrap a model for several processes, or set the process group up."""
    found = [call for name in WRAPPERS for call in program.calls_of(name)]
    return [*found, *(c for c in program.training.distributed.inits if not _alone(c))]


def _alone(call: ast.Call) -> bool:
    """`init_process_group(..., world_size=1)`."""
    return any(k.arg == "world_size" and isinstance(k.value, ast.Constant) and k.value.value == 1
               for k in call.keywords)  # fmt: skip


def _foreign_setups(program: Program) -> Iterator[tuple[Value, ast.Call]]:
    if not program.leaves_file:
        return
    for value in program.training.distributed.reached_functions():
        if value.program is None:
            continue
        for call in value.program.training.distributed.inits:
            if value.program.scope(call) is value.scope and not _alone(call):
                yield value, call


def _function(scope: Scope) -> Scope | None:
    current: Scope | None = scope
    while current is not None and current.kind != "function":
        current = current.parent
    return current


def held_back(program: Program, node: ast.AST, depth: int = 0) -> ast.expr | None:
    """A test on the way to `node` that may let some processes only get there, though it is not known to."""
    stmt = program.statement(node)
    if stmt is None or depth > MAX_DEPTH:
        return None
    current: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.If | ast.While) and may_be_about_process(program, block.test, block):
            return block.test
        body = getattr(block, side(block, current), [])
        for before in body if isinstance(body, list) else ():
            if before is current:
                break
            # A new epoch begins, or the function is left: whoever does so does not come here.
            leaves = isinstance(before, ast.If) and (terminates(before.body) or terminates(before.orelse))
            if isinstance(before, ast.If) and leaves and may_be_about_process(program, before.test, before):
                return before.test
        if isinstance(block, FunctionNode):
            found = [
                held_back(program, site, depth + 1) for site in program.call_sites(program.index.scopes[block])[:9]
            ]
            return next((f for f in found if f is not None), None) if found and None not in found else None
        current = block
    return None


def may_be_about_process(program: Program, test: ast.expr, at: ast.stmt) -> bool:
    """Whether a test, by its words or by what its variables hold, may be about the process."""
    known = program.training.distributed.doubtful
    if test not in known:
        paths = {path for n in nodes(test) if isinstance(n, ChainNode) and (path := dotted(n)) is not None}
        known[test] = any(map(_about_process, paths)) or any(_set_by_process(program, path, at) for path in paths)
    return known[test]


def _about_process(text: str) -> bool:
    return _DOUBT.search(text.lower()) is not None


def _set_by_process(program: Program, path: str, at: ast.stmt, depth: int = 0) -> bool:
    """Whether a variable or attribute gets its value from something about the process, or on one rank only.

    Also through what calls pass for a parameter, and what functions of this file give back.
    """
    rows = values_of(program, path, at)
    for value, _ in rows:  # words are asked for faster than who comes to the statement
        if value is not None and any(_about_process(dotted(n) or "") for n in nodes(value) if isinstance(n, ChainNode)):
            return True
    for value, stmt in rows:
        if program.training.distributed.one_rank(stmt):
            return True
        for node in nodes(value) if value is not None else ():
            if not isinstance(node, ast.Name) or program.scope(stmt) is program.scope(at) or depth >= MAX_HANDED:
                continue
            if _set_by_process(program, node.id, stmt, depth + 1):
                return True
    return False


def values_of(program: Program, path: str, at: ast.stmt) -> list[tuple[ast.expr | None, ast.stmt]]:
    """What a variable or a dotted path is assigned in this file, with the statements; the first few."""
    rows: list[tuple[ast.expr | None, ast.stmt]] = []
    if "." not in path:
        found = program.names.lookup(path, program.scope(at))
        for b in found[1][:MAX_BINDINGS] if found is not None else ():
            if b.kind == "param":
                for _, passed, _, where in program.arguments_of(b.scope, path)[:MAX_BINDINGS]:
                    if where is not None:
                        rows.append((passed, where))
            if b.stmt is None or b.kind not in ("assign", "aug"):
                continue
            rows.append((b.value, b.stmt))
            called = program.target(b.value) if isinstance(b.value, ast.Call) else None
            if called is not None and called.kind == "function" and called.program is program and called.scope:
                rows.extend((r.value, r) for r in called.scope.returns[:MAX_BINDINGS])
        return rows[: 4 * MAX_BINDINGS]
    known = program.flow.attributes_set
    if known is None:
        known = program.flow.attributes_set = {}
        for stmt in program.index.assignments:
            if not isinstance(stmt, ast.Assign):
                continue
            for target in stmt.targets:
                if isinstance(target, ast.Attribute) and (whole := dotted(target)) is not None:
                    known.setdefault(whole, []).append(stmt)
    return [(stmt.value, stmt) for stmt in known.get(path, ())[:MAX_BINDINGS]]
