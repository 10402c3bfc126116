"""CKPT024: the best weights are kept as a reference, and training goes on changing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, Need, NeedImport
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.checkpoints import given
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.improvement import branch_of, compared_around, improving, in_order_test
from dry_debug.program.kept import late_use, target_name
from dry_debug.program.links import Link, kind_link
from dry_debug.program.live_weights import SHALLOW, Live, live
from dry_debug.program.scopes import LIBRARIES, dotted
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import ChainNode, LoopNode, PartNode, RowNode, loop_head
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class AliasedBestWeights(Rule):
    name = "aliased-best-weights"
    code = "CKPT024"
    shape = "order"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("state_dict", "best", "parameters()"), ("<", ">"), ("if ",))
    why = (
        "`state_dict()` gives the tensors that training changes, not a copy: what is restored or saved in the end are "
        "the last weights, not the best ones, and no error says so."
    )
    instead = "Keep a copy: `copy.deepcopy(model.state_dict())`, or save it at once."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    looks_at = "assignments that keep the weights of a model when a metric has improved"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for stmt, _, held in _kept(program):
            yield held.node if held.owner is program else stmt

    def check(self, program: Program) -> Iterator[Report]:
        for stmt, name, held in _kept(program):
            report = self._report(stmt, name, held, program)
            if report is not None:
                yield report

    def _report(self, stmt: ast.stmt, name: str, held: Live, program: Program) -> Report | None:
        why = program.why
        at: ast.AST = held.node if held.owner is program else stmt
        if program.is_test:
            why(at, "the file is a test")
            return None
        around = program.training.training_loop_around(stmt)
        loop = around if around is not None else program.training.reached_from_training_loop(stmt)
        block, branch = _chosen(program, stmt, around)
        if block is None:
            why(at, "nothing shows that it is kept only when a result has improved, and training goes on after it")
            return None
        if loop is None and "." not in name:
            why(at, "no training loop is known to go on around it")
            return None
        holder = _held_value(held)
        reason = _another(program, held, holder, loop)
        if reason is not None:
            why(at, reason)
            return None
        if _copied(program, name, stmt, branch):
            why(at, "a copy is made of it in the next lines")
            return None
        use, seen = late_use(program, name, stmt, branch, around)
        if use is None and seen:
            why(at, "it is used at once, and nothing reads it when training has gone on")
            return None
        known: Confidence = "medium" if holder.kind == "unknown" else holder.confidence
        path: Confidence = "high" if loop is not None and use is not None else "medium"
        confidence = weakest(known if known != "low" else "medium", path)
        evidence = [Step(program, block.test, "it is kept when this says that the result is better")]
        if loop is not None:
            evidence.append(Step(program, loop_head(loop), "this loop goes on training"))
        if use is not None:
            evidence.append(Step(use.program, use.node, "and here it is taken for the best"))
        text = held.owner.short(held.holder, 24)
        title = f"Keep a copy of the weights of `{text}`"
        return Report(
            at=at,
            headline=f"`{name[:24]}` is `{text}` itself, not a copy: training goes on changing it"
            if held.form == "module"
            else f"`{name[:24]}` is no copy of the weights of `{text}`: training goes on changing it",
            confidence=confidence,
            severity="critical" if confidence == "high" else "warning",
            evidence=evidence,
            links=lambda: [_holder_link(holder, text, held), _path_link(path)],
            fix=(lambda: _fix(held, title, program)) if held.owner is program else None,
            fix_title=title,
        )


def _chosen(program: Program, stmt: ast.stmt, loop: LoopNode | None) -> tuple[ast.If | None, list[ast.stmt]]:
    """The test for a better result around `stmt`, or around the call of its function, and the branch of `stmt`."""
    block = improving(program, stmt, loop)
    if block is not None:
        return block, branch_of(block, stmt, program)
    function = program.scope(stmt)
    node = function.node
    if loop is None and isinstance(node, ast.FunctionDef) and not in_order_test(program, stmt):
        for site in program.call_sites(function):
            at = program.statement(site)
            found = improving(program, at, program.training.training_loop_around(site), node) if at else None
            if found is not None and at is not None:
                return found, [*branch_of(found, at, program), *node.body]
    return None, []


def _held_value(held: Live) -> Value:
    """What the weights are of; an attribute that only a subclass fills is not known."""
    value = held.owner.value(held.holder, held.at)
    return value if value.kind == "module" else UNKNOWN


def _holder_link(holder: Value, text: str, held: Live) -> Link:
    if holder.kind == "unknown" or holder.confidence == "low":
        return Link("kind", "medium", f"`{text}` is taken for a module, as its `state_dict()` is kept")
    return kind_link(held.owner, holder, text)


def _path_link(path: Confidence) -> Link:
    if path == "high":
        return Link("path", path, "it is kept in a training loop and used when that has gone on")
    return Link("path", path, "the training loop, or the place where it is used again, is not in sight")


_HOLDERS = (ast.Name, ast.Attribute, ast.Dict, ast.Tuple, ast.DictComp, ast.ListComp)
_PLAUSIBLE = frozenset((*_HOLDERS, ast.Call))
_ARITHMETIC = frozenset((ast.BinOp, ast.Constant, ast.Compare))
_UNTESTED = frozenset((ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _kept(program: Program) -> Iterator[tuple[ast.stmt, str, Live]]:
    """(assignment, name, what it holds) of each that keeps weights without copying them when a result improves."""
    for stmt in program.index.assignments:
        if stmt.value.__class__ not in _PLAUSIBLE or not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1:
            continue
        block, whole = program.index.parent[stmt], stmt.targets[0]
        if block.__class__ in _UNTESTED:  # most assignments: `in_order_test` would say no
            tested = False
            if whole.__class__ is ast.Name or not _for_callers(whole, stmt, program):
                continue
        else:
            tested = in_order_test(program, stmt)
            if not tested and whole.__class__ is ast.Name:
                continue
        for target, value, path in _pairs(whole, stmt.value):
            name = target_name(target)
            if name is None or dotted(value) == name or not _plausible(value, program):
                continue
            if not (tested or _for_callers(target, stmt, program)):
                continue
            if isinstance(value, ChainNode) and _is_number(value, stmt, program):
                continue  # a result, whose value is a long story: `best_loss = val_loss`
            held = live(program, value, stmt, path=path)
            if held is not None and dotted(held.holder) != name:
                yield stmt, name, held


def _is_number(value: ast.expr, stmt: ast.stmt, program: Program) -> bool:
    """Whether a variable is put in order by a test around `stmt`, or holds nothing but what arithmetic gives."""
    if compared_around(program, stmt, dotted(value)):
        return True
    found = program.names.lookup(value.id, program.scope(stmt)) if isinstance(value, ast.Name) else None
    return found is not None and all(b.value.__class__ in _ARITHMETIC and not b.path for b in found[1])


def _for_callers(target: ast.expr, stmt: ast.Assign, program: Program) -> bool:
    """`self.best = model.state_dict()`, or `best["model"] = ...` of a dict that is handed in: the test for a better
    result may stand in the function that calls this one."""
    held = target.value if isinstance(target, PartNode) else None
    if not isinstance(held, ast.Name) or not isinstance(stmt.value, ast.Call | ast.DictComp):
        return False
    if isinstance(target, ast.Attribute):
        return True
    return [b.kind for b in program.scope(stmt).bindings.get(held.id, ())] == ["param"]


def _plausible(value: ast.expr, program: Program) -> bool:
    """A cheap look before values are asked: a name, or an expression with a call in it, of no library's function."""
    if isinstance(value, ast.Call):
        called = program.qualified(value)
        return called is None or called in SHALLOW or called.partition(".")[0] not in LIBRARIES
    return isinstance(value, _HOLDERS)


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr, tuple[int | None, ...]]]:
    """(what is assigned, what it is assigned, which part of that)."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return [(one, other, ()) for one, other in zip(target.elts, value.elts, strict=True)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Call):
        return [(one, value, (at,)) for at, one in enumerate(target.elts)]
    return [] if isinstance(target, RowNode) else [(target, value, ())]


def _another(program: Program, held: Live, holder: Value, loop: LoopNode | None) -> str | None:
    """Why the weights that are kept are not those that go on being trained: the loop makes or binds another model."""
    if loop is None:
        return None
    node = holder.base.node
    made = program.statement(node) if node is not None and holder.base.origin is program else None
    if made is not None and program.index.inside(made, loop):
        return "every round of the loop makes a model of its own"
    path = dotted(held.holder)
    function = held.owner.scope(held.at)
    if path is not None and held.owner is program and function is not program.scope(loop):
        sites = [s for s in program.call_sites(function) if program.index.inside(program.statement(s) or s, loop)]
        passed = given(sites[0], function, path) if sites else None
        path = dotted(passed) if passed is not None else path
    if held.owner is program and path is not None:
        for b in _bindings(path.partition(".")[0], path, program, loop):
            if b is not None and program.index.inside(b, loop):
                return "the loop binds another model to the name"
    if held.form == "module" and holder.kind != "module":
        return "it is not known to be a module"
    return None


def _bindings(head: str, path: str, program: Program, loop: LoopNode) -> Iterator[ast.stmt | None]:
    scope = program.scope(loop)
    found = program.names.lookup(head, scope)
    yield from (b.stmt for b in found[1] if b.kind in ("assign", "for", "with")) if found is not None else ()
    cls = scope.class_scope
    if cls is not None and head == scope.self_name:
        yield from (b.stmt for b in cls.attributes.get(path.partition(".")[2].partition(".")[0], ()))


def _copied(program: Program, name: str, stmt: ast.stmt, branch: list[ast.stmt]) -> bool:
    """`best = model.state_dict()` and then `best = {k: v.clone() for k, v in best.items()}`."""
    for other in program.index.assignments:
        if other is stmt or not isinstance(other, ast.Assign) or other.lineno < stmt.lineno:
            continue
        if any(target_name(t) == name and not _other_entry(t, stmt) for t in other.targets) and any(
            other is one or program.index.inside(other, one) for one in branch
        ):
            return True
    return False


def _other_entry(target: ast.expr, stmt: ast.stmt) -> bool:
    """Whether it is not the entry of the dict that `stmt` keeps the weights in."""
    kept = stmt.targets[0] if isinstance(stmt, ast.Assign) else None
    keys = [t.slice.value for t in (target, kept) if isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Constant)]
    return len(keys) == 2 and keys[0] != keys[1]


# -- fix ---------------------------------------------------------------------------------------------------------------


def _fix(held: Live, title: str, program: Program) -> Fix | None:
    """A deep copy of what is kept; in a comprehension a clone of each tensor."""
    source = program.document.source
    if held.value is not None:
        span = program.span(held.value)
        text = source[span.start : span.end]
        clone = f"{text}.clone()" if text.endswith(".detach()") else f"{text}.detach().clone()"
        return Fix(title, "unsafe", (TextEdit(span, clone),))
    node, span = held.node, program.span(held.node)
    needs: tuple[Need, ...] = ()
    name = _deepcopy(program, node)
    if name is None:
        name, needs = "copy.deepcopy", (NeedImport("copy"),)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "copy":
        inner = program.span(node.func.value)  # `model.state_dict().copy()`
        edits = (TextEdit(Span(span.start, inner.start), f"{name}("), TextEdit(Span(inner.end, span.end), ")"))
        if program.qualified(node) is None:
            return Fix(title, "unsafe", edits, needs)
    if isinstance(node, ast.Call) and program.qualified(node) == "copy.copy":
        return Fix(title, "unsafe", (TextEdit(program.span(node.func), name),), needs)
    if held.form == "parameters":
        return None
    edits = (TextEdit(Span(span.start, span.start), f"{name}("), TextEdit(Span(span.end, span.end), ")"))
    return Fix(title, "unsafe", edits, needs)


def _deepcopy(program: Program, node: ast.AST) -> str | None:
    """What `copy.deepcopy` is called in this file, if it is imported by name."""
    for name, bindings in program.index.module.bindings.items():
        if len(bindings) == 1 and bindings[0].kind in ("from", "import") and bindings[0].module is not None:
            full, level = bindings[0].module
            if not level and full == "copy.deepcopy":
                return name
            if not level and full == "copy" and bindings[0].kind == "import":
                return f"{name}.deepcopy"
    return None
