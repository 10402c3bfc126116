"""The training program that a file is: components, loops, sites, randomness, distribution, hyperparameters."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program import every_nth
from dry_debug.program.checkpoints import Checkpoints
from dry_debug.program.components import Component, Components
from dry_debug.program.dispatch import runs
from dry_debug.program.distributed import Distributed
from dry_debug.program.hyper import Hyperparameters
from dry_debug.program.hyper_defaults import defaults
from dry_debug.program.literals import literal
from dry_debug.program.loops import Loops, calls_of_tree
from dry_debug.program.randomness import Randomness
from dry_debug.program.reaching import side
from dry_debug.program.resume_signs import ResumeSigns
from dry_debug.program.resumption import Resumption
from dry_debug.program.save_purpose import SavePurpose
from dry_debug.program.seeding import Seeding
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scope_index import ScopeIndex
    from dry_debug.program.scopes import Binding
    from dry_debug.program.walks import LoopNode


@dataclass(slots=True, eq=False)
class Accumulation:
    """Gradients are summed over several batches: the guard of the step, and over how many (None: not known)."""

    node: ast.AST
    steps: int | None


class TrainingProgram:
    """Facade over the parts; each is computed when it is asked for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.distributed = Distributed(program)
        self.checkpoints = Checkpoints(program)
        self.loops = Loops(program)
        self.resume_signs = ResumeSigns(program)
        self.resumption = Resumption(program)
        self.save_purpose = SavePurpose(program)
        self.seeding = Seeding(program)
        self.hyper = Hyperparameters(program)

    @cached_property
    def components(self) -> Components:
        return Components(self.program)

    @property
    def randomness(self) -> Randomness:
        return self.program.randomness

    @cached_property
    def is_training(self) -> bool:
        """Whether the file trains: gradients are computed and applied in it, or a trainer is started."""
        events = self.program.events
        if events.of_kind("backward") and events.of_kind("optimizer_step"):
            return True
        return bool(self.loops.training) or self.starts_trainer

    @cached_property
    def starts_trainer(self) -> bool:
        """Whether `trainer.train()` or `.fit()` of a library's trainer is called."""
        if self.program.calls_of("lightning.cli.LightningCLI"):
            return True
        for name in ("train", "fit"):
            for call in self.program.method_calls(name):
                assert isinstance(call.func, ast.Attribute)
                if self.program.value(call.func.value, call).kind == "trainer":
                    return True
        return False

    @cached_property
    def starts_training(self) -> bool:
        """Whether something of another file is called that holds a training loop: the entry script of a project."""
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                for call in calls_of_tree(tree):
                    for run in runs(call, None):
                        if run.program is not self.program and run.program.training.loops.function_level(run) >= 0:
                            return True
        return False

    def component(self, value: object) -> Component | None:
        from dry_debug.program.values import Value

        return self.components.named(value) if isinstance(value, Value) else None

    @cached_property
    def _training_loops(self) -> dict[ast.AST, LoopNode]:
        return {x.node: x.node for x in self.loops.training}

    def training_loop_around(self, node: ast.AST) -> LoopNode | None:
        """The innermost epoch, batch or iteration loop around `node` in its own function."""
        loops = self._training_loops
        stmt = self.program.statement(node)
        if stmt is None or not loops:
            return None
        return next((loops[block] for block in self.program.index.ancestors(stmt) if block in loops), None)

    def reached_from_training_loop(self, node: ast.AST) -> LoopNode | None:
        """The training loop around `node`, or around the calls that lead to its function, the nearest first."""
        if not self._training_loops:
            return None
        sites, seen = [node], set()
        for _ in range(7):
            callers: list[ast.AST] = []
            for site in sites:
                loop = self.training_loop_around(site)
                if loop is not None:
                    return loop
                scope = self.program.scope(site)
                while scope.kind not in ("function", "module") and scope.parent is not None:
                    scope = scope.parent
                if scope.kind == "function" and scope not in seen:
                    seen.add(scope)
                    callers.extend(self.program.call_sites(scope))
            sites = callers
        return None

    @cached_property
    def accumulation(self) -> list[Accumulation]:
        """Where the optimizer steps only every so many batches."""
        found: list[Accumulation] = []
        seen: set[ast.AST] = set()
        events = self.program.events
        # Where a helper of another file steps, the clearing here is behind the same guard.
        for event in events.of_kind("optimizer_step") or events.of_kind("zero_grad"):
            for block, (times, at) in every_nth.guards(self.program, event.stmt):
                if block not in seen and self._summed(block, event.stmt):
                    seen.add(block)
                    found.append(Accumulation(block, self.number(times, at)))
        for loop in self.loops.micro:
            count = self.loops.count_of(loop)
            found.append(Accumulation(loop, self.number(count, loop) if count is not None else None))
        for call in self.program.calls_of("accelerate.Accelerator"):
            steps = next((k.value for k in call.keywords if k.arg == "gradient_accumulation_steps"), None)
            if steps is not None:
                found.append(Accumulation(call, self.number(steps, call)))
        found.extend(self._by_a_trainer())
        return found

    def _by_a_trainer(self) -> list[Accumulation]:
        """`TrainingArguments(gradient_accumulation_steps=8)`, `Trainer(accumulate_grad_batches=4)`."""
        found: list[Accumulation] = []
        for call in self.program.index.calls:
            for keyword in call.keywords:
                if keyword.arg not in ("gradient_accumulation_steps", "accumulate_grad_batches"):
                    continue
                if self.program.value(call).kind in ("trainer_args", "trainer"):
                    steps = self.number(keyword.value, call)
                    if steps != 1:
                        found.append(Accumulation(keyword.value, steps))
        return found

    def _summed(self, block: ast.If, step: ast.stmt) -> bool:
        """Whether gradients come from outside of what the guard holds back, or from its other side.

        What holds all of an update back, not only its step, delays updates and sums nothing.
        """
        index = self.program.index
        backwards = [e.stmt for e in self.program.events.of_kind("backward")]
        own = _side(block, step, index)
        if own == "outside":  # it skips the step: what was computed before it stays
            around = index.parent.get(block)
            return any(b.lineno < block.lineno and any(a is around for a in index.ancestors(b)) for b in backwards)
        inside = [b for b in backwards if block in index.ancestors(b)]
        return not inside or any(_side(block, stmt, index) != own for stmt in inside)

    def number(self, expr: ast.expr, at: ast.AST) -> int | None:
        """The whole number that `expr` is, or that is its default on the command line or in a dataclass."""
        known, value = literal(self.program, expr, at)
        if not known:
            value = self._default_of(expr, at)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _default_of(self, expr: ast.expr, at: ast.AST) -> object:
        """The argparse or dataclass default behind `args.accum_steps`, also through a variable that holds it."""
        if isinstance(expr, ast.Name) and self.program.value(expr, at).kind != "settings":
            home = self.program.names.lookup(expr.id, self.program.scope(at))
            bindings = home[1] if home is not None else []
            one = bindings[0] if len(bindings) == 1 else None
            if one is not None and one.kind == "param":
                return self._default_of_parameter(one)
            if one is None or one.kind != "assign" or one.path or not isinstance(one.value, ast.Attribute):
                return None
            expr = one.value
        return self.hyper.default_of(expr, at)

    def _default_of_parameter(self, one: Binding) -> object:
        """The default of a parameter that no call in this file passes by itself: the settings of a run."""
        if self.program.arguments_of(one.scope, one.name):
            return None
        default = next((expr for arg, expr in defaults(one.scope) if arg.arg == one.name), None)
        return default.value if isinstance(default, ast.Constant) else None


def _side(block: ast.If, stmt: ast.stmt, index: ScopeIndex) -> str:
    """Which side of `block` holds `stmt`: body, orelse, or neither."""
    inner: ast.AST = stmt
    for outer in index.ancestors(stmt):
        if outer is block:
            return side(block, inner)
        inner = outer
    return "outside"
