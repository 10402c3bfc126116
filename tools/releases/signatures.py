"""Whether a function or class of a release takes a keyword, and whether a class still knows a hook."""

from __future__ import annotations

import ast
from typing import Literal, NamedTuple

from releases.modules import Found, Modules

Answer = Literal["yes", "no", "unclear"]
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Taken(NamedTuple):
    """The answer, and why."""

    answer: Answer
    because: str


_GONE = Taken("no", "the callable itself is gone")


def has_name(modules: Modules, dotted: str) -> Taken:
    """Whether the release has the name at all."""
    found = modules.find(dotted)
    return Taken("yes", f"in {found[0].module}") if found else Taken("no", "no such name")


def takes(modules: Modules, dotted: str, argument: str) -> Taken:
    """Whether a callable takes the keyword: in its signature, by a decorator, or out of its `**kwargs`."""
    found = modules.find(dotted)
    if not found:
        return _GONE
    defined = [one for one in found if isinstance(one.node, ast.ClassDef | _Function) and not _overload(one.node)]
    answers = [_takes(modules, one, argument) for one in defined]
    if not answers:
        return Taken("unclear", f"`{dotted}` is defined elsewhere, or not by `class` or `def`")
    return next((one for word in ("yes", "unclear") for one in answers if one.answer == word), answers[0])


def names(modules: Modules, dotted: str, argument: str) -> Taken:
    """Whether a function takes the keyword by its signature, or names it in its body, to take it out of `**kwargs`.

    Where the rest of its keywords goes does not count.
    """
    found = modules.find(dotted)
    if not found:
        return _GONE
    defined = [one.node for one in found if isinstance(one.node, _Function)]
    for node in defined:
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if any(argument == a.arg for a in arguments) or _body_names(node, argument):
            return Taken("yes", "in the signature or in the body")
    return Taken("no", "its body does not name it") if defined else Taken("unclear", f"`{dotted}` is not a `def`")


def _body_names(node: _Function, argument: str) -> bool:
    return any(isinstance(inner, ast.Constant) and inner.value == argument for inner in ast.walk(node))


def has_hook(modules: Modules, base: str, method: str) -> Taken:
    """Whether the base class of a hook, or one above it, defines the hook."""
    found = [one for one in modules.find(base) if isinstance(one.node, ast.ClassDef)]
    if not found:
        return Taken("unclear", f"`{base}` was not found")
    inner = modules.find(f"{base}.{method}")
    return Taken("yes", f"in {inner[0].module}") if inner else Taken("no", "no class of its line defines it")


def _takes(modules: Modules, found: Found, argument: str) -> Taken:
    if isinstance(found.node, _Function):
        return _function(modules, found, found.node, argument, [])
    line = modules.line(found)
    for place, one in enumerate(line):
        if one.node is None:
            return Taken("no", f"not in what this package defines; `{one.name}` of another package is below it")
        if not isinstance(one.node, ast.ClassDef):
            continue
        if any(_means(d, argument) for d in one.node.decorator_list):
            return Taken("yes", f"a decorator of {one.node.name} takes it")
        made = _constructor(one.node)
        if made is not None:
            return _function(modules, one, made, argument, line[place + 1 :])
        if any(_is_dataclass(d) for d in one.node.decorator_list):
            return _fields(line[place:], argument)
    return Taken("no", "no constructor of its line takes it")


def _fields(line: list[Found], argument: str) -> Taken:
    """Of a data class: its fields and those of the classes above it."""
    for one in line:
        for stmt in one.node.body if isinstance(one.node, ast.ClassDef) else ():
            if isinstance(stmt, ast.AnnAssign) and ast.unparse(stmt.target) == argument:
                return Taken("yes", f"a field of {one.name}")
    other = next((one.name for one in line if one.node is None and one.name not in ("object", "ABC")), None)
    more = f"; `{other}` of another package is above it" if other else ""
    return Taken("no", f"no field of it{more}")


def _function(modules: Modules, found: Found, node: _Function, argument: str, above: list[Found]) -> Taken:
    arguments = node.args
    if any(argument == a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)):
        return Taken("yes", "in the signature")
    if any(_means(decorator, argument) for decorator in node.decorator_list):
        return Taken("yes", "a decorator takes it")
    taker = next((d for d in node.decorator_list if _pops(modules, found.module, d, argument)), None)
    if taker is not None:
        return Taken("yes", f"the decorator `{ast.unparse(taker)}` takes it out of the keywords")
    if arguments.kwarg is None:
        return Taken("no", "not in the signature")
    kwargs = arguments.kwarg.arg
    if _body_names(node, argument):
        return Taken("yes", f"`**{kwargs}`, and the body names it")
    calls = [c for c in ast.walk(node) if isinstance(c, ast.Call) and _hands_on(c, kwargs)]
    if not calls:
        return Taken("yes", f"`**{kwargs}` takes anything")
    to_init = all(isinstance(c.func, ast.Attribute) and c.func.attr == "__init__" for c in calls)
    if to_init and above:
        return _above(modules, above, argument)
    return Taken("unclear", f"`**{kwargs}` goes on to `{ast.unparse(calls[0].func)}`")


def _above(modules: Modules, above: list[Found], argument: str) -> Taken:
    first = above[0]
    if first.node is None:
        return Taken("unclear", f"`**kwargs` goes on to `{first.name}` of another package")
    return _takes(modules, first, argument)


def _constructor(node: ast.ClassDef) -> _Function | None:
    made = [m for m in node.body if isinstance(m, _Function) and m.name in ("__init__", "__new__")]
    return min(made, key=lambda m: m.name != "__init__", default=None)


def _is_dataclass(decorator: ast.expr) -> bool:
    head = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(head).rpartition(".")[2] in ("dataclass", "auto_docstring_dataclass", "attrs", "define")


def _means(decorator: ast.expr, argument: str) -> bool:
    """Whether a decorator is given the name, as those are that go on taking what was renamed."""
    if not isinstance(decorator, ast.Call):
        return False
    return any(isinstance(inner, ast.Constant) and inner.value == argument for inner in ast.walk(decorator))


def _pops(modules: Modules, module: str, decorator: ast.expr, argument: str) -> bool:
    """Whether the function behind a decorator, or one of its module that it calls, takes the name out of a dict."""
    head = decorator.func if isinstance(decorator, ast.Call) else decorator
    for found in modules.seen_from(module, ast.unparse(head)):
        calls = [c.func for c in ast.walk(found.node or ast.Pass()) if isinstance(c, ast.Call)]
        called = {head.id for head in calls if isinstance(head, ast.Name)}
        bodies = [found, *(inner for name in sorted(called) for inner in modules.in_module(found.module, name))]
        if any(_pop_of(c, argument) for body in bodies if body.node is not None for c in ast.walk(body.node)):
            return True
    return False


def _pop_of(node: ast.AST, argument: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "pop"
        and any(isinstance(a, ast.Constant) and a.value == argument for a in node.args)
    )


def _overload(node: ast.ClassDef | _Function) -> bool:
    return any(ast.unparse(decorator).rpartition(".")[2] == "overload" for decorator in node.decorator_list)


def _hands_on(call: ast.Call, kwargs: str) -> bool:
    return any(k.arg is None and isinstance(k.value, ast.Name) and k.value.id == kwargs for k in call.keywords)
