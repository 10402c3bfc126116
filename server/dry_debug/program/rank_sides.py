"""Which ranks come to a place: one alone, or the others only; and the collectives that all ranks have to come to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.evidence import Step
from dry_debug.program.rank_tests import asks_for_several
from dry_debug.program.reaching import recovers, side, terminates
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import DefinitionNode, FunctionNode, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_COLLECTIVES = (
    "barrier monitored_barrier all_reduce all_gather all_gather_object all_gather_into_tensor broadcast "
    "broadcast_object_list reduce gather gather_object scatter scatter_object_list reduce_scatter "
    "reduce_scatter_tensor all_to_all all_to_all_single new_group"
).split()
_MODULES = ("torch.distributed.", "torch.distributed.distributed_c10d.", "deepspeed.comm.")
NAMES = frozenset(f"{module}{name}" for module in _MODULES for name in _COLLECTIVES)
# All ranks gather the shards of a model there.
SHARDED = frozenset((
    "torch.distributed.fsdp.FullyShardedDataParallel.full_optim_state_dict",
    "torch.distributed.fsdp.FullyShardedDataParallel.optim_state_dict",
    "torch.distributed.checkpoint.save", "torch.distributed.checkpoint.state_dict.get_model_state_dict",
    "torch.distributed.checkpoint.state_dict.get_optimizer_state_dict",
    "torch.distributed.checkpoint.state_dict.get_state_dict",
))  # fmt: skip
_ACCELERATOR = frozenset("wait_for_everyone gather gather_for_metrics reduce pad_across_processes".split())
_INITS = ("torch.distributed.init_process_group", "deepspeed.init_distributed")
_SUBGROUP = ("group", "process_group", "no_dist")
# Words of a test that is about a part of the ranks, which may have a group of its own.
_PART = ("group", "pipeline", "stage", "pp_", "tp_", "mp_", "sp_", "cp_", "ep_", "dp_", "tensor", "model_parallel",
         "expert", "seq", "mesh", "data_parallel", "node")  # fmt: skip
MAX_DEPTH = 3


@dataclass(slots=True)
class Side:
    """A decision by the rank: `one` says that a single rank goes on, else all but that one do."""

    guard: ast.If
    one: bool
    leaves: bool  # the ranks that do not come have left the block before


def side_of(program: Program, node: ast.AST) -> Side | None:
    """The innermost decision about the rank on the way to `node` in its function; None where all ranks may come."""
    stmt = program.statement(node)
    if stmt is None:
        return None
    test = program.training.distributed.ranks.test
    current: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        here = side(block, current)
        body = getattr(block, here, [])
        for before in reversed(_before(body, current)):
            if isinstance(before, ast.If) and terminates(before.body) and not before.orelse and _plain(before.test):
                said = test(before.test, before)
                if said is not None and not _about_part(before.test):
                    return None if _made_between(program, before, stmt) else Side(before, not said, True)
        if isinstance(block, ast.If):
            said = test(block.test, block)
            if said is not None:
                if _about_part(block.test) or (here == "orelse" and not _plain(block.test)):
                    return None
                return Side(block, said == (here == "body"), False)
        if isinstance(block, DefinitionNode):
            return None
        current = block
    return None


def _made_between(program: Program, guard: ast.If, stmt: ast.stmt) -> bool:
    """Whether the process group is made behind `guard` and before `stmt`: who has left does not belong to it."""
    if not any(name.rpartition(".")[2] in program.document.source for name in _INITS):
        return False
    calls = (call for name in _INITS for call in program.calls_of(name))
    return any(guard.lineno < c.lineno < stmt.lineno and program.scope(c) is program.scope(stmt) for c in calls)


def _before(body: object, current: ast.AST) -> list[ast.stmt]:
    if not isinstance(body, list):
        return []
    return body[: next((i for i, s in enumerate(body) if s is current), 0)]


def _plain(test: ast.expr) -> bool:
    """Whether a test is about the rank and nothing else, so that its negation is, too."""
    return not (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And))


def _about_part(test: ast.expr) -> bool:
    for node in nodes(test):
        text = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if any(word in text.lower() for word in _PART):
            return True
    return False


def find_collectives(program: Program) -> Iterator[ast.Call]:
    """Every call in this file that all ranks of its group have to make (`distributed.collectives` holds them)."""
    for name, calls in program.names_called().items():
        if name in NAMES or name in SHARDED:
            yield from calls
    makes = "ccelerat" in program.document.source or program.leaves_file
    for name in _ACCELERATOR if makes else ():
        for call in program.method_calls(name):
            assert isinstance(call.func, ast.Attribute)
            if program.value(call.func.value, call).kind == "accelerator":
                yield call
    for call in program.method_calls("state_dict"):
        assert isinstance(call.func, ast.Attribute)
        if "FullyShardedDataParallel" not in program.document.source:
            break
        value = program.value(call.func.value, call)
        if value.kind == "module" and value.type == "torch.distributed.fsdp.FullyShardedDataParallel":
            yield call


def sharded_later(call: ast.Call, program: Program) -> bool:
    """Whether `call` takes the state of a model that its function, or whoever calls that, shards only behind it."""
    if program.qualified(call) not in SHARDED or not call.args or not isinstance(call.args[0], ast.Name):
        return False
    return _sharded_behind(call, call.args[0].id, program, 0)


def _sharded_behind(at: ast.Call, model: str, program: Program, depth: int) -> bool:
    scope = program.scope(at)
    lines = [other.lineno for other in scope.calls if other is not at and _shards(other, model, program, depth)]
    if lines or depth == MAX_DEPTH or all(parameter.arg != model for parameter in scope.parameters()):
        return bool(lines) and all(line > at.lineno for line in lines)
    passed = [(site, given(site, scope, model)) for site in program.call_sites(scope)]
    return bool(passed) and all(
        isinstance(expr, ast.Name) and _sharded_behind(site, expr.id, program, depth + 1) for site, expr in passed
    )


def _shards(call: ast.Call, model: str, program: Program, depth: int) -> bool:
    """Whether a call shards the model `model`, or hands it to a function of the file that does."""
    if not any(isinstance(a, ast.Name) and a.id == model for a in (*call.args, *(k.value for k in call.keywords))):
        return False
    if any(word in last_name(call.func).lower() for word in ("shard", "fsdp")):
        return True
    function = program.target(call).scope if depth < MAX_DEPTH else None
    if function is None or function not in program.index.plain_calls:
        return False
    for parameter in function.parameters():
        expr = given(call, function, parameter.arg)
        if isinstance(expr, ast.Name) and expr.id == model:
            return any(_shards(inner, parameter.arg, program, depth + 1) for inner in function.calls)
    return False


def of_subgroup(call: ast.Call) -> bool:
    """Whether a collective is, or may be, that of some ranks only."""
    if any(k.arg in _SUBGROUP and not _world(k.value) for k in call.keywords) or any(
        k.arg is None for k in call.keywords
    ):
        return True
    most = 0 if last_name(call.func) in ("barrier", "monitored_barrier") else 2
    return last_name(call.func) != "new_group" and len(call.args) > most


def _world(expr: ast.expr) -> bool:
    return (isinstance(expr, ast.Constant) and expr.value is None) or last_name(expr) == "WORLD"


def comes_to_collective(program: Program, call: ast.Call, sure: bool = True, depth: int = 0) -> Step | None:
    """A collective that the project's function which `call` calls comes to; `sure`: always, with several processes."""
    target = program.target(call)
    scope, owner = target.scope, target.program
    if target.kind != "function" or scope is None or owner is None or scope.kind != "function" or depth > MAX_DEPTH:
        return None
    if "distributed" not in owner.document.source and "accelerat" not in owner.document.source:
        return None
    for other in owner.training.distributed.collectives:
        if owner.scope(other) is scope and (not sure or (_always(owner, other) and not of_subgroup(other))):
            return Step(owner, other, "")
    for other in scope.calls:
        if owner.target(other).scope is not None and (not sure or _always(owner, other)):
            found = comes_to_collective(owner, other, sure, depth + 1)
            if found is not None:
                return found
    return None


