"""Where in a loop every rank comes by as often as the others: the only place there for a collective."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.all_ranks import may_be_about_process
from dry_debug.program.reaching import side
from dry_debug.program.scopes import Binding, Scope, dotted, last_name
from dry_debug.program.walks import LoopNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Names of what the arguments of a program are held in: they are the same for all of its processes.
SETTINGS = frozenset(("args", "opt", "opts", "cfg", "config", "hparams", "conf", "params", "flags"))
# Calls that give equal results for equal arguments.
_PURE = frozenset(f"builtins.{name}" for name in ("bool", "int", "float", "len", "min", "max", "abs", "isinstance"))
# Calls that train, evaluate or draw, by their names.
_DRAWING = re.compile(
    r"rand|sampl|generat|infer|predict|evalu|valid|(?<!la)test|noise|shuffle|permut|train_|forward|visuali|augment"
)
MAX_DEPTH = 4  # variables, one in another


def every_rank(program: Program, stmt: ast.stmt, loop: LoopNode, in_function: bool = False) -> ast.stmt | None:
    """The statement that `stmt` is or stands in before which every rank comes by in the same rounds of `loop`;
    `in_function`: whenever they come into its function.

    None where that cannot be told: the statement does not stand in the loop, or in another one in it that trains.
    """
    found = current = stmt
    for block in program.index.ancestors(stmt):
        body = getattr(block, side(block, current), [])
        for before in body if isinstance(body, list) else ():
            if before is current:
                break
            if _may_leave(before, loop, program):
                found = before
                break
        if block is loop:
            return found
        if isinstance(block, ast.FunctionDef | ast.Module):
            return found if in_function else None
        if isinstance(block, ast.If):
            # Nothing can stand before an `elif`.
            chained = found is current and program.document.source.startswith("elif", program.span(current).start)
            if chained or not same_on_all(block.test, block, loop, program):
                found = block
        elif isinstance(block, ast.Try):
            found = block  # what fails on one rank need not fail on the others
        elif isinstance(block, ast.For | ast.While) and all(x.node is not block for x in program.training.loops.all):
            found = block  # it need not have as many rounds
        elif not isinstance(block, ast.With):
            return None
        current = block
    return None


def _may_leave(stmt: ast.stmt, loop: LoopNode, program: Program) -> bool:
    """Whether some ranks may leave the round at `stmt`, or in it. An error ends them all."""
    queue: list[tuple[ast.stmt, bool]] = [(stmt, False)]
    leaves = False
    while queue:
        current, inner = queue.pop()
        if isinstance(current, ast.Return) or (isinstance(current, ast.Continue | ast.Break) and not inner):
            leaves = True
        if isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        within = inner or isinstance(current, LoopNode)
        for child in ast.iter_child_nodes(current):
            if isinstance(child, ast.stmt):
                queue.append((child, within))
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                queue.extend((s, within) for s in child.body)
    if not leaves or isinstance(stmt, ast.Return | ast.Continue | ast.Break):
        return leaves
    # One `if` about the same on all of them, and nothing else around what leaves.
    plain = isinstance(stmt, ast.If) and not stmt.orelse and not any(hasattr(s, "body") for s in stmt.body)
    return not (plain and isinstance(stmt, ast.If) and same_on_all(stmt.test, stmt, loop, program))


def same_on_all(test: ast.expr, at: ast.stmt, loop: LoopNode, program: Program) -> bool:
    """Whether a test in `loop` gives every rank the same answer: it asks for the round and for settings, not for
    results."""
    if program.training.distributed.ranks.test(test, at) is not None or may_be_about_process(program, test, at):
        return False
    return _same(test, at, loop, program, 0)


def _same(expr: ast.expr, at: ast.stmt, loop: LoopNode, program: Program, depth: int) -> bool:
    held: set[int] = set()  # names that are looked at with the attribute that is read of them
    for node in nodes(expr):
        if isinstance(node, ast.Call):
            if program.names.qualified(node.func, program.scope(at)) not in _PURE:
                return False
        elif isinstance(node, ast.Await | ast.NamedExpr | ast.Lambda | ast.Yield | ast.comprehension):
            return False
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            held.add(id(node.value))
            if not _same_attribute(node, at, loop, program):
                return False
    return all(
        _same_name(node.id, at, loop, program, depth)
        for node in nodes(expr)
        if isinstance(node, ast.Name) and id(node) not in held
    )


def _same_attribute(node: ast.Attribute, at: ast.stmt, loop: LoopNode, program: Program) -> bool:
    assert isinstance(node.value, ast.Name)
    scope = program.scope(at)
    if node.value.id in SETTINGS or last_name(node).isupper():
        return True
    cls = scope.class_scope
    if node.value.id != scope.self_name or cls is None:
        return False
    return all(b.scope.name == "__init__" and _before_the_run(b) for b in cls.attributes.get(node.attr, ())) and bool(
        cls.attributes.get(node.attr)
    )


def _same_name(name: str, at: ast.stmt, loop: LoopNode, program: Program, depth: int) -> bool:
    if name in SETTINGS or name.isupper() or name == "__name__":
        return True
    found = program.names.lookup(name, program.scope(at))
    if found is None:
        return program.names.qualified(ast.Name(name), program.scope(at)) in _PURE
    return all(_same_binding(b, loop, program, depth) for b in found[1])


def _same_binding(b: Binding, loop: LoopNode, program: Program, depth: int) -> bool:
    """Whether a variable gets the same on all ranks there: before the loop, by counting, or from what is the same."""
    if b.stmt is loop and isinstance(loop, ast.For):
        return _counts(b, loop, program)
    inside = b.stmt is not None and program.index.inside(b.stmt, loop)
    if not inside:
        return _before_the_run(b, program.scope(loop))
    if b.stmt is None or b.value is None or b.path or depth >= MAX_DEPTH or b.kind not in ("assign", "aug"):
        return False
    return _same(b.value, b.stmt, loop, program, depth + 1)


def _counts(b: Binding, loop: ast.For, program: Program) -> bool:
    """Whether `loop` counts its rounds with what it binds: over a `range`, or the first that `enumerate` gives."""
    over: ast.expr = loop.iter
    numbered = False
    while isinstance(over, ast.Call):
        name = (program.names.qualified(over.func, program.scope(loop)) or "").rpartition(".")[2]
        if name in ("range", "trange", "count"):
            return not numbered or b.path in ((0,), (1,))
        numbered = numbered or name == "enumerate"
        over = over.args[0] if over.args else ast.Constant(None)
    return numbered and b.path[:1] == (0,)


def _before_the_run(b: Binding, home: Scope | None = None) -> bool:
    """Whether what is bound here is no result: a setting, a number worked out from such, a parameter of `home`."""
    if b.kind == "param":
        return home is not None and b.scope is home
    if b.value is None or b.kind not in ("assign", "aug", "import", "from"):
        return b.kind in ("import", "from")
    return all(
        not isinstance(n, ast.Call) or last_name(n.func) in ("len", "int", "float", "bool", "min", "max", "parse_args",
                                                             "getattr", "get")
        for n in nodes(b.value)
    )  # fmt: skip


def may_draw_between(program: Program, first: ast.stmt, last: ast.stmt) -> bool:
    """Whether something that runs from `first` on, up to `last` behind it or in it, may draw random numbers."""
    if first is last:
        return False
    scope = program.scope(last)
    for loop in scope.loops:
        if first.lineno <= loop.lineno < last.lineno and not program.index.inside(last, loop):
            return True
    return any(first.lineno <= call.lineno < last.lineno and _may_draw(call, program) for call in scope.calls)


def _may_draw(call: ast.Call, program: Program) -> bool:
    name = (dotted(call.func) or last_name(call.func)).lower()
    if _DRAWING.search(name):
        return True
    if name.rpartition(".")[2] in ("state_dict", "eval", "train"):
        return False
    target = program.target(call)
    if target.kind == "function" and target.scope is not None:
        return bool(target.scope.loops)
    return program.value(call.func, call).kind == "module"
