"""Which generators a run seeds and which it draws from, over the functions that the program calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program import knowledge as know
from dry_debug.program.arguments import argument
from dry_debug.program.events import CallTree
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.randomness import RandomSite, Rng
from dry_debug.program.scopes import Scope, dotted, last_name, statements_around
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_SEEDING_TRAINERS = frozenset(("transformers", "trl", "sentence_transformers"))
MAX_FUNCTIONS = 400  # looked at from one program
MAX_CALLS = 3  # between a seed and the block that wants it
_SEEDS = re.compile(r"seed|determinis|reproduc", re.IGNORECASE)
# Methods that seed the object that they are called on.
_OWN_SEEDS = frozenset(("seed", "manual_seed", "manual_seed_all", "initial_seed"))
# Methods that run in a loader's workers where there are any.
_IN_WORKERS = frozenset(("__getitem__", "__getitems__", "__call__", "__iter__", "collate_fn", "collate"))
# What a number is drawn for that has nothing to do with the result: another seed, a port, a name.
_ASIDE = re.compile(r"seed|port$|uuid|suffix|prefix|_id$|name|dir$|path|file|folder|token|stamp|color", re.IGNORECASE)
# What only gives what it draws, and changes nothing that it is given; and what a cell says that shows things.
_GIVES = frozenset("sample choice choices randint randrange random uniform rand randn permutation".split())
_SHOWS = re.compile(r"\b(?:print|imshow|plot|display|show|scatter|hist|bar)\(")
_WORKER_INIT = re.compile(r"worker_init|init_worker|seed_worker|worker_seed|init_fn", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Gap:
    """A generator that the run draws from and does not seed. `draws` are evidence, the nearest first."""

    rng: Rng
    draws: list[Step]
    confidence: Confidence
    implied: bool = False  # torch: by making a model or shuffling a loader, not by a call that draws


@dataclass(slots=True, eq=False)
class Reached:
    """The programs and functions that run when a program runs."""

    functions: list[tuple[Program, Scope]] = field(default_factory=list)
    modules: list[Program] = field(default_factory=list)


class Seeding:
    """What the run of one program seeds and leaves unseeded."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def reached(self) -> Reached:
        """What the program calls in other files of the project, directly and through them."""
        result = Reached([], [self.program])
        if not self.program.leaves_file:
            return result
        queue: list[Program] = [self.program]
        seen: set[Scope] = set()
        pending: list[tuple[Program, Scope]] = []
        for tree in _calls(self.program):
            owner, scope = tree.function.program, tree.function.scope
            assert owner is not None and scope is not None
            pending.append((owner, scope))
        for component in self.program.training.components.of("dataset"):
            value = component.value
            if value.scope is not None and value.program is not None and value.scope.kind == "class":
                pending.extend((value.program, c) for c in value.scope.children if c.kind == "function")
        while pending and len(seen) < MAX_FUNCTIONS:
            owner, scope = pending.pop(0)
            if scope in seen:
                continue
            seen.add(scope)
            cls = scope.parent if scope.name == "__init__" else None
            if cls is not None and cls.kind == "class" and owner.class_kind(cls) == "dataset":  # a loader reads it
                pending.extend((owner, method) for method in cls.children if method.kind == "function")
            if owner is self.program:
                continue  # its own calls are all in the list already
            result.functions.append((owner, scope))
            if owner not in queue:
                queue.append(owner)
                result.modules.append(owner)
            pending.extend(
                (t.function.program, t.function.scope)
                for t in _calls(owner)
                if owner.scope(t.call) is scope and t.function.program is not None and t.function.scope is not None
            )
        return result

    # -- seeds ---------------------------------------------------------------------------------------------------------

    @cached_property
    def seeds(self) -> list[tuple[Program, RandomSite]]:
        """Every place that seeds a generator for the run."""
        own = self.program.randomness
        found = [(self.program, s) for s in own.own_seeds if not self._of_workers(self.program, s.node)]
        for owner, scope in self.reached.functions:
            if "seed" not in owner.document.source and "manual" not in owner.document.source:
                continue
            found.extend(
                (owner, s) for s in owner.randomness.own_seeds
                if owner.scope(s.node) is scope and not self._of_workers(owner, s.node)
            )  # fmt: skip
        for owner in self.reached.modules[1:]:  # their module bodies run when they are imported
            found.extend((owner, s) for s in owner.randomness.own_seeds if owner.scope(s.node).kind == "module")
        return found

    @cached_property
    def seeded(self) -> set[Rng]:
        """The generators that are seeded anywhere."""
        return {site.rng for _, site in self.seeds}

    @cached_property
    def unknown_helper(self) -> Step | None:
        """What seeds, or may, and nobody can see what: `utils.set_seed(0)` of another package.

        The trainers of Transformers and TRL seed every generator when they are made.
        """
        for qualified, call in self.program.qualified_calls():
            if qualified.endswith("Trainer") and qualified.partition(".")[0] in _SEEDING_TRAINERS:
                return Step(self.program, call, "it seeds every generator when it is made")
        for owner, call in self._calls_of_run():
            name = last_name(call.func)
            qualified = owner.qualified(call) or ""
            if name in _OWN_SEEDS or not (_SEEDS.search(name) or _SEEDS.search(qualified.rpartition(".")[2])):
                continue
            if qualified in know.SEEDS or qualified.startswith(("torch.", "numpy.", "builtins.")):
                continue
            if not owner.target(call).known and not self._method_of_data(owner, call.func, call):
                return Step(owner, call, "nobody can see what it seeds")
        return None

    @staticmethod
    def _method_of_data(owner: Program, func: ast.expr, call: ast.Call) -> bool:
        """A method of an object of this program, such as `env.reset_seed()`: it seeds itself."""
        if not isinstance(func, ast.Attribute):
            return False
        value = owner.value(func.value, call)
        return value.kind not in ("unknown", "library", "pymodule")

    def _calls_of_run(self) -> Iterator[tuple[Program, ast.Call]]:
        for call in self.program.index.calls:
            yield self.program, call
        for owner, scope in self.reached.functions:
            for call in scope.calls:
                yield owner, call

    def _of_workers(self, owner: Program, node: ast.AST) -> bool:
        """Whether the place runs in a loader's worker: a `worker_init_fn`."""
        scope = owner.scope(node)
        if scope.kind not in ("function", "lambda"):
            return False
        name = scope.name
        return _WORKER_INIT.search(name) is not None or any(
            k.arg == "worker_init_fn" and (k.value is scope.node or dotted(k.value) == name)
            for p in {self.program, owner} if "worker_init_fn" in p.document.identifiers
            for c in p.index.calls for k in c.keywords
        )  # fmt: skip

    @cached_property
    def anchor(self) -> tuple[ast.Call, RandomSite, Program] | None:
        """Where the run is seeded, in this file: (the call in this file, what it does, the program where that stands).

        None where nothing is seeded for the whole run: a seed in a function that only splits data is its own business.
        """
        program = self.program
        rows: list[tuple[int, ast.Call, RandomSite, Program]] = []
        for site in program.randomness.own_seeds:
            if self._of_workers(program, site.node) or self._seeded_again(site):
                continue
            if self._for_the_run(program.scope(site.node)):
                rank = ("torch", "numpy", "python", "cuda").index(site.rng)
                rows.append((rank, site.node, site, program))  # type: ignore[arg-type]
        if rows:
            first = min(row[1].lineno for row in rows)
            rows = [r for r in rows if r[1].lineno - first < 12] or rows
            rank, node, site, owner = min(rows, key=lambda r: (r[0], r[1].lineno))
            return node, site, owner
        for tree in _calls(program):
            other, scope = tree.function.program, tree.function.scope
            if other is None or scope is None or other is program:
                continue
            if "seed" not in other.document.source or not other.randomness.is_helper(scope):
                continue
            inner = other.randomness.seeded_through(scope)
            if inner:
                return tree.call, inner[0], other
        return None

    @cached_property
    def told_at(self) -> tuple[ast.Call, RandomSite, Program] | None:
        """As `anchor`; where there is none, a plain number that seeds in a step of the training script: a function, not
        there to seed, that is called once, where the run goes on to train. It may be that function's own business."""
        if self.anchor is not None or not self.program.training.is_training:
            return self.anchor
        for site in self.program.randomness.own_seeds:
            call = site.node
            plain = (
                isinstance(call, ast.Call) and bool(call.args) and all(isinstance(a, ast.Constant) for a in call.args)
            )
            if (
                plain
                and site.rng != "cuda"
                and self._in_step(self.program.scope(call))
                and not self._seeded_again(site)
            ):
                return call, site, self.program  # type: ignore[return-value]
        return None

    def _in_step(self, scope: Scope) -> bool:
        """Whether it is a function of the script that one line calls, at its top or in the function that trains."""
        if scope.kind != "function" or scope.class_scope is not None:
            return False
        sites = self.program.call_sites(scope)
        if len(sites) != 1 or self.program.loop_around(sites[0]) is not None:
            return False
        caller = self.program.scope(sites[0])
        return caller.kind == "module" or self.program.training.loops.function_trains(caller)

    def _seeded_again(self, site: RandomSite) -> bool:
        """Whether the same block seeds the same again, so that two things draw alike: a comparison.

        The seed may stand in a function that the block calls, if it is a plain number there. A module that seeds twice
        is a notebook.
        """
        places = self._blocks_of(site)
        text = self.program.text(site.node)
        for other in self.program.randomness.own_seeds:
            if other.rng != site.rng or self.program.text(other.node) != text:
                continue
            for node, block in self._blocks_of(other).items():
                if any(node is not mine and block is b for mine, b in places.items()):
                    return True
        return False

    def _blocks_of(self, site: RandomSite) -> dict[ast.AST, ast.AST]:
        """The seed, or the calls that lead to it, each with the block that it stands in; not the module's body."""
        found: dict[ast.AST, ast.AST] = {}
        nodes = [site.node]
        fixed = isinstance(site.node, ast.Call) and all(isinstance(a, ast.Constant) for a in site.node.args)
        for _ in range(MAX_CALLS if fixed else 1):
            following: list[ast.AST] = []
            for node in nodes:
                stmt, scope = self.program.statement(node), self.program.scope(node)
                block = self.program.index.parent.get(stmt) if stmt is not None else None
                if block is not None and not isinstance(block, ast.Module):
                    found[node] = block
                if scope.kind == "function":
                    following.extend(c for c in self.program.call_sites(scope) if c not in found)
            nodes = following
        return found

    def _for_the_run(self, scope: Scope) -> bool:
        program = self.program
        if scope.kind == "module":
            return True
        if program.randomness.is_helper(scope):
            return program.training.is_training or not self._for_its_object(scope, set())
        while scope.kind not in ("function", "module") and scope.parent is not None:
            scope = scope.parent
        return scope.kind == "module" or program.training.loops.function_trains(scope)

    def _for_its_object(self, scope: Scope, seen: set[Scope]) -> bool:
        """Whether it seeds one object when that is asked to: a method that nothing calls, or a helper of such alone."""
        seen.add(scope)
        callers = {self.program.scope(call) for call in self.program.call_sites(scope)}
        if not callers:
            return scope.class_scope is not None
        return all(
            c not in seen and self.program.randomness.is_helper(c) and self._for_its_object(c, seen) for c in callers
        )

    # -- draws ---------------------------------------------------------------------------------------------------------

    def gaps(self, matters: Callable[[], bool] = lambda: True) -> list[Gap]:
        """The generators that are drawn from and not seeded; `matters`: whether it does that models are made at random,
        which is found out last."""
        found: list[Gap] = []
        wanted: tuple[Rng, ...] = ("torch", "numpy", "python")
        for rng in wanted:
            if rng in self.seeded:
                continue
            draws = list(self._draws(rng))
            if draws:
                sure: Confidence = "high" if any(runs for runs, _ in draws) else "medium"
                found.append(Gap(rng, [s for _, s in draws][:3], sure))
            elif rng == "torch" and "torch" in self.program.training.hyper.frameworks and matters():
                implied = list(self._implied())
                if implied:
                    found.append(Gap(rng, implied[:3], "high", implied=True))
        return found

    def told_in_helper(self, gaps: list[Gap]) -> Step | None:
        """The seed in the helper's file, if that file by itself shows all of these gaps: mended there, all are."""
        anchor = self.told_at
        if anchor is None or anchor[2] is self.program:
            return None
        site, owner = anchor[1], anchor[2]
        shown = {gap.rng for gap in owner.training.seeding.gaps()}
        return Step(owner, site.node, "") if {gap.rng for gap in gaps} <= shown else None

    def _draws(self, rng: Rng) -> Iterator[tuple[bool, Step]]:
        """(whether it certainly runs, the place) of each draw from `rng`."""
        program = self.program
        for site in program.randomness.draws:
            if site.rng == rng and self.counts(program, site.node):
                step = Step(program, site.node, f"{_LABEL[rng]} is drawn from here")
                yield self._runs(program.scope(site.node)), step
        for owner, scope in self.reached.functions:
            if "rand" not in owner.document.source and "split" not in owner.document.source:
                continue
            for site in owner.randomness.draws:
                if site.rng == rng and owner.scope(site.node) is scope and self.counts(owner, site.node):
                    yield True, Step(owner, site.node, f"{_LABEL[rng]} is drawn from here")

    def _runs(self, scope: Scope) -> bool:
        scope = statements_around(scope)
        if scope.kind != "function":
            return True
        return scope.class_scope is not None or bool(self.program.call_sites(scope))

    def counts(self, owner: Program, node: ast.AST) -> bool:
        """Whether a draw has to do with the result of the run, and is made in the process that is seeded."""
        why = self.program.why
        if self._aside(owner, node):
            why(None, "what is drawn here has nothing to do with the result of the run: {}", Step(owner, node, ""))
            return False
        if self._looked_at(owner, node):
            why(None, "what is drawn here is only shown, or nothing trains behind it: {}", Step(owner, node, ""))
            return False
        if owner.randomness.seeded_block(node):
            why(None, "the block around it seeds for itself, and puts the old state back: {}", Step(owner, node, ""))
            return False
        scope = statements_around(owner.scope(node))
        if self._has_workers and (self._in_workers(owner, scope) or self._of_workers(owner, node)):
            why(None, "it is drawn in the workers of a loader, which PyTorch seeds: {}", Step(owner, node, ""))
            return False
        return True

    def _in_workers(self, owner: Program, scope: Scope, hops: int = 0) -> bool:
        """Whether a loader's workers run it: a method of a data set, or what is called in such methods alone."""
        if scope.name in _IN_WORKERS:
            cls = scope.class_scope
            return cls is None or owner.class_kind(cls) != "sampler"  # a sampler draws in the process of the loader
        sites = owner.call_sites(scope) if scope.kind == "function" and hops < MAX_CALLS else []
        return bool(sites) and all(self._in_workers(owner, owner.scope(site), hops + 1) for site in sites)

    def _aside(self, owner: Program, node: ast.AST) -> bool:
        """Whether the number is drawn for something else than the run: another seed, a port, letters, a name."""
        stmt = owner.statement(node)
        if isinstance(stmt, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            names = {dotted(t) for t in targets} - {None}
            given = {dotted(a) for _, s in self.seeds if isinstance(s.node, ast.Call) for a in s.node.args}
            if names & given or any(_ASIDE.search(name or "") for name in names):
                return True
        if isinstance(node, ast.Call):
            for inner in (n for a in node.args for n in ast.walk(a)):
                if isinstance(inner, ast.Attribute) and (dotted(inner) or "").startswith("string."):
                    return True
        parents = owner.flow.parents_near(node)
        parent = parents.get(node)
        while parent is not None and not isinstance(parent, ast.stmt):
            if isinstance(parent, ast.FormattedValue):
                return True
            if isinstance(parent, ast.Call) and owner.qualified(parent) == "builtins.str":
                return True
            parent = parents.get(parent)
        return False

    def _looked_at(self, owner: Program, node: ast.AST) -> bool:
        """Whether what is drawn reaches no training: it is thrown away, drawn when all training of its function is
        over, or shown in its own cell of a notebook."""
        stmt, scope = owner.statement(node), statements_around(owner.scope(node))
        if stmt is None or scope.kind not in ("module", "function"):
            return False
        if isinstance(stmt, ast.Expr) and stmt.value is node and last_name(getattr(node, "func", node)) in _GIVES:
            return True
        if _behind_training(owner, node):
            return True
        document = owner.document
        if not document.is_notebook or scope.kind != "module" or not isinstance(stmt, ast.Assign):
            return False
        names = [t.id for t in stmt.targets if isinstance(t, ast.Name)]
        cell = document.cells[document.cell_at(owner.span(stmt).start)]
        if len(names) < len(stmt.targets) or _SHOWS.search(cell.text) is None:
            return False
        reads = [read for name in names for read in owner.flow.reads(name, scope)]
        return all(cell.start <= owner.span(read).start < cell.end for read in reads)

    @cached_property
    def _has_workers(self) -> bool:
        """Whether the loaders have workers, which torch seeds for `random` and numpy; also where that is not known."""
        made = self.program.calls_of("torch.utils.data.DataLoader") or self._loaders_elsewhere()
        for call in made:
            workers = argument(call, 5, "num_workers")
            if any(k.arg is None for k in call.keywords):
                return True
            if workers is not None and not (isinstance(workers, ast.Constant) and workers.value == 0):
                return True
        return not made

    def _loaders_elsewhere(self) -> list[ast.Call]:
        """The loaders that the run makes in functions of other files: `train_loader, _ = build_loaders(args)`."""
        return [
            call
            for owner, scope in self.reached.functions
            if "DataLoader" in owner.document.source
            for call in scope.calls
            if owner.qualified(call) == "torch.utils.data.DataLoader"
        ]

    def _implied(self) -> Iterator[Step]:
        """Models that are made with random weights, and loaders that shuffle."""
        program = self.program
        for component in program.training.components.of("model"):
            value = component.value.base
            made = value.args
            owner = value.origin or program
            if component.parameter or value.confidence != "high" or made is None or "pretrained" in owner.text(made):
                continue
            if made in program.index.scope_of and not (value.type or "").endswith("from_pretrained"):
                yield Step(program, made, "the weights of the model are drawn from torch's generator here")
        for call in self.program.calls_of("torch.utils.data.DataLoader"):
            shuffle = argument(call, 2, "shuffle")
            own = argument(call, 99, "generator")
            if isinstance(shuffle, ast.Constant) and shuffle.value is True and own is None:
                yield Step(program, call, "the order of the samples is drawn from torch's generator here")


def _behind_training(program: Program, node: ast.AST, hops: int = 0) -> bool:
    """Whether the training is over where `node` stands, or wherever its function is called."""
    stmt, scope = program.statement(node), statements_around(program.scope(node))
    trained = _trained_until(program, scope)
    if stmt is not None and trained is not None:
        return stmt.lineno > trained and program.loop_around(stmt) is None
    sites = program.call_sites(scope) if scope.kind == "function" and hops < MAX_CALLS else []
    return bool(sites) and all(_behind_training(program, site, hops + 1) for site in sites)


def _trained_until(program: Program, scope: Scope) -> int | None:
    """The line on which the last training in the body of `scope` ends; None where it trains nothing."""
    loops = program.training.loops
    lines = [loop.node.end_lineno or 0 for loop in loops.training if loop.scope is scope]
    for call in scope.calls:
        target = program.target(call)
        function, owner = target.scope, target.program
        if target.kind != "function" or function is None or owner is None:
            continue
        if owner.training.loops.function_trains(function):
            lines.append(call.lineno)
    return max(lines, default=None)


_LABEL: dict[Rng, str] = {"python": "`random`", "numpy": "`numpy.random`", "torch": "torch's generator", "cuda": "CUDA"}


def _calls(program: Program) -> Iterator[CallTree]:
    for trees in program.events._user_calls.values():
        for _, tree in trees:
            if isinstance(tree, CallTree) and tree.function.scope is not None and tree.function.program is not None:
                yield tree
