"""A seed for each rank's data, behind the one that all ranks share.

One seed on all ranks draws the same weights and the same split of the data everywhere, which is what they need, and the
same augmentation, noise and dropout, which is not. So all seed alike until the model is wrapped, and from there on each
rank takes the seed plus its rank. A `DistributedSampler` shuffles by a seed of its own, the same on all ranks, which
this does not touch.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.fixes.at_hand import bound_at
from dry_debug.fixes.changes import Changes
from dry_debug.fixes.checkpoint_libraries import accelerator_of
from dry_debug.fixes.layout import indent_of, lines_after
from dry_debug.fixes.modules import module_name
from dry_debug.fixes.random_state import splits_after
from dry_debug.fixes.rank_guard import always
from dry_debug.lint.finding import Fix, Need
from dry_debug.program.all_ranks import WRAPPERS
from dry_debug.program.arguments import argument
from dry_debug.program.scopes import dotted
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.seeding import Seeding

COMMENT = "# The weights are alike on all ranks; from here on each rank draws numbers of its own."
LEFT = " (alike on all ranks)"
_RANK = re.compile(r"rank|process_index|proc_id", re.IGNORECASE)
# What the number of a process among all is called; the one on its machine alone is another.
_NAMES = ("rank", "global_rank", "dist_rank", "world_rank", "ddp_rank", "args.rank", "opt.rank", "cfg.rank",
          "config.rank", "self.rank", "self.global_rank")  # fmt: skip
_RESTORES = ("torch.set_rng_state", "random.setstate", "numpy.random.set_state")
_FROM = re.compile(r"get_rank\(\)|environ(\.get)?[\[(]['\"]RANK['\"]|\.global_rank|process_index|SLURM_PROCID")


@dataclass(slots=True)
class Apart:
    """Where each rank gets a seed of its own: behind `after`, with `rank` as the number of the rank there.

    `test` is asked first where there may be no process group.
    """

    after: ast.stmt
    rank: str
    test: str | None
    needs: list[Need]


def several_ranks(program: Program) -> bool:
    """Whether the program runs on several ranks, so that a seed has to say whose it is."""
    source = program.document.source
    return program.training.distributed.several or "Accelerator(" in source or "Fabric(" in source


def seeds_by_rank(program: Program, seeding: Seeding) -> bool:
    """Whether something of the run is seeded by the rank already."""
    for owner, site in seeding.seeds:
        if not isinstance(site.node, ast.Call):
            continue
        scope = owner.scope(site.node)
        passed = [*site.node.args, *(k.value for k in site.node.keywords)]
        for call in owner.call_sites(scope) if scope.kind == "function" else ():
            passed += [*call.args, *(k.value for k in call.keywords)]
        if any(_names_rank(expr, owner, owner.scope(site.node)) for expr in passed):
            return True
    # A helper of another file that is handed the rank.
    for site in program.randomness.seeds:
        if isinstance(site.node, ast.Call):
            passed = [*site.node.args, *(k.value for k in site.node.keywords)]
            if any(_names_rank(expr, program, program.scope(site.node)) for expr in passed):
                return True
    return False


def _names_rank(expr: ast.expr, program: Program, scope: Scope) -> bool:
    if _RANK.search(program.text(expr)):
        return True
    for node in ast.walk(expr):
        found = program.names.lookup(node.id, scope) if isinstance(node, ast.Name) else None
        for b in found[1] if found is not None else ():
            if b.value is not None and b.kind in ("assign", "aug") and _RANK.search(program.text(b.value)):
                return True
    return False


def apart(program: Program, call: ast.Call, value: ast.expr) -> Apart | None:
    """Where the ranks of the program part; `value` is the seed that `call` is given. None where that is unclear."""
    wraps = _wraps(program)
    scopes = {program.scope(w) for w in wraps}
    if not wraps or len(scopes) != 1:
        return None
    after = _behind_all(wraps, program)
    scope = program.scope(wraps[0])
    seeded = program.statement(call)
    if after is None or seeded is None or indent_of(program, after) is None:
        return None
    if program.scope(call) is scope and seeded.lineno > after.lineno:
        return None
    if not all(_same_there(n, call, after, program) for n in ast.walk(value) if isinstance(n, ast.Name)):
        return None
    if not _rest_is_data(after, scope, program):
        return None
    last = max(wraps, key=lambda w: w.lineno)
    rank, needs = _rank_there(program, after, last)
    if rank is None:
        return None
    inits = program.training.distributed.inits
    sure = after is program.statement(last) or rank.endswith((".process_index", ".global_rank"))
    sure = sure or (bool(inits) and all(always(c, program) for c in inits))
    if sure:
        return Apart(after, rank, None, needs)
    dist, more = module_name("torch.distributed", program, scope)
    if dist is None:
        return None
    return Apart(after, f"{dist}.get_rank()", f"if {dist}.is_initialized():", more)


def with_seeds_apart(fix: Fix, program: Program, where: Apart, lines: list[str]) -> Fix | None:
    """`fix` with `lines` behind the place where the ranks part."""
    changes = Changes(program)
    for edit in fix.edits:
        changes.replace(edit.span, edit.content)
    changes.need(*fix.needs, *where.needs)
    lines = [where.test, *(f"\t{line}" for line in lines)] if where.test else lines
    if not lines_after(changes, where.after, [COMMENT, *lines], program):
        return None
    return changes.fix(f"{fix.title}, and each rank's data apart")


def generators_at(where: Apart, program: Program) -> list[tuple[str, ast.expr]]:
    """Generators of the loaders that are there by then, with what they are seeded with."""
    scope = program.scope(where.after)
    found: dict[str, ast.expr] = {}
    for call in program.calls_of("torch.utils.data.DataLoader"):
        given = argument(call, 99, "generator")
        name = given.id if isinstance(given, ast.Name) else None
        if name is None or program.scope(call) is not scope or not bound_at(name, program, where.after):
            continue
        for seed in program.method_calls("manual_seed"):
            func = seed.func
            assert isinstance(func, ast.Attribute)
            held = isinstance(func.value, ast.Name) and func.value.id == name and program.scope(seed) is scope
            made = any(b.value is seed for b in scope.bindings.get(name, ()))
            if (held or made) and len(seed.args) == 1 and not _RANK.search(program.text(seed.args[0])):
                found[name] = seed.args[0]
    return list(found.items())


def plus_rank(seed: str, expr: ast.expr, rank: str) -> str:
    """The seed of one rank as code."""
    if isinstance(expr, ast.Constant) and expr.value == 0:
        return rank
    loose = isinstance(expr, ast.BinOp) and not isinstance(expr.op, ast.Add | ast.Sub | ast.Mult)
    return f"({seed}) + {rank}" if loose or isinstance(expr, ast.IfExp | ast.BoolOp) else f"{seed} + {rank}"


def _wraps(program: Program) -> list[ast.Call]:
    """The calls that give the model to all ranks."""
    found = [call for name in WRAPPERS for call in program.calls_of(name)]
    for method in ("prepare", "setup"):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).kind in ("accelerator", "fabric"):
                found.append(call)
    return [call for call in found if program.statement(call) is not None]


def _behind_all(wraps: list[ast.Call], program: Program) -> ast.stmt | None:
    """The last statement that holds such a call, of the innermost block that holds them all."""
    stmts = [s for w in wraps if (s := program.statement(w)) is not None]
    current: ast.AST = max(stmts, key=lambda s: s.lineno)
    for block in program.index.ancestors(current):
        if all(s is current or program.index.parent.get(s) is block or program.index.inside(s, block) for s in stmts):
            bodies = [getattr(block, name, []) for name in ("body", "orelse", "finalbody")]
            if any(all(any(s is b or program.index.inside(s, b) for b in body) for s in stmts) for body in bodies):
                return current if isinstance(current, ast.stmt) else None
        if isinstance(block, ast.FunctionDef | ast.For | ast.While | ast.Try):
            return None
        current = block
    return None


def _same_there(name: ast.Name, call: ast.Call, after: ast.stmt, program: Program) -> bool:
    """Whether a variable that the seed is made of is the same one behind `after`."""
    scope = program.scope(after)
    here, there = program.names.lookup(name.id, program.scope(call)), program.names.lookup(name.id, scope)
    if here is None or there is None:
        return here is there
    if here[0] is not there[0]:
        # `args` is the same thing wherever it is handed on under its name.
        return here[1][0].kind == "param" == there[1][0].kind and name.id in ("args", "opt", "cfg", "config", "hparams")
    return here[0] is not scope or len(here[1]) == 1 or bound_at(name.id, program, after)


def _rest_is_data(after: ast.stmt, scope: Scope, program: Program) -> bool:
    """Whether no split, no other model and no seed comes between `after` and the training, and nothing was put back."""
    if any(c.lineno < after.lineno for name in _RESTORES for c in program.calls_of(name)):
        return False
    loops = [x.node for x in program.training.loops.training if x.scope is scope]
    loop = min(loops, key=lambda x: x.lineno) if loops else None
    end = loop.lineno if loop is not None else (getattr(scope.node, "end_lineno", None) or 10**9)
    if loop is not None and (loop.lineno < after.lineno or splits_after(program, after, loop)):
        return False
    if loop is None and splits_after(program, after, after):
        return False
    for component in program.training.components.of("model"):
        made = component.value.base.args
        if made is not None and program.scope(made) is scope and after.lineno < getattr(made, "lineno", 0) < end:
            return False
    return not any(
        program.scope(s.node) is scope and after.lineno < getattr(s.node, "lineno", 0) < end
        for s in program.randomness.seeds
    )


def _rank_there(program: Program, after: ast.stmt, wrap: ast.Call) -> tuple[str | None, list[Need]]:
    """What the number of the process among all of them is called behind `after`, in the names of the program."""
    func = wrap.func
    if isinstance(func, ast.Attribute) and func.attr in ("prepare", "setup"):
        kind, held = program.value(func.value, wrap).kind, dotted(func.value)
        if kind == "accelerator":
            held = accelerator_of(program, wrap) or held
            return (f"{held}.process_index" if held else None), []
        if kind == "fabric":
            return (f"{held}.global_rank" if held else None), []
    scope = program.scope(after)
    for call in program.training.distributed.inits:
        given = argument(call, 99, "rank")
        name = dotted(given) if given is not None else None
        if (
            name is not None
            and program.scope(call) is scope
            and call.lineno < after.lineno
            and _there(name, after, program)
        ):
            return name, []
    for name in _NAMES:
        if name not in program.document.source or not _there(name, after, program):
            continue
        if _is_global(name, after, program):
            return name, []
    return _asked(program, scope)


def _asked(program: Program, scope: Scope) -> tuple[str | None, list[Need]]:
    dist, needs = module_name("torch.distributed", program, scope)
    return (f"{dist}.get_rank()" if dist is not None else None), needs


def _there(name: str, after: ast.stmt, program: Program) -> bool:
    head, _, rest = name.partition(".")
    if not rest or head == program.scope(after).self_name:
        return bound_at(name, program, after)
    return bound_at(head, program, after)


def _is_global(name: str, after: ast.stmt, program: Program) -> bool:
    """Whether a variable is the rank among all processes, by what it is bound to."""
    head, _, attr = name.partition(".")
    scope = program.scope(after)
    if attr and head != scope.self_name:
        return any(
            isinstance(a, ast.Assign)
            and any(dotted(t) == name for t in a.targets)
            and _FROM.search(program.text(a.value))
            for a in program.index.assignments
        )
    if attr:
        bindings = scope.class_scope.attributes.get(attr, []) if scope.class_scope is not None else []
    else:
        found = program.names.lookup(head, scope)
        bindings = found[1] if found is not None else []
    return bool(bindings) and all(
        (b.kind == "param" and head == "rank")
        or (b.value is not None and _FROM.search(program.text(b.value)) is not None)
        for b in bindings
    )
