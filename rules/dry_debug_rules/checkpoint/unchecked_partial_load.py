"""CKPT012: `strict=False`, and nobody looks at the names that did not match."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.lint.finding import Fix, Severity
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step, place_of
from dry_debug.program.links import Link, kind_link
from dry_debug.program.reaching import chain, side
from dry_debug.program.scopes import dotted
from dry_debug.program.state_source import StateSource, source_of
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

_TITLE = "Keep the result and show the names that did not match"
# What a file or key is called that is known to hold only a part of a model.
_PARTS = ("lora", "adapter", "peft", "prompt", "delta", "head", "projector", "partial", "trainable")
# A comment that says which names are left out.
_EXPLAINED = re.compile(r"missing|unexpected|contain|because|due to|\bonly\b|no longer|not in the", re.IGNORECASE)
_OF_A_RUN = re.compile(r"optim|(lr_?)?sched|(grad_?)?scaler", re.IGNORECASE)  # keys of what a run has beside its model
_HELD = "incompatible"
MAX_SITES = 4  # calls of one function that are looked at


class _Place(NamedTuple):
    scope: Scope
    stmt: ast.stmt


class UncheckedPartialLoad(Rule):
    name = "unchecked-partial-load"
    code = "CKPT012"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("load_state_dict",), ("False",))
    why = (
        "Weights whose names do not match are left as they were: with a renamed layer or a prefix too many the model "
        "keeps random weights, and nothing says so."
    )
    instead = "Look at the names that did not match, and stop where they are not the ones you leave out."
    quotes = ("CKPT-RAT-5", "CKPT-RF-K1", "CKPT-RF-K2", "CKPT-LOAD-6")
    looks_at = "calls of `load_state_dict` with `strict=False`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (call for call in program.method_calls("load_state_dict") if _lenient(call, program))

    def check(self, program: Program) -> Iterator[Report]:
        for call in program.method_calls("load_state_dict"):
            if _lenient(call, program):
                report = self._report(call, program)
                if report is not None:
                    yield report

    def _report(self, call: ast.Call, program: Program) -> Report | None:
        why = program.why
        held = _kept(call, program)
        if held is None:
            why(call, "the result is looked at, or goes where it can be")
            return None
        if program.is_test:
            why(call, "the file is a test")
            return None
        assert isinstance(call.func, ast.Attribute)
        receiver = program.value(call.func.value, call)
        if receiver.kind not in ("module", "ema", "unknown") or _own_load(receiver, call, program):
            why(call, "{} is not known to be a module that loads as modules do", call.func.value)
            return None
        state = argument(call, 0, "state_dict")
        source = source_of(program, state, call) if state is not None else StateSource()
        reason = _meant(call, source, program)
        if reason is not None:
            why(call, reason[0], see=reason[1])
            return None
        assert source.load is not None and source.owner is not None
        severity, use = _use(call, source, receiver, program)
        # `strict` is an argument of modules only, so the call itself says what it is called on.
        known = receiver.confidence == "high" and receiver.kind != "unknown"
        confidence: Confidence = "high" if known else "medium"
        evidence = [Step(source.owner, source.load, "the file is read here")]
        if use is not None:
            evidence.append(use)
        return Report(
            at=call,
            headline=_headline(call, program),
            confidence=confidence,
            severity=severity,
            evidence=evidence,
            links=lambda: [_link(receiver, call, program), _from(source, program)],
            fix=ready_fix(_fix(call, held, program)),
            fix_title=_TITLE,
        )


def _headline(call: ast.Call, program: Program) -> str:
    assert isinstance(call.func, ast.Attribute)
    name = program.short(call.func.value, 30)
    return f"`{name}.load_state_dict(..., strict=False)`: nobody looks at the names that do not match"


def _link(receiver: Value, call: ast.Call, program: Program) -> Link:
    assert isinstance(call.func, ast.Attribute)
    text = program.short(call.func.value)
    if receiver.kind == "unknown" or receiver.confidence != "high":
        return Link("kind", "medium", f"`{text}` is a module, as it takes `strict`")
    return kind_link(program, receiver, text)


def _from(source: StateSource, program: Program) -> Link:
    assert source.load is not None and source.owner is not None
    where = place_of(Step(source.owner, source.load, ""), program)
    return Link("path", "high", f"the state is what a file holds, read {where}")


def _lenient(call: ast.Call, program: Program) -> bool:
    strict = argument(call, 1, "strict")
    if isinstance(strict, ast.Constant):
        return strict.value is False
    if not isinstance(strict, ast.Name):
        return False
    value = program.value(strict, call)
    return value.kind == "const" and value.const is False and value.confidence == "high"


# -- who looks at it ---------------------------------------------------------------------------------------------------


def _kept(call: ast.Call, program: Program, hops: int = 0) -> list[ast.expr] | None:
    """The variables that take the result and that nobody reads: [] where there is none; None where it is looked at."""
    stmt = program.statement(call)
    if isinstance(stmt, ast.Return) and stmt.value is call and hops < 2:
        sites = program.call_sites(program.scope(call))
        ignored = bool(sites) and all(_kept(site, program, hops + 1) is not None for site in sites)
        return [] if ignored else None
    if isinstance(stmt, ast.Expr):
        return [] if stmt.value is call else None
    if not isinstance(stmt, ast.Assign) or stmt.value is not call or len(stmt.targets) != 1:
        return None
    target = stmt.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    scope = program.scope(call)
    for name in names:
        if not isinstance(name, ast.Name) or _read(name.id, scope, program):
            return None
    return list(names)


def _read(name: str, scope: Scope, program: Program) -> bool:
    """Whether the variable is read anywhere: then somebody may look, whatever else it holds at times."""
    home = program.names.lookup(name, scope)
    return home is None or home[0] is not scope or program.flow.is_used(name, scope)


def _own_load(receiver: Value, call: ast.Call, program: Program) -> bool:
    """Whether the class of the module defines `load_state_dict` itself."""
    target = program.target(call)
    return target.kind == "function"


# -- what is meant -----------------------------------------------------------------------------------------------------


def _meant(call: ast.Call, source: StateSource, program: Program) -> tuple[str, Step | ast.AST | None] | None:
    """Why the load is known to be of a part, or the names are known to be right: (reason, what shows it)."""
    if source.kind == "unknown":
        return "where the state comes from is not known", None
    shown = source.load or source.changed
    step = Step(source.owner, shown, "") if source.owner is not None and shown is not None else None
    if source.kind == "part":
        return "its entries were picked by code that knows their names", step
    if source.kind == "object":
        return "it is the state of another object of the program, not of a file", step
    if source.kind == "published":
        return "it holds published weights, whose names do not change", step
    word = next((n for n in source.names if any(part in n.lower() for part in _PARTS)), None)
    if word is not None:
        return f"`{word[:40]}` says that it holds only a part of the model", step
    stmt = program.statement(call)
    if stmt is not None and _EXPLAINED.search(program.comment_at(stmt)):
        return "a comment says which names are left out", stmt
    picked = _saves_a_part(program)
    if picked is not None:
        return "the file picks entries of a state dict elsewhere: what it saves may be such a part", picked
    if _in_layers(call, program):
        return "the module gets its weights from several files, each with a part of them", None
    checked = _compared(call, program)
    if checked is not None:
        return "the names are compared, or the error that names them is shown, in the same function", checked
    return None


def _saves_a_part(program: Program) -> ast.AST | None:
    """`{name: p for name, p in model.state_dict().items() if p.requires_grad}`."""
    for scope in program.index.scopes.values():
        node = scope.node
        if isinstance(node, ast.DictComp) and any(g.ifs for g in node.generators):
            over = node.generators[0].iter
            inner = over.func.value if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) else over
            func = inner.func if isinstance(inner, ast.Call) else getattr(over, "func", None)
            if isinstance(func, ast.Attribute) and func.attr in ("state_dict", "named_parameters"):
                return node
    return None


def _in_layers(call: ast.Call, program: Program) -> bool:
    """Whether another `load_state_dict` with `strict=False` fills the same module on the same way."""
    assert isinstance(call.func, ast.Attribute)
    name, module = dotted(call.func.value), program.value(call.func.value, call)
    for other in program.method_calls("load_state_dict"):
        func = other.func
        if other is call or not isinstance(func, ast.Attribute) or not _lenient(other, program):
            continue
        beside = program.scope(other) is program.scope(call)
        if beside and dotted(func.value) == name:
            same = name is not None
        else:
            same = not beside and _same(module.base, program.value(func.value, other).base)
        if same and any(
            one.scope is two.scope and not _apart(one.stmt, two.stmt, program)
            for one in _places(call, program)
            for two in _places(other, program)
        ):
            return True
    return False


def _places(call: ast.Call, program: Program) -> list[_Place]:
    """Where a call stands, and where the calls of its function stand."""
    scope, sites = program.scope(call), [call]
    if scope.kind == "function":
        sites += program.call_sites(scope)[:MAX_SITES]
    return [_Place(program.scope(c), stmt) for c in sites if (stmt := program.statement(c)) is not None]


def _apart(one: ast.stmt, other: ast.stmt, program: Program) -> bool:
    """Whether two statements stand in different branches, so that only one of them runs."""
    ways: dict[ast.AST, str] = {parent: side(parent, node) for node, parent in chain(program.index, one)}
    for node, parent in chain(program.index, other):
        if parent in ways:
            return isinstance(parent, ast.If | ast.Try) and side(parent, node) != ways[parent]
    return False


def _compared(call: ast.Call, program: Program) -> ast.AST | None:
    """Where the function compares names by itself, or shows the error of a strict load."""
    assert isinstance(call.func, ast.Attribute)
    name, scope = dotted(call.func.value), program.scope(call)
    for path in (name, f"{name}.module") if name is not None else ():
        if {"state_dict", "named_parameters"} & scope.receivers.get(path, set()):
            return call.func.value
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.ExceptHandler):
            if block.name is not None and program.flow.reads(block.name, scope):
                return block
        elif isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            break
    return None


def _use(call: ast.Call, source: StateSource, receiver: Value, program: Program) -> tuple[Severity, Step | None]:
    """How bad it is that a weight was left out: the run that goes on or the result rests on it, or it is trained."""
    assert source.load is not None and source.owner is not None
    owner, read = source.owner, source.load
    reads = [*source.through, (owner, read)]
    if owner.scope(read).kind == "function" and owner.flow.returned_by(read) is not None:
        reads += [(owner, site) for site in owner.call_sites(owner.scope(read))[:MAX_SITES]]
    for owner, read in reads:
        for _, key, value, restore in owner.training.checkpoints.loaded(read).restores:
            if value.kind in ("optimizer", "scheduler", "scaler") or (isinstance(key, str) and _OF_A_RUN.match(key)):
                return "warning", Step(owner, restore, "the run goes on from this checkpoint")
    if program.training.is_training or program.training.starts_training:
        return "suggestion", None
    assert isinstance(call.func, ast.Attribute)
    for other in program.method_calls("eval"):
        func = other.func
        assert isinstance(func, ast.Attribute)
        same = dotted(func.value) == dotted(call.func.value) and program.scope(other) is program.scope(call)
        if same or _same(receiver.base, program.value(func.value, other).base):
            return "warning", Step(program, other, "the model is evaluated with what was loaded")
    return "suggestion", None


def _same(one: Value, other: Value) -> bool:
    """Whether two values are one object, or made by one call."""
    if not (one.known and other.known):
        return False
    return one.ident == other.ident or (one.args is not None and one.args is other.args)


# -- fix ---------------------------------------------------------------------------------------------------------------


def _fix(call: ast.Call, held: list[ast.expr], program: Program) -> Fix | None:
    """The result under a name, and a line that shows it."""
    stmt, scope = program.statement(call), program.scope(call)
    if not isinstance(stmt, ast.Expr | ast.Assign):
        return None  # a function that returns it
    edits: list[TextEdit] = []
    names = [n.id for n in held if isinstance(n, ast.Name)]
    if not names or "_" in names:
        name = _HELD if program.names.lookup(_HELD, scope) is None else f"{_HELD}_keys"
        names = [name]
        if held and isinstance(stmt, ast.Assign):
            span = program.span(stmt.targets[0])
            edits.append(TextEdit(span, name))
        else:
            at = program.span(call).start
            edits.append(TextEdit(Span(at, at), f"{name} = "))
    missing, unexpected = names if len(names) == 2 else (f"{names[0]}.missing_keys", f"{names[0]}.unexpected_keys")
    logger = _logger(scope, program)
    if logger is not None:
        code = f'{logger}.warning("missing keys: %s, unexpected keys: %s", {missing}, {unexpected})'
    else:
        code = f'print(f"missing keys: {{{missing}}}, unexpected keys: {{{unexpected}}}")'
    line = line_after(program, stmt, code)
    return Fix(_TITLE, "unsafe", (*edits, line)) if line is not None else None


def _logger(scope: Scope, program: Program) -> str | None:
    """The logger of the file, by what its variable is made of; the module `logging` where the file calls that."""
    for name, bindings in program.index.module.bindings.items():
        value = bindings[0].value
        if len(bindings) > 1 or not isinstance(value, ast.Call) or program.qualified(value) != "logging.getLogger":
            continue
        found = program.names.lookup(name, scope)
        if found is not None and found[0] is program.index.module:
            return name
    own = (call for name in ("info", "warning", "error", "debug") for call in program.calls_of(f"logging.{name}"))
    for call in own:  # the file logs through the module itself, under a name that holds here, too
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            found = program.names.lookup(func.value.id, scope)
            if found is not None and found[0] is program.index.module:
                return func.value.id
    return None
