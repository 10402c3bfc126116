"""What sets a run up for several processes, what decides whether it does, and what says that there is one alone."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.events import function_of
from dry_debug.program.evidence import Step
from dry_debug.program.rank_tests import asks_for_several
from dry_debug.program.reaching import side, terminates
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import is_main_test, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_DDP = ("torch.nn.parallel.DistributedDataParallel", "apex.parallel.DistributedDataParallel")
_FSDP = ("torch.distributed.fsdp.FullyShardedDataParallel", "fairscale.nn.FullyShardedDataParallel",
         "torch.distributed.fsdp.fully_shard")  # fmt: skip
_SETS_UP = ("torch.distributed.init_process_group", "torch.distributed.distributed_c10d.init_process_group")
_SPAWNS = ("torch.multiprocessing.spawn", "torch.multiprocessing.spawn.spawn")
_LIGHTNING = ("lightning.Trainer", "lightning.Fabric", "lightning.fabric.Fabric", "lightning_fabric.Fabric")
# Several machines: one process on each of them is no single process.
_NODES = frozenset("nnodes n_nodes num_nodes node_rank NODE_RANK NNODES machine_rank num_machines".split())
MAX_DEPTH, MAX_SITES = 5, 20


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a distributed set-up; `alone` is what says of this very part that there is one process."""

    kind: Literal["ddp", "fsdp", "init", "spawn", "strategy"]
    node: ast.AST
    alone: Step | None = None


