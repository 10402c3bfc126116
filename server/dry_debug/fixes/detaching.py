"""Taking a tensor out of its graph where it is kept: `.item()`, `.detach()` or `.detach().cpu()`, by its later use."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import knowledge as know
from dry_debug.program.arguments import argument
from dry_debug.program.scopes import dotted
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.carried import Carried
    from dry_debug.program.fate import Fate
    from dry_debug.program.program import Program

ITEM, DETACH, TO_CPU = ".item()", ".detach()", ".detach().cpu()"
_JOINS = frozenset(f"torch.{n}" for n in ("cat", "concat", "concatenate", "stack", "vstack", "hstack"))
_ON_THE_WAY = know.KEEPS_VALUES - {"cuda"} | know.LEAVES_GRAPH
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


def of_loss(program: Program, carried: list[Carried], fate: Fate) -> str:
    """How a loss is kept: as a number where it is only printed, logged or averaged, else as a tensor without graph."""
    if fate.tensor or fate.unknown or any(_not_reduced(program, each) for each in carried):
        return DETACH
    return ITEM


def _not_reduced(program: Program, carried: Carried) -> bool:
    """Whether the loss may have more than one element: `reduction="none"`."""
    if carried.backward is not None:
        return False  # what is differentiated without a gradient is one number
    made = carried.made.args if carried.made is not None else None
    if made is None or carried.made is None or carried.made.origin is not program:
        return False
    options: list[ast.expr | None] = [argument(made, 99, "reduction")]
    maker = program.value(made.func, made).args if made in program.index.scope_of else None
    if maker is not None:
        options.append(argument(maker, 99, "reduction"))
    return any(o is not None and not (isinstance(o, ast.Constant) and o.value in ("mean", "sum")) for o in options)


def of_tensor(program: Program, path: str, filled: ast.stmt) -> str:
    """How an output is kept that is looked at later: on the CPU, if that is where everything that reads it wants it."""
    source = program.document.source
    on_gpu = "cuda" in source or "device" in source
    return TO_CPU if on_gpu and "." not in path and _all_reads_go_to_cpu(program, path, filled) else DETACH


def _all_reads_go_to_cpu(program: Program, path: str, filled: ast.stmt) -> bool:
    """Whether each read of the list `path` in its function joins or indexes it and then moves that to the CPU."""
    scope = program.scope(filled)
    found = program.names.lookup(path, scope)
    if found is None or found[0] is not scope:
        return False
    parents = program.flow.parents(scope)
    moved = 0
    for read in program.flow.reads(path, scope):
        if program.flow.statement_of(read, scope) is filled:
            continue
        node: ast.AST = read
        outer = parents.get(node)
        while outer is not None and not isinstance(outer, ast.stmt):
            if isinstance(outer, ast.Attribute):
                call = parents.get(outer)
                if not (isinstance(call, ast.Call) and call.func is outer):
                    return False
                if outer.attr == "cpu":
                    break
                if outer.attr not in _ON_THE_WAY:
                    return False
                node, outer = call, parents.get(call)
            elif isinstance(outer, ast.Call) and node in outer.args and program.qualified(outer) in _JOINS:
                node, outer = outer, parents.get(outer)
            else:
                return False
        if not isinstance(outer, ast.Attribute):
            return False
        moved += 1
    return moved > 0


def edit(program: Program, expr: ast.expr, method: str) -> TextEdit:
    """`method` put to `expr`: before a final `.cpu()`, `.float()` and the like, in parentheses where it needs them."""
    at = expr
    while isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute) and at.func.attr in _ON_THE_WAY:
        inner = at.func.value
        if program.qualified(at) is not None or not isinstance(inner, _ATOMS) or dotted(inner) == "torch":
            break
        at = inner
    if method == TO_CPU and at is not expr:
        method = DETACH  # what follows may be the move itself
        if ".cpu()" not in program.text(expr):
            at, method = expr, TO_CPU
    span = program.span(at)
    if isinstance(at, _ATOMS):
        return TextEdit(Span(span.end, span.end), method)
    return TextEdit(span, f"({program.text(at)}){method}")


def shown(program: Program, expr: ast.expr, method: str) -> str:
    """`expr` with `method`, short enough for the title of a fix."""
    change = edit(program, expr, method)
    text, base = program.text(expr), program.span(expr).start
    start, end = change.span.start - base, change.span.end - base
    result = " ".join(f"{text[:start]}{change.content}{text[end:]}".split())
    return result if len(result) <= 46 else f"{program.short(expr, 32)}{method}"


def title(text: str, method: str) -> str:
    """What the fix does, with its cost where it has one."""
    if method == ITEM:
        return f"Keep a number (`{text}`); it waits for the GPU each time"
    if method == TO_CPU:
        return f"Keep the values on the CPU, without the graph (`{text}`)"
    return f"Keep the tensor without its graph (`{text}`)"
