"""Random generators: what is seeded, what is drawn from, which helpers seed for the program."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.once import cached_property
from dry_debug.program import knowledge as know
from dry_debug.program.events import CallTree
from dry_debug.program.scopes import Scope
from dry_debug.program.values import UNKNOWN
from dry_debug.program.walks import names_in
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Rng = Literal["python", "numpy", "torch", "cuda"]
RNGS: tuple[Rng, ...] = ("python", "numpy", "torch", "cuda")
SHOWN: dict[Rng, str] = {"python": "random", "numpy": "numpy", "torch": "torch", "cuda": "torch.cuda"}  # in messages

# Functions of the modules that draw nothing.
_NO_DRAW = frozenset(
    (
        "seed", "getstate", "setstate", "get_state", "set_state", "default_rng", "Random", "RandomState", "Generator",
        "SeedSequence", "SystemRandom", "PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937", "BitGenerator",
    )
)  # fmt: skip
_FROM_ENTROPY = frozenset(("random.seed", "numpy.random.seed", "torch.seed"))
_TORCH_DRAWS = frozenset(
    (
        "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like",
        "randint_like", "poisson",
    )
)  # fmt: skip
# The generators that a library call draws from on its own.
_LIBRARY_DRAWS: dict[str, tuple[Rng, ...]] = {
    "sklearn.model_selection.train_test_split": ("numpy",),
    "sklearn.utils.shuffle": ("numpy",),
    "torch.utils.data.random_split": ("torch",),
    "torch.nn.functional.dropout": ("torch",),
}


# What a helper that leaves the seeding to another one may call besides.
_HARMLESS = ("torch.", "os.", "builtins.")
_TAKEN = (".getstate", ".get_state", ".get_rng_state", ".get_rng_state_all")
_PUT = (".setstate", ".set_state", ".set_rng_state", ".set_rng_state_all")
MAX_HELPERS = 8  # helpers that one helper leaves the seeding to


@dataclass(slots=True, eq=False)
class RandomSite:
    """One place that seeds or draws from a generator. `via` is where a helper does it."""

    kind: Literal["seed", "draw"]
    rng: Rng
    node: ast.AST
    via: tuple[Program, ast.AST] | None = None


class Randomness:
    """Seeds and draws of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def own_seeds(self) -> list[RandomSite]:
        """Calls in this file that seed a generator themselves."""
        sites = []
        for name, calls in self.program.names_called().items():
            for call in calls if name in know.SEEDS else ():
                if name in _FROM_ENTROPY and _takes_nothing(call):
                    continue  # `random.seed()` takes another seed from the system every time
                if not self._given_back(name, call):
                    sites += [RandomSite("seed", rng, call) for rng in know.SEEDS[name]]  # type: ignore[arg-type]
        for call in self.program.method_calls("seed_everything"):
            assert isinstance(call.func, ast.Attribute)
            if self.program.value(call.func.value, call).kind == "fabric":
                sites.extend(RandomSite("seed", rng, call) for rng in RNGS)
        sites.sort(key=lambda s: (s.node.lineno, RNGS.index(s.rng)))  # type: ignore[attr-defined]
        return sites

    def _given_back(self, name: str, call: ast.Call) -> bool:
        """Whether the function that seeds takes the state of before and puts it back: it seeds what runs meanwhile."""
        scope = self.program.scope(call)
        return scope.kind == "function" and len(scope.calls) > 2 and self._puts_back(scope, name.partition(".")[0])

    def _puts_back(self, scope: Scope, package: str) -> bool:
        """Whether a function takes the state of a generator of `package` ("": of any) and puts it back."""
        taken: set[str] = set()
        put: set[str] = set()
        for other in scope.calls:
            what = self.program.qualified(other) or ""
            if package and what.partition(".")[0] != package:
                continue
            if what.endswith(_TAKEN):
                stmt = self.program.statement(other)
                taken |= names_in(stmt.targets[0]) if isinstance(stmt, ast.Assign) else set()
            elif what.endswith(_PUT) and other.args:
                put |= names_in(other.args[0])
        return not taken.isdisjoint(put)

    def seeded_block(self, node: ast.AST) -> bool:
        """Whether a call stands in a `with` whose context manager, one of the project, seeds and puts the old state of
        a generator back."""
        stmt = self.program.statement(node)
        for block in self.program.index.ancestors(stmt) if stmt is not None else ():
            if not isinstance(block, ast.With | ast.AsyncWith):
                continue
            for item in block.items:
                manager = self.program.target(item.context_expr) if isinstance(item.context_expr, ast.Call) else UNKNOWN
                if manager.scope is None or manager.program is None or not manager.scope.yields:
                    continue
                if manager.program.randomness._puts_back(manager.scope, ""):
                    return True
        return False

    @cached_property
    def seeds(self) -> list[RandomSite]:
        """What is seeded, seen from where the program does it: a helper's seeds stand at the helper's call."""
        helpers = {self.program.scope(s.node) for s in self.own_seeds}
        called = {f for f in helpers if self.is_helper(f) and self.program.call_sites(f)}
        result = [s for s in self.own_seeds if self.program.scope(s.node) not in called]
        for tree in self._helper_calls():
            function, around = tree.function, self.program.scope(tree.call)
            assert function.scope is not None and function.program is not None
            if self._helpers.get(around) and self.program.call_sites(around):
                continue  # that helper's own call tells it
            inner = function.program.randomness.seeded_through(function.scope)
            once = {s.rng: s for s in reversed(inner)}
            result.extend(RandomSite("seed", s.rng, tree.call, (function.program, s.node)) for s in once.values())
        result.sort(key=lambda s: (s.node.lineno, RNGS.index(s.rng)))  # type: ignore[attr-defined]
        return result

    def seeded_through(self, function: Scope) -> list[RandomSite]:
        """The seeds in a helper of this file, and in the helpers of this file that it calls."""
        found: list[RandomSite] = []
        queue, seen = [function], {function}
        for current in queue:
            found.extend(s for s in self.own_seeds if self.program.scope(s.node) is current)
            for inner in self._helpers_called(current).values():
                if inner not in seen and len(seen) < MAX_HELPERS:
                    seen.add(inner)
                    queue.append(inner)
        return found

    def _helpers_called(self, function: Scope) -> dict[ast.Call, Scope]:
        """The calls in a function of helpers of this file."""
        found: dict[ast.Call, Scope] = {}
        for call in function.calls if self.own_seeds else ():
            target = self.program.target(call)
            own = target.kind == "function" and target.program is self.program
            if own and target.scope is not None and target.scope is not function and self.is_helper(target.scope):
                found[call] = target.scope
        return found

    def _helper_calls(self) -> list[CallTree]:
        """Calls of functions of the project that seed something."""
        found: list[CallTree] = []
        if not self.own_seeds and not self.program.leaves_file:
            return found  # what can be called is of this file, and seeds nothing
        seeds: dict[int, bool] = {}  # by file: many calls lead to the same one
        helps: dict[Scope, bool] = {}
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                if not isinstance(tree, CallTree):
                    continue
                scope, owner = tree.function.scope, tree.function.program
                if scope is None or owner is None:
                    continue
                if id(owner) not in seeds:
                    seeds[id(owner)] = "seed" in owner.document.source and bool(owner.randomness.own_seeds)
                if seeds[id(owner)] and scope not in helps:
                    helps[scope] = owner.randomness.is_helper(scope)
                if helps.get(scope):
                    found.append(tree)
        return found

    def is_helper(self, function: Scope) -> bool:
        """Whether a function is there to seed: it does, or leaves it to one that does, and not much else."""
        known = self._helpers.get(function)
        if known is None:
            self._helpers[function] = False  # one that calls itself
            known = self._helpers[function] = self._is_helper(function)
        return known

    @cached_property
    def _helpers(self) -> dict[Scope, bool]:
        return {}

    def _is_helper(self, function: Scope) -> bool:
        if function.kind != "function" or function.loops or not self.own_seeds:
            return False
        seeding = {s.node for s in self.own_seeds if self.program.scope(s.node) is function}
        if not seeding:
            inner = self._helpers_called(function)
            return bool(inner) and all(
                call in inner or (self.program.qualified(call) or "").startswith(_HARMLESS) for call in function.calls
            )
        if len(function.calls) > 3 * len(seeding) + 4 or self._starts_work(function):
            return False
        return not any(self.program.scope(s.node) is function for s in self.draws)

    def _starts_work(self, function: Scope) -> bool:
        """Whether it calls, or hands on, a function of the project that has a loop: a `main` that seeds on its way."""
        for call in function.calls:
            for expr in (call.func, *call.args):
                value = self.program.value(expr, call) if isinstance(expr, ast.Name) else UNKNOWN
                if value.kind == "function" and value.scope is not None and value.scope.loops:
                    return True
        return False

    @cached_property
    def draws(self) -> list[RandomSite]:
        """Calls in this file that draw from a global generator (those with a generator of their own do not count)."""
        sites: list[RandomSite] = []
        for name, calls in self.program.names_called().items():
            rngs = drawn(name)
            for call in calls if rngs else ():
                if not _has_its_own(call):
                    sites += [RandomSite("draw", rng, call) for rng in rngs]
        sites.sort(key=lambda s: s.node.lineno)  # type: ignore[attr-defined]
        return sites

    def seeding_functions(self) -> list[Scope]:
        """The functions of this file that seed at least one generator."""
        found: list[Scope] = []
        for site in self.own_seeds:
            scope = self.program.scope(site.node)
            if scope.kind == "function" and scope not in found:
                found.append(scope)
        return found

    def seeded_in(self, scope: Scope) -> set[Rng]:
        """The generators that the statements of `scope` itself seed."""
        return {s.rng for s in self.own_seeds if self.program.scope(s.node) is scope}


def drawn(name: str) -> tuple[Rng, ...]:
    """The global generators that calling the qualified `name` draws from."""
    module, _, last = name.rpartition(".")
    if module == "random":
        return ("python",) if last not in _NO_DRAW else ()
    if module == "numpy.random":
        return ("numpy",) if last not in _NO_DRAW else ()
    if module == "torch" and last in _TORCH_DRAWS:
        return ("torch",)
    return _LIBRARY_DRAWS.get(name, ())


def _has_its_own(call: ast.Call) -> bool:
    """Whether a call is given the generator that it draws from."""
    return any(k.arg in ("generator", "random_state", "rng") and not _is_none(k.value) for k in call.keywords)


def _takes_nothing(call: ast.Call) -> bool:
    return all(_is_none(a) for a in (*call.args, *(k.value for k in call.keywords)))


def _is_none(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value is None
