"""Seeding the workers of a loader, each with a seed of its own that follows `torch.manual_seed`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.seeding import module_name
from dry_debug.lint.finding import Fix, Need, NeedHelper
from dry_debug.lint.new_argument import argument_added
from dry_debug.program.worker_seeds import seed_of
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.worker_seeds import OneSeed, SharedGenerator

_NAMES = ("seed_worker", "init_worker", "seed_data_worker")


def title_of(one: OneSeed) -> str:
    """What `differ` does."""
    return "Seed each worker from the seed that PyTorch gives it (`torch.initial_seed()`)"


def give_own(program: Program, shared: SharedGenerator) -> Fix | None:
    """A `worker_init_fn` that replaces the worker's copy of the generator by one of its own."""
    call = shared.loader
    name = next((n for n in _NAMES if program.names.lookup(n, program.scope(call)) is None), None)
    stmt = program.statement(call)
    if name is None or stmt is None or not (call.args or call.keywords):
        return None
    module, _, maker = shared.maker.partition(".")
    found, needs = module_name(module, program, stmt)
    torch, more = module_name("torch", program, stmt)
    if found is None or torch is None:
        return None
    seed = "info.seed % 2**32" if shared.maker.endswith("RandomState") else "info.seed"
    source = "\n".join(
        (
            f"def {name}(worker_id):",
            '    """Give the worker\'s copy of the data set a generator of its own."""',
            f"    info = {torch}.utils.data.get_worker_info()",
            f"    info.dataset.{shared.attribute} = {found}.{maker}({seed})",
        )
    )
    edit = argument_added(program, call, f"worker_init_fn={name}")
    all_needs: tuple[Need, ...] = (*needs, *more, NeedHelper(name, source))
    return Fix("Give each worker a generator of its own (`worker_init_fn`)", "unsafe", (edit,), all_needs)


def differ(program: Program, one: OneSeed) -> Fix | None:
    """The seeds of the `worker_init_fn` taken from the worker's own seed."""
    torch, needs = module_name("torch", program, program.statement(one.loader) or one.loader)
    if torch is None or one.owner is not program:
        return None
    edits: list[TextEdit] = []
    value = f"{torch}.initial_seed() % 2**32"
    number = _one_number(one)
    if number is not None:
        edits.append(TextEdit(program.span(number), value))
    for call in one.seeds:
        if program.qualified(call) == "torch.manual_seed":
            stmt = program.statement(call)
            span = program.flow.whole_statement(stmt) if stmt is not None and len(one.seeds) > 1 else None
            if span is None:
                return None
            edits.append(TextEdit(span, ""))  # PyTorch has done it, with another seed for each worker
            continue
        seed = seed_of(call)
        if number is None and seed is not None:
            edits.append(TextEdit(program.span(seed), value))
    return Fix(title_of(one), "unsafe", tuple(edits), tuple(needs))


def _one_number(one: OneSeed) -> ast.expr | None:
    """What the function's own variable is set to, if all seeds are that variable: `seed = 42`."""
    seeds = [seed_of(call) for call in one.seeds]
    names = {seed.id if isinstance(seed, ast.Name) else "" for seed in seeds}
    bindings = one.function.bindings.get(next(iter(names)), ()) if len(names) == 1 else ()
    if len(bindings) != 1 or bindings[0].kind != "assign" or bindings[0].path:
        return None
    return bindings[0].value
