"""The shape of an expression as text, equal for equal code: like `ast.dump`, faster and without recursion.

`ast.dump` makes a nest of closures for each call, which only the cycle collector can free, and meets the interpreter's
recursion limit on long chains.
"""

from __future__ import annotations

import ast


def shape(node: ast.AST) -> str:
    """`node` in the notation of `ast.dump`: `Compare(left=Name(id='x', ctx=Load()), ...)`, without positions."""
    parts: list[str] = []
    stack: list[object] = [node]
    pop, put = stack.pop, parts.append
    while stack:
        item = pop()
        cls = item.__class__
        if cls is str:
            put(item)  # type: ignore[arg-type]
        elif cls is ast.Name:
            put(f"Name(id={item.id!r}, ctx={item.ctx.__class__.__name__}())")  # type: ignore[attr-defined]
        elif cls is ast.Constant:
            kind = item.kind  # type: ignore[attr-defined]
            put(f"Constant(value={item.value!r}{'' if kind is None else f', kind={kind!r}'})")  # type: ignore[attr-defined]
        elif isinstance(item, ast.AST):
            put(f"{cls.__name__}(")
            at = len(stack)
            stack.append(")")
            fields: list[object] = []
            for name in item._fields:
                value = getattr(item, name, None)
                if value is None:
                    continue
                fields.append(f"{', ' if fields else ''}{name}=")
                if isinstance(value, ast.AST):
                    fields.append(value)
                elif value.__class__ is list:
                    fields.append("[")
                    for index, part in enumerate(value):
                        if index:
                            fields.append(", ")
                        fields.append(part if isinstance(part, ast.AST) else repr(part))
                    fields.append("]")
                else:
                    fields.append(repr(value))
            stack[at + 1 :] = reversed(fields)
    return "".join(parts)
