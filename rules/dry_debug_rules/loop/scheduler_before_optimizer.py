"""LOOP011: the learning rate scheduler steps before the optimizer has stepped for the first time."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import moved_behind
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.automata import Automaton, Hit, Occurrence, collect, run
from dry_debug.program.evidence import Step, made
from dry_debug.program.hands import other_hands
from dry_debug.program.links import kind_link, path_link
from dry_debug.program.relations import drives
from dry_debug.program.walks import LoopNode, nodes
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value


class SchedulerBeforeOptimizer(OrderRule):
    name = "scheduler-before-optimizer"
    code = "LOOP011"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("torch",), ("lr_scheduler",), (".step(",))
    why = (
        "Since PyTorch 1.1 the schedule begins with the first `optimizer.step()`: stepped before it, the scheduler "
        "skips its first learning rate, and every later one comes a step too early."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Step the scheduler behind the optimizer."
    looks_at = "steps of learning rate schedulers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (event.node for event in program.events.of_kind("scheduler_step"))

    def check(self, program: Program) -> Iterator[Report]:
        if not program.events.may_come(frozenset(("scheduler_step",))):
            return
        if _behind_optimizer(program):
            program.why(None, "the optimizer steps above it")
            return
        steps = collect(program, "scheduler_step")
        if program.why.listens:
            reached = {event for event, _, _ in steps}
            for event in program.events.of_kind("scheduler_step"):
                if event not in reached:
                    program.why(event, "no way from the start of this file leads here")
        seen: set[object] = set()
        for event, scheduler, _ in steps:
            ident = scheduler.base.ident
            if not _judged(event, scheduler, program) or ident is None or ident in seen:
                continue
            seen.add(ident)
            optimizer = drives(scheduler, program)
            hits = run(_First(scheduler, optimizer), program)
            wrong = [hit for hit in hits if hit.certainty == "must"]
            for hit in hits if program.why.listens else ():
                if hit.certainty != "must":
                    program.why(hit.event, "on some path the optimizer steps before it, or nobody knows")
            early = {hit.event for hit in hits}
            for other, obj, _ in steps:
                if obj.base.ident == ident and other not in early:
                    program.why(other, "the optimizer, or the scheduler itself, has stepped before it")
            for hit in wrong:
                report = self._report(hit, scheduler, optimizer, program)
                if report is not None:
                    yield report
                    break

    def _report(self, hit: Hit, scheduler: Value, optimizer: Value | None, program: Program) -> Report | None:
        place = Occurrence(hit.event, hit.calls)
        at = place.here(program)
        found = _step_in_loop(place)
        if found is None:
            program.why(place, "it stands in no loop in which its optimizer steps")
            return None
        home, _, step, counted = found
        if counted is not None:
            program.why(place, "{} may leave out the first time", Step(home, counted, ""))
            return None
        hands = other_hands(program, place, optimizer) if optimizer is not None else None
        if hands is not None:
            program.why(place, "{} is given the optimizer and cannot be followed: it may step", hands, see=hands)
            return None
        old = program.version("torch")
        if old is not None and old.startswith(("0.", "1.0")):
            program.why(place, f"the project is written for PyTorch {old}, where this was the order")
            return None
        if at is None:
            return None
        here = hit.event.program is program
        evidence = made(scheduler, "the scheduler")
        if not here:
            evidence.append(Step(hit.event.program, hit.event.node, "the scheduler steps here"))
        evidence.append(Step(home, step, "the optimizer steps only here, later in the same loop"))
        edits = _edits(hit.event, step, program) if here and home is program else ()
        return Report(
            at=at,
            headline=f"`{program.short(at, 36)}` comes before the first `optimizer.step()`: a learning rate is skipped",
            confidence=scheduler.confidence,
            links=lambda: [kind_link(program, scheduler), path_link()],
            evidence=evidence,
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: Fix(_TITLE, "unsafe", edits)) if edits else None,
            fix_title=_TITLE if edits else "",
        )


_TITLE = "Step the scheduler behind the optimizer"
_ANY_ORDER = ("ReduceLROnPlateau",)


def _judged(event: Event, scheduler: Value, program: Program) -> bool:
    """Whether the step is one of a scheduler of which it is known that it counts its steps."""
    call = event.node
    types = {scheduler.type} if not scheduler.items else {each.type for each in scheduler.items}
    if not all(name is not None and name.startswith("torch.optim.lr_scheduler.") for name in types):
        program.why(event, "it is not known to be a scheduler of torch")
    elif any(name is not None and name.endswith(_ANY_ORDER) for name in types):
        program.why(event, "this scheduler may step at any time")
    elif isinstance(call, ast.Call) and (call.args or call.keywords):
        program.why(event, "it is told the epoch, and skips none")
    elif program.is_test:
        program.why(event, "the file is a test")
    else:
        return True
    return False


def _behind_optimizer(program: Program) -> bool:
    """Whether an optimizer steps above each step of a scheduler in its function, or in what that calls above it: then
    nobody has to walk."""
    stepped: set[Scope] = set()
    for event in program.events.of_kind("optimizer_step", "scheduler_step"):
        if event.kind == "optimizer_step":
            stepped.add(event.scope)
        elif event.scope not in stepped:
            if not program.training.loops.steps_above(event.stmt, event.scope):
                return False
            stepped.add(event.scope)
    return bool(stepped)


class _First(Automaton):
    """Of one scheduler: a step before the first one of its optimizer is wrong."""

    kinds = frozenset(("create", "optimizer_step", "scheduler_step"))
    start = "new"

    def __init__(self, scheduler: Value, optimizer: Value | None) -> None:
        self.scheduler = scheduler.base.ident
        self.optimizer = optimizer.base.ident if optimizer is not None else None

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        if event.kind == "scheduler_step":
            mine = context.resolve(event.obj).base.ident == self.scheduler
            return ("told" if mine and state == "new" else state), "early" if mine and state == "new" else None
        if event.kind == "create":
            return (self.start if context.same(event.obj, self.optimizer) is True else state), None
        return "stepped", None  # of any optimizer: which one a scheduler drives is not always seen


def _step_in_loop(place: Occurrence) -> tuple[Program, ast.AST, ast.AST, ast.expr | None] | None:
    """The innermost loop around the scheduler's step, here or in a caller, and where the optimizer steps in it.

    Last a condition on the way that reads what changes: it may hold only later than the first time.
    """
    spots = [(place.event.program, place.event.node), *((tree.program, tree.call) for tree in reversed(place.calls))]
    asked: list[tuple[Program, ast.If]] = []
    for program, node in spots:
        stmt = program.statement(node)
        if stmt is None:
            return None
        for block in program.index.ancestors(stmt):
            if isinstance(block, ast.If):
                asked.append((program, block))
            elif isinstance(block, LoopNode):
                step = _step_within(block, program)
                return (program, block, step, _counted(asked, step)) if step is not None else None
            elif isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                break
    return None


def _counted(asked: list[tuple[Program, ast.If]], step: ast.AST) -> ast.expr | None:
    for program, block in asked:
        held = program.statement(step) if step in program.index.scope_of else None
        if held is not None and program.index.inside(held, block):
            continue  # the optimizer steps under the same condition
        scope = program.scope(block)
        for node in nodes(block.test):
            found = scope.bindings.get(node.id, []) if isinstance(node, ast.Name) else []
            several = len(found) > 1 or any(binding.kind in ("for", "aug") for binding in found)
            if several or isinstance(node, ast.Compare | ast.BinOp):
                return block.test
    return None


def _step_within(loop: LoopNode, program: Program) -> ast.AST | None:
    """The optimizer's step in a loop, or the call that leads to one."""
    index = program.index
    for event in program.events.of_kind("optimizer_step"):
        if index.inside(event.stmt, loop):
            return event.node
    return program.training.loops.step_call_in(loop)


def _edits(event: Event, step: ast.AST, program: Program) -> tuple[TextEdit, ...]:
    stmt = program.statement(step)
    return moved_behind(program, event.stmt, stmt) if stmt is not None else ()