def _always(program: Program, node: ast.AST) -> bool:
    """Whether nothing but the number of processes decides in its function whether `node` is reached."""
    stmt = program.statement(node)
    current: ast.AST | None = stmt
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, FunctionNode):
            return all(_harmless(s) for s in _before(block.body, current)) if current is not None else False
        if isinstance(block, ast.If):
            if not _asks_only_for_several(block.test) or any(_says_rank_word(n) for n in nodes(block.test)):
                return False
        elif not isinstance(block, ast.With) and not _runs_through(block, current):
            return False
        if not all(_harmless(s) for s in _before(getattr(block, side(block, current or block), []), current or block)):
            return False
        current = block
    return False


def _runs_through(block: ast.AST, current: ast.AST | None) -> bool:
    """Whether a `try` leaves the order of things as it is: what fails in it is raised again."""
    if not isinstance(block, ast.Try) or current not in (*block.body, *block.finalbody):
        return False
    return not recovers(block)


def _harmless(stmt: ast.stmt) -> bool:
    """Whether a statement before leaves its block only where there is one process, if at all."""
    if not isinstance(stmt, ast.If) or not any(isinstance(n, ast.Return | ast.Raise) for n in nodes(stmt)):
        return True
    return _asks_only_for_several(stmt.test) and not any(_says_rank_word(n) for n in nodes(stmt.test))


def _asks_only_for_several(test: ast.expr) -> bool:
    """Whether every part of a test asks for the number of processes: no parameter of the function decides, too."""
    if isinstance(test, ast.BoolOp):
        return all(_asks_only_for_several(part) for part in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _asks_only_for_several(test.operand)
    return asks_for_several(test)


def _says_rank_word(node: ast.AST) -> bool:
    text = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return "rank" in text.lower() or "main" in text.lower()
