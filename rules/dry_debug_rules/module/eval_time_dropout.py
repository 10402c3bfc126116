"""MOD005: a functional dropout that is not told whether the module trains drops values in evaluation, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.comments import words_beside
from dry_debug.lint.finding import Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.phases import chosen_by_phase, held_by_phase
from dry_debug.program.walks import is_name, names_in
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_FUNCTIONAL = "torch.nn.functional."
_ATTENTION = "torch.nn.functional.scaled_dot_product_attention"
MAX_CALLERS = 5

# How people say that a dropout in both modes is no mistake.
_MEANT = re.compile(
    r"\b(always|inference|eval\w*|test[ -]time|both modes|mc|monte|on purpose|intent\w+|deliberat\w+)\b", re.I
)


class EvalTimeDropout(SiteRule):
    name = "eval-time-dropout"
    code = "MOD005"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("dropout(", "dropout1d(", "dropout2d(", "dropout3d(", "dropout_p"), ("torch",))
    calls = (
        *(f"{_FUNCTIONAL}{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d")),
        _ATTENTION,
    )
    why = (
        "The function does not know the module's mode: it goes on to drop values after `eval()`, so validation scores "
        "and predictions are random and worse than the model is."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Drop in training only: pass `training=self.training`, or use `nn.Dropout`."
    looks_at = "calls of functional dropout"

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        attention = program.qualified(call) == _ATTENTION
        dropped = self._rate(call, attention, program)
        if dropped is None:
            return
        cls = _class_of(call, program)
        if cls is None:
            program.why(call, "it does not stand in a method of a module, nor in a function that one calls")
            return
        if program.is_test:
            program.why(call, "the file is a test")
            return
        if _MEANT.search(words_beside(program.document, program.span(call))):
            program.why(call, "the comment beside it says that values are dropped in both modes")
            return
        way = _way_from_forward(call, program)
        if way is None:
            program.why(call, "it is not known that `forward` comes here, in both modes")
            return
        name = program.short(call.func, 40)
        what = f"`{name}` drops values in evaluation too"
        said = "`dropout_p` does not ask for the mode" if attention else "no `training=`, which is True by default"
        scope = program.scope(call)
        owner = scope.self_name if scope.class_scope is not None else None
        off = _off_unless_asked(dropped, call, program)
        title = f"Drop in training only (`{owner}.training`)"
        yield Report(
            at=call,
            headline=f"{what}: {said}"
            if off is None
            else f"`{program.short(call.func, 32)}` drops values in evaluation too where `{off.arg[:16]}` is not 0",
            confidence="high" if off is None else "medium",
            severity="critical" if off is None else "warning",
            evidence=[
                *way[:2],
                *([Step(program, off, "it is 0 unless somebody asks for more")] if off is not None else []),
            ],
            links=lambda: [
                Link("kind", "high", "it stands in a module, and `forward` comes to it in both modes"),
                *([Link("path", "medium", "by default nothing is dropped")] if off is not None else []),
            ],
            fix=(lambda: Fix(title, "unsafe", _edits(call, dropped, attention, owner, program))) if owner else None,
            fix_title=title if owner else "",
        )

    def _rate(self, call: ast.Call, attention: bool, program: Program) -> ast.expr | None:
        """The share of values that is dropped, where nothing says that this is for training; None with the reason."""
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            program.why(call, "what it is given is not all spelled out")
            return None
        if not attention:
            given = argument(call, 2, "training")
            if given is not None:
                program.why(call, "`training` is given: {}", given)
                return None
        rate = argument(call, 4, "dropout_p") if attention else argument(call, 1, "p")
        if rate is None:
            if attention:
                program.why(call, "no `dropout_p` is given: nothing is dropped")
                return None
            return call
        if isinstance(rate, ast.Constant) and not rate.value:
            program.why(call, "it drops nothing: {}", rate)
            return None
        if _passed_in(rate, call, program):
            program.why(call, "the callers say how much is dropped: {}", rate)
            return None
        if chosen_by_phase(program, rate, call):
            program.why(call, "the share that is dropped depends on the phase: {}", rate)
            return None
        return rate


def _passed_in(rate: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether the share is a parameter of the method itself: a caller may pass 0 in evaluation."""
    names = names_in(rate)
    scope = program.scope(call)
    return any(b.kind == "param" for name in names - {scope.self_name} for b in scope.bindings.get(name, ()))


def _off_unless_asked(rate: ast.expr, call: ast.Call, program: Program) -> ast.arg | None:
    """The parameter, 0 by default, that the share is kept from: `self.p` of `def __init__(self, p=0.0)`."""
    cls = program.scope(call).class_scope
    if (
        cls is None
        or not isinstance(rate, ast.Attribute)
        or not is_name(rate.value, program.scope(call).self_name or "")
    ):
        return None
    found: ast.arg | None = None
    for binding in cls.attributes.get(rate.attr, ()):
        name = binding.value.id if isinstance(binding.value, ast.Name) else ""
        default = binding.scope.default_of(name)
        if not isinstance(default, ast.Constant) or default.value != 0:
            return None
        found = next((p for p in binding.scope.parameters() if p.arg == name), None)
    return found


def _class_of(call: ast.Call, program: Program) -> Scope | None:
    """The module in whose methods the call stands, or that calls the function that it stands in."""
    owner, scope = program, program.scope(call)
    for _ in range(MAX_CALLERS):
        if scope.class_scope is not None or scope.kind != "function":
            break
        sites = owner.callers.here_or_elsewhere(scope)
        if not sites:
            return None
        owner, scope = sites[0][0], sites[0][0].scope(sites[0][1])
    cls = scope.class_scope
    return cls if cls is not None and owner.class_kind(cls) == "module" else None


def _way_from_forward(call: ast.Call, program: Program) -> list[Step] | None:
    """The calls through which `forward` comes to `call`, where none of them asks for the phase; None: it may not."""
    way: list[Step] = []
    owner, here = program, call
    for _ in range(MAX_CALLERS):
        if held_by_phase(owner, here):
            return None
        scope: Scope | None = owner.scope(here)
        while scope is not None and scope.kind != "function":
            scope = scope.parent
        if scope is None:
            return None
        if scope.name == "forward":
            return way
        plain = scope.class_scope is None
        sites = owner.callers.here_or_elsewhere(scope) if plain else [(owner, c) for c in owner.call_sites(scope)]
        if not sites or any(held_by_phase(other, site) for other, site in sites):
            return None
        owner, here = sites[0]
        way.append(Step(owner, here, "`forward` comes here"))
    return None


def _edits(call: ast.Call, rate: ast.expr, attention: bool, owner: str, program: Program) -> tuple[TextEdit, ...]:
    if attention:
        end = program.span(rate).end
        return (TextEdit(Span(end, end), f" if {owner}.training else 0.0"),)
    return (argument_added(program, call, f"training={owner}.training"),)
