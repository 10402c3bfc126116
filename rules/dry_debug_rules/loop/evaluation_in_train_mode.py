"""LOOP010: a model is evaluated while dropout and batch norm are in training mode."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after, line_before, line_behind
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Hit, Occurrence
from dry_debug.program.events import function_of
from dry_debug.program.evidence import Step, made, weakest
from dry_debug.program.hands import other_hands
from dry_debug.program.inference import (
    data_loop,
    evaluated,
    gradients_at,
    in_own_loop,
    may_score,
    modes,
    never_trains,
    own_switch,
    root_of,
    scored,
    scores,
    set_above,
    switched,
    unknown_switches,
)
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.loaded_whole import loaded_whole, pretrained, reads_no_mode
from dry_debug.program.made_up import made_up
from dry_debug.program.model_calls import is_own_part, spelled
from dry_debug.program.relations import covers, touches
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.sensitivity import mode_layers, mode_link, mode_matters

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value


class EvaluationInTrainMode(OrderRule):
    name = "evaluation-in-train-mode"
    code = "LOOP010"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (
        ("torch",),
        ("optim", "load_state_dict", ".load(", "pretrained=True", "_Weights", "weights='", 'weights="'),
    )
    why = (
        "Dropout goes on dropping activations and batch norm normalises with the statistics of the batch (and keeps "
        "updating its own), so the results are worse, noisy and depend on the batch size."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Call `.eval()` before the evaluation, and `.train()` before training goes on."
    looks_at = "calls of models"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("forward"))

    def check(self, program: Program) -> Iterator[Report]:
        works = program.events.of_kind("train", "create", "backward") or program.method_calls("load_state_dict")
        if not works and not program.events.runs_only:
            program.why(None, "nothing in this file trains a model or loads trained weights into one")
            return
        if not program.why.listens:
            if next(unknown_switches(program), None) is not None:
                return  # it may be that of any model, see `_wrong`
            own = program.events.of_kind("forward")
            stays = not program.leaves_file and not program.events.in_lambdas
            if program.is_test or (stays and not any(_may_be_one(event, program) for event in own)):
                return
        calls = evaluated(program)
        if program.why.listens:
            _tell_unreached(calls, program)
        seen: set[object] = set()
        for event, module in calls:
            ident = module.base.ident
            if ident in seen and not program.why.listens:
                continue
            if not _worth_a_walk(event, module, program) or ident in seen:
                continue
            seen.add(ident)
            if program.why.listens:
                _tell_no_mode(calls, module, program)
            told: set[object] = set()
            for hit in modes(module, program):
                report = None if hit.event in told else self._report(hit, module, program)
                if report is not None and report.cause not in told:
                    told.update((report.cause, hit.event))
                    yield report

    def _report(self, hit: Hit, module: Value, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        if at is None:
            return None
        reason = _wrong(hit, place, module, program)
        if reason is None:
            return None
        home = hit.event.program
        here = home is program
        around = data_loop(place)
        loop = around[1] if around is not None else None
        spelled = _path(hit.event)
        evidence = [*made(module, "the model"), *mode_layers(module)[:1], *reason]
        if not here:
            evidence.append(Step(home, hit.event.node, "the model runs here, in training mode"))
        if around is not None and isinstance(loop, ast.For | ast.AsyncFor | ast.comprehension):
            evidence.append(Step(around[0], loop.target, "in this evaluation loop"))
        beside = not isinstance(loop, ast.stmt) or (here and program.index.inside(hit.event.stmt, loop))
        fixed = here and spelled is not None and beside  # a step that training takes, too, is no place for `eval()`
        fixed = fixed and not _goes_on_training(hit, program)
        what = spelled or "the model"
        return Report(
            at=at,
            headline=_headline(what, at, module, here, program),
            confidence=weakest(module.confidence, "high" if mode_matters(module) else "medium"),
            links=lambda: [kind_link(program, module), path_link(), mode_link(module)],
            evidence=evidence,
            cause=f"{self.name}@{program.span(loop if here and isinstance(loop, ast.stmt) else at).start}",
            fix=(lambda: _fix(hit, what, program)) if fixed else None,
            fix_title=_title(what) if fixed else "",
        )


def _headline(what: str, at: ast.AST, module: Value, here: bool, program: Program) -> str:
    if loaded_whole(module):
        shown = what if here else program.short(at, 36)
        return f"`{shown[:36]}` runs in the mode that it was saved in, training perhaps: `.eval()` is missing"
    if here:
        return f"`{what[:40]}` is evaluated in training mode: nothing calls `.eval()` before"
    return f"`{program.short(at, 36)}` evaluates the model in training mode: `.eval()` is missing"


def _worth_a_walk(event: Event, module: Value, program: Program) -> bool:
    """What a look at the call itself can tell, without asking in which mode the model is there."""
    if mode_matters(module) is False:
        program.why(event, "no layer of the model reads the mode: train and eval are the same")
    elif _only_recurrent(module):
        program.why(event, "its recurrent layers are without dropout: in a forward pass both modes are the same")
    elif own_switch(module):
        program.why(event, "the model's class has a `train` or `eval` of its own")
    elif module.confidence == "low" or module.base.ident is None:
        program.why(event, "it is not certain which model this is")
    elif program.is_test:
        program.why(event, "the file is a test")
    else:
        return _may_be_one(event, program)
    return False


def _may_be_one(event: Event, program: Program) -> bool:
    """What the lines around a call tell, whichever model it is there."""
    if event.program is program and program.grad_mode(event.node) == "on" and not _may_evaluate(event, program):
        program.why(event, "autograd is not switched off here, so this may be training")
    elif is_own_part(event):
        program.why(event, "it is a part of the module whose method runs it: whoever holds the whole sets the mode")
    elif set_above(event):
        program.why(event, "the lines above put the model into evaluation mode")
    elif in_own_loop(event) and _beside_training(Occurrence(event, ()), program):
        program.why(event, _BESIDE)  # whatever calls a walk comes by
    else:
        return True
    return False


_BESIDE = "it runs outside of a loop over data: it may be a part of training"


def _beside_training(place: Occurrence, program: Program, trained: bool = False) -> bool:
    """Whether a call stands in no loop over data, where something is `trained`, or the files compute gradients."""
    event = place.event
    trained = trained or any(p.events.of_kind("backward") for p in {event.program, program})
    return trained and data_loop(place) is None and not scores(event) and not _for_each_batch(event)


def _may_evaluate(event: Event, program: Program) -> bool:
    """Whether a call for which autograd records may be an evaluation, as far as its lines tell."""
    return may_score(event) or (_plain(event) and never_trains(program) and not made_up(event.node, event.program))


def _evaluates(hit: Hit, place: Occurrence, program: Program) -> bool:
    """Whether a call for which autograd records is an evaluation all the same.

    What it gives is only compared with labels, or nothing in the files trains and the model is a variable of its own:
    one that is kept in an object may be trained where the object is used.
    """
    event, home = hit.event, hit.event.program
    return scored(place) or (_plain(event) and never_trains(program, home) and not made_up(event.node, home))


def _plain(event: Event) -> bool:
    return isinstance(spelled(event), ast.Name)


def _only_recurrent(module: Value) -> bool:
    """Whether all that reads the mode are recurrent or attention layers, made without dropout."""
    layers = [step.node for step in mode_layers(module)]
    plain = [
        call for call in layers
        if isinstance(call, ast.Call) and last_name(call.func) in ("RNN", "LSTM", "GRU", "MultiheadAttention")
        and not any(keyword.arg in ("dropout", None) for keyword in call.keywords)
    ]  # fmt: skip
    return bool(layers) and len(plain) == len(layers)


def _wrong(hit: Hit, place: Occurrence, module: Value, program: Program) -> list[Step] | None:
    """What shows that this is an evaluation in training mode; None (and a reason told) where it may not be one."""
    if hit.label == "eval":
        program.why(place, "the model is in evaluation mode here")
        return None
    if hit.label == "fresh" and mode_matters(module) is None and not loaded_whole(module):
        program.why(place, "it is not known that a layer of the model reads the mode: train and eval may be the same")
        return None
    if hit.certainty != "must":
        program.why(place, "on some path the model is put into evaluation mode before, or nobody knows")
        return None
    if gradients_at(place) != "off" and not _evaluates(hit, place, program):
        program.why(place, "autograd is not switched off here, so this may be training")
        return None
    if _beside_training(place, program, hit.label == "trained"):
        program.why(place, _BESIDE)
        return None
    for owner in _files(hit, module, program):
        unknown = next(unknown_switches(owner), None)
        if unknown is not None:
            program.why(place, "{} may be this model's", Step(owner, unknown, ""), see=unknown)
            return None
    hands = other_hands(program, place, module)
    if hands is not None:
        program.why(place, "{} is given the model and cannot be followed: it may set the mode", hands, see=hands)
        return None
    if hit.label == "trained":
        train = next((o.event for o in reversed(hit.trace) if o.event.kind == "train"), None)
        return [Step(train.program, train.node, "training mode is set here, and kept")] if train is not None else []
    return _fresh(hit, place, module, program)


def _files(hit: Hit, module: Value, program: Program) -> list[Program]:
    """The files in which the mode may have been set: this one, those on the way to the call, the one that made it."""
    way = [program, *(tree.program for tree in hit.calls), hit.event.program, module.base.origin]
    return list(dict.fromkeys(file for file in way if file is not None))


def _fresh(hit: Hit, place: Occurrence, module: Value, program: Program) -> list[Step] | None:
    """The model is as it was made: in training mode, if nothing that the walk has not seen has changed it."""
    made_by, owner = module.base.args, module.base.origin
    if (
        (module.confidence != "high" and not loaded_whole(module))
        or made_by is None
        or owner is None
        or last_name(made_by.func) == "from_pretrained"
    ):
        program.why(place, "it is not known in which mode the model comes to this place")
        return None
    root = root_of(hit)
    trained = _trained_there(module, program) if root is not None and root.kind != "module" else None
    for home in _files(hit, module, program):
        other = switched(module, home) if root is None or root.kind != "module" else None
        if other is not None and (trained is None or other.kind != "train"):
            program.why(place, "{} may have put it into evaluation mode before", other, see=other)
            return None
    if trained is not None and (data_loop(place) is not None or _for_each_batch(hit.event)):
        return [trained]
    loaded = _loaded(module, program) or _loaded(module, owner) or pretrained(module)
    if loaded is not None:
        return [Step(*loaded, "its trained weights come from here")]
    if loaded_whole(module):
        if reads_no_mode(owner, made_by):
            program.why(place, "no layer of the model reads the mode: train and eval are the same")
            return None
        return [Step(owner, made_by, "it is loaded whole, in the mode in which it was saved")]
    backward = next((o.event for o in reversed(hit.trace) if o.event.kind == "backward"), None)
    if backward is None or data_loop(place) is None:
        program.why(place, "it is not known that the model has been trained when it comes here")
        return None
    return [Step(backward.program, backward.node, "it is trained here, in the mode in which it was made")]


def _trained_there(module: Value, program: Program) -> Step | None:
    """Where the object that keeps a model trains it, if this file switches its mode to training and nothing else does.

    Whoever calls the methods of that object, in whatever order, finds the model in training mode.
    """
    ident = module.base.ident
    home = program.index.scope_of.get(module.base.args) if module.base.args is not None else None
    if home is None or home.class_scope is None or program.is_test:
        return None
    found: Step | None = None
    for event in program.events.of_kind("train", "eval", "mode"):
        if event.obj.base.ident == ident and event.kind == "train":
            found = Step(program, event.node, "training mode is set here, and kept")
        elif event.kind != "train" and touches(event.obj, [module]) is not False:
            return None
    cls = home.class_scope
    backward = next((e for e in program.events.of_kind("backward") if _belongs_to(e, cls, program)), None)
    if backward is None or found is not None:
        return found if backward is not None else None
    # As it was made, in training mode: where its optimizer steps, and nobody who uses the class says anything of modes.
    updated = (m for e in program.events.of_kind("optimizer_step") for m in covers(e.obj, program))
    users = [*program.callers.users(".eval("), *program.callers.users(cls.name)]
    if not any(m.base.ident == ident for m in updated) or any(".eval(" in other.document.source for other in users):
        return None
    return Step(program, backward.node, "it is trained here, in the mode in which it was made")


def _belongs_to(event: Event, cls: Scope, program: Program) -> bool:
    """Whether an event stands in a method of the class, or in a function of the file that one of them calls."""
    function = function_of(event.scope)
    sites = program.index.plain_calls.get(function, ()) if function is not None else ()
    return event.scope.class_scope is cls or any(program.scope(call).class_scope is cls for call in sites)


def _goes_on_training(hit: Hit, program: Program) -> bool:
    """Whether other methods go on to train the model and none says so: a lone `eval()` would stay for them."""
    root = root_of(hit)
    events = program.events
    return (
        root is not None and root.kind != "module" and bool(events.of_kind("backward")) and not events.of_kind("train")
    )


def _for_each_batch(event: Event) -> bool:
    """Whether a method that computes no gradients is there for loops of other files: one evaluates a batch with it."""
    program, function = event.program, function_of(event.scope)
    if function is None or function.class_scope is None or program.call_sites(function):
        return False
    if any(function_of(other.scope) is function for other in program.events.of_kind("backward", "optimizer_step")):
        return False
    for other, call in program.callers.of(function):
        holder = function_of(other.scope(call))
        sites = other.index.plain_calls.get(holder, ()) if holder is not None else ()
        if any(_in_data_loop(each, other) for each in (call, *sites)):
            return True
    return False


def _in_data_loop(call: ast.Call, program: Program) -> bool:
    loop, loops = program.loop_around(call), program.training.loops
    return loop is not None and loops.goes_over_data(loop) and not loops.steps_in(loop)


def _loaded(module: Value, program: Program) -> tuple[Program, ast.Call] | None:
    """Where trained weights are put into the model."""
    for call in program.method_calls("load_state_dict"):
        assert isinstance(call.func, ast.Attribute)
        value = program.value(call.func.value, call).base
        made = value.args is not None and value.args is module.base.args  # by the function that loads it, too
        if made or value.ident == module.base.ident:
            return program, call
    return None


def _tell_unreached(calls: list[tuple[Event, Value]], program: Program) -> None:
    reached = {event for event, _ in calls}
    for event in program.events.of_kind("forward"):
        if event not in reached:
            program.why(event, "no way from the start of this file leads here, or it is not known what is called")


def _tell_no_mode(calls: list[tuple[Event, Value]], module: Value, program: Program) -> None:
    certain = {hit.event for hit in modes(module, program)}
    for event, other in calls:
        if other.base.ident == module.base.ident and event not in certain:
            program.why(event, "`train()` stands before it with nothing trained in between, or the mode is not known")


# -- the fix -----------------------------------------------------------------------------------------------------------


def _path(event: Event) -> str | None:
    """How the user spells the model that is called."""
    model = spelled(event)
    return dotted(model) if model is not None else None


def _title(path: str) -> str:
    return f"Switch to evaluation mode first (`{path[:60]}.eval()`)"


def _fix(hit: Hit, path: str, program: Program) -> Fix:
    behind = _where_it_comes_from(hit, path, program)
    line = line_after(program, behind, f"{path}.eval()") if behind is not None else None
    if line is not None:
        return Fix(_title(path), "unsafe", (line,))
    head = _head(hit, program)
    edits = [line_before(program, head, f"{path}.eval()")]
    if _left_in_eval(hit, program):
        back = line_behind(program, head, f"{path}.train()")
        edits += [back] if back is not None else []
    return Fix(_title(path), "unsafe", tuple(edits))


def _where_it_comes_from(hit: Hit, path: str, program: Program) -> ast.stmt | None:
    """The statement that gives the variable a model with its weights, in a file that only runs it."""
    module = hit.event.obj
    made_by = module.base.args
    if made_by is None or not never_trains(program) or not (loaded_whole(module) or pretrained(module)):
        return None
    stmt = program.index.stmt_of.get(made_by)
    here = isinstance(stmt, ast.Assign) and program.index.scope_of.get(made_by) is function_of(hit.event.scope)
    return stmt if here and isinstance(stmt, ast.Assign) and dotted(stmt.targets[0]) == path else None


def _loop(hit: Hit) -> ast.AST | None:
    around = data_loop(Occurrence(hit.event, hit.calls))
    return around[1] if around is not None else None


def _head(hit: Hit, program: Program) -> ast.stmt:
    """The statement that evaluates as a whole: the loop over the data, with the block without gradients around it."""
    head: ast.stmt = hit.event.stmt
    loop = _loop(hit)
    inside = isinstance(loop, ast.stmt)
    for block in program.index.ancestors(head):
        if block is loop and isinstance(block, ast.stmt):
            head, inside = block, False
        elif not inside and isinstance(block, ast.With | ast.AsyncWith) and program.grad_mode(block.body[0]) == "off":
            head = block
        elif not inside:
            break
    return head


def _left_in_eval(hit: Hit, program: Program) -> bool:
    """Whether training goes on behind the evaluation without `train()`: none stands in the loop around both."""
    if len(hit.loops) < 2 and not (hit.loops and _loop(hit) is not hit.loops[-1]):
        return False
    train = next((o for o in reversed(hit.trace) if o.event.kind == "train"), None)
    outer = hit.loops[0]
    nodes = [train.event.node, *(tree.call for tree in train.calls)] if train is not None else []
    return not any(
        owner is not None and owner.index.inside(owner.statement(node) or node, outer)
        for node in nodes
        for owner in [next((p for p in {program, hit.event.program} if node in p.index.scope_of), None)]
    )
