"""MOD002: layers that a module keeps in a plain list or dict are not part of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.registration import Hidden, hidden_layers, plain_containers
from dry_debug.program.walks import is_text
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class UnregisteredSubmodules(Rule):
    name = "unregistered-submodules"
    code = "MOD002"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("Module", "forward("))
    why = (
        "`nn.Module` registers what is assigned to an attribute, not what a list or dict in it holds: the optimizer "
        "never gets these layers, `.to()` leaves them on the CPU, and no checkpoint has them."
    )
    instead = "Hold layers in `nn.ModuleList` or `nn.ModuleDict`."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    looks_at = "plain lists and dicts of layers in a module"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return plain_containers(program)

    def check(self, program: Program) -> Iterator[Report]:
        for hidden in hidden_layers(program):
            title, edits = _repair(hidden, program)
            kind = "dict" if isinstance(hidden.container, ast.Dict | ast.DictComp) else "list"
            evidence = [Step(program, hidden.layers[0], "this layer is not registered")]
            if hidden.read is not None:
                evidence.append(Step(program, hidden.read, "it is used here"))
            yield Report(
                at=hidden.container,
                headline=f"the layers in `self.{hidden.name}` are not part of the module: a plain {kind} hides them",
                confidence="high",
                evidence=evidence,
                links=lambda: [Link("kind", "high", "the class is a module, and the list holds layers with weights")],
                fix=(lambda title=title, edits=edits: Fix(title, "unsafe", edits)) if edits else None,  # type: ignore[misc]
                fix_title=title if edits else "",
            )


def _repair(hidden: Hidden, program: Program) -> tuple[str, tuple[TextEdit, ...]]:
    """The title, and the edits that make it an `nn.ModuleList` or `nn.ModuleDict`; () where there is no safe one."""
    prefix = _prefix(hidden, program)
    if prefix is None:
        return "", ()
    container = hidden.container
    span = program.span(container)
    if isinstance(container, ast.Dict | ast.DictComp):
        keys = container.keys if isinstance(container, ast.Dict) else [container.key]
        if not keys or not all(isinstance(k, ast.JoinedStr) or is_text(k) for k in keys):
            return "", ()  # the keys of a ModuleDict are strings
        name = f"{prefix}ModuleDict"
    else:
        name = f"{prefix}ModuleList"
    title = f"Register them: `{name}`"
    if isinstance(container, ast.List) and not container.elts:
        return title, (TextEdit(span, f"{name}()"),)
    return title, (TextEdit(Span(span.start, span.start), f"{name}("), TextEdit(Span(span.end, span.end), ")"))


def _prefix(hidden: Hidden, program: Program) -> str | None:
    """How the file spells `torch.nn.`, taken from a call of one of its layers."""
    for name, call in program.qualified_calls():
        if name.startswith("torch.nn.") and name.count(".") == 2 and isinstance(call.func, ast.Attribute):
            return f"{program.text(call.func.value)}."
    return None
