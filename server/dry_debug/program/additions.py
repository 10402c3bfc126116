"""What adds to something that exists already: sums, appends, and functions that keep what they are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import parameter_for
from dry_debug.program.fate import fate_of
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.shape import shape
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def addition_of(stmt: ast.AugAssign | ast.Assign | ast.AnnAssign) -> tuple[ast.expr, list[ast.expr]] | None:
    """(target, what is added to it) of `x += a`, `x = x + a + b` and `x = 0.9 * x + 0.1 * a`."""
    if isinstance(stmt, ast.AugAssign):
        return (stmt.target, [stmt.value]) if isinstance(stmt.op, ast.Add) else None
    if not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1 or not isinstance(stmt.value, ast.BinOp):
        return None
    terms: list[ast.expr] = []
    node: ast.expr = stmt.value
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and len(terms) < 50:
        terms.append(node.right)
        node = node.left
    terms.append(node)
    target = stmt.targets[0]
    own = [t for t in terms if _scaled(t, target)]
    if len(own) != 1 or len(terms) < 2:
        return None
    return target, [t for t in terms if t is not own[0]]


def _scaled(term: ast.expr, target: ast.expr) -> bool:
    """Whether `term` is the target, perhaps times a factor."""
    if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult | ast.Div):
        factors = [term.left, term.right] if isinstance(term.op, ast.Mult) else [term.left]
        return any(_scaled(factor, target) for factor in factors)
    return isinstance(term, ast.Name | ast.Attribute | ast.Subscript) and _same(term, target)


def _same(left: ast.expr, right: ast.expr) -> bool:
    while left.__class__ is right.__class__ and left.__class__ in (ast.Name, ast.Attribute):
        if isinstance(left, ast.Name) and isinstance(right, ast.Name):
            return left.id == right.id
        assert isinstance(left, ast.Attribute) and isinstance(right, ast.Attribute)
        if left.attr != right.attr:
            return False
        left, right = left.value, right.value
    if left.__class__ is not right.__class__:
        return False
    return shape(left).replace("Store()", "Load()") == shape(right).replace("Store()", "Load()")


def sums(program: Program) -> Iterator[_Addition]:
    """The statements of a file that add to something, `x += a` before `x = x + a`."""
    index = program.index
    for stmt in (*index.augments, *(s for s in index.assignments if s.value.__class__ is ast.BinOp)):
        addition = addition_of(stmt)
        if addition is not None:
            yield stmt, *addition


_Addition = tuple[ast.stmt, ast.expr, list[ast.expr]]  # the statement, what grows, what is added
MAX_HANDED = 3  # functions that hand an argument on to the one that keeps it


@dataclass(slots=True)
class Keeper:
    """The statement of a function of the project that keeps an argument, graph and all."""

    program: Program
    stmt: ast.stmt
    path: str  # what keeps it, as the caller sees it: the receiver, or the argument
    how: Literal["object", "argument"]


def may_keep(program: Program, call: ast.Call) -> bool:
    """Whether `keepers` may find anything in the function that `call` calls, or in those that it hands on to: cheap."""
    target = program.target(call)
    function, other = target.scope, target.program
    if target.kind != "function" or function is None or other is None or function.kind != "function":
        return False
    known = other.flow.keeps.get(function)
    if known is None:
        keep = other.own_attributes is None or _keeping(other)
        known = other.flow.keeps[function] = bool(keep) and any(
            callee in _keeping(owner) for owner, callee in _handed_to(other, function)
        )
    return known


def _keeping(program: Program) -> set[Scope]:
    """The functions of a file that add anything to what is still there when they are over."""
    known = program.flow.keeping_functions
    if known is None:
        known = program.flow.keeping_functions = set()
        for stmt, place, _ in sums(program):
            if _outlasts(program.scope(stmt), stmt, place):
                known.add(program.scope(stmt))
        for call in program.method_calls("append"):
            at, scope = program.statement(call), program.scope(call)
            if at is not None and isinstance(call.func, ast.Attribute) and _outlasts(scope, at, call.func.value):
                known.add(scope)
    return known


def _handed_to(program: Program, function: Scope) -> Iterator[tuple[Program, Scope]]:
    """A function, and those that one of its parameters is handed on to, at any depth; each with its program."""
    queue, seen = [(program, function)], {function}
    for owner, scope in queue:
        yield owner, scope
        for parameter in scope.parameters():
            for call, _ in owner.flow.handed(parameter.arg, scope):
                target = owner.target(call)
                callee, home = target.scope, target.program
                if target.kind == "function" and callee is not None and home is not None and callee not in seen:
                    seen.add(callee)
                    queue.append((home, callee))


def _outlasts(function: Scope, stmt: ast.stmt, place: ast.expr) -> bool:
    """Whether what a function adds to is there when it is over: an attribute of its object, what it was given."""
    root, _, attribute = (dotted(place.value if isinstance(place, ast.Subscript) else place) or "").partition(".")
    if attribute and root == function.self_name and function.class_scope is not None:
        return True
    return isinstance(stmt, ast.Expr) and any(parameter.arg == root for parameter in function.parameters())


def keepers(
    program: Program, call: ast.Call, argument: ast.expr, made: Value | None, depth: int = 0
) -> Iterator[Keeper]:
    """Where the function that `call` calls adds `argument` to its object or to another argument.

    Also where it hands both on to a function that does.
    """
    target = program.target(call)
    function, other = target.scope, target.program
    if target.kind != "function" or function is None or other is None or function.kind != "function":
        return
    own = function.self_name if function.class_scope is not None else None
    passed: dict[str, ast.expr] = dict(zip(function.passed_names(), call.args, strict=False))
    passed.update({k.arg: k.value for k in call.keywords if k.arg is not None})
    name = parameter_for(call, argument, function)
    if name is None:
        return
    given = made if made is not None else Value("tensor", attached=True, via="loss")
    env = {(function, name): given.but(attached=True, kind="tensor")}
    for stmt, place, added in _additions(other, function):
        path = dotted(place.value if isinstance(place, ast.Subscript) else place) or ""
        root = path.partition(".")[0]
        if not any(_graph(other.evaluator.value(term, function, stmt, env)) for term in added):
            continue
        if root == own and "." in path:
            receiver = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None
            if receiver is not None and not fate_of(other, path, stmt).backward:
                yield Keeper(other, stmt, receiver, "object")
        elif root in passed and root != name and isinstance(stmt, ast.Expr):
            kept = dotted(passed[root])
            if kept is not None:
                yield Keeper(other, stmt, kept, "argument")
    if depth < MAX_HANDED and len(function.bindings.get(name, ())) == 1:
        yield from _handed_on(other, function, name, passed, given, depth)


def _handed_on(
    program: Program, function: Scope, name: str, passed: dict[str, ast.expr], made: Value, depth: int
) -> Iterator[Keeper]:
    """Where the function gives its parameter `name`, and what is to keep it, to another one that keeps it."""
    for call, place in program.flow.handed(name, function):
        if program.grad_mode(call) == "off":
            continue
        expr = call.args[place] if isinstance(place, int) else next(k.value for k in call.keywords if k.arg == place)
        for inner in keepers(program, call, expr, made, depth + 1):
            root, dot, rest = inner.path.partition(".")
            kept = dotted(passed[root]) if root in passed and len(function.bindings.get(root, ())) == 1 else None
            if kept is not None:
                yield Keeper(inner.program, inner.stmt, kept + dot + rest, inner.how)


def _graph(value: Value) -> bool:
    return value.kind == "tensor" and bool(value.attached)


def _additions(program: Program, function: Scope) -> Iterator[_Addition]:
    """The sums and appends in the body of `function`: sums where autograd records."""
    yield from (row for row in _sums(program, function) if program.grad_mode(row[0]) != "off")
    yield from _appends(program, function)


def _sums(program: Program, function: Scope) -> Iterator[_Addition]:
    for stmt in sorted(program.flow.assignments(function), key=lambda s: not isinstance(s, ast.AugAssign)):
        addition = addition_of(stmt)
        if addition is not None:
            yield stmt, *addition


def _appends(program: Program, function: Scope) -> Iterator[_Addition]:
    for call in function.calls:
        func, stmt = call.func, program.statement(call)
        if isinstance(func, ast.Attribute) and func.attr == "append" and len(call.args) == 1 and stmt is not None:
            yield stmt, func.value, [call.args[0]]
