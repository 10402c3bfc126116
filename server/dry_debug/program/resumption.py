"""What a run that is being saved consists of, and whether the program shows that it is resumed.

A *part* is state of the run that a later process cannot get back from anywhere else: the optimizer's moments, the
scheduler's count, the scaler's scale, how far the run is. Only parts that the program certainly has and uses count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from dry_debug.program.calls import argument
from dry_debug.program.checkpoints import SaveSite
from dry_debug.program.events import CallTree, Event
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.loops import LoopNode
from dry_debug.program.relations import belongs_to, covers, drives
from dry_debug.program.scopes import dotted
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

PartKind = Literal["optimizer", "scheduler", "scaler", "ema", "epoch", "best"]
_RESUME_FLAG = re.compile(r"^-*(resume|continue|restore|start[-_]?(epoch|iter|step)|last[-_]?(epoch|iter|step)|init[-_]epoch)")
_PROGRESS = re.compile(r"epoch|step|iter|round|update|progress|global|^(it|itr|i|t|n)$|batch|trained|samples", re.IGNORECASE)
_WORDS: dict[str, re.Pattern[str]] = {
    "optimizer": re.compile(r"opt", re.IGNORECASE),
    "scheduler": re.compile(r"sched|lr", re.IGNORECASE),
    "scaler": re.compile(r"scaler|amp", re.IGNORECASE),
    "ema": re.compile(r"ema|avg|average|shadow|swa", re.IGNORECASE),
    "best": re.compile(r"best|min|max|metric|acc|loss|score|perf|top", re.IGNORECASE),
}
_GO_ON = re.compile(r"last|latest|checkpoint|ckpt|resume|current", re.IGNORECASE)
_FULL_SAVES = ("save_state", "save_checkpoint")


@dataclass(slots=True, eq=False)
class Part:
    """Something that the run has.

    `name` is what it is called where it is saved (`local`) or where it is made. `made` and `used` are evidence.
    """

    kind: PartKind
    name: str
    local: bool
    confidence: Confidence
    value: Value | None = None
    made: Step | None = None
    used: Step | None = None
    maybe_none: bool = False


@dataclass(slots=True, eq=False)
class Run:
    """The run that one save site belongs to: the models that are saved, and what else it has."""

    program: Program
    site: SaveSite
    loop: LoopNode
    models: list[tuple[str, Value]]
    parts: list[Part]
    missing: list[Part] = field(default_factory=list)  # those that no save of the program holds


class Resumption:
    """Runs, and signs that they are resumed, of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    # -- signs ---------------------------------------------------------------------------------------------------------

    @cached_property
    def signs(self) -> list[Step]:
        """Places that show that a run is taken up again, the strongest first."""
        return [*self._restored(), *self._offset_loops(), *self._flags()]

    def _restored(self) -> Iterator[Step]:
        """`optimizer.load_state_dict(...)`, here or in a called helper."""
        program = self.program
        for call in program.method_calls("load_state_dict"):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).kind in ("optimizer", "scheduler", "scaler"):
                yield Step(program, call, "the run is resumed here")
        for tree in self._foreign_calls():
            owner, callee = tree.function.program, tree.function.scope
            assert owner is not None and callee is not None
            if "load_state_dict" not in owner.document.source:
                continue
            for call in owner.method_calls("load_state_dict"):
                assert isinstance(call.func, ast.Attribute)
                if owner.scope(call) is callee and owner.value(call.func.value, call).kind in ("optimizer", "scheduler"):
                    yield Step(program, tree.call, "the run is resumed here")

    def _foreign_calls(self) -> Iterator[CallTree]:
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                if isinstance(tree, CallTree) and tree.function.program not in (None, self.program):
                    if tree.function.scope is not None:
                        yield tree

    def _offset_loops(self) -> Iterator[Step]:
        """`for epoch in range(start_epoch, epochs)`."""
        for loop in self.program.training.loops.all:
            start = self.start_of(loop.node)
            if start is not None and loop.kind != "eval":
                yield Step(self.program, loop.node.iter if not isinstance(loop.node, ast.While) else loop.node,
                           f"the loop can start at `{self.program.short(start)}`")  # fmt: skip

    def start_of(self, loop: ast.AST) -> ast.expr | None:
        """Where a `range` loop starts, if that is not always the same."""
        if not isinstance(loop, ast.For):
            return None
        over = loop.iter
        while isinstance(over, ast.Call) and over.args and self.program.qualified(over) != "builtins.range":
            if (self.program.qualified(over) or "").rpartition(".")[2] == "trange":
                break
            inner = over.args[0]
            if not isinstance(inner, ast.Call):
                return None
            over = inner
        if not isinstance(over, ast.Call) or len(over.args) < 2:
            return None
        start = over.args[0]
        if isinstance(start, ast.BinOp):
            start = start.left
        if not isinstance(start, ast.Name | ast.Attribute):
            return None
        if self.program.value(start, loop).kind == "const":
            return None
        return start if _PROGRESS.search(dotted(start) or "") or self._loaded(start, loop) else None

    def _loaded(self, expr: ast.expr, at: ast.AST) -> bool:
        """Whether a variable gets its value from a loaded checkpoint."""
        found = self.program.names.lookup(expr.id, self.program.scope(at)) if isinstance(expr, ast.Name) else None
        for binding in found[1] if found else ():
            for node in ast.walk(binding.value) if binding.value is not None else ():
                if isinstance(node, ast.Subscript) and binding.stmt is not None:
                    if self.program.value(node.value, binding.stmt).via == "loaded":
                        return True
        return False

    def _flags(self) -> Iterator[Step]:
        """`--resume` and `if args.resume:`."""
        program = self.program
        for call in program.method_calls("add_argument"):
            for flag in call.args:
                if isinstance(flag, ast.Constant) and isinstance(flag.value, str) and _RESUME_FLAG.match(flag.value):
                    yield Step(program, call, "the run can be told to resume here")
        if "resume" in program.document.source:
            for stmt in program.index.parent:
                if isinstance(stmt, ast.If):
                    for node in ast.walk(stmt.test):
                        if isinstance(node, ast.Attribute | ast.Name) and (dotted(node) or "").rpartition(".")[2] in (
                            "resume", "resume_from", "resume_path", "resume_training", "auto_resume", "resume_checkpoint",
                            "resume_from_checkpoint",
                        ):  # fmt: skip
                            yield Step(program, stmt.test, "the run can be told to resume here")

    # -- the run at a save site ----------------------------------------------------------------------------------------

    def run_at(self, site: SaveSite) -> Run | None:
        """The run that `site` saves; None where it is not saved inside a training loop, or what is saved is not known."""
        program = self.program
        models = self._models(site)
        if site.open or not models or self._saved_whole:
            return None
        loop = program.training.reached_from_training_loop(site.node)
        if loop is None or any(self._made_in(value, loop) for _, value in models):
            return None
        run = Run(program, site, loop, models, [])
        optimizers = list(self._optimizers(run))
        run.parts.extend(optimizers)
        values = [p.value for p in optimizers if p.value is not None]
        if not values:
            return None
        run.parts.extend(self._schedulers(run, values))
        run.parts.extend(self._scalers(run, values))
        run.parts.extend(self._averages(run))
        run.missing = [p for p in run.parts if not self._saved(p, site)]
        return run

    def _models(self, site: SaveSite) -> list[tuple[str, Value]]:
        found: list[tuple[str, Value]] = []
        # What hangs on a module may be a tensor; only `state_dict` shows that it is a module itself.
        states = [v.wraps for v in site.values if v.kind == "state"]
        for value in site.states("module"):
            if value.via == "ema" or (value.via == "part" and value not in states) or any(self._same(value, v) for _, v in found):
                continue
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

    def _made_in(self, value: Value, loop: LoopNode) -> bool:
        """Whether every iteration of `loop` makes the object anew: then it is a loop over runs."""
        node, program = value.base.node, value.base.program
        if program is not self.program or node is None:
            return False
        stmt = program.statement(node)
        return stmt is not None and any(block is loop for block in program.index.ancestors(stmt))

    def _in_reach(self, value: Value, site: SaveSite, loop: LoopNode) -> tuple[str, bool] | None:
        """The name of `value` at the site or at the loop, and whether it is the site's."""
        components = self.program.training.components
        here = components.name_at(value, self.program.scope(site.node))
        if here is not None:
            return here, True
        around = components.name_at(value, self.program.scope(loop))
        return (around, False) if around is not None else None

    def _optimizers(self, run: Run) -> Iterator[Part]:
        program = self.program
        values = [e.obj for e in program.events.of_kind("optimizer_step") if e.obj.kind == "optimizer"]
        values += [c.value for c in program.training.components.of("optimizer")]
        distinct: list[Value] = []
        for value in values:
            if not any(self._same(value, other) for other in distinct):
                distinct.append(value)
        for value in distinct:
            covered = covers(value, program)
            related = any(belongs_to(m, c) or belongs_to(c, m) or self._same(m, c) for _, m in run.models for c in covered)
            if covered and not related:
                continue
            if not covered and (len(distinct) > 1 or len(run.models) > 1):
                continue
            named = self._in_reach(value, run.site, run.loop)
            if named is None or self._made_in(value, run.loop):
                continue
            # Its parameters go to the optimizer and its state into the file: then it is a module, whatever made it.
            sure = () if covered else ("medium", *(m.confidence for _, m in run.models))
            confidence = weakest(value.confidence, *sure)
            yield Part("optimizer", named[0], named[1], confidence, value, self._made(value, "the optimizer is made here"),
                       self._event("optimizer_step", value, "it is stepped here"), value.maybe_none)  # fmt: skip

    def _schedulers(self, run: Run, optimizers: list[Value]) -> Iterator[Part]:
        program = self.program
        seen: list[Value] = []
        for event in self._scheduler_steps():
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
            if named is None or self._made_in(value, run.loop) or self._recreated(value, run.loop):
                continue
            confidence = weakest(value.confidence, "high" if driven is not None else "medium")
            yield Part("scheduler", named[0], named[1], confidence, value, self._made(value, "the scheduler is made here"),
                       Step(event.program, event.node, "it is stepped here"), value.maybe_none)  # fmt: skip

    def _scheduler_steps(self) -> Iterator[Event]:
        """Scheduler steps of this file; those of called files with the objects that this file passes are not known."""
        yield from self.program.events.of_kind("scheduler_step")

    def _recreated(self, scheduler: Value, loop: LoopNode) -> bool:
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
        for assignment in program.index.assignments:
            for target in assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]:
                if isinstance(target, ast.Attribute) and target.attr in ("last_epoch", "_step_count"):
                    return True
        if made is None or scheduler.program is None:
            return False
        if argument(made, 99, "last_epoch", "start_epoch", "resume_epoch") is not None:
            return True
        starts = {
            dotted(s) for x in program.training.loops.all if (s := self.start_of(x.node)) is not None
        }  # fmt: skip
        return any(isinstance(n, ast.Name | ast.Attribute) and dotted(n) in starts for n in ast.walk(made))

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
            yield Part("scaler", named[0], named[1], value.confidence, value, self._made(value, "the scaler is made here"),
                       Step(event.program, event.node, "it scales the gradients of this step"), value.maybe_none)  # fmt: skip

    def _averages(self, run: Run) -> Iterator[Part]:
        """Moving averages of the saved model that are kept up to date."""
        program = self.program
        for component in program.training.components.of("ema"):
            value = component.value
            source = program.value(value.args.args[0], value.args) if value.args is not None and value.args.args and (
                value.program is program
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
            yield Part("ema", named[0], named[1], value.confidence, value, self._made(value, "the average is made here"),
                       Step(program, update, "it is updated here"))  # fmt: skip

    def _made(self, value: Value, message: str) -> Step | None:
        node, owner = value.base.node, value.base.program
        if value.args is not None:
            node = value.args
            for candidate in (owner, self.program):
                if candidate is not None and node in candidate.index.scope_of:
                    return Step(candidate, node, message)
            return None
        return Step(owner, node, message) if node is not None and owner is not None and hasattr(node, "lineno") else None

    def _event(self, kind: str, value: Value, message: str) -> Step | None:
        for event in self.program.events.of_kind(kind):
            if self._same(event.obj, value):
                return Step(event.program, event.node, message)
        return None

    # -- what is saved -------------------------------------------------------------------------------------------------

    @cached_property
    def _saved_whole(self) -> bool:
        """Whether a library saves the whole run: `accelerator.save_state()`, DeepSpeed's `save_checkpoint`."""
        program = self.program
        for name in _FULL_SAVES:
            for call in program.method_calls(name):
                assert isinstance(call.func, ast.Attribute)
                if program.target(call).known:
                    continue
                value = program.value(call.func.value, call)
                if value.kind in ("accelerator", "fabric", "trainer") or (name == "save_state") or (
                    value.kind in ("unknown", "module") and "deepspeed" in program.document.source
                ):
                    return True
        return False

    def _saved(self, part: Part, site: SaveSite) -> bool:
        """Whether any save of the program may hold `part`."""
        value = part.value
        assert value is not None
        word = _WORDS[part.kind]
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
        """Everything whose `state_dict()` is taken somewhere, or that goes into a function that saves in its own way."""
        program = self.program
        found: list[Value] = []
        for name in ("state_dict", "get_optimizer_state_dict"):
            for call in program.method_calls(name):
                assert isinstance(call.func, ast.Attribute)
                found.append(program.value(call.func.value, call))
        known = {s.node for s in program.training.checkpoints.saves}
        for call in program.index.calls:
            func = call.func
            name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            if call in known or not re.search(r"save|checkpoint|ckpt|dump|snapshot|state", name, re.IGNORECASE):
                continue
            if name == "load_state_dict" or program.target(call).known:
                continue
            for expr in (*call.args, *(k.value for k in call.keywords)):
                found.append(program.value(expr, call))
        return [v for v in found if v.known]

    # -- counters ------------------------------------------------------------------------------------------------------

    def progress(self, run: Run) -> Part | None:
        """How far the run is, if the loop counts it in a variable and neither the checkpoint nor its path holds it."""
        program, site, loop = self.program, run.site, run.loop
        name = self._counter(loop)
        if name is None:
            return None
        exprs: list[ast.AST] = [e.node for e in site.entries]
        if any(self.counted(other) for other in (site, *program.training.checkpoints.saves)):
            return None
        exprs.extend(self._path_parts(site))
        for expr in exprs:
            for node in ast.walk(expr):
                if isinstance(node, ast.Name | ast.Attribute) and _PROGRESS.search(_last(node)):
                    return None
                if isinstance(node, ast.Name) and node.id == name:
                    return None
        local = self.program.names.lookup(name.partition(".")[0], program.scope(site.node))
        home = self.program.names.lookup(name.partition(".")[0], program.scope(loop))
        visible = site.owner is program and local is not None and home is not None and local[0] is home[0]
        return Part("epoch", name, visible, "high", None, None, Step(program, loop, "it is counted here"))

    def _counter(self, loop: LoopNode) -> str | None:
        loops = [loop, *(b for b in self.program.index.ancestors(loop) if isinstance(b, ast.For | ast.AsyncFor | ast.While))]
        for candidate in loops:
            if isinstance(candidate, ast.For) and isinstance(candidate.target, ast.Name):
                over = candidate.iter
                while isinstance(over, ast.Call) and over.args and isinstance(over.args[0], ast.Call):
                    over = over.args[0]
                name = (self.program.qualified(over) or "").rpartition(".")[2] if isinstance(over, ast.Call) else ""
                if name in ("range", "trange", "count") and candidate.target.id != "_":
                    return candidate.target.id
        return None

    def _path_parts(self, site: SaveSite) -> Iterator[ast.AST]:
        if site.path is None:
            return
        yield site.path
        owner = self.program
        for node in ast.walk(site.path):
            if isinstance(node, ast.Name):
                for scope in (owner.scope(site.node), site.owner.scope(site.via) if site.via is not None else None):
                    found = owner.names.lookup(node.id, scope) if scope is not None else None
                    for binding in found[1] if found else ():
                        if binding.value is not None:
                            yield binding.value

    def counted(self, site: SaveSite) -> bool:
        """Whether the checkpoint says how far the run is."""
        return any(e.key is not None and _PROGRESS.search(e.key) for e in site.entries)

    def series(self, site: SaveSite) -> bool:
        """Whether every save has a path of its own: snapshots of the course, not the place to go on from."""
        program = self.program
        stmt = program.statement(site.node)
        targets = {
            n.id
            for block in (program.index.ancestors(stmt) if stmt is not None else ())
            if isinstance(block, ast.For | ast.AsyncFor)
            for n in ast.walk(block.target)
            if isinstance(n, ast.Name)
        }
        for part in self._path_parts(site):
            for node in ast.walk(part):
                if isinstance(node, ast.Name) and node.id in targets:
                    return True
                if isinstance(node, ast.Name | ast.Attribute) and _PROGRESS.search(_last(node)):
                    return True
        return False

    def to_go_on(self, site: SaveSite) -> bool:
        """Whether the path says that the file is there to go on from: last, latest, checkpoint."""
        return any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and _GO_ON.search(node.value)
            for part in self._path_parts(site)
            for node in ast.walk(part)
        )

    def best(self, run: Run) -> Part | None:
        """The best result so far, where it decides what is saved and a resumed run would not know it."""
        program, site = self.program, run.site
        saving = [program.statement(s.node) for s in program.training.checkpoints.saves]
        for stmt, name in self.metric_guards(run.loop):
            if not any(any(b is stmt for b in program.index.ancestors(s)) for s in saving if s is not None):
                continue
            held = any(
                (e.key is not None and _WORDS["best"].search(e.key)) or name.rpartition(".")[2] in _names(e.node)
                for s in program.training.checkpoints.saves for e in s.entries
            )  # fmt: skip
            if held or not self._visible_path(name, site.node, run.loop):
                return None
            return Part("best", name, site.owner is program, "high", None, None,
                        Step(program, stmt, "it decides what is kept"))  # fmt: skip
        return None

    def _visible_path(self, path: str, at: ast.AST, loop: LoopNode) -> bool:
        scope, other = self.program.scope(at), self.program.scope(loop)
        head = path.partition(".")[0]
        if head == scope.self_name and head == other.self_name:
            return scope.class_scope is other.class_scope
        here, there = self.program.names.lookup(head, scope), self.program.names.lookup(head, other)
        return here is not None and there is not None and here[0] is there[0]

    def metric_guards(self, loop: LoopNode) -> Iterator[tuple[ast.If, str]]:
        """`if score > best: best = score` in the loop: (the statement, the variable that remembers the best)."""
        for stmt in self.program.index.parent:
            if isinstance(stmt, ast.If) and any(b is loop for b in self.program.index.ancestors(stmt)):
                name = remembered(stmt)
                if name is not None:
                    yield stmt, name

    def keeps_best(self, site: SaveSite, loop: LoopNode) -> bool:
        """Whether the site is reached only when a metric improved, or writes what is called the best."""
        program = self.program
        for node in (site.node, *([site.via] if site.via is not None and site.via_owner is program else [])):
            stmt = program.statement(node)
            for block in program.index.ancestors(stmt) if stmt is not None else ():
                if block is loop:
                    break
                if isinstance(block, ast.If) and (remembered(block) is not None or _says_best(block.test)):
                    return True
        return any(_says_best(part) for part in self._path_parts(site))

    def last_act(self, site: SaveSite, loop: LoopNode) -> bool:
        """Whether the loop is left after the save, or the save is for one chosen epoch: an export of the result."""
        stmt = self.program.statement(site.node)
        for block in self.program.index.ancestors(stmt) if stmt is not None else ():
            if block is loop:
                return False
            if isinstance(block, ast.If):
                if isinstance(block.body[-1], ast.Break | ast.Return) and stmt in block.body:
                    return True
                test = block.test
                if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and not any(
                    isinstance(n, ast.Mod) or (isinstance(n, ast.Attribute | ast.Name) and "rank" in (dotted(n) or "").lower())
                    for n in ast.walk(test)
                ):  # fmt: skip
                    counter = self._counter(loop)
                    if counter is not None and counter in _names(test):
                        return True
            if isinstance(block, ast.ExceptHandler):
                return True  # an emergency exit
        return False


def remembered(stmt: ast.If) -> str | None:
    """The variable that keeps the best result: compared in the test and set in the body."""
    compared: set[str] = set()
    for node in ast.walk(stmt.test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            for side in (node.left, *node.comparators):
                name = dotted(side)
                if name is not None:
                    compared.add(name)
    for inner in stmt.body:
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                for element in target.elts if isinstance(target, ast.Tuple) else [target]:
                    name = dotted(element)
                    if name in compared:
                        return name
    return None


def _says_best(expr: ast.AST) -> bool:
    for node in ast.walk(expr):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "best" in node.value.lower():
            return True
        if isinstance(node, ast.Name | ast.Attribute) and "best" in (dotted(node) or "").lower():
            return True
    return False


def _last(node: ast.AST) -> str:
    return (dotted(node) or "").rpartition(".")[2]


def _names(expr: ast.AST) -> set[str]:
    return {n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(expr) if isinstance(n, ast.Name | ast.Attribute)}


