"""The state of the random generators in a checkpoint: what is saved, and how it is put back.

What holds under PyTorch 2.6 and later, where `torch.load` accepts tensors and plain Python by default: NumPy's state
goes in as a list of numbers, Python's is a tuple already. The states of PyTorch's generators have to be on the CPU when
they are put back, wherever the checkpoint was loaded to. A machine with fewer GPUs takes as many states as it has GPUs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import free_name, in_quotes
from dry_debug.fixes.modules import module_name
from dry_debug.lint.finding import Need, NeedHelper
from dry_debug.program.randomness import RNGS, Rng
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_MODULES: dict[Rng, str] = {"python": "random", "numpy": "numpy", "torch": "torch", "cuda": "torch"}
# Draws that make something which a resumed run makes again before its loop: the split of the data.
_SPLITS = ("random_split", "train_test_split", "permutation", "randperm", "shuffle", "sample", "choice")


@dataclass(slots=True)
class RandomState:
    """How one file saves and puts back its generators: `save` is an expression, `restore` the statements for a state.

    `restore` holds `{}` where the saved state goes.
    """

    key: str
    save: str
    restore: tuple[str, ...]
    saving: tuple[Need, ...] = ()
    restoring: tuple[Need, ...] = ()
    rngs: tuple[Rng, ...] = field(default=())
    of_ranks: bool = False  # one state for each rank
    gathered: Gathered | None = None


@dataclass(slots=True)
class Gathered:
    """What every rank does before one of them saves: the statement `line` of `program`, before the statement `before`.

    `through` is the call of `callee` that has to hand on what was gathered, where the checkpoint is built there.
    """

    line: str
    before: ast.stmt
    program: Program
    through: ast.Call | None = None
    callee: Scope | None = None


def generators_of(program: Program) -> tuple[Rng, ...]:
    """The generators whose state a resumed run needs: none where nothing is seeded, for there is nothing to repeat."""
    seeding = program.training.seeding
    seeded = set(seeding.seeded)
    unknown = seeding.unknown_helper is not None
    if not seeded and not unknown:
        return ()
    source = program.document.source
    used: set[Rng] = {"torch", *seeded, *(gap.rng for gap in seeding.gaps())}
    used |= {site.rng for site in program.randomness.draws}
    if unknown:  # it seeds what the run uses
        used |= {rng for rng, word in (("python", "import random"), ("numpy", "numpy")) if word in source}  # type: ignore[misc]
    if "cuda" in source:
        used.add("cuda")
    else:
        used.discard("cuda")
    return tuple(rng for rng in RNGS if rng in used)


def random_state(program: Program, rngs: tuple[Rng, ...], taken: set[str]) -> RandomState | None:
    """The rows for `rngs` in this file; None where a name that they need is taken."""
    names: dict[Rng, str] = {}
    needs: list[Need] = []
    for rng in rngs:
        name, more = module_name(_MODULES[rng], program)
        if name is None:
            return None
        names[rng] = name
        needs += more
    key = next((k for k in ("rng_state", "rng", "random_state") if k not in taken), None)
    if key is None:
        return None
    if rngs == ("torch",):
        save, restore = f"{names['torch']}.get_rng_state()", f"{names['torch']}.set_rng_state({{}}.cpu())"
        return RandomState(key, save, (restore,), tuple(needs), tuple(needs), rngs)
    getting = helper(program, lambda n: _getter(n, names), "get_rng_state", "get_rng_states", "random_states")
    setting = helper(program, lambda n: _setter(n, names), "set_rng_state", "set_rng_states", "restore_random_states")
    if getting is None or setting is None:
        return None
    put = (f"{setting.name}({{}})",)
    return RandomState(key, f"{getting.name}()", put, (*needs, getting), (*needs, setting), rngs)


def helper(program: Program, make: Callable[[str], str], *names: str) -> NeedHelper | None:
    """The helper that `make` writes, under the first name that is free, or that an earlier fix has given to the very
    same helper."""
    lines = program.document.source.replace("\r\n", "\n")
    for name in names:
        text = in_quotes(program, make(name))
        if text in lines:
            return NeedHelper(name, text)
    free = free_name(program, *names)
    return NeedHelper(free, in_quotes(program, make(free))) if free is not None else None


def _getter(name: str, modules: dict[Rng, str]) -> str:
    says = "The state of every random generator, in types that torch.load takes by default."
    lines = [f"def {name}():", f'    """{says}"""']
    rows = []
    if "python" in modules:
        rows.append(f'"python": {modules["python"]}.getstate(),')
    if "numpy" in modules:
        lines.append(f"    kind, numbers, *rest = {modules['numpy']}.random.get_state()")
        rows.append('"numpy": (kind, numbers.tolist(), *rest),')
    if "torch" in modules:
        rows.append(f'"torch": {modules["torch"]}.get_rng_state(),')
    if "cuda" in modules:
        rows.append(f'"cuda": {modules["cuda"]}.cuda.get_rng_state_all(),')
    return "\n".join([*lines, "    return {", *(f"        {row}" for row in rows), "    }"])


def _setter(name: str, modules: dict[Rng, str]) -> str:
    lines = [f"def {name}(state):", '    """Puts the random generators back; PyTorch wants their state on the CPU."""']
    if "python" in modules:
        lines.append(f'    {modules["python"]}.setstate(state["python"])')
    if "numpy" in modules:
        lines.append(f'    {modules["numpy"]}.random.set_state(state["numpy"])')
    if "torch" in modules:
        lines.append(f'    {modules["torch"]}.set_rng_state(state["torch"].cpu())')
    if "cuda" in modules:
        cuda = f"{modules['cuda']}.cuda"
        lines.append(f'    for device, one in enumerate(state["cuda"][: {cuda}.device_count()]):')
        lines.append(f"        {cuda}.set_rng_state(one.cpu(), device)")
    return "\n".join(lines)


def splits_after(program: Program, load: ast.AST, loop: ast.AST) -> bool:
    """Whether something that a resumed run must draw as the first run did is drawn between `load` and the loop, or may
    be: the split of the data would become another one. Or something seeds there, which would undo what is put back."""
    scope = program.scope(load)
    inside = program.index.inside
    first, last = getattr(load, "lineno", 0), getattr(loop, "lineno", 0)
    if any(program.scope(s.node) is scope and first < getattr(s.node, "lineno", 0) < last
           for s in program.randomness.seeds):  # fmt: skip
        return True
    for site in program.randomness.draws:
        name = (program.qualified(site.node) or "").rpartition(".")[2] if isinstance(site.node, ast.Call) else ""
        if name not in _SPLITS or inside(program.statement(site.node) or site.node, loop):
            continue
        where = program.scope(site.node)
        if where is scope:
            if getattr(site.node, "lineno", 0) > getattr(load, "lineno", 0):
                return True
            continue
        called = program.call_sites(where) if where.kind == "function" else []
        if where.name in ("__getitem__", "forward", "__iter__", "collate_fn"):
            continue
        if any(inside(program.statement(c) or c, loop) for c in called):
            continue
        if any(program.scope(c) is not scope or c.lineno > getattr(load, "lineno", 0) for c in called):
            return True
    return False
