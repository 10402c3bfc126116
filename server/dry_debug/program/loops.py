"""The loops of a training program: epochs, batches, iterations, evaluation."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from dry_debug.once import cached_property
from dry_debug.program.dispatch import Run, is_hook, runs
from dry_debug.program.events import CallTree, Event, Leaf, Tree
from dry_debug.program.knowledge import PASS_THROUGH
from dry_debug.program.parts import element
from dry_debug.program.reaching import leads_on
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import ChainNode, LoopNode, Repeated, RowNode, names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from dry_debug.program.program import Program

LoopKind = Literal["epoch", "batch", "iteration", "eval"]


@dataclass(slots=True, eq=False)
class TrainingLoop:
    """A loop that trains or evaluates."""

    kind: LoopKind
    node: LoopNode
    scope: Scope


class Loops:
    """The loops of one program that train or evaluate."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._trains: dict[tuple[object, ...], bool] = {}
        self._levels: dict[tuple[object, ...], int] = {}
        self._loop_levels: dict[LoopNode, int] = {}  # each asks for those inside it
        self._steps: dict[tuple[LoopNode, bool], bool] = {}
        self._kinds: dict[LoopNode, LoopKind | None] = {}  # of those that train
        self._calls: dict[LoopNode, list[CallTree]] = {}

    @cached_property
    def all(self) -> list[TrainingLoop]:
        """Every training and evaluation loop, in source order."""
        return self._of_kinds(self._kind)

    @cached_property
    def training(self) -> list[TrainingLoop]:
        """Those that train, in source order: nothing is asked of what others evaluate."""
        return self._of_kinds(self._kind_of_training)

    def _of_kinds(self, kind_of: Callable[[LoopNode, Scope], LoopKind | None]) -> list[TrainingLoop]:
        index = self.program.index
        found: list[TrainingLoop] = []
        for scope in (index.module, *index.functions):
            for loop in scope.loops:
                kind = kind_of(loop, scope)
                if kind is not None:
                    found.append(TrainingLoop(kind, loop, scope))
        found.sort(key=lambda f: f.node.lineno)
        return found

    @cached_property
    def micro(self) -> list[ast.For]:
        """Loops over a number of parts of one batch: `backward` happens in them, the step behind them."""
        if not self.program.events.of_kind("backward"):
            return []
        scopes = (self.program.index.module, *self.program.index.functions)
        return [loop for scope in scopes for loop in scope.loops if self._is_micro(loop, scope)]  # type: ignore[misc]

    def _is_micro(self, loop: LoopNode, scope: Scope) -> bool:
        events = self.program.events
        if not isinstance(loop, ast.For) or not any(self._within(e.stmt, loop) for e in events.of_kind("backward")):
            return False
        if self._counted(loop, scope) is None and _chunks(loop.iter) is None:
            return False
        if self.steps_in(loop, True) or any(self._within(e.stmt, loop) for e in events.of_kind("zero_grad")):
            return False
        if self._chunks(loop) and not any(e.scope is scope for e in events.of_kind("optimizer_step")):
            return self._loop_around(loop) is scope.node  # the caller steps
        outer = self._loop_around(loop)
        stepping = [e.stmt for e in events.of_kind("optimizer_step") if e.scope is scope]
        stepping += [
            stmt for stmt, trees in events._user_calls.items()
            if self.program.scope(stmt) is scope and any(self._leads_to_step(tree) for _, tree in trees)
        ]  # fmt: skip
        return any(s.lineno > (loop.end_lineno or 0) and self._loop_around(s) is outer for s in stepping)

    def _leads_to_step(self, tree: Tree) -> bool:
        """Whether a call leads to a step of an optimizer."""
        return isinstance(tree, CallTree) and any(self._function_trains(run, 0, True) for run in runs(tree, None))

    @staticmethod
    def _chunks(loop: ast.For) -> bool:
        """`for i in range(0, batch.shape[0], size)`."""
        return isinstance(loop.iter, ast.Call) and len(loop.iter.args) == 3

    def gone_through(self, loop: TrainingLoop) -> Value:
        """What a loop goes through, without `enumerate` and progress bars; UNKNOWN for `while`."""
        if isinstance(loop.node, ast.While):
            return UNKNOWN
        expr, stmt = self.iterated(loop.node, loop.scope), self.program.statement(loop.node)
        return through_generator(self.program, expr, self.program.evaluator.value(expr, loop.scope, stmt), loop.scope)

    def name_of(self, loop: TrainingLoop) -> str | None:
        """The variable that a loop goes through, if it is one."""
        expr = None if isinstance(loop.node, ast.While) else self.iterated(loop.node, loop.scope)
        return expr.id if isinstance(expr, ast.Name) else None

    def count_of(self, loop: ast.For) -> ast.expr | None:
        """`n` in `for _ in range(n)` and `for part in batch.chunk(n)`."""
        return self._counted(loop, self.program.scope(loop)) or _chunks(loop.iter)

    def _counted(self, loop: LoopNode, scope: Scope) -> ast.expr | None:
        expr = None if isinstance(loop, ast.While) else self.iterated(loop, scope)
        if not isinstance(expr, ast.Call) or self.program.names.qualified(expr.func, scope) != "builtins.range":
            return None
        return expr.args[min(1, len(expr.args) - 1)] if expr.args else None

    def iterated(self, loop: ast.For | ast.AsyncFor, scope: Scope) -> ast.expr:
        """What is gone through: without `enumerate` and progress bars around it."""
        expr = loop.iter
        while isinstance(expr, ast.Call) and expr.args:
            name = self.program.names.qualified(expr.func, scope)
            if name != "builtins.enumerate" and (name not in PASS_THROUGH or name == "tqdm.trange"):
                break
            expr = expr.args[0]
        return expr

    def _loop_around(self, stmt: ast.stmt) -> ast.AST | None:
        return next((block for block in self.program.index.ancestors(stmt) if isinstance(block, Repeated)), None)

    def _over(self, loop: LoopNode, scope: Scope) -> Value:
        if isinstance(loop, ast.While):
            return UNKNOWN
        return self.program.evaluator.value(loop.iter, scope, loop)

    def _kind(self, loop: LoopNode, scope: Scope) -> LoopKind | None:
        if not self._trains_in(loop) and self._evaluates(loop, scope):
            return "eval"
        return self._kind_of_training(loop, scope)

    def _kind_of_training(self, loop: LoopNode, scope: Scope) -> LoopKind | None:
        if loop not in self._kinds:
            self._kinds[loop] = self._finds_kind(loop, scope)
        return self._kinds[loop]

    def _finds_kind(self, loop: LoopNode, scope: Scope) -> LoopKind | None:
        if self._trains_in(loop):
            if self._named_epoch(loop):
                return "epoch"
            if self._over_data(loop, scope):
                return "batch"
            if self._over_workers(loop, scope):
                return None
            # A loop that holds a loop (here or in a called function) that trains is over epochs. What holds one over
            # epochs is over rounds, folds, tasks.
            level = self._level(loop, scope)
            if level >= 0 and _over_words(loop):
                return None
            if level > 0:
                return "epoch" if level == 1 else "iteration"
            if self._over_batches(loop, scope):
                return "batch"
            return None if self._over_optimizers(loop) else "iteration"
        if scope.class_scope is not None and self._leaves_training(loop) and not self._evaluates(loop, scope):
            return "batch" if self._over_data(loop, scope) else "epoch" if self._named_epoch(loop) else None
        return None

    def _leaves_training(self, loop: LoopNode) -> bool:
        """Whether it leads to what the class leaves to its subclasses, and that is called after training."""
        queue = [(tree, 0) for tree in self._calls_in(loop)]
        while queue:
            tree, depth = queue.pop()
            scope, owner = tree.function.scope, tree.function.program
            if scope is None or owner is not self.program or scope.class_scope is None or not _HOOK.search(scope.name):
                continue
            if is_hook(scope):
                return True
            if depth < 3:
                queue.extend((inner, depth + 1) for inner in calls_of_tree(self.program.events.tree(scope)))
        return False

    def _named_epoch(self, loop: LoopNode) -> bool:
        return not isinstance(loop, ast.While) and "epoch" in (dotted(loop.target) or "").lower()

    def _level(self, loop: LoopNode, scope: Scope) -> int:
        """How many loops deep it trains: 0 innermost or over batches, 1 epochs, 2 runs."""
        known = self._loop_levels.get(loop)
        if known is None:
            known = self._loop_levels[loop] = self._finds_level(loop, scope)
        return known

    def _finds_level(self, loop: LoopNode, scope: Scope) -> int:
        if self._over_data(loop, scope):
            return 0
        levels = [-1]
        levels += [self._level(o, scope) for o in scope.loops
                   if o is not loop and self._within(o, loop) and self._trains_in(o)]  # fmt: skip
        for tree in self._calls_in(loop):
            for run in runs(tree, None):
                levels.append(run.program.training.loops.function_level(run))
        return max(levels) + (not _over_words(loop))  # `for phase in ["train", "val"]` repeats no epochs

    def function_level(self, run: Run, depth: int = 0) -> int:
        """The level of the outermost loop that trains in a function of this program; -1 if there is none."""
        key = run.key
        if key in self._levels:
            return self._levels[key]
        self._levels[key] = -1
        levels = [self._level(loop, run.scope) for loop in run.scope.loops if self._trains_in(loop)]
        if not levels and depth < 6:
            for tree in calls_of_tree(self.program.events.tree(run.scope)):
                stmt = self.program.statement(tree.call)
                held = stmt is not None and any(self._within(stmt, loop) for loop in run.scope.loops)
                for inner in runs(tree, run):
                    below = inner.program.training.loops.function_level(inner, depth + 1)
                    if held and self._function_trains(inner, depth + 1):
                        below += 1  # all that trains in this loop is what the base class leaves to its subclasses
                    levels.append(below)
        self._levels[key] = max(levels, default=-1)
        return self._levels[key]

    def function_trains(self, function: Scope) -> bool:
        """Whether a function of this file computes or applies gradients, in called functions too."""
        return self._function_trains(Run(self.program, function, None), 0)

    def _trains_in(self, loop: LoopNode) -> bool:
        return self.steps_in(loop) and loop not in self.micro

    def steps_in(self, loop: LoopNode, only_steps: bool = False) -> bool:
        """Whether `backward` or an optimizer step (or the step only) happens in the loop, in called functions too."""
        key = (loop, only_steps)
        if key not in self._steps:
            self._steps[key] = self._finds_steps(loop, only_steps)
        return self._steps[key]

    def _finds_steps(self, loop: LoopNode, only_steps: bool) -> bool:
        kinds = ("optimizer_step",) if only_steps else ("backward", "optimizer_step")
        for event in self.program.events.of_kind(*kinds):
            if self._within(event.stmt, loop):
                return True
        return self.program.events.may_come(frozenset(kinds)) and any(
            self._function_trains(run, 0, only_steps) for tree in self._calls_in(loop) for run in runs(tree, None)
        )

    def step_call_in(self, loop: LoopNode) -> ast.Call | None:
        """The first call in the loop that leads to an optimizer step in a function."""
        for tree in self._calls_in(loop):
            if self._leads_to_step(tree):
                return tree.call
        return None

    def steps_above(self, stmt: ast.stmt, scope: Scope) -> bool:
        """Whether a call above a statement, in its function, leads to an optimizer step, and from there on to it."""
        program = self.program
        return any(
            other.lineno < stmt.lineno and program.scope(other) is scope and leads_on(program.index, other, stmt)
            and any(self._leads_to_step(tree) for _, tree in trees)
            for other, trees in program.events._user_calls.items()
        )  # fmt: skip

    def _function_trains(self, run: Run, depth: int, only_steps: bool = False) -> bool:
        known = run.program.training.loops._trains
        key = (*run.key, only_steps)
        if key in known:
            return known[key]
        known[key] = False
        kinds = ("optimizer_step",) if only_steps else ("backward", "optimizer_step")
        tree = run.program.events.tree(run.scope)
        result = any(e.kind in kinds for e in events_of_tree(tree))
        if not result and depth < 6:
            inner = (run_ for call in calls_of_tree(tree) for run_ in runs(call, run))
            result = any(self._function_trains(one, depth + 1, only_steps) for one in inner)
        known[key] = result
        return result

    def training_statements(self, block: ast.stmt) -> list[ast.stmt]:
        """The statements in a loop or function that compute or apply gradients, in called functions too."""
        events = self.program.events.of_kind("backward", "optimizer_step")
        found = [e.stmt for e in events if self._within(e.stmt, block)]
        for stmt, trees in self.program.events._user_calls.items():
            if self._within(stmt, block) and any(
                self._function_trains(run, 0)
                for _, tree in trees
                for call in calls_of_tree(tree)
                for run in runs(call, None)
            ):
                found.append(stmt)
        return found

    def _calls_in(self, loop: LoopNode) -> list[CallTree]:
        known = self._calls.get(loop)
        if known is None:
            inside = self.program.index.inside
            known = self._calls[loop] = [
                call
                for stmt, trees in self.program.events._user_calls.items()
                if inside(stmt, loop)
                for _, tree in trees
                for call in calls_of_tree(tree)
            ]
        return known

    def _within(self, stmt: ast.AST, loop: ast.AST) -> bool:
        return self.program.index.inside(stmt, loop)

    def goes_over_data(self, loop: LoopNode) -> bool:
        """Whether a loop goes through a loader or a dataset, or through what nothing shows to be anything else."""
        scope = self.program.scope(loop)
        return self._over_data(loop, scope) or self._over_batches(loop, scope)

    def gives_data(self, expr: ast.expr, scope: Scope, stmt: ast.stmt) -> bool:
        """Whether what a comprehension goes through is a loader or a dataset, or of no known kind."""
        value = self.program.evaluator.value(expr, scope, stmt)
        if value.kind in ("unknown", "container"):
            return isinstance(expr, ast.Name | ast.Attribute | ast.Subscript)
        return value.kind in ("loader", "dataset")

    def _over_data(self, loop: LoopNode, scope: Scope) -> bool:
        if isinstance(loop, ast.While):
            return False
        value = self._over(loop, scope)
        if value.kind == "loader":
            return True
        if value.kind == "container" and value.thunk is not None:
            inner = value.thunk()
            if inner.kind == "container":
                return any(v.kind == "batch" for v in inner.items or ())
            return inner.kind == "batch"
        return value.kind in ("dataset",)

    def _over_batches(self, loop: LoopNode, scope: Scope) -> bool:
        """Whether it goes through things of which nothing shows what they are: batches, where they are trained on."""
        if isinstance(loop, ast.While) or self._over(loop, scope).kind not in ("unknown", "container"):
            return False
        expr = self.iterated(loop, scope)
        if isinstance(expr, ast.Call):
            name = self.program.names.qualified(expr.func, scope) or ""
            last = expr.func.attr if isinstance(expr.func, ast.Attribute) else ""
            if name.startswith(("builtins.", "itertools.", "tqdm.")) or last in _NOT_DATA:
                return False
        elif not isinstance(expr, ast.Name | ast.Attribute | ast.Subscript):
            return False
        return not self._over_optimizers(loop)

    def _over_workers(self, loop: LoopNode, scope: Scope) -> bool:
        """`for worker in workers: worker.run(epoch)`: over objects that train and evaluate."""
        over = self._over(loop, scope)
        return over.kind == "container" and element(over).kind == "instance"

    def _over_optimizers(self, loop: LoopNode) -> bool:
        """`for optimizer in optimizers: optimizer.step()`."""
        if isinstance(loop, ast.While):
            return False
        targets = names_in(loop.target)
        steps = any(
            isinstance(event.node, ast.Call) and bool(targets & names_in(event.node))
            for event in self.program.events.of_kind("optimizer_step", "zero_grad")
            if self._within(event.stmt, loop)
        )
        return steps or self._over_losses(loop, targets)

    def _over_losses(self, loop: LoopNode, targets: set[str]) -> bool:
        """`for loss in losses: loss.backward()`."""
        if self.steps_in(loop, True):
            return False
        backwards = [e.node for e in self.program.events.of_kind("backward") if self._within(e.stmt, loop)]
        return bool(backwards) and all(
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in targets
            for call in backwards
        )

    def _evaluates(self, loop: LoopNode, scope: Scope) -> bool:
        """A loop without gradients over data, or over anything in which a model runs that is in evaluation mode."""
        if isinstance(loop, ast.While):
            return False
        data = self._over_data(loop, scope)
        if data and self._without_gradients(loop):
            return True
        counted = self._counted(loop, scope) is not None
        if not data and not counted and not self._over_batches(loop, scope):
            return False
        if not data and any(o is not loop and self._within(o, loop) for o in scope.loops):
            return False
        if not self._evaluating_before(loop, scope):
            return False
        return (data or self._without_gradients(loop)) and self._runs_model(loop)

    def _without_gradients(self, loop: LoopNode) -> bool:
        first = loop.body[0] if loop.body else None
        if first is not None and self.program.grad_mode(first) == "off":
            return True
        return any(self.program.with_mode(w) == "off" for w in self.program.index.withs if self._within(w, loop))

    def _evaluating_before(self, loop: LoopNode, scope: Scope) -> bool:
        """Whether the last switch before the loop in its function is to evaluation."""
        before = [e for e in self.program.events.of_kind("train", "eval")
                  if e.scope is scope and e.stmt.lineno <= loop.lineno]  # fmt: skip
        return bool(before) and before[-1].kind == "eval"

    def _runs_model(self, loop: LoopNode) -> bool:
        program = self.program
        first, last = loop.lineno, loop.end_lineno or loop.lineno
        return any(
            first <= call.lineno <= last and isinstance(call.func, ChainNode)
            and (program.value(call.func, call).kind == "module" or self._predicts(call))
            for call in program.index.calls
        )  # fmt: skip

    def _predicts(self, call: ast.Call) -> bool:
        """`trainer.prediction_step(...)`."""
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr != "prediction_step":
            return False
        return self.program.value(func.value, call).kind == "trainer"


