"""SGL001: sglang asserts that the first parameter of its functions is called `s`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_DECORATORS = frozenset(("sglang.function", "sglang.lang.api.function", "sglang.api.function"))
_TITLE = "Call the state `s`"


class MisnamedStateArgument(Rule):
    name = "misnamed-state-argument"
    code = "SGL001"
    shape = "site"
    severity = "critical"
    fix_kind = "safe"
    depends_on_names = True
    triggers = (("sglang",), ("function",))
    why = "The name is compared: the decorator raises an AssertionError when the file is imported."
    quotes = ("DRY-FOC-5",)
    instead = "Call the first parameter `s`."
    looks_at = "functions under `@sgl.function`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for function, _ in _functions(program):
            yield function.node

    def check(self, program: Program) -> Iterator[Report]:
        for function, decorator in _functions(program):
            node = function.node
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
            if first is not None and first.arg == "s":
                program.why(node, "its first parameter is called `s`")
                continue
            step = [Step(program, decorator, "the decorator takes the function apart here")]
            if first is None:
                yield Report(
                    at=node,
                    headline=f"`{node.name[:40]}` under `@sgl.function` has no parameter for its state",
                    confidence="high",
                    why="sglang reads the name of the first parameter: the decorator raises an IndexError on import.",
                    evidence=step,
                    links=lambda: [_sure()],
                )
                continue
            method = function.class_scope is not None and function.parent is function.class_scope
            what = "a method" if method and first.arg in ("self", "cls") else f"`{first.arg[:30]}`"
            yield Report(
                at=first,
                headline=f"The first parameter of `{node.name[:34]}` is {what}, and `@sgl.function` takes only `s`"
                if not method
                else f"`@sgl.function` takes no methods: the first parameter of `{node.name[:34]}` is not `s`",
                confidence="high",
                evidence=step,
                links=lambda: [_sure()],
                fix=None if method else _renaming(function, first, program),
                fix_title="" if method else _TITLE,
            )


def _sure() -> Link:
    return Link("resolution", "high", "the decorator is sglang's")


def _functions(program: Program) -> Iterator[tuple[Scope, ast.expr]]:
    for function in program.index.functions:
        for decorator in function.decorators:
            expr = decorator.func if isinstance(decorator, ast.Call) else decorator
            if program.names.qualified(expr, function.parent or function) in _DECORATORS:
                yield function, decorator
                break


class _Renaming:
    """Renames the parameter and all that reads or writes it inside the function; no fix where `s` is taken."""

    def __init__(self, function: Scope, parameter: ast.arg, program: Program) -> None:
        self.function = function
        self.parameter = parameter
        self.program = program

    def __call__(self) -> Fix | None:
        node, old = self.function.node, self.parameter.arg
        names: list[ast.Name] = []
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id == old:
                names.append(inner)
            elif self._taken(inner):
                return None
        source = self.program.document.source
        start = self.program.span(self.parameter).start
        edits = [TextEdit(_head(start, old), "s")]
        for name in names:
            span = self.program.span(name)
            if source[span.start : span.end] != old:
                return None  # inside an f-string of a Python that gives no places there
            edits.append(TextEdit(span, "s"))
        return Fix(_TITLE, "safe", tuple(sorted(edits, key=lambda e: e.span.start)))

    def _taken(self, inner: ast.AST) -> bool:
        """Whether `s`, or the parameter's own name, means something else inside the function."""
        both = (self.parameter.arg, "s")
        if isinstance(inner, ast.arg):
            return inner is not self.parameter and inner.arg in both
        if isinstance(inner, ast.Global | ast.Nonlocal):
            return any(name in both for name in inner.names)
        return isinstance(inner, ast.Name) and inner.id == "s"


def _head(start: int, name: str) -> Span:
    return Span(start, start + len(name))


def _renaming(function: Scope, parameter: ast.arg, program: Program) -> _Renaming:
    return _Renaming(function, parameter, program)
