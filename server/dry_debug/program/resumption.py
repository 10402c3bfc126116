"""What a run that is being saved consists of.

A *part* is state of the run that a later process cannot get back from anywhere else: the optimizer's moments, the
scheduler's count, the scaler's scale. Only parts that the program certainly has and uses count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.arguments import argument
from dry_debug.program.checkpoints import SaveSite
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.reached import reached
from dry_debug.program.relations import belongs_to, covers, drives, made_inside
from dry_debug.program.run_parts import Part, Run, Saving
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import Value
from dry_debug.program.walks import ChainNode, LoopNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Keys under which something of the kind is saved, where the value is not known.
_KEYS: dict[str, re.Pattern[str]] = {
    "optimizer": re.compile(r"opt", re.IGNORECASE),
    "scheduler": re.compile(r"sched|lr", re.IGNORECASE),
    "scaler": re.compile(r"scaler|amp", re.IGNORECASE),
    "ema": re.compile(r"ema|avg|average|shadow|swa", re.IGNORECASE),
}
_SAVERS = re.compile(r"save|checkpoint|ckpt|dump|snapshot|state", re.IGNORECASE)
_COUNTS = frozenset(("last_epoch", "_step_count"))  # where a scheduler keeps how far it is
_FULL_SAVES = ("save_state", "save_checkpoint")


class Resumption:
    """The runs that the save sites of one program belong to."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def run_at(self, site: SaveSite) -> Run | None:
        """The run that `site` saves; None where it is not saved in a training loop, or what is saved is not known."""
        saving = self.saving_at(site)
        return self.run_of(saving) if saving is not None else None

    def saving_at(self, site: SaveSite) -> Saving | None:
        """The models and the training loop of which `site` saves the run, if it is one: a quick look."""
        program = self.program
        why = program.why
        if site.open:
            why(site.node, "what is saved may hold more than can be seen")
            return None
        saved = self._modules(site)
        if not saved:
            why(site.node, "what is saved holds no state of a model, as far as can be seen: {}", site.payload
                if site.owner is program else "it is put together elsewhere")  # fmt: skip
            return None
        loop = program.training.reached_from_training_loop(site.node)
        if loop is None:
            why(site.node, "it is not saved while a training loop runs: training is over, or has not begun")
            return None
        if any(self._made_in(value, loop) for value in saved):
            reason = "every round of the loop makes the model anew: it is a run of its own"
            why(site.node, reason, see=saved[0].base.node)
            return None
        return Saving(site, saved, loop)

    def run_of(self, saving: Saving) -> Run | None:
        """The run, with all that it has; None where no optimizer of it is known, or a library saves it."""
        site, saved, loop = saving
        program = self.program
        why = program.why
        if self._saved_whole is not None:
            why(site.node, "a library saves the whole run: {}", self._saved_whole, see=self._saved_whole)
            return None
        run = Run(program, site, loop, self._named(saved, site), [])
        optimizers = list(self._optimizers(run))
        run.parts.extend(optimizers)
        values = [p.value for p in optimizers if p.value is not None]
        if not values:
            why(site.node, "no optimizer that is known to update this model outlives a round of the loop within reach")
            return None
        run.parts.extend(self._schedulers(run, values))
        run.parts.extend(self._scalers(run, values))
        run.parts.extend(self._averages(run))
        run.missing = [p for p in run.parts if not self._saved(p, site)]
        return run

    def _modules(self, site: SaveSite) -> list[Value]:
        """The models that are saved; one of them may be there twice."""
        # What hangs on a module may be a tensor; only `state_dict` shows that it is a module itself.
        states = [v.wraps for v in site.values if v.kind == "state"]
        return [
            value for value in site.states("module")
            if value.via != "ema" and (value.via != "part" or value in states)
        ]  # fmt: skip

    def _named(self, saved: list[Value], site: SaveSite) -> list[tuple[str, Value]]:
        """The models with their names. Names need the components of the program, which cost what a rule costs."""
        found: list[tuple[str, Value]] = []
        for value in saved:
            if not any(self._same(value, v) for _, v in found):
                found.append((self.name_of(value, site.node)[0] or "the model", value))
        return found

    def name_of(self, value: Value, at: ast.AST) -> tuple[str | None, bool]:
        """(what `value` is called, whether it can be used under that name at `at`)."""
        components = self.program.training.components
        local = components.name_at(value, self.program.scope(at))
        if local is not None:
            return local, True
        held = components.named(value)
        return (held.name if held is not None else None), False

    def _same(self, a: Value, b: Value) -> bool:
        if a.base.ident == b.base.ident:
            return True
        components = self.program.training.components
        held = components.named(a)
        return held is not None and held is components.named(b)

    def _holds(self, saved: Value, covered: Value) -> bool:
        if belongs_to(saved, covered) or belongs_to(covered, saved) or self._same(saved, covered):
            return True
        return made_inside(covered, saved) and self._only_one(saved)

    def _only_one(self, module: Value) -> bool:
        """Whether no other model of the program is of the same class: what the class makes is a part of this one."""
        cls, idents = module.base.scope, {module.base.ident}
        models = self.program.training.components.of("model")
        idents |= {c.value.base.ident for c in models if c.value.base.scope is cls and not c.parameter}
        return len(idents) == 1

    def _made_in(self, value: Value, loop: LoopNode) -> bool:
        """Whether every iteration of `loop` makes the object anew: then it is a loop over runs."""
        program, ident = self.program, value.base.ident
        if isinstance(ident, tuple) and len(ident) > 1 and isinstance(ident[1], ast.Call):  # made by what is called
            stmt = program.statement(ident[1])
            if stmt is not None:
                return program.index.inside(stmt, loop) or self._runs_in(program.scope(stmt), loop)
        node = value.base.node
        stmt = program.statement(node) if node is not None and value.base.origin is program else None
        return stmt is not None and (program.index.inside(stmt, loop) or self._runs_in(program.scope(stmt), loop))

    def _runs_in(self, function: Scope, loop: LoopNode) -> bool:
        """Whether a function of this file runs in every iteration of `loop`."""
        if function.kind != "function":
            return False
        return any(scope is function for _, scope in reached(self.program, loop))

    def _in_reach(self, value: Value, site: SaveSite, loop: LoopNode) -> tuple[str, bool] | None:
        """The name of `value` at the site or at the loop, and whether it is the site's."""
        components = self.program.training.components
        here = components.name_at(value, self.program.scope(site.node))
        if here is not None:
            return here, True
        around = components.name_at(value, self.program.scope(loop))
        return (around, False) if around is not None else None

    @cached_property
    def _distinct(self) -> list[tuple[Value, list[Value]]]:
        """The optimizers of the program, each with the modules that it updates."""
        program = self.program
        values = [e.obj for e in program.events.of_kind("optimizer_step") if e.obj.kind == "optimizer"]
        values += [c.value for c in program.training.components.of("optimizer")]
        distinct: list[Value] = []
        for value in values:
            if not any(self._same(value, other) for other in distinct):
                distinct.append(value)
        return [(value, covers(value, program)) for value in distinct]

    def _optimizers(self, run: Run) -> Iterator[Part]:
        for value, covered in self._distinct:
            related = any(self._holds(m, c) for _, m in run.models for c in covered)
            if covered and not related:
                continue
            if not covered and (len(self._distinct) > 1 or len(run.models) > 1):
                continue
            named = self._in_reach(value, run.site, run.loop)
            if named is None or self._made_in(value, run.loop):
                continue
            # Its parameters go to the optimizer and its state into the file: then it is a module, whatever made it.
            sure = () if covered else ("medium", *(m.confidence for _, m in run.models))
            confidence = weakest(value.confidence, *sure)
            used = self._event("optimizer_step", value, "it is stepped here")
            if used is None and len(self._distinct) == 1:
                used = self._stepped_elsewhere(run)
            yield Part("optimizer", *named, confidence, value, self._made(value), used, value.maybe_none)

    def _schedulers(self, run: Run, optimizers: list[Value]) -> Iterator[Part]:
        program = self.program
        seen: list[Value] = []
        for event in program.events.of_kind("scheduler_step"):
            value = event.obj
            if any(self._same(value, other) for other in seen):
                continue
            seen.append(value)
            driven = drives(value, program)
            if driven is not None and not any(self._same(driven, o) for o in optimizers):
                continue
            if driven is None and (len(optimizers) > 1 or value.confidence == "high"):
                continue
            named = self._in_reach(value, run.site, run.loop)
            if named is None or self._made_in(value, run.loop):
                continue
            if self.recreated(value, run.loop):
                program.why(run.site.node, f"`{named[0]}` need not be saved: it is told how far the run is", see=event)
                continue
            confidence = weakest(value.confidence, "high" if driven is not None else "medium")
            used = Step(event.program, event.node, "it is stepped here")
            yield Part("scheduler", *named, confidence, value, self._made(value), used, value.maybe_none)

    def recreated(self, scheduler: Value, loop: LoopNode) -> bool:
        """Whether a resumed run gets the schedule back without its state: by the epoch that it is told."""
        program = self.program
        made = scheduler.args
        steps = [e for e in program.events.of_kind("scheduler_step") if self._same(e.obj, scheduler)]
        plateau = (scheduler.type or "").endswith("ReduceLROnPlateau")
        for event in steps:
            call = event.node
            if isinstance(call, ast.Call) and (call.args or call.keywords) and not plateau:
                return True  # step(epoch)
            if program.training.training_loop_around(call) is None and any(
                isinstance(block, ast.For | ast.While) for block in program.index.ancestors(event.stmt)
            ):
                return True  # stepped forward in a loop of its own
        for assignment in program.index.assignments if not _COUNTS.isdisjoint(program.document.identifiers) else ():
            for target in assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]:
                if isinstance(target, ast.Attribute) and target.attr in _COUNTS:
                    return True
        if made is None or scheduler.program is None:
            return False
        if scheduler.scope is not None and _counts_by_optimizer(scheduler.scope):
            return True
        if argument(made, 99, "last_epoch", "start_epoch", "resume_epoch") is not None:
            return True
        start_of = program.training.resume_signs.start_of
        paths = {dotted(n) for n in nodes(made) if isinstance(n, ChainNode)}
        loops = (loop for scope in (program.index.module, *program.index.functions) for loop in scope.loops)
        started = [x for x in loops if (start := start_of(x)) is not None and dotted(start) in paths]
        return bool(started) and any(loop.node in started for loop in program.training.loops.all)

    def _scalers(self, run: Run, optimizers: list[Value]) -> Iterator[Part]:
        seen: list[Value] = []
        for event in self.program.events.of_kind("optimizer_step"):
            value = event.other
            if value.kind != "scaler" or any(self._same(value, other) for other in seen):
                continue
            if not any(self._same(event.obj, o) for o in optimizers):
                continue
            seen.append(value)
            enabled = argument(value.args, 99, "enabled") if value.args is not None else None
            if isinstance(enabled, ast.Constant) and enabled.value is False:
                continue
            named = self._in_reach(value, run.site, run.loop)
            if named is None or self._made_in(value, run.loop):
                continue
            used = Step(event.program, event.node, "it scales the gradients of this step")
            yield Part("scaler", *named, value.confidence, value, self._made(value), used, value.maybe_none)
        yield from self._handed_scalers(run, seen)

    def _handed_scalers(self, run: Run, seen: list[Value]) -> Iterator[Part]:
        """Scalers that the training loop hands to a function which trains with them: `train_one_epoch(..., scaler)`."""
        program = self.program
        made = program.training.components.of("scaler")
        step = program.training.loops.step_call_in(run.loop) if made else None
        if step is None:
            return
        given = [program.value(e, step) for e in (*step.args, *(k.value for k in step.keywords)) if dotted(e)]
        for value in (component.value for component in made):
            if value.confidence != "high" or any(self._same(value, other) for other in seen):
                continue
            if not any(v.base.ident == value.base.ident for v in given):
                continue
            if value.args is None or argument(value.args, 99, "enabled") is not None:
                continue
            named = self._in_reach(value, run.site, run.loop)
            if named is None or self._made_in(value, run.loop):
                continue
            used = Step(program, step, "training is handed it here")
            yield Part("scaler", *named, value.confidence, value, self._made(value), used, value.maybe_none)

    def _averages(self, run: Run) -> Iterator[Part]:
        """Moving averages of the saved model that are kept up to date."""
        program = self.program
        for component in program.training.components.of("ema"):
            value = component.value
            source = program.value(value.args.args[0], value.args) if value.args is not None and value.args.args and (
                value.origin is program
            ) else None  # fmt: skip
            if source is None or not any(self._same(source, m) for _, m in run.models):
                continue
            update = next(
                (c for name in ("update", "update_parameters") for c in program.method_calls(name)
                 if self._same(program.value(c.func.value, c), value)),  # type: ignore[attr-defined]
                None,
            )  # fmt: skip
            named = self._in_reach(value, run.site, run.loop)
            if update is None or named is None or value.confidence == "low":
                continue
            used = Step(program, update, "it is updated here")
            yield Part("ema", *named, value.confidence, value, self._made(value), used)

    def _made(self, value: Value) -> Step | None:
        message = "it is made here"
        node, owner = value.base.node, value.base.origin
        if value.args is not None:
            node = value.args
            for candidate in (owner, self.program):
                if candidate is not None and node in candidate.index.scope_of:
                    return Step(candidate, node, message)
            return None
        if node is None or owner is None or not hasattr(node, "lineno"):
            return None
        return Step(owner, node, message)

    def _event(self, kind: str, value: Value, message: str) -> Step | None:
        for event in self.program.events.of_kind(kind):
            if self._same(event.obj, value):
                return Step(event.program, event.node, message)
        return None

    def _stepped_elsewhere(self, run: Run) -> Step | None:
        """Where a function of another file that the run's loop leads to steps the run's only optimizer."""
        for owner, scope in reached(self.program, run.loop):
            if owner is not self.program and "step" in owner.document.source:
                for event in owner.events.of_kind("optimizer_step"):
                    if event.scope is scope:
                        return Step(owner, event.node, "it is stepped here")
        return None

    # -- what is saved -------------------------------------------------------------------------------------------------

    @cached_property
    def _saved_whole(self) -> Step | None:
        """Where a library saves the whole run: `accelerator.save_state()`, DeepSpeed's `save_checkpoint`."""
        found = self._library_saves(self.program, None)
        if found is not None:
            return found
        # Also in a helper of another file that a training loop of this one leads to.
        for loop in self.program.training.loops.all if self.program.leaves_file else ():
            for owner, scope in reached(self.program, loop.node):
                if owner is not self.program and _SAVERS.search(scope.name):
                    found = self._library_saves(owner, scope)
                    if found is not None:
                        return found
        return None

    @staticmethod
    def _library_saves(program: Program, inside: Scope | None) -> Step | None:
        for name in _FULL_SAVES:
            for call in program.method_calls(name):
                assert isinstance(call.func, ast.Attribute)
                if program.target(call).known or (inside is not None and program.scope(call) is not inside):
                    continue
                value = program.value(call.func.value, call)
                if (
                    value.kind in ("accelerator", "fabric", "trainer")
                    or (name == "save_state")
                    or (value.kind in ("unknown", "module") and "deepspeed" in program.document.source)
                ):
                    return Step(program, call, "a library saves the whole run here")
        return None

    def _saved(self, part: Part, site: SaveSite) -> bool:
        """Whether any save of the program may hold `part`."""
        value = part.value
        assert value is not None
        word = _KEYS[part.kind]
        sites = self.program.training.checkpoints.saves
        for other in {id(s): s for s in (site, *sites)}.values():
            if any(self._same(v, value) for v in other.states(value.kind)):
                return True
            for entry in other.entries:
                exact = entry.value.kind == "state" and entry.value.base.kind == value.kind
                if entry.key is not None and word.search(entry.key) and not exact:
                    return True
        return any(self._same(v, value) for v in self._taken)

    @cached_property
    def _taken(self) -> list[Value]:
        """Everything whose `state_dict()` is taken somewhere, or that goes into a function that may save it."""
        program = self.program
        found: list[Value] = []
        for name in ("state_dict", "get_optimizer_state_dict"):
            for call in program.method_calls(name):
                assert isinstance(call.func, ast.Attribute)
                found.append(program.value(call.func.value, call))
        known = {s.node for s in program.training.checkpoints.saves}
        for name, calls in program.last_names_called().items():
            if name == "load_state_dict" or not _SAVERS.search(name):
                continue
            for call in calls:
                if call not in known and not program.target(call).known:
                    found += [program.value(e, call) for e in (*call.args, *(k.value for k in call.keywords))]
        return [v for v in found if v.known]


def _counts_by_optimizer(cls: Scope) -> bool:
    """Whether a scheduler takes its count from the optimizer, whose state has it: `self.last_epoch = group["step"]`."""
    for method in cls.children:
        if method.name != "step" or method.kind != "function":
            continue
        for node in nodes(method.node):
            targets = node.targets if isinstance(node, ast.Assign) else ()
            if any(isinstance(t, ast.Attribute) and t.attr in _COUNTS for t in targets) and any(
                isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant) and n.slice.value == "step"
                for n in nodes(node.value)  # type: ignore[attr-defined]
            ):
                return True
    return False