def _chunks(expr: ast.expr) -> ast.expr | None:
    """`n` of `batch.chunk(n)`."""
    if not (isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "chunk"):
        return None
    at = 1 if dotted(expr.func.value) == "torch" else 0
    return expr.args[at] if len(expr.args) > at else None


def _over_words(loop: LoopNode) -> bool:
    """`for phase in ["train", "val"]`: over a few things that are written out."""
    return (
        not isinstance(loop, ast.While)
        and isinstance(loop.iter, RowNode)
        and all(isinstance(e, ast.Constant) for e in loop.iter.elts)
    )


# What training is called where a class leaves it to its subclasses, and what is left to them besides.
_HOOK = re.compile(r"^(?!.*(valid|eval|test|log|print|save|metric|init|setup|reset|load)).*"
                   r"(train|fit|optimi[sz]e|step|epoch|batch|iter|run)")  # fmt: skip

# What objects other than loaders give one by one.
_NOT_DATA = frozenset(
    "items keys values parameters named_parameters modules named_modules children split splitlines glob".split()
)


def through_generator(program: Program, expr: ast.expr, value: Value, scope: Scope) -> Value:
    """`logger.log_every(loader, 10)`: a generator of the project that hands on what one of its arguments gives."""
    from dry_debug.program.checkpoints import given

    if value.known or not isinstance(expr, ast.Call):
        return value
    callee, owner = program.target(expr).scope, program.target(expr).program
    if callee is None or owner is None or not callee.yields:
        return value
    for loop in callee.loops:
        if isinstance(loop, ast.While):
            continue
        source = owner.training.loops.iterated(loop, callee)
        targets = names_in(loop.target)
        yields = any(isinstance(n, ast.Yield) and isinstance(n.value, ast.Name) and n.value.id in targets
                     for n in nodes(loop))  # fmt: skip
        passed = given(expr, callee, source.id) if yields and isinstance(source, ast.Name) else None
        if passed is not None:
            return program.evaluator.value(passed, scope, program.statement(expr))
    return value


def events_of_tree(tree: Tree) -> list[Event]:
    """The events that stand in the tree itself, not in called functions."""
    return [node.event for node in _nodes(tree) if isinstance(node, Leaf)]


def calls_of_tree(tree: Tree) -> list[CallTree]:
    """The calls in the tree itself."""
    return [node for node in _nodes(tree) if isinstance(node, CallTree)]


def _nodes(tree: Tree) -> list[Tree]:
    from dry_debug.program.automata import _children

    found: list[Tree] = []
    queue = [tree]
    while queue:
        node = queue.pop()
        found.append(node)
        queue.extend(_children(node))
    return found
