"""LOOP001: an optimizer steps again with gradients that it has already applied."""

from __future__ import annotations

import ast
import copy
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after, line_before
from dry_debug.lint.rule import OrderRule, Report
from dry_debug.program.arguments import given
from dry_debug.program.automata import Automaton, Hit, Occurrence, collect, run, visits
from dry_debug.program.events import function_of
from dry_debug.program.evidence import Confidence, Step, made, weakest
from dry_debug.program.gradient_order import cleared_each_time
from dry_debug.program.hands import other_hands
from dry_debug.program.links import Link, kind_link, path_link
from dry_debug.program.made_up import measures
from dry_debug.program.relations import covers, different, touches
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.trees import CallTree
    from dry_debug.program.values import Value


class UnclearedGradients(OrderRule):
    name = "uncleared-gradients"
    code = "LOOP001"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch", "accelerate", "lightning"), ("optim", ".step("))
    why = (
        "`backward()` adds to the gradients that are there, so stale gradients go into every later update and the "
        "model trains wrong."
    )
    instead = "Clear the gradients once for each optimizer step."
    quotes = ("DBG-CODE-10", "DBG-CODE-19", "DBG-RAT-8")
    looks_at = "steps of optimizers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        known = {e.node for e in program.events.all}
        for event in program.events.of_kind("optimizer_step", "step"):
            yield event.node
        for call in program.method_calls("step"):
            if call not in known:
                yield call

    def check(self, program: Program) -> Iterator[Report]:
        if not program.why.listens and _in_order(program):
            return
        steps = collect(program, "optimizer_step")
        seen: set[object] = set()
        if program.why.listens:
            from dry_debug.program.why_steps import tell_steps

            tell_steps(program, steps)
        for step, optimizer, _ in steps:
            ident = optimizer.base.ident
            if ident is None:
                program.why(step, "it is not known which optimizer this steps")
            if ident is None or ident in seen:
                continue
            seen.add(ident)
            own = [event for event, other, _ in steps if not different(other.base.ident, ident)]
            if not program.why.listens and all(map(cleared_each_time, own)):
                continue
            automaton = _Gradients(optimizer, covers(optimizer, program), program)
            wrong = None
            for hit in run(automaton, program):
                wrong = self._report(hit, automaton, program)
                if wrong is not None:
                    yield wrong
                    break  # one missing call is one mistake, however many steps it spoils
            if program.why.listens:
                _tell(automaton, wrong, program)

    def _report(self, hit: Hit, automaton: _Gradients, program: Program) -> Report | None:
        step = Occurrence(hit.event, hit.calls)
        at = step.here(program)
        if hit.certainty != "must" or at is None:
            if program.why.listens and hit.certainty != "must":
                program.why(step, _not_sure(hit, automaton), see=automaton.clearing)
            return None
        loop = next((node for node in reversed(hit.loops) if isinstance(node, ast.stmt)), None)
        if _ends_inner_loop(hit, loop, automaton):
            program.why(at, "it runs in the last pass of the inner loop only, and they are cleared around that loop")
            return None
        hands = other_hands(program, step, automaton.optimizer)
        if hands is not None:
            program.why(
                at, "{} is given the optimizer and cannot be followed: it may clear the gradients", hands, see=hands
            )
            return None
        confidence: Confidence = weakest(
            automaton.optimizer.confidence, "high" if _single(automaton.optimizer) else "medium"
        )
        path = _path(hit.event) or "optimizer"
        here = hit.event.program is program
        evidence = [*made(automaton.optimizer, f"`{path}`"), *_evidence(hit, program, loop)]
        cleared = [e for e in automaton.clearing if e.kind == "zero_grad" and e.program is hit.event.program]
        if cleared:
            where = cleared[0]
            evidence.append(Step(where.program, where.node, "they are cleared here, but not between the two steps"))
        what = f"`{path[:36]}.step()`" if here else f"`{program.short(at, 40)}`"
        missing = "not cleared in this loop" if cleared else "never cleared"
        return Report(
            at=at,
            headline=f"{what} applies old gradients again: they are {missing}",
            confidence=confidence,
            # What a test trains to see that something runs, or a benchmark to see how fast, is thrown away.
            severity="suggestion" if program.in_test(at) or (loop is not None and measures(loop, step)) else None,
            evidence=evidence,
            links=lambda: _links(automaton.optimizer, path, program),
            cause=f"{self.name}@{program.span(at).start}",
            fix=(lambda: _fix(hit, path, program)) if here else None,
            fix_title=f"Clear the gradients (`{path[:60]}.zero_grad()`)" if here else "",
        )


def _in_order(program: Program) -> bool:
    """Whether every step that the program can come to stands in this file, with its clearing beside it."""
    events = program.events
    steps = events.of_kind("optimizer_step", "step")
    return not events.in_lambdas and not program.leaves_file and all(map(cleared_each_time, steps))


class _Gradients(Automaton):
    """Of one optimizer: step -> stepped -> backward -> stale -> the same step again: wrong. Clearing: `cleared`.

    `first` is the time before the first step, which says nothing: with accumulation it may be many iterations long.
    A state is its name and the steps made since the last clearing. A single leftover between two phases of training,
    each of which clears for itself, is not worth a word.
    """

    kinds = frozenset(("create", "zero_grad", "set_grad", "backward", "optimizer_step"))
    start = ("first", frozenset[object]())
    seldom = False  # those that are in order were told by the lines; and of clearings only real paths are to be noted

    def __init__(self, optimizer: Value, covered: list[Value], program: Program) -> None:
        self.optimizer = optimizer
        self.ident = optimizer.base.ident
        self.covered = covered
        self.program = program
        self.clearing: dict[Event, None] = {}

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return isinstance(state, tuple) and state[0] != "first"

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        assert isinstance(state, tuple)
        kind, (name, applied) = event.kind, state
        cleared = state if name == "first" else ("cleared", frozenset())
        if kind == "optimizer_step":
            if context.same(event.obj, self.ident) is not True:
                return state, None
            if event.handled:
                return cleared, None
            wrong = name == "stale" and event in applied
            return ("stepped", applied | {event}), "stale" if wrong else None
        if kind == "backward":
            if event.handled:
                return cleared, None
            return (("stale", applied) if name == "stepped" else state), None
        if kind == "create":
            made = context.same(event.obj, self.ident) is not False or context.made_by_call(self.ident)
            return (self.start if made else state), None
        if kind == "zero_grad" and not self._clears(event, context):
            return state, None
        self.clearing[event] = None
        return cleared, None

    def _clears(self, event: Event, context: Context) -> bool:
        """Whether the event may clear gradients of this optimizer: unless it certainly clears others only."""
        obj = context.resolve(event.obj)
        if obj.kind == "optimizer":
            if not different(obj.base.ident, self.ident):
                return True
            theirs = covers(obj, self.program)
            return not theirs or any(touches(m, self.covered) is not False for m in theirs)
        if obj.kind == "module":
            return touches(obj, self.covered) is not False
        return True


def _single(optimizer: Value) -> bool:
    """Whether the identity is that of one object, not of any element of a collection."""
    ident = optimizer.base.ident
    return not (isinstance(ident, tuple) and ident and ident[0] == "part")


# -- why not -----------------------------------------------------------------------------------------------------------


def _links(optimizer: Value, path: str, program: Program) -> list[Link]:
    links = [kind_link(program, optimizer, path), path_link()]
    if not _single(optimizer):
        links.append(Link("resolution", "medium", f"`{path}` is any one of a collection, not one certain optimizer"))
    return links


def _not_sure(hit: Hit, automaton: _Gradients) -> str:
    if hit.certainty == "unknown":
        return "on the paths where the gradients would be stale nobody knows whether they are taken, or what they do"
    cleared = "some path clears the gradients before this step and another does not"
    return (
        cleared if automaton.clearing else "only on some paths does this step come twice with a backward pass between"
    )


def _tell(automaton: _Gradients, wrong: Report | None, program: Program) -> None:
    """Tells of each step of this optimizer in which states the walk came to it."""
    told: set[Event] = set()
    first: dict[Event, ast.AST | None] = {}  # nothing else is known of these steps
    for visit in visits(automaton, program):
        event = visit.event
        if event.kind != "optimizer_step" or not isinstance(visit.state, tuple):
            continue
        name, applied = visit.state
        if name == "first":
            first.setdefault(event, visit.place.here(program))
            continue
        told.add(event)
        last = visit.trace[-1] if visit.trace else None
        if visit.context.same(event.obj, automaton.ident) is not True:
            continue
        at = visit.place.here(program)
        if name == "cleared" and last is not None:
            program.why(at, "{} clears the gradients before this step comes again", last.event, see=last)
        elif name == "stepped" and last is not None:
            program.why(at, "no `backward()` is seen between {} and this step", last.event, see=last)
        elif name == "stale" and event in applied:
            if wrong is not None and wrong.at is not at:
                program.why(
                    at,
                    "the same mistake is told of {}",
                    Step(program, wrong.at, "") if isinstance(wrong.at, ast.AST) else "",
                )
        elif name == "stale":
            program.why(at, "it comes once behind another step, not again and again: nothing repeats the mistake")
    for event, at in first.items():
        if event.handled:
            program.why(at, "a closure that cannot be followed does the rest")
        elif event not in told:
            program.why(at, "it runs once on every way to here: no step of this optimizer comes before it")


def _path(event: Event) -> str | None:
    """How the user spells the optimizer of a step: `opt` in `opt.step()` and in `scaler.step(opt)`."""
    call = event.node
    if not isinstance(call, ast.Call):
        return None
    if event.other.kind == "scaler":
        return dotted(call.args[0]) if call.args else None
    return dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None


def _evidence(hit: Hit, program: Program, loop: ast.AST | None) -> list[Step]:
    told = {
        "optimizer_step": "this step applies the gradients and leaves them there",
        "backward": "this `backward()` adds new gradients to the applied ones",
    }
    steps: list[Step] = []
    last = [o.event for o in hit.trace if o.event.kind in told][-2:]
    for event in last:
        steps.append(Step(event.program, event.node, told[event.kind]))
    if hit.event.program is not program:
        steps.append(Step(hit.event.program, hit.event.node, "the step"))
    if loop is not None and isinstance(loop, ast.For | ast.AsyncFor):
        owner = hit.event.program if loop in hit.event.program.index.parent else program
        if loop in owner.index.parent:
            steps.append(Step(owner, loop.target, "in this loop"))
    return steps


def _fix(hit: Hit, path: str, program: Program) -> Fix | None:
    if _path(hit.event) is None:
        return None
    code = f"{path}.zero_grad()"
    before = _first_backward(hit, program)
    edit = line_before(program, before, code) if before is not None else line_after(program, hit.event.stmt, code)
    return Fix(f"Clear the gradients (`{path[:60]}.zero_grad()`)", "unsafe", (edit,)) if edit is not None else None


def _first_backward(hit: Hit, program: Program) -> ast.stmt | None:
    """The statement beside the step (in its block) with the first backward since another step; None: not there."""
    index = program.index
    block = index.parent.get(hit.event.stmt)
    first: ast.stmt | None = None
    for event in program.events.all:
        if event.scope is not hit.event.scope or event.stmt.lineno > hit.event.stmt.lineno:
            continue
        stmt: ast.AST | None = event.stmt
        while stmt is not None and index.parent.get(stmt) is not block:
            stmt = index.parent.get(stmt)
        if event.kind == "optimizer_step" and event.stmt.lineno < hit.event.stmt.lineno:
            first = None
        elif event.kind == "backward" and first is None and isinstance(stmt, ast.stmt) and stmt is not hit.event.stmt:
            first = stmt
    return first


def _ends_inner_loop(hit: Hit, loop: ast.stmt | None, automaton: _Gradients) -> bool:
    """Whether the step stands behind a test for the end of `for i in range(a, stop, n)`, as `i + n < stop` is, and the
    gradients are cleared in the loop around it: each clearing is for one step. Functions on the way are seen through.
    """
    if not (isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and isinstance(loop.iter, ast.Call)):
        return False
    if last_name(loop.iter.func) != "range" or not loop.iter.args:
        return False
    tests: list[ast.expr] = []
    program, at, left = hit.event.program, hit.event.stmt, False
    calls = list(hit.calls)
    while True:
        for block in program.index.ancestors(at):
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                break
            if block is loop:
                left = any(_asks_for_the_end(test, loop, loop.target.id, loop.iter) for test in tests)
                if not left:
                    return False
            elif left and isinstance(block, LoopNode):
                return any(_cleared_in(event, block, loop, program) for event in automaton.clearing)
            elif isinstance(block, ast.If):
                tests.append(block.test)
        stmt = calls[-1].program.statement(calls[-1].call) if calls else None
        if stmt is None:
            return False
        tree = calls.pop()
        tests = [_as_passed(test, tree) for test in tests]
        program, at = tree.program, stmt


def _asks_for_the_end(test: ast.expr, loop: ast.For, counter: str, numbers: ast.Call) -> bool:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    stop = ast.dump(numbers.args[min(1, len(numbers.args) - 1)])
    inside = list(ast.walk(test))
    counts = any(isinstance(n, ast.Name) and n.id == counter for n in inside)
    return counts and not any(isinstance(n, ast.Mod) for n in inside) and any(ast.dump(n) == stop for n in inside)


def _cleared_in(event: Event, outer: ast.stmt, loop: ast.For, program: Program) -> bool:
    """Whether gradients are cleared in the loop `outer`, and not in `loop`: there, or in a function called there."""
    index = program.index
    if event.program is not program or index.inside(event.stmt, loop):
        return False
    function = function_of(event.scope)
    places: list[ast.stmt | None] = [event.stmt]
    if function is not None and function.kind == "function":
        places += [program.statement(call) for call in program.call_sites(function)]
    return any(at is not None and index.inside(at, outer) and not index.inside(at, loop) for at in places)


def _as_passed(test: ast.expr, tree: CallTree) -> ast.expr:
    """A test of a function in the words of the call that led there."""
    function = tree.function.scope
    if function is None:
        return test
    passed = {a.arg: given(tree.call, function, a.arg) for a in function.parameters()}

    class _Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return passed.get(node.id) or node

    put: ast.expr = _Put().visit(copy.deepcopy(test))
    return put
