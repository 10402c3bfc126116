"""CKPT017: in a distributed run every process writes the same checkpoint file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, Need, NeedImport
from dry_debug.lint.new_lines import under
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.all_ranks import WRAPPERS, held_back, shared_by, values_of
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.links import Link
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import ChainNode, is_main_test, nodes

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_STATE = ("module", "optimizer", "ema")
# Words of a path, or of what it is made of, that may differ between processes; and of what is no file at all.
_OWN = re.compile(
    r"rank|gpu|proc|pid|host|uuid|temp|tmp|shard|worker|local|time|now|random|node|buf|bytesio|stream|run\.dir|device"
)
MAX_NAMES = 4


class AllRankCheckpoint(WholeRule):
    name = "all-rank-checkpoint"
    code = "CKPT017"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (
        ("save", "state_dict"),
        ("DistributedDataParallel", "init_process_group", "init_distributed", "FullyShardedData"),
    )
    why = (
        "Every process opens the same file and writes into it at the same time: the checkpoint may come out cut off or "
        "mixed, and a process that loads it meanwhile reads half a file."
    )
    quotes = ("CKPT-DDP-1", "CKPT-RF-S3")
    depends_on_names = True  # tests for the rank are known by what they compare, and by their words
    instead = "Write on one rank, and let the others wait at a barrier before they load."
    looks_at = "saves of models and optimizers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for site in program.training.checkpoints.saves:
            if not site.sharded and site.states(*_STATE):
                yield site.node

    def check(self, program: Program) -> Iterator[Report]:
        if program.is_test:
            program.why(None, "the file is a test")
            return
        told: set[ast.Call] = set()
        for site in program.training.checkpoints.saves:
            if site.node in told or site.sharded:
                continue
            told.add(site.node)
            report = self._judge(site, program)
            if report is not None:
                yield report

    def _judge(self, site: SaveSite, program: Program) -> Report | None:
        at, why = site.node, program.why
        states = site.states(*_STATE)
        if not states:
            return None
        if _by_library(site, program):
            why(at, "the library writes it on one rank alone")
            return None
        via_owner = site.via_owner or program
        if program.training.distributed.one_rank(at):
            why(at, "only one rank comes here")
            return None
        if site.via is not None and via_owner.training.distributed.one_rank(site.via):
            why(at, "the helper writes on one rank only: {}", Step(via_owner, site.via, ""))
            return None
        shared = shared_by(program, at)
        if shared is None:
            why(at, "nothing shows that several processes come here")
            return None
        test = held_back(program, at)
        if test is None and site.via is not None:
            test = held_back(via_owner, site.via) if via_owner is not program else held_back(program, site.via)
        if test is not None:
            why(at, "it is not known whether every rank passes {}", test)
            return None
        path = _own_path(site, program)
        if path is not None:
            why(at, "each rank may have a file of its own: {}", path)
            return None
        whole = _wrapped(states, site, program)
        name = program.short(site.path, 36) if site.path is not None else "the checkpoint"
        sure: Confidence = "high" if whole else "medium"
        said = "the model that is saved is the one that all ranks train" if whole else "the run has several processes"
        return Report(
            at=at,
            headline=f"every rank writes `{name}` at once" if site.path is not None else f"every rank writes {name}",
            confidence=sure,
            severity=None if whole else "warning",
            evidence=[Step(shared.program, shared.node, "the run is distributed")],
            links=lambda: [Link("path", "high", "no test for the rank on the way"), Link("kind", sure, said)],
            fix=lambda: _fix(site, program),
            fix_title=_title(site, program),
        )


def _by_library(site: SaveSite, program: Program) -> bool:
    """`accelerator.save(...)`, `fabric.save(...)`: one rank writes."""
    for owner, call in ((program, site.node), (site.via_owner or program, site.via)):
        func = call.func if call is not None and call in owner.index.scope_of else None
        if isinstance(func, ast.Attribute) and owner.value(func.value, call).kind in ("accelerator", "fabric"):
            return True
    return False


def _wrapped(states: list[Value], site: SaveSite, program: Program) -> bool:
    """Whether what is saved is the model inside DDP: its value says so, or `.module` is taken out of it."""
    if any(state.type in WRAPPERS or state.via in ("ddp", "fsdp") or state.wraps is not None for state in states):
        return True
    if any(isinstance(n, ast.Attribute) and n.attr == "module" for n in nodes(site.payload)):
        return True
    return bool(states) and any(
        wrapper.base.ident == state.base.ident
        for call in (c for name in WRAPPERS for c in program.calls_of(name))
        if (wrapper := program.value(call)).kind == "module" and wrapper.base.ident is not None
        for state in states
    )


def _own_path(site: SaveSite, program: Program) -> ast.expr | None:
    """What in the path of the file may differ between the ranks; None if nothing does."""
    path = site.path
    # The path may be the helper's own: then its variables are those of the helper.
    inner = site.via if site.via_owner is None or site.via_owner is program else None
    places = [stmt for c in (site.node, inner) if c is not None and (stmt := program.statement(c)) is not None]
    if path is None or not places:
        return None
    if any(program.training.distributed.ranks.own_file(path, stmt) for stmt in places):
        return path
    queue: list[tuple[ast.expr, ast.stmt, int]] = [(path, stmt, 0) for stmt in places]
    paths: dict[ast.expr, list[str]] = {}  # those in an expression, which several variables may come to
    values: dict[tuple[str, ast.stmt], list[tuple[ast.expr | None, ast.stmt]]] = {}
    while queue:
        expr, where, depth = queue.pop()
        if expr not in paths:
            paths[expr] = [p for n in nodes(expr) if isinstance(n, ChainNode) and (p := dotted(n)) is not None]
            if any(_OWN.search(one.lower()) for one in paths[expr]):
                return expr
        for one in paths[expr] if depth < MAX_NAMES else ():
            if (one, where) not in values:
                values[one, where] = values_of(program, one, where)
            queue += [(v, s, depth + 1) for v, s in values[one, where] if v is not None and v is not expr]
        if len(queue) > 60:
            return expr
    return None


# -- fix ---------------------------------------------------------------------------------------------------------------


def _title(site: SaveSite, program: Program) -> str:
    return f"Write it on one rank (`if {_test(site, program)[0][:60]}:`)"


def _fix(site: SaveSite, program: Program) -> Fix | None:
    stmt = program.statement(site.node)
    if not isinstance(stmt, ast.Expr) or stmt.value is not site.node:
        return None
    test, needs = _test(site, program)
    edits = under(program, stmt, f"if {test}:")
    return Fix(_title(site, program), "unsafe", edits, needs) if edits else None


def _test(site: SaveSite, program: Program) -> tuple[str, tuple[Need, ...]]:
    """The user's own test for the first rank where its names mean the same here, else that of `torch.distributed`."""
    here = program.scope(site.node)
    distributed = program.training.distributed
    for guard in distributed.guards:
        test = guard.test
        if isinstance(test, ast.BoolOp) or distributed.ranks.test(test, guard) is not True:
            continue
        there = program.scope(guard)
        names = [n.id for n in nodes(test) if isinstance(n, ast.Name)]
        if all(_same(name, here, there, program) for name in names):
            return program.text(test), ()
    alias = next((name for name, bindings in program.index.module.bindings.items()
                  if len(bindings) == 1 and bindings[0].module == ("torch.distributed", 0)
                  and bindings[0].kind in ("import", "from") and name != "torch"), None)  # fmt: skip
    needs: tuple[Need, ...] = ()
    if alias is None:
        alias, needs = "dist", (NeedImport("torch.distributed", alias="dist"),)
    own = f"{alias}.get_rank() == 0"
    return (own if _always(program) else f"not {alias}.is_initialized() or {own}"), needs


def _same(name: str, here: object, there: object, program: Program) -> bool:
    first, second = program.names.lookup(name, here), program.names.lookup(name, there)  # type: ignore[arg-type]
    if first is None or second is None:
        return first is second  # a builtin
    return first[1] is second[1] and (first[0].kind == "module" or here is there)


def _always(program: Program) -> bool:
    """Whether the process group is set up on every way: no `if` stands around the call or the wrapper."""
    calls = [*(c for name in WRAPPERS for c in program.calls_of(name)), *program.training.distributed.inits]
    for call in calls:
        stmt = program.statement(call)
        if stmt is None or any(
            isinstance(b, ast.If) and not is_main_test(b.test) for b in program.index.ancestors(stmt)
        ):
            return False
    return bool(calls)
