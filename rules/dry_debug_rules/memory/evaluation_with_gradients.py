"""MEM004: an evaluation builds an autograd graph that nothing uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.lint.finding import Fix, Need, NeedImport
from dry_debug.lint.new_lines import indented, line_before
from dry_debug.lint.rule import OrderRule, Report, ready_fix
from dry_debug.program.automata import Hit, Occurrence, collect
from dry_debug.program.callers import without_gradients
from dry_debug.program.events import function_of
from dry_debug.program.evidence import Step, made, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.inference import (
    data_loop,
    evaluated,
    gradients_at,
    in_own_loop,
    may_be_put,
    may_score,
    modes,
    never_trains,
    root_of,
    scored,
)
from dry_debug.program.links import Link, kind_link, path_link
from dry_debug.program.loaded_whole import loaded_whole
from dry_debug.program.made_up import made_up
from dry_debug.program.model_calls import spelled
from dry_debug.program.model_outputs import outputs_of, taken_out_nearby
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.shared_outputs import differentiated_later, evaluating_call
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value


class EvaluationWithGradients(OrderRule):
    name = "evaluation-with-gradients"
    code = "MEM004"
    severity = "warning"
    fix_kind = "unsafe"
    # A file that only loads a model whole is looked at where it takes numbers out of what the model gives.
    triggers = (
        ("torch",),
        (
            ".eval(", "optim", "load_state_dict", "from_pretrained",
            ".load(", "pretrained=True", "_Weights", "weights='", 'weights="',
        ),
        (
            ".eval(", "optim", "load_state_dict", "from_pretrained",
            ".item(", ".tolist(", ".numpy(", ".detach(", ".data", "argmax", "topk", ".max(",
        ),
    )  # fmt: skip
    why = (
        "Every forward pass keeps the activations of all layers for a backward pass that never comes: several times "
        "the memory, and slower; outputs that are collected keep them all until the end."
    )
    quotes = ("MEM-RF-1", "MEM-RF-2")
    instead = "Evaluate under `torch.no_grad()` or `torch.inference_mode()`."
    looks_at = "calls of models"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("forward"))

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        events = program.events
        switched = bool(events.of_kind("eval")) or events.runs_only or "from_pretrained" in program.document.source
        quick = not program.why.listens  # then what speaks against a call, whatever the walk finds, is looked for first
        if quick and (_frozen(program) or not (events.of_kind("forward") or program.leaves_file or events.in_lambdas)):
            return
        here = any(
            _may_be_one(e, program) and (switched or may_score(e)) and not (quick and _settled(e))
            for e in events.of_kind("forward")
        )
        works = events.of_kind("create", "train", "eval", "backward") or program.method_calls("load_state_dict")
        if not here and not (works and program.leaves_file):
            program.why(None, "nothing here evaluates a model where autograd may record")
            return
        off = _switched_off(program)
        if off is not None:
            program.why(None, "autograd may be switched off for all that follows: {}", off, see=off)
            return
        calls = evaluated(program)
        seen: set[object] = set()
        told: set[ast.AST] = set()
        for event, module in calls:
            ident = module.base.ident
            if ident is None or ident in seen:
                continue
            if not _may_be_one(event, event.program):
                program.why(event, "autograd is off here, or the loop around it trains")
                continue
            if quick and _settled(event):
                continue
            seen.add(ident)
            if quick and not _may_evaluate(module, calls, program):
                continue
            for hit in modes(module, program):
                report = self._report(hit, module, program, told)
                if report is not None:
                    yield report
        if program.why.listens:
            _tell(calls, program)

    def _report(self, hit: Hit, module: Value, program: Program, told: set[ast.AST]) -> Report | None:
        """`told`: what is told once each, of the hits before."""
        event = hit.event
        place = Occurrence(event, hit.calls)
        if not program.why.listens and (hit.certainty != "must" or gradients_at(place) != "on"):
            return None
        evaluates = hit.label == "eval" or scored(place) or (hit.label == "fresh" and _comes_evaluating(module))
        if not evaluates and (data_loop(place) is not None or not never_trains(*_files(place, program))):
            return None
        at = place.here(program)
        if at is None or not _judged(hit, place, module, program):
            return None
        around = data_loop(place)
        spot = _spot(place)
        here = spot.program is program
        if not here and spot.program.call_sites(spot.function):
            program.why(place, "it is told in the file that it stands in", see=event)
            return None
        if spot.call is not event.node:
            program.why(event, "{} is told instead: training calls the function, too", spot.call, see=spot.call)
        at = spot.call if here else at
        path = dotted(spot.call.func) or "the model"
        switch = next((o.event for o in reversed(hit.trace) if o.event.kind == "eval"), None)
        evidence = made(module, "the model")
        if switch is not None:
            evidence.append(Step(switch.program, switch.node, "it is put into evaluation mode here"))
        if at is not event.node:
            evidence.append(Step(event.program, event.node, "the model runs here, and autograd records"))
        if around is not None and isinstance(around[1], ast.For | ast.AsyncFor | ast.comprehension):
            evidence.append(Step(around[0], around[1].target, "for each batch of this loop a graph is built"))
        exported = here and spot.function.kind == "function" and not program.call_sites(spot.function)
        if exported:
            off = without_gradients(program, spot.call)
            if off is not None:
                program.why(place, "autograd may be switched off by {}, which calls it", off, see=off)
                return None
            exported = not program.callers.of(spot.function)
        if around is None and hit.label != "eval" and not _own(hit, module):
            program.why(place, "it is not known who calls it, or how the model was made")
            return None
        once = _cause(spot, place)
        if once in told:
            return None
        told.add(once)
        return Report(
            at=at,
            headline=f"`{path[:36]}(...)` is evaluated without `torch.no_grad()`: a graph is built for nothing"
            if at is event.node
            else f"`{program.short(at, 36)}` evaluates without `torch.no_grad()`: a graph is built for nothing",
            confidence=weakest("high" if module.confidence == "high" else "medium", "medium" if exported else "high"),
            severity="warning" if around is not None else "suggestion",
            evidence=evidence,
            links=lambda: _links(module, exported, program),
            cause=f"{self.name}@{program.span(once if here else at).start}",
            fix=ready_fix(_fix(spot, place)) if here else None,
            fix_title=_TITLE if here else "",
        )


_TITLE = "Switch autograd off for the evaluation (`torch.no_grad()`)"


def _comes_evaluating(module: Value) -> bool:
    """Whether a model is in evaluation mode from the start: Transformers hands it out so; nothing here trains it."""
    call, owner = module.base.args, module.base.origin
    if call is None or owner is None or last_name(call.func) != "from_pretrained":
        return False
    return (owner.qualified(call) or "").startswith("transformers.") and never_trains(owner)


def _links(module: Value, exported: bool, program: Program) -> list[Link]:
    links = [kind_link(program, module), path_link()]
    if exported:
        links.append(Link("resolution", "medium", "other files may call this function with autograd switched off"))
    return links


def _may_be_one(event: Event, program: Program) -> bool:
    """What the lines around a call tell, without a walk. In a loop that trains it may stand between two passes, where
    what it gives is taken out of its graph."""
    index, events = program.index, program.events
    loop = program.loop_around(event.node)
    trains = loop is not None and any(index.inside(e.stmt, loop) for e in events.of_kind("backward"))
    if trains and not (events.of_kind("eval") and taken_out_nearby(event)):
        return False
    return program.grad_mode(event.node) != "off"


def _may_evaluate(module: Value, calls: list[tuple[Event, Value]], program: Program) -> bool:
    """Whether the walk may come to an evaluation of a model: something puts it into evaluation mode, or it predicts."""
    if program.events.trains_nothing or _comes_evaluating(module):
        return True
    if any(may_be_put(module, obj) for _, obj, _ in collect(program, "eval")):
        return True
    ident = module.base.ident
    return any(may_score(e) or not in_own_loop(e) for e, obj in calls if obj.base.ident == ident)


def _settled(event: Event) -> bool:
    """Whether `_judged` has something against a call in whatever mode the model is, and whoever calls its function."""
    call, home = event.node, event.program
    if not isinstance(call, ast.Call) or last_name(call.func) == "generate":
        return True
    return (
        home.own_grad_mode(call) not in (None, "on")
        or _wants_gradients(_function(event), home) is not None
        or _frozen(home)
        or _without_graph(call, home)
    )


def _function(event: Event) -> Scope:
    scope = event.scope
    while scope.kind not in ("function", "module") and scope.parent is not None:
        scope = scope.parent
    return scope


def _switched_off(program: Program) -> ast.AST | None:
    """A statement that switches autograd off for all that follows: `torch.set_grad_enabled(False)`."""
    withs = {id(item.context_expr) for block in program.index.withs for item in block.items}
    for call in program.calls_of("torch.set_grad_enabled"):
        if id(call) not in withs:
            return call
    for name in ("torch.no_grad", "torch.inference_mode"):
        for call in program.calls_of(name):
            stmt = program.statement(call)
            if not isinstance(stmt, ast.With | ast.AsyncWith | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                return call  # `guard = torch.no_grad()`, `with guard if ... else ...`
    return None


def _judged(hit: Hit, place: Occurrence, module: Value, program: Program) -> bool:
    """Whether nothing speaks against it that this is an evaluation whose graph nobody wants."""
    event, why, home = hit.event, program.why, hit.event.program
    call = event.node
    assert isinstance(call, ast.Call)
    function = _function(event)
    if hit.certainty != "must":
        why(place, "on some path the model is in another mode here")
    elif gradients_at(place) != "on":
        why(place, "autograd is switched off here, or may be")
    elif _given_from_outside(hit, module):
        why(place, "other files give the model to this function, and may switch autograd off around it")
    elif data_loop(place) is None and not _runs_once(hit, place, program):
        why(place, "it stands in no loop over data, or in one that trains")
    elif function.kind == "function" and any(home.flow.handed(function.name, function.parent or function)):
        why(place, "its function is handed on: whoever calls it may switch autograd off")
    elif _switched_off(home) is not None:
        why(place, "autograd may be switched off in its file", see=event)
    elif "volatile" in home.document.source:
        why(place, "this is written for a PyTorch that has no `no_grad`")
    elif last_name(call.func) == "generate":
        why(place, "`generate` switches autograd off by itself")
    elif (wanted := _wants_gradients(function, home)) is not None:
        why(place, "{} wants gradients", Step(home, wanted, ""))
    elif _frozen(program) or _frozen(home):
        why(place, "parameters are frozen in this file: there may be no graph")
    elif _without_graph(call, home):
        why(place, "the model's own `forward` switches autograd off")
    elif (hands := other_hands(program, place, module)) is not None:
        why(place, "{} is given the model and cannot be followed", hands, see=hands)
    elif (array := outputs_of(call, function, home).bare_array()) is not None:
        why(place, "{} would raise if autograd recorded: whoever calls this has switched it off", array)
    elif (used := differentiated_later(event)) is not None and evaluating_call(place) is None:
        why(place, "what the model gives may be differentiated later: {}", Step(home, used, ""))
    else:
        return True
    return False


def _runs_once(hit: Hit, place: Occurrence, program: Program) -> bool:
    """Whether a call outside of a loop over data is a prediction: what the model gives is taken out of its graph, in
    the function of the call or in those that it gives it back to, and no file on the way trains anything, or none of
    these functions does. Beside training: if all that becomes of it can be seen."""
    quiet = never_trains(*_files(place, program))
    spots = [(place.event.program, place.event.node), *((tree.program, tree.call) for tree in reversed(place.calls))]
    for owner, call in spots:
        assert isinstance(call, ast.Call)
        function = function_of(owner.scope(call))
        if function is None:
            return False
        trains = not quiet and (function.kind != "function" or _trains(function, owner))
        outputs = outputs_of(call, function, owner)
        if outputs.taken_out():
            seen = not trains or (hit.label == "eval" and outputs.end_here())
            return seen and not made_up(place.event.node, place.event.program)
        if trains or not outputs.given_back():
            return False
    return False


def _trains(function: Scope, program: Program) -> bool:
    return program.training.loops.function_trains(function) or any(
        _function(other) is function for other in program.events.of_kind("backward", "optimizer_step")
    )


def _files(place: Occurrence, program: Program) -> set[Program]:
    """The files that the walk to a call came through."""
    return {program, place.event.program, *(tree.program for tree in place.calls)}


def _own(hit: Hit, module: Value) -> bool:
    """Whether the function that the walk to a call began in makes the model itself, of a class or from a file."""
    root, owner, made_by = root_of(hit), module.base.origin, module.base.args
    if root is None or owner is None or made_by is None or not (module.confidence == "high" or loaded_whole(module)):
        return False
    return root.kind == "module" or owner.index.scope_of.get(made_by) is root


def _given_from_outside(hit: Hit, module: Value) -> bool:
    """Whether the model is a parameter of the function that the walk to its call began in."""
    root, model, ident = root_of(hit), spelled(hit.event), module.base.ident
    if root is None or root.kind != "function":
        return False
    names = {a.arg for a in root.parameters()}
    if root is _function(hit.event):
        return isinstance(model, ast.Name) and model.id in names
    return isinstance(ident, tuple) and ident[0] in ("param", "var") and ident[1] is root and ident[2] in names


_GRADIENTS = frozenset("backward grad requires_grad_ enable_grad attribute register_hook retain_grad vjp jvp".split())


def _wants_gradients(function: Scope, program: Program) -> ast.AST | None:
    """A call in the function of the evaluation that needs a graph, if it does not train besides.

    What the functions of a file need is not what its body needs.
    """
    scopes: list[Scope] = [function, *(function.below() if function.kind == "function" else ())]
    for scope in scopes:
        for call in scope.calls:
            if last_name(call.func) in _GRADIENTS and not _trains_elsewhere(call, program):
                return call
    return None


def _trains_elsewhere(call: ast.Call, program: Program) -> bool:
    """Whether a backward pass belongs to a training loop beside the evaluation."""
    stmt = program.statement(call)
    return stmt is not None and any(
        isinstance(block, LoopNode) and program.training.loops.steps_in(block, True)
        for block in program.index.ancestors(stmt)
    )


def _frozen(program: Program) -> bool:
    source = program.document.source
    return "requires_grad" in source and any(
        text in source for text in ("requires_grad_(False", "requires_grad = False", "requires_grad=False")
    )


def _without_graph(call: ast.Call, program: Program) -> bool:
    target = program.target(call)
    if target.kind != "function" or target.scope is None or target.program is None:
        return False
    text = target.program.text(target.scope.node)
    decorated = target.program.decorated_no_grad(target.scope)
    return decorated or "no_grad" in text or "inference_mode" in text or "set_grad_enabled" in text


class _Spot(NamedTuple):
    """The call that evaluates: the model's own, or that of a function that runs the model for the training, too."""

    program: Program
    call: ast.Call
    function: Scope


