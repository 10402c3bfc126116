"""The model's view of one line, in sentences: what the names on it are, why, and what is not known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.evidence import file_name, home_of
from dry_debug.program.links import WORDS
from dry_debug.program.scopes import dotted
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def statements_at(program: Program, line: int) -> list[ast.stmt]:
    """The statements whose own text touches one-based `line` (a block only by its header)."""
    found = []
    for stmt in program.index.scope_of:
        if not isinstance(stmt, ast.stmt):
            continue
        body = getattr(stmt, "body", None)
        end = body[0].lineno - 1 if isinstance(body, list) and body else stmt.end_lineno or stmt.lineno
        if stmt.lineno <= line <= max(end, stmt.lineno):
            found.append(stmt)
    return sorted(found, key=lambda s: s.lineno)


def describe_line(program: Program, line: int) -> list[str]:
    """Sentences about one-based `line` of the source."""
    sentences: list[str] = []
    for stmt in statements_at(program, line):
        seen: set[str] = set()
        for expr in _expressions(stmt):
            text = program.short(expr)
            if text in seen:
                continue
            seen.add(text)
            value = program.evaluator.value(expr, program.scope(stmt), stmt)
            if isinstance(expr, ast.Call) and not value.known and isinstance(expr.func, ast.Attribute):
                continue  # what its receiver is says more
            sentences.append(describe(program, text, value, expr, stmt))
        for event in program.events.all:
            if event.stmt is stmt:
                sentences.append(f"event here: {event.kind.replace('_', ' ')} of {_object(program, event.obj)}")
        mode = program.grad_mode(stmt)
        if mode != "on":
            sentences.append(f"gradient recording here: {mode}")
        loop = program.training.reached_from_training_loop(stmt)
        if loop is not None:
            sentences.append(f"runs inside the training loop at line {program.line(loop)}")
    return sentences


def describe(program: Program, text: str, value: Value, expr: ast.expr, stmt: ast.stmt) -> str:
    """One sentence: what `text` is, where it was made, how sure that is; or why it is not known."""
    if value.kind == "unknown":
        return f"`{text}` is not known: {why_unknown(program, expr, stmt)}"
    if value.kind == "const":
        return f"`{text}` is {value.const!r}"
    words = WORDS.get(value.kind, value.kind.replace("_", " "))
    name = f" ({value.type})" if value.type else ""
    where = ""
    owner = home_of(value, program)
    if value.node is not None and owner is not None:
        file = "" if owner is program else f" of {file_name(owner)}"
        where = f", from line {owner.line(value.node)}{file}"
    graph = (
        {True: ", carries its graph", False: ", without a graph", None: ", graph not known"}[value.attached]
        if (value.kind in ("tensor", "output"))
        else ""
    )
    why = {"high": "", "medium": "; by how it is used", "low": "; only by its name"}[value.confidence]
    return f"`{text}` is {words}{name}{where}{graph} ({value.confidence} confidence{why})"


def why_unknown(program: Program, expr: ast.expr, at: ast.AST) -> str:
    """Follow a name, read in the call or statement `at`, to the call or parameter at which the model lost it."""
    scope = program.scope(at)
    for _ in range(6):
        if isinstance(expr, ast.Name):
            found = program.names.lookup(expr.id, scope)
            if found is None:
                return f"`{expr.id}` is not defined in this file"
            home, bindings = found
            b = bindings[-1]
            if b.kind == "param":
                sites = program.call_sites(home)
                return f"it comes in as a parameter of `{home.name}`" + (
                    f", called at line {program.line(sites[0])}" if sites else ", which nothing in this file calls"
                )
            if b.kind in ("import", "from"):
                return f"it is imported (line {program.line(b.node)}) from a module that is not part of the project"
            if b.value is None or b.stmt is None:
                return f"it is bound at line {program.line(b.node)} by a statement that the model does not follow"
            expr, scope = b.value, b.scope
            continue
        if isinstance(expr, ast.Call):
            name = dotted(expr.func) or program.short(expr.func)
            return f"it comes from `{name}()` (line {program.line(expr)}), which was not resolved"
        if isinstance(expr, ast.Attribute):
            return f"attribute `{expr.attr}` of something that is not known (line {program.line(expr)})"
        break
    return f"the expression at line {program.line(expr)} is of a kind that the model does not follow"


def why_no_graph(program: Program, expr: ast.expr, stmt: ast.stmt) -> str:
    """Why an added term is not known to carry the graph of a loss."""
    value = program.value(expr, stmt)
    if value.kind == "unknown":
        return f"nothing is known of it: {why_unknown(program, expr, stmt)}"
    if value.kind in ("number", "const", "text"):
        return "it is a number or text"
    if value.attached is False:
        return "it is without a graph (`.item()`, `.detach()`, or made where autograd records nothing)"
    if value.attached is None:
        return f"it is {WORDS.get(value.kind, value.kind)} of which nobody knows whether it has a graph"
    return f"it is {WORDS.get(value.kind, value.kind)}, but not known to be a loss"


def _object(program: Program, value: Value) -> str:
    found = program.training.components.named(value)
    if found is not None:
        return f"`{found.name}`"
    return WORDS.get(value.kind, "something that is not known")


def _expressions(stmt: ast.stmt) -> list[ast.expr]:
    """The calls, and the names and attributes that are read, of the statement's own expressions."""
    found: list[ast.expr] = []
    queue: list[ast.AST] = [stmt]
    while queue:
        node = queue.pop(0)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt | ast.ExceptHandler | ast.Lambda):
                continue
            if isinstance(child, ast.Call):
                found.append(child)
                if isinstance(child.func, ast.Attribute):  # the receiver counts, not the bound method
                    queue.extend([ast.Expr(child.func.value), *child.args, *(k.value for k in child.keywords)])
                    found.extend(
                        part for part in (child.func.value, *child.args, *(k.value for k in child.keywords))
                        if isinstance(part, ast.Name | ast.Attribute)
                    )  # fmt: skip
                    continue
            elif isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Load):
                found.append(child)
                if isinstance(child, ast.Attribute):
                    continue
            queue.append(child)
    return found[:24]
