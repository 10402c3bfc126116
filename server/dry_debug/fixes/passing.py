"""A value that a function does not have yet: a new parameter, and what its call passes for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import width_of
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


def pass_in(changes: Changes, callee: Scope, owner: Program, call: ast.Call, caller: Program, expr: str) -> str | None:
    """Gives the function `callee` of `owner` a parameter, None by default, for which `call` passes `expr`; other calls
    stay as they are. The name of the parameter, or None where that cannot be done."""
    node = callee.node
    name = expr.rpartition(".")[2].strip("_")
    if not isinstance(node, ast.FunctionDef) or name in callee.bindings or not name.isidentifier():
        return None
    a = node.args
    if a.vararg is not None or any(isinstance(x, ast.Starred) for x in call.args):
        return None
    if any(k.arg is None or k.arg == name for k in call.keywords):
        return None
    known = [*a.posonlyargs, *a.args, *a.kwonlyargs]
    if not known or (a.kwarg is not None and any(k.arg is None for k in call.keywords)):
        return None
    last = a.kwonlyargs[-1] if a.kwonlyargs else known[-1]
    default = a.kw_defaults[-1] if a.kwonlyargs else (a.defaults[-1] if a.defaults else None)
    if name in {x.arg for x in known} or _reads(callee, name):
        return None
    end = owner.span(default).end if default is not None else owner.span(last).end
    if default is not None and owner.document.source[end : end + 1] == ")" and _wrapped(owner, default):
        return None
    _add(changes, owner, owner.span(last), end, f"{name}=None")
    if call.args or call.keywords:
        latest = max((*call.args, *(k.value for k in call.keywords)), key=lambda x: caller.span(x).end)
        _add(changes, caller, caller.span(latest), caller.end_of_arguments(call), f"{name}={expr}")
    else:
        changes.insert(caller.span(call).end - 1, f"{name}={expr}", caller)
    return name


def _reads(callee: Scope, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(callee.node))


def _wrapped(owner: Program, default: ast.expr) -> bool:
    """Whether parentheses of its own stand around a default: `x=(1)`."""
    source, start = owner.document.source, owner.span(default).start
    return source[:start].rstrip().endswith("(")


def _add(changes: Changes, program: Program, last: Span, end: int, text: str) -> None:
    """`text` behind the last of a list that ends at `end`: in a line of its own if the last one has one, or if the line
    would become too long."""
    source = program.document.source
    line = source.rfind("\n", 0, last.start) + 1
    lead = source[line : last.start]
    there = changes.inserted(end, program)
    stop = source.find("\n", end)
    rest = source[end : stop if stop >= 0 else len(source)]
    before = source[line:end] + there
    if lead and not lead.strip():
        indent = lead
    elif len(before.rpartition("\n")[2]) + len(text) + 2 + len(rest) > width_of(program):
        indent = _below(lead)
    else:
        changes.insert(end, f", {text}", program)
        return
    changes.insert(end, f",{program.document.newline}{indent}{text}", program)


def _below(lead: str) -> str:
    """The white space of a line below what stands behind `lead`: below the first entry of the parenthesis that is open
    there, or as far in as `lead`."""
    opened = [0]
    for at, char in enumerate(lead):
        if char in "([{":
            opened.append(at + 1)
        elif char in ")]}" and len(opened) > 1:
            opened.pop()
    start = opened[-1] or len(lead) - len(lead.lstrip())
    return "".join(char if char == "\t" else " " for char in lead[:start])
