"""Whether a test holds on one rank alone: by what it compares, what its variables are bound to, the helper it calls."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.values import Value
from dry_debug.program.walks import ChainNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_MAIN_WORDS = (
    "is_main_process", "is_master", "is_master_node", "is_main_node", "is_rank_zero", "is_local_main_process",
    "is_global_zero", "is_world_process_zero", "is_local_process_zero", "master_process", "main_process", "is_primary",
    "is_main", "is_first_rank", "is_rank0", "is_rank_0", "is_root", "is_chief", "rank_zero", "args.should_save",
)  # fmt: skip
_MAIN_DECORATORS = (*_MAIN_WORDS, "rank_zero_only", "rank0_only", "master_only", "main_only", "on_main_process",
                    "on_rank_zero", "main_process_only", "on_local_main_process", "on_last_process")  # fmt: skip
_RANK_NAMES = frozenset(("gpu", "gpu_id", "process_index", "proc_id", "process_id"))
_FEWEST_GPUS = 4  # of a node, as a literal
_OF_A_MATRIX = re.compile("lora|low_rank|adapter|peft")  # whose rank is that of a matrix
_RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "SLURM_LOCALID", "OMPI_COMM_WORLD_RANK",
                   "GLOBAL_RANK", "NODE_RANK")  # fmt: skip
_RANK_WORDS = ("rank", "gpu", "proc", "localid")  # one of them is in all of these names
# Words of a test that asks whether there are several processes at all.
_SEVERAL = ("dist", "ddp", "world_size", "worldsize", "n_gpu", "ngpu", "num_gpu", "parallel", "multi", "fsdp", "rank",
            "initialized", "is_available", "single", "nprocs", "num_process")  # fmt: skip
MAX_DEPTH = 8
_MOST_NAMES = 5  # variables, one in another, through which the path of a file is followed
_MOST_PARTS = 40  # expressions that are looked at for it


def only_main(decorator: ast.expr) -> bool:
    """Whether a decorator, by its name, lets a function run on one rank alone."""
    name = (dotted(decorator) or "").rpartition(".")[2]
    return any(word in name for word in _MAIN_DECORATORS)


# What belongs to a rank is not its number: `samples_per_rank`, `tasks_for_this_rank`.
_SHARES = ("per_rank", "each_rank", "for_this_rank", "of_this_rank", "on_this_rank", "for_rank", "of_rank", "by_rank")
# What stands right before `rank` in the name of the number of a process; `pagerank` and `rerank` are none.
_OF_A_PROCESS = ("", "local", "global", "node", "world", "my", "dist", "ddp", "mpi", "get", "gpu")
# Options about the ranks, or about another order: `negative_all_rank`, `full_rank`, `src_rank`.
_OF_SEVERAL = ("all_", "every_", "any_", "each_", "across_", "full_", "top_", "max_", "src_", "dst_", "source_",
               "target_", "mean_", "average_", "num_")  # fmt: skip


class RankTests:
    """What the tests of one program say of the rank; `started` holds the nodes of functions that new processes run."""

    def __init__(self, program: Program, started: frozenset[int] = frozenset()) -> None:
        self.program = program
        self._started = started
        self._functions: dict[Scope, bool | None] = {}
        self._tests: dict[tuple[ast.expr, ast.AST], bool | None] = {}  # each arm of a chain asks for all above

    @cached_property
    def _speaks_of_ranks(self) -> bool:
        """Whether an expression of this file can be the number of the process: most programs have one."""
        source = self.program.document.source.lower()
        return bool(self._started) or any(word in source for word in _RANK_WORDS)

    def test(self, test: ast.expr, at: ast.AST) -> bool | None:
        """True if `test`, in the statement `at`, holds on one rank only, False if on the others only, else None."""
        if (test, at) not in self._tests:
            self._tests[test, at] = self._test(test, at, 0)
        return self._tests[test, at]

    def _test(self, test: ast.expr, at: ast.AST, depth: int) -> bool | None:
        if depth > MAX_DEPTH:
            return None
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            if self._is_rank(test.operand, at, depth, True):
                return True  # `if not rank:`
            inner = self._test(test.operand, at, depth + 1)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            return self._combined(test, at, depth)
        if isinstance(test, ast.Compare):
            return self._compared(test, at, depth) if len(test.ops) == 1 else None
        if isinstance(test, ast.Call):
            return self._called(test, at, depth)
        if isinstance(test, ChainNode):
            text = _text(test)
            bound = self._bound(test, at)
            # `show = verbose and rank == 0` is about more than the rank.
            if bound is not None and not (isinstance(bound[0], ast.BoolOp) and isinstance(bound[0].op, ast.And)):
                found = self._test(bound[0], bound[1], depth + 1)
                if found is not None:
                    return found
            if text.endswith(_MAIN_WORDS):
                return True
            return False if self._is_rank(test, at, depth, True) else None  # `if rank:`
        return None

    def _combined(self, test: ast.BoolOp, at: ast.AST, depth: int) -> bool | None:
        parts = [(self._test(v, at, depth + 1), v) for v in test.values[:8]]
        known = [found for found, _ in parts if found is not None]
        if not known:
            return None
        if isinstance(test.op, ast.And):
            return known[0]
        # `not distributed or rank == 0`: without several processes there is one rank.
        others = [v for found, v in parts if found is None]
        return known[0] if len(set(known)) == 1 and all(asks_for_several(v) for v in others) else None

    def _compared(self, test: ast.Compare, at: ast.AST, depth: int) -> bool | None:
        left, op, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(left, ast.Constant):
            left, right = right, left
            op = {ast.Lt: ast.Gt(), ast.Gt: ast.Lt(), ast.LtE: ast.GtE(), ast.GtE: ast.LtE()}.get(type(op), op)
        if not self._is_rank(left, at, depth):
            if not (isinstance(right, ast.Constant) and isinstance(right.value, bool)):
                return None
            truth = self._test(left, at, depth + 1)
            same = isinstance(op, ast.Is | ast.Eq) == right.value  # `is_main() is True`
            return truth if same or truth is None else not truth
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.List | ast.Tuple | ast.Set):
            values = [_number(e) for e in right.elts]
            if 0 not in values or any(v not in (-1, 0) for v in values):
                return None
            return isinstance(op, ast.In)
        value = _number(right)
        if isinstance(op, ast.Eq | ast.NotEq):
            last = isinstance(right, ast.BinOp) and isinstance(right.op, ast.Sub) and _number(right.right) == 1
            if value != 0 and not last:  # -1 stands for "no other processes"
                return None
            return isinstance(op, ast.Eq)
        if (type(op), value) in ((ast.LtE, 0), (ast.Lt, 1)):
            return True
        return False if (type(op), value) in ((ast.Gt, 0), (ast.GtE, 1)) else None

    def _called(self, call: ast.Call, at: ast.AST, depth: int) -> bool | None:
        """`is_main_process()`: by what the function returns, else by its name."""
        text = _text(call)
        if _last_of(text) in ("bool", "int") and call.args:
            return self._test(call.args[0], at, depth + 1)
        target = self.program.target(call) if call in self.program.index.scope_of else None
        if target is not None and target.kind == "function" and target.scope is not None and target.program is not None:
            found = target.program.training.distributed.ranks._returns(target, depth)
            if found is not None:
                return found
        return True if text.endswith(_MAIN_WORDS) else None

    def _returns(self, function: Value, depth: int) -> bool | None:
        """What it says of the rank when the function gives something true."""
        scope = function.scope
        if scope is None or scope.loops or len(scope.returns) > 4 or len(scope.calls) > 8:
            return None
        if scope not in self._functions:
            self._functions[scope] = None  # a function that calls itself
            found = {self._test(r.value, r, depth + 1) for r in scope.returns
                     if r.value is not None and not isinstance(r.value, ast.Constant)}  # fmt: skip
            self._functions[scope] = found.pop() if len(found) == 1 else None
        return self._functions[scope]

    def own_file(self, path: ast.expr, at: ast.stmt) -> bool:
        """Whether the path of a file, read in the statement `at`, names the rank: each process has one of its own."""
        queue: list[tuple[ast.expr, ast.stmt, int]] = [(path, at, 0)] if self._speaks_of_ranks else []
        looked = 0
        while queue and looked < _MOST_PARTS:
            expr, where, depth = queue.pop()
            looked += 1
            ranks = False
            names: list[ast.Name] = []
            calls: list[ast.Call] = []
            for node in nodes(expr):
                if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
                    ranks = ranks or self._is_rank(node, where, 0)
                if isinstance(node, ast.Name):
                    names.append(node)
                elif isinstance(node, ast.Call) and node in self.program.index.scope_of:
                    calls.append(node)
            if ranks:
                return True
            if depth >= _MOST_NAMES:
                continue
            for call in calls:  # of a function of this file that puts the path together
                target = self.program.target(call)
                if target.kind == "function" and target.program is self.program and target.scope is not None:
                    queue.extend((r.value, r, depth + 1) for r in target.scope.returns if r.value is not None)
            for name in names:
                found = self.program.names.lookup(name.id, self.program.scope(where))
                here = found is not None and found[0] is self.program.scope(where)
                bindings = reaching(self.program.index, found[1], where if here else None) if found is not None else []
                if len(bindings) == 1 and bindings[0].kind == "param" and found is not None:
                    given = self.program.arguments_of(found[0], name.id)
                    queue.extend((e, stmt, depth + 1) for _, e, _, stmt in given if stmt is not None)
                elif len(bindings) == 1 and bindings[0].kind == "assign" and not bindings[0].path:
                    value, made = bindings[0].value, bindings[0].stmt
                    if value is not None and made is not None:
                        queue.append((value, made, depth + 1))
        return False

    # -- what is a rank ------------------------------------------------------------------------------------------------

    def _is_rank(self, expr: ast.expr, at: ast.AST, depth: int, by_word: bool = False) -> bool:
        """Whether an expression is the number of the process; `by_word`: only what is called a rank."""
        if depth > MAX_DEPTH or not self._speaks_of_ranks:
            return False
        if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Mod):  # `rank % gpus_of_a_node`
            few = _number(expr.right)
            if few is not None and few < _FEWEST_GPUS:
                return False  # every second or third rank
            return self._is_rank(expr.left, at, depth + 1)
        if isinstance(expr, ast.Call):
            name = _last_of(_text(expr))
            if name in ("int", "str") and expr.args:
                return self._is_rank(expr.args[0], at, depth + 1)
            if name in ("get", "getenv") and expr.args:
                return _variable(expr.args[0])
            return _says_rank(name)
        if isinstance(expr, ast.Subscript):
            return _variable(expr.slice)
        if not isinstance(expr, ChainNode):
            return False
        text = _text(expr)
        if _OF_A_MATRIX.search(text) is not None:
            return False  # neither it nor what it is bound to: `self.lora_rank = config.lora.rank`
        name = _last_of(text)
        if _says_rank(name) or (name in _RANK_NAMES and not by_word):
            return True
        if by_word:
            return False
        bound = self._bound(expr, at)
        if bound is not None and isinstance(bound[0], ast.Call | ast.Subscript | ast.Name | ast.Attribute):
            return self._is_rank(bound[0], bound[1], depth + 1)
        return isinstance(expr, ast.Name) and self._is_index_of_process(expr.id, at)

    def _is_index_of_process(self, name: str, at: ast.AST) -> bool:
        """Whether it is the first parameter of a function that `mp.spawn` runs."""
        found = self.program.names.lookup(name, self.program.scope(at))
        if found is None or found[1][0].kind != "param" or id(found[0].node) not in self._started:
            return False
        parameters = found[0].parameters()
        return bool(parameters) and parameters[0].arg == name

    def _bound(self, expr: ast.expr, at: ast.AST) -> tuple[ast.expr, ast.AST] | None:
        """The one expression that a variable or an attribute of `self` is assigned, and its statement."""
        scope = self.program.scope(at)
        if isinstance(expr, ast.Name):
            found = self.program.names.lookup(expr.id, scope)
            bindings = found[1] if found is not None else []
        elif isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name) and expr.value.id == scope.self_name:
            cls = scope.class_scope
            bindings = cls.attributes.get(expr.attr, []) if cls is not None else []
        else:
            return None
        one = bindings[0] if len(bindings) == 1 else None
        if one is None or one.kind not in ("assign", "walrus") or one.path or one.value is None or one.stmt is None:
            return None
        return one.value, one.stmt


def _says_rank(name: str) -> bool:
    """`rank`, `local_rank`, `get_rank`, `rank_id`; not `lora_rank`, `ranking`, `rerank` or `tasks_of_this_rank`."""
    if "rank" not in name or _OF_A_MATRIX.search(name) is not None or name.endswith(_SHARES):
        return False
    if name in ("rank_id", "rank_idx", "rank0"):
        return True
    before, found, after = name.rpartition("rank")
    return (
        found != "" and after == "" and before.rpartition("_")[2] in _OF_A_PROCESS and not before.endswith(_OF_SEVERAL)
    )


def _variable(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value in _RANK_VARIABLES


def _number(expr: ast.expr) -> int | None:
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        inner = _number(expr.operand)
        return -inner if inner is not None else None
    value = expr.value if isinstance(expr, ast.Constant) else None
    if isinstance(value, str) and value in ("0", "-1"):  # of an environment variable
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def asks_for_several(expr: ast.expr) -> bool:
    """`not args.distributed`, `world_size == 1`: by the words in it."""
    words = [n.id if isinstance(n, ast.Name) else n.attr if isinstance(n, ast.Attribute) else ""
             for n in ast.walk(expr)]  # fmt: skip
    return any(mark in word.lower() for word in words for mark in _SEVERAL)


def _text(expr: ast.expr) -> str:
    if isinstance(expr, ast.Call):
        return (dotted(expr.func) or "").lower()
    return (dotted(expr) or "").lower()


def _last_of(text: str) -> str:
    return text.rpartition(".")[2]