class ProcessSetup:
    """The distributed set-up that is written down in one file."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._spawned = [call for name in _SPAWNS for call in program.calls_of(name)]
        self.parts = sorted(self._parts(), key=lambda p: getattr(p.node, "lineno", 0))

    def _parts(self) -> Iterator[Part]:
        calls_of = self.program.calls_of
        for name in _DDP:
            yield from (Part("ddp", call) for call in calls_of(name))
        for name in _FSDP:
            yield from (Part("fsdp", call) for call in calls_of(name))
        for name in _SETS_UP:
            yield from (Part("init", call) for call in calls_of(name))
        yield from (Part("spawn", call) for call in self._spawned)
        for name in _LIGHTNING:
            for call in calls_of(name):
                strategy = self._strategy(call)
                if strategy is not None:
                    yield Part("strategy", strategy, self._one_device(call))

    @property
    def wrapper(self) -> Part | None:
        """What wraps a model for several processes."""
        return next((p for p in self.parts if p.kind in ("ddp", "fsdp")), None)

    def wrapped_elsewhere(self) -> Step | None:
        """The wrapper in a function of another file that this file calls or starts in new processes."""
        if not self.program.leaves_file:
            return None
        for value in self.program.training.distributed.reached_functions():
            if value.program is None:
                continue
            for name in (*_DDP, *_FSDP):
                for call in value.program.calls_of(name):
                    if value.program.scope(call) is value.scope:
                        return Step(value.program, call, "this wraps the model for several processes")
        return None

    def joined_elsewhere(self) -> list[ProcessSetup]:
        """The set-ups of other files with a function that this file calls and that makes the process group."""
        if not self.program.leaves_file:
            return []
        found: dict[int, ProcessSetup] = {}
        for value in self.program.training.distributed.reached_functions():
            owner = value.program
            if owner is not None and id(owner) not in found:
                other = ProcessSetup(owner)
                if any(p.kind == "init" and owner.scope(p.node) is value.scope for p in other.parts):
                    found[id(owner)] = other
        return list(found.values())

    def started_elsewhere(self) -> list[tuple[ProcessSetup, ast.Call]]:
        """The calls in other files that lead to a function of this set-up, or start it in new processes, each with the
        set-up of its file."""
        found: list[tuple[ProcessSetup, ast.Call]] = []
        for function in self._functions():
            found += [(ProcessSetup(other), call) for other, call in self.program.callers.of(function)]
            for other in self.program.callers.users(function.name):
                setup = ProcessSetup(other)
                found += [(setup, call) for call in setup._starts(function)]
        return found

    def _functions(self) -> list[Scope]:
        """The functions that the parts stand in."""
        scopes = (function_of(self.program.scope(part.node)) for part in self.parts)
        return list(dict.fromkeys(scope for scope in scopes if scope is not None and scope.kind == "function"))

    @property
    def counts_gpus(self) -> bool:
        """Whether it starts as many processes as it finds GPUs: then it runs on one, if with all that around it."""
        return bool(self._spawned) and "device_count" in self.program.document.source

    @property
    def offloads(self) -> bool:
        """Whether it may be there for its memory: sharding that moves parameters to the CPU helps one GPU too."""
        sharded = any(p.kind == "fsdp" for p in self.parts)
        return sharded and "offload" in self.program.document.source.lower()

    # -- Lightning ---------------------------------------------------------------------------------------------------

    def _strategy(self, call: ast.Call) -> ast.expr | None:
        """The strategy of a Lightning trainer, where it is one for several processes."""
        program = self.program
        for name in ("strategy", "accelerator", "distributed_backend"):
            expr = next((k.value for k in call.keywords if k.arg == name), None)
            if expr is None:
                continue
            value = self.program.value(expr, call)
            if value.kind == "const" and isinstance(value.const, str):
                if value.const.startswith(("ddp", "fsdp")) and value.const != "ddp_cpu":
                    return expr
                continue
            made = self._made(expr, call)
            last = (program.qualified(made) or "").rpartition(".")[2] if made is not None else ""
            offloads = made is not None and any("offload" in (k.arg or "") for k in made.keywords)
            if last in ("DDPStrategy", "FSDPStrategy", "DDPPlugin") and not offloads:
                return expr
        return None

    def _made(self, expr: ast.expr, at: ast.AST) -> ast.Call | None:
        """The call that makes an object: the expression itself, or what its name is bound to once."""
        if isinstance(expr, ast.Name):
            home = self.program.names.lookup(expr.id, self.program.scope(at))
            one = home[1][0] if home is not None and len(home[1]) == 1 else None
            return one.value if one is not None and one.kind == "assign" and isinstance(one.value, ast.Call) else None
        return expr if isinstance(expr, ast.Call) else None

    def _one_device(self, call: ast.Call) -> Step | None:
        given = {k.arg: k.value for k in call.keywords if k.arg}
        machines = given.get("num_nodes")
        if machines is not None and not self._is_one(machines, call):
            return None
        for name in ("devices", "gpus"):
            expr = given.get(name)
            if expr is None:
                continue
            listed = isinstance(expr, ast.List) and len(expr.elts) == 1 and not isinstance(expr.elts[0], ast.Starred)
            # `gpus=[3]` is one device; `[-1]` is all of them.
            if listed and isinstance(expr, ast.List) and isinstance(expr.elts[0], ast.Constant):
                return Step(self.program, expr, f"`{name}={self.program.short(expr)}`: one process is started")
            if self._is_one(expr, call):
                return Step(self.program, expr, f"`{name}` is 1: one process is started")
        return None

    # -- one process -------------------------------------------------------------------------------------------------

    def alone(self) -> Step | None:
        """What in the file says for certain that there is one process: `world_size=1`, `nprocs=1`, one device."""
        own = next((p.alone for p in self.parts if p.alone is not None), None)
        if own is not None:
            return own
        if _several_nodes(self.program):
            return None
        inits = [p.node for p in self.parts if p.kind == "init" and isinstance(p.node, ast.Call)]
        said: Step | None = None
        for call in self._spawned:
            count = argument(call, 2, "nprocs")
            if count is not None and not self._is_one(count, call):
                return None
            said = Step(self.program, count or call, "one process is started")  # the default of `nprocs` is 1
        for call in inits:
            size = argument(call, 3, "world_size")
            if size is None:
                continue
            if not self._is_one(size, call):
                return None
            said = Step(self.program, size, "the process group has one member (`world_size` is 1)")
        return said or self._environment(inits) or self._visible() or self._said_by_users(bool(inits))

    def _said_by_users(self, joins: bool) -> Step | None:
        """The environment that all files set that import this one."""
        said: Step | None = None
        for other in self.program.callers.users() if self._functions() else ():
            setup = ProcessSetup(other)
            if _several_nodes(other):
                return None
            said = (setup._set_to_one() if joins else None) or setup._visible()
            if said is None:
                return None
        return said

    def _environment(self, inits: list[ast.Call]) -> Step | None:
        """`os.environ["WORLD_SIZE"] = "1"`, which `init_process_group` reads."""
        return self._set_to_one() if inits else None

    def _set_to_one(self) -> Step | None:
        return self._set("WORLD_SIZE", lambda text: text.strip() == "1", "the process group has one member")

    def _visible(self) -> Step | None:
        """`os.environ["CUDA_VISIBLE_DEVICES"] = "0"`."""
        return self._set("CUDA_VISIBLE_DEVICES", lambda text: text.strip().isdigit(), "the run sees one GPU")

    def _set(self, name: str, is_one: Callable[[str], bool], said: str) -> Step | None:
        """The statement that always sets a variable of the environment so; None if another one sets it too."""
        if name not in self.program.document.source:
            return None
        found: list[ast.Assign] = []
        for assignment in self.program.index.assignments:
            target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
            key = target.slice if isinstance(target, ast.Subscript) else None
            if isinstance(key, ast.Constant) and key.value == name and isinstance(assignment, ast.Assign):
                found.append(assignment)
        if len(found) != 1 or self.decided_by(found[0]) is not None:
            return None
        value = self.program.value(found[0].value, found[0])
        if value.kind != "const" or not isinstance(value.const, str) or not is_one(value.const):
            return None
        return Step(self.program, found[0], f"{said} (`{name}` is {value.const!r})")

    def _is_one(self, expr: ast.expr, at: ast.AST, depth: int = 0) -> bool:
        """Whether a number is 1 and nothing at the start of the run can change it."""
        if isinstance(expr, ast.Constant):
            return expr.value == 1 and not isinstance(expr.value, bool)
        if depth > MAX_DEPTH:
            return False
        program = self.program
        parameter = self._parameter(expr, at)
        if parameter is not None:
            passed = list(self._passed(*parameter))
            return bool(passed) and all(e is not None and self._is_one(e, site, depth + 1) for e, site in passed)
        value = program.value(expr, at)
        return value.kind == "const" and value.const == 1 and not isinstance(value.const, bool)

    def _parameter(self, expr: ast.expr, at: ast.AST) -> tuple[Scope, str] | None:
        home = self.program.names.lookup(expr.id, self.program.scope(at)) if isinstance(expr, ast.Name) else None
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        return (one.scope, one.name) if one is not None and one.kind == "param" else None

    def _passed(self, function: Scope, name: str) -> Iterator[tuple[ast.expr | None, ast.Call]]:
        """What the calls of a function, and the calls that start it in new processes, give it for a parameter."""
        program = self.program
        parameters = [a.arg for a in function.parameters()]
        at = parameters.index(name) if name in parameters else -1
        default = function.default_of(name)
        for call in program.call_sites(function)[:MAX_SITES]:
            yield argument(call, at, name) or default, call
        for call in self._starts(function):
            handed = argument(call, 1, "args")
            inside = isinstance(handed, ast.Tuple) and 0 < at <= len(handed.elts)
            yield handed.elts[at - 1] if inside and isinstance(handed, ast.Tuple) else None, call

    def _starts(self, function: Scope) -> Iterator[ast.Call]:
        for call in self._spawned:
            target = argument(call, 0, "fn")
            if target is not None and self.program.value(target, call).scope is function:
                yield call

    # -- what decides ------------------------------------------------------------------------------------------------

    def decided(self) -> Step | None:
        """A test that decides whether the run is set up for several processes, or a default of one: then it works
        alone just as well."""
        for part in self.parts:
            test = self.decided_by(part.node)
            if test is not None:
                return Step(self.program, test, "this decides whether there are several processes")
        return self._default_of_one()

    def decided_by(self, node: ast.AST, depth: int = 0) -> ast.AST | None:
        """The test around `node`, or around all that leads to it, that may leave it out."""
        program = self.program
        stmt = program.statement(node) if not isinstance(node, ast.stmt) else node
        if stmt is None or depth > MAX_DEPTH:
            return None
        if not isinstance(stmt, ast.If | ast.For | ast.While | ast.FunctionDef | ast.ClassDef):
            inner = next((n for n in nodes(stmt) if isinstance(n, ast.IfExp) and _holds(n, node)), None)
            if inner is not None:
                return inner.test
        current: ast.AST = stmt
        ranks = program.training.distributed.ranks
        for block in program.index.ancestors(stmt):
            if isinstance(block, ast.If) and not self._always(block.test, block):
                return block.test
            if isinstance(block, ast.Match):
                return block.subject
            for before in getattr(block, side(block, current), None) or ():
                if before is current:
                    break
                if not isinstance(before, ast.If) or not terminates(before.body):
                    continue
                if asks_for_several(before.test) and ranks.test(before.test, before) is None:
                    return before.test
            if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                function = program.index.scopes[block]
                sites = [*program.call_sites(function)[:MAX_SITES], *self._starts(function)]
                return next((t for s in sites if (t := self.decided_by(s, depth + 1)) is not None), None)
            current = block
        return None

    def _always(self, test: ast.expr, at: ast.AST) -> bool:
        """Whether a test says nothing about the number of processes: `__name__`, a GPU is there, a constant."""
        if isinstance(test, ast.Constant):
            return True
        if is_main_test(test):
            return True
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._always(test.operand, at)
        if isinstance(test, ast.Call):
            return (dotted(test.func) or "").endswith(("cuda.is_available", "is_initialized"))
        value = self.program.value(test, at)
        return value.kind == "const" and not isinstance(test, ast.Compare)

    def _default_of_one(self) -> Step | None:
        """`os.environ.get("WORLD_SIZE", 1)`; `--world-size` with 1 as its default."""
        program = self.program
        for call in program.index.calls:
            name = (dotted(call.func) or "").rpartition(".")[2]
            if name in ("get", "getenv", "setdefault") and len(call.args) == 2:
                given = [a.value if isinstance(a, ast.Constant) else None for a in call.args]
                if given[0] == "WORLD_SIZE" and str(given[1]) == "1":
                    return Step(program, call, "the number of processes is 1 unless a launcher says otherwise")
        for node in program.index.parent:
            if isinstance(node, ast.stmt) and _asks_environment(node):
                return Step(program, node, "this asks whether a launcher has started the run")
        for part in self.parts:
            if part.kind not in ("init", "spawn") or not isinstance(part.node, ast.Call):
                continue
            places = (3, "world_size") if part.kind == "init" else (2, "nprocs")
            size = argument(part.node, int(places[0]), str(places[1]))
            if size is None or isinstance(size, ast.Constant):
                continue
            value = program.value(size, part.node)
            if value.kind != "const" and program.training.hyper.default_of(size, part.node) == 1:
                return Step(program, size, "its default is 1")
        return None


def _holds(choice: ast.IfExp, node: ast.AST) -> bool:
    return any(n is node for branch in (choice.body, choice.orelse) for n in nodes(branch))


def _asks_environment(stmt: ast.stmt) -> bool:
    """`if "WORLD_SIZE" in os.environ:`, `ddp = int(os.environ.get("RANK", -1)) != -1`."""
    expr = stmt.test if isinstance(stmt, ast.If) else stmt.value if isinstance(stmt, ast.Assign) else None
    for node in nodes(expr) if expr is not None else ():
        if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Constant):
            continue
        if node.left.value in ("WORLD_SIZE", "RANK", "LOCAL_RANK") and isinstance(node.ops[0], ast.In | ast.NotIn):
            return True
    return False


def _several_nodes(program: Program) -> bool:
    """Whether the file speaks of several machines."""
    return not _NODES.isdisjoint(program.document.identifiers) or "SLURM_" in program.document.source