def _spot(place: Occurrence) -> _Spot:
    event = place.event
    assert isinstance(event.node, ast.Call)
    shared = evaluating_call(place) if differentiated_later(event) is not None else None
    if shared is None:
        return _Spot(event.program, event.node, _function(event))
    return _Spot(
        shared.program, shared.call, function_of(shared.program.scope(shared.call)) or shared.program.index.module
    )


def _tell(calls: list[tuple[Event, Value]], program: Program) -> None:
    reached = {event for event, _ in calls}
    evaluating = {hit.event for _, module in calls for hit in modes(module, program) if hit.label == "eval"}
    for event in program.events.of_kind("forward"):
        if event not in reached:
            program.why(event, "no way from the start of this file leads here, or it is not known what is called")
        elif event not in evaluating:
            program.why(event, "the model is not known to be in evaluation mode here")


# -- the fix -----------------------------------------------------------------------------------------------------------


def _cause(spot: _Spot, place: Occurrence) -> ast.AST:
    """What is told once: the loop over the data; where there is none, the calls of one function together."""
    return spot.function.node if data_loop(place) is None else _outermost(spot, place)


def _outermost(spot: _Spot, place: Occurrence) -> ast.stmt:
    """The loop over the data in the function of the call, else its statement."""
    program, around = spot.program, data_loop(place)
    stmt = program.statement(spot.call)
    assert stmt is not None
    loop = around[1] if around is not None and around[0] is program else None
    return loop if isinstance(loop, ast.stmt) and program.index.inside(stmt, loop) else stmt


def _fix(spot: _Spot, place: Occurrence) -> Fix | None:
    program, function = spot.program, spot.function
    torch, needs = _torch(program)
    if torch is None:
        return None
    only = function.kind == "function" and not program.training.loops.function_trains(function)
    if only and not function.yields and isinstance(function.node, ast.FunctionDef):
        return Fix(_TITLE, "unsafe", (line_before(program, function.node, f"@{torch}.no_grad()"),), tuple(needs))
    edits = indented(program, _outermost(spot, place), f"with {torch}.no_grad():")
    return Fix(_TITLE, "unsafe", edits, tuple(needs)) if edits else None


def _torch(program: Program) -> tuple[str | None, list[Need]]:
    """What `torch` is called in this file; an import of it, if there is none."""
    for name, bindings in program.index.module.bindings.items():
        if len(bindings) == 1 and bindings[0].kind == "import" and bindings[0].module == ("torch", 0):
            return name, []
    if "torch" in program.index.module.bindings:
        return None, []
    return "torch", [NeedImport("torch")]
