"""Small rules for tests of the engine around them: what they flag and how they fix it is read from the code itself."""

import ast
from collections.abc import Iterator
from typing import Any

from dry_debug.lint.finding import Fix, NeedImport
from dry_debug.lint.manifest import RuleInfo
from dry_debug.lint.rule import Report, Rule
from dry_debug.text.spans import Span, TextEdit


class _Toy(Rule):
    shape = "site"
    severity = "warning"
    fix_kind = "safe"
    triggers = (("(",),)
    why = "It is a toy."

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        raise NotImplementedError

    def check(self, program: Any) -> Iterator[Report]:
        for node in ast.walk(ast.parse(program.document.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == self.name:
                yield self.report(node, program)

    def report(self, node: ast.Call, program: Any) -> Report:
        span = span_of(program, node)
        return Report(
            Span(span.start, span.end),
            f"Call of {self.name}",
            "high",
            cause=f"{self.name}@{span.start}",
            fix=lambda: self.fix_of(node, program),
            fix_title="Fix it",
        )


def span_of(program: Any, node: ast.expr) -> Span:
    lines = program.document.lines
    return Span(
        lines.offset_of_ast(node.lineno, node.col_offset),
        lines.offset_of_ast(node.end_lineno or 0, node.end_col_offset or 0),
    )


class Rename(_Toy):
    """`rename(x)` -> `math.floor(x)`."""

    name, code = "rename", "TOY001"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        name = span_of(program, call.func)
        return Fix("Use floor", "safe", (TextEdit(name, "math.floor"),), (NeedImport("math"),))


class Unwrap(_Toy):
    """`unwrap(x)` -> `x`; overlaps with the fix of whatever stands inside."""

    name, code = "unwrap", "TOY002"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        inner = span_of(program, call.args[0])
        text = program.document.source[inner.start : inner.end]
        return Fix("Unwrap", "unsafe", (TextEdit(span_of(program, call), text),))


class Break(_Toy):
    """A fix after which nothing parses."""

    name, code = "breaks", "TOY003"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        return Fix("Break", "safe", (TextEdit(span_of(program, call), "("),))


class Worsen(_Toy):
    """A fix that brings a finding of another rule."""

    name, code = "worsens", "TOY004"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        return Fix("Worsen", "safe", (TextEdit(span_of(program, call), "breaks()"),))


class Stay(_Toy):
    """A fix that does not help."""

    name, code = "stays", "TOY005"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        at = span_of(program, call).start
        return Fix("Add", "safe", (TextEdit(Span(at, at), "1 + "),))


class Show(_Toy):
    """A fix that is only shown."""

    name, code = "shows", "TOY006"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        return Fix("Show", "display", (TextEdit(span_of(program, call), "0"),))


class Far(_Toy):
    """A fix that changes another file only."""

    name, code = "far", "TOY007"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        return Fix("Change the other file", "safe", (), elsewhere=(("other.py", (TextEdit(Span(0, 0), "x\n"),)),))


class Raise(_Toy):
    """A rule that fails."""

    name, code = "raises", "TOY008"

    def check(self, program: Any) -> Iterator[Report]:
        raise KeyError("lost")
        yield


class Choose(_Toy):
    """A finding that can be fixed in three ways; the last of them cannot be made where the argument is no number."""

    name, code = "choose", "TOY009"

    def fix_of(self, call: ast.Call, program: Any) -> Fix | None:
        return Fix("Use one", "unsafe", (TextEdit(span_of(program, call), "1"),))

    def report(self, node: ast.Call, program: Any) -> Report:
        report = super().report(node, program)
        report.variants = lambda: self.others(node, program)
        return report

    def others(self, call: ast.Call, program: Any) -> list[Fix]:
        number = ast.literal_eval(call.args[0])
        return [Fix(f"Use {value}", "unsafe", (TextEdit(span_of(program, call), str(value)),)) for value in (2, number)]


TOYS = (Rename, Unwrap, Break, Worsen, Stay, Show, Far, Choose, Raise)


def infos(*classes: type[Rule]) -> tuple[RuleInfo, ...]:
    """What the manifest would say of the toys (all but the one that fails, unless they are named)."""
    chosen = classes or TOYS[:-1]
    return tuple(
        RuleInfo(
            cls.name,
            cls.code,
            "toy",
            "site",
            "warning",
            "stable",
            "safe",
            "A toy",
            __name__,
            cls.__name__,
            cls.triggers,
            (),
        )
        for cls in chosen
    )
