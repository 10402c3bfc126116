"""Inlining: the body of a function that is called once stands in place of the call."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator

from tests.property.naming import free_names, names, own_nodes, parameters
from tests.property.origins import Project, all_places, blocks, made, places_of, stamp
from tests.property.tally import Tally

_ELSEWHERE = "not called exactly once"


def inlined(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """Each function of a module that is called once, in a statement of its own or as all of an assignment's value."""
    for name, tree in project.trees.items():
        for number, node in enumerate(tree.body):
            if not isinstance(node, ast.FunctionDef):
                continue
            other = project.copy()
            new = other.trees[name]
            function = new.body[number]
            assert isinstance(function, ast.FunctionDef)
            reason = _inline(other, new, function)
            if reason == _ELSEWHERE:
                tally.no_place()
            elif reason:
                tally.skip(reason)
            else:
                yield f"{name}:{node.name}", other


def _inline(project: Project, tree: ast.Module, function: ast.FunctionDef) -> str:
    """Carry it out; or say why not."""
    args = function.args
    if function.decorator_list or args.vararg or args.kwarg or args.posonlyargs or args.kwonlyargs:
        return "decorators or starred parameters"
    nodes = list(own_nodes(function.body))
    if any(isinstance(n, ast.Yield | ast.YieldFrom | ast.Global | ast.Nonlocal | ast.Await) for n in nodes):
        return "a generator or global"
    inside = [n for n in ast.walk(function) if isinstance(n, ast.FunctionDef | ast.Lambda | ast.ClassDef)]
    if len(inside) > 1:
        return "has functions in it"
    returns = [n for n in nodes if isinstance(n, ast.Return)]
    if len(returns) > 1 or (returns and function.body[-1] is not returns[0]):
        return "returns early"
    uses = [
        n for t in project.trees.values() for n in ast.walk(t)
        if (isinstance(n, ast.Name) and n.id == function.name)
        or (isinstance(n, ast.Attribute) and n.attr == function.name)
        or (isinstance(n, ast.alias) and function.name in (n.name, n.asname))
    ]  # fmt: skip
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.func in uses]
    if len(uses) != 1 or len(calls) != 1:
        return _ELSEWHERE
    call = calls[0]
    if any(n is call for n in ast.walk(function)):
        return "recursive"
    for body, holder in blocks(tree):
        for at, statement in enumerate(body):
            value = getattr(statement, "value", None)
            if value is not call or not isinstance(statement, ast.Expr | ast.Assign | ast.Return):
                continue
            lines = _lines(tree, function, call, statement, holder)
            if isinstance(lines, str):
                return lines
            body[at : at + 1] = lines
            tree.body.remove(function)
            return ""
    return "not a statement of its own"


def _lines(
    tree: ast.Module, function: ast.FunctionDef, call: ast.Call, statement: ast.stmt, holder: ast.AST
) -> list[ast.stmt] | str:
    wanted = [a.arg for a in function.args.args]
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg not in wanted for k in call.keywords):
        return "starred arguments"
    given: dict[str, ast.expr] = dict(zip(wanted, call.args, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    defaults = dict(zip(wanted[len(wanted) - len(function.args.defaults) :], function.args.defaults, strict=True))
    for name in wanted:
        if name not in given:
            if not isinstance(defaults.get(name), ast.Constant):
                return "a default that is no constant"
            given[name] = defaults[name]
    around = names([tree]).writes | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    around |= {a.arg for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) for a in parameters(n.args)}
    local = {*wanted, *names(function.body).writes}
    free = free_names(function) - set(dir(builtins))
    if free & _local_names(tree, call):
        return "a name means something else there"
    fresh = {name: f"{name}_{function.name}" for name in local}
    if set(fresh.values()) & around:
        return "a name means something else there"
    renamer = _Rename(fresh)
    body: list[ast.stmt] = [renamer.visit(copy.deepcopy(s)) for s in function.body]
    for statement_ in body:  # what was said of the call is said of what it did
        for node in ast.walk(statement_):
            stamp(node, places_of(node) | places_of(call))
    result: ast.expr = ast.Constant(None)
    if isinstance(body[-1], ast.Return):
        last = body.pop()
        assert isinstance(last, ast.Return)
        result = last.value or result
    lines: list[ast.stmt] = []
    for name in wanted:
        new = made(f"{fresh[name]} = None", places_of(call))[0]
        assert isinstance(new, ast.Assign)
        new.value = given[name]
        lines.append(new)
    lines += body
    if isinstance(statement, ast.Expr):
        if not isinstance(result, ast.Constant | ast.Name):
            lines.append(ast.Expr(result))
    else:
        statement.value = result  # type: ignore[attr-defined]
        stamp(statement, places_of(statement) | all_places([result]))
        lines.append(statement)
    return lines or [ast.Pass()]


def _local_names(tree: ast.Module, call: ast.Call) -> set[str]:
    """The names bound by the functions around the call."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(n is call for n in ast.walk(node)):
            found |= {a.arg for a in parameters(node.args)} | names(node.body).writes
    return found


class _Rename(ast.NodeTransformer):
    def __init__(self, fresh: dict[str, str]) -> None:
        self.fresh = fresh

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.fresh.get(node.id, node.id)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = self.fresh.get(node.name or "", node.name)
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.AST:
        bound = node.asname or node.name
        if bound in self.fresh:
            node.asname = self.fresh[bound]
        return node
