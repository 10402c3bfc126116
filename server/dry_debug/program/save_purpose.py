"""What a save is for, as far as its path, its keys and the tests around it show: to go on from, or an export."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.afterwards import comes_after
from dry_debug.program.checkpoints import SaveSite
from dry_debug.program.evidence import Step
from dry_debug.program.resume_signs import PROGRESS
from dry_debug.program.run_parts import BEST, Part, Run
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import ChainNode, ForNode, LoopNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_GO_ON = re.compile(r"last|latest|checkpoint|ckpt|resume|current", re.IGNORECASE)


class SavePurpose:
    """Questions about the save sites of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._evaluated: dict[LoopNode, bool] = {}

    def progress(self, run: Run) -> Part | None:
        """How far the run is, if the loop counts it in a variable and neither the checkpoint nor its path holds it."""
        program, site = self.program, run.site
        part = self.reached(run)
        if part is None:
            return None
        name = part.name
        exprs: list[ast.AST] = [e.node for e in site.entries]
        if any(self.counted(other) for other in (site, *program.training.checkpoints.saves)):
            return None
        exprs.extend(self._path_parts(site))
        for expr in exprs:
            for node in nodes(expr):
                if isinstance(node, ChainNode) and PROGRESS.search(_last(node)):
                    return None
                if isinstance(node, ast.Name) and node.id == name:
                    return None
        return part

    def reached(self, run: Run) -> Part | None:
        """How far the run is, if the loop counts it in a variable."""
        program, site, loop = self.program, run.site, run.loop
        name = self._counter(loop)
        if name is None:
            return None
        local = self.program.names.lookup(name.partition(".")[0], program.scope(site.node))
        home = self.program.names.lookup(name.partition(".")[0], program.scope(loop))
        visible = site.owner is program and local is not None and home is not None and local[0] is home[0]
        return Part("epoch", name, visible, "high", None, None, Step(program, loop, "it is counted here"))

    def _counter(self, loop: LoopNode) -> str | None:
        for candidate in (loop, *self.program.index.ancestors(loop)):
            if not isinstance(candidate, ast.For):
                continue
            target, over = candidate.target, self._gone_through(candidate)
            numbered = isinstance(over, ast.Call) and self.program.qualified(over) == "builtins.enumerate"
            while isinstance(over, ast.Call) and over.args and isinstance(over.args[0], ast.Call):
                over = over.args[0]
            if numbered and isinstance(target, ast.Tuple) and len(target.elts) == 2:
                target = target.elts[1]  # `for i, epoch in enumerate(range(1, n))`
            name = (self.program.qualified(over) or "").rpartition(".")[2] if isinstance(over, ast.Call) else ""
            if name in ("range", "trange", "count") and isinstance(target, ast.Name) and target.id != "_":
                return target.id
        return None

    def _gone_through(self, loop: ast.For) -> ast.expr:
        """What a loop goes through; of a variable, what it is bound to: `with tqdm(range(n)) as epochs:`."""
        if not isinstance(loop.iter, ast.Name):
            return loop.iter
        found = self.program.names.lookup(loop.iter.id, self.program.scope(loop))
        one = found[1][0] if found is not None and len(found[1]) == 1 else None
        known = one is not None and one.kind in ("with", "assign") and not one.path
        return one.value if known and one is not None and one.value is not None else loop.iter

    def _path_parts(self, site: SaveSite) -> Iterator[ast.AST]:
        if site.path is None:
            return
        yield site.path
        owner = self.program
        for node in nodes(site.path):
            if isinstance(node, ast.Name):
                for scope in (owner.scope(site.node), site.owner.scope(site.via) if site.via is not None else None):
                    found = owner.names.lookup(node.id, scope) if scope is not None else None
                    for binding in found[1] if found else ():
                        if binding.value is not None:
                            yield binding.value

    def counted(self, site: SaveSite) -> bool:
        """Whether the checkpoint says how far the run is."""
        return any(e.key is not None and PROGRESS.search(e.key) for e in site.entries)

    def series(self, site: SaveSite) -> bool:
        """Whether every save has a path of its own: snapshots of the course, not the place to go on from."""
        program = self.program
        stmt = program.statement(site.node)
        targets = {
            n.id
            for block in (program.index.ancestors(stmt) if stmt is not None else ())
            if isinstance(block, ForNode)
            for n in nodes(block.target)
            if isinstance(n, ast.Name)
        }
        for part in self._path_parts(site):
            for node in nodes(part):
                if isinstance(node, ast.Name) and node.id in targets:
                    return True
                if isinstance(node, ChainNode) and PROGRESS.search(_last(node)):
                    return True
        return False

    def evaluated(self, loop: LoopNode) -> bool:
        """Whether the program itself takes a bare state dict back when the loop is over: to evaluate what it kept."""
        known = self._evaluated.get(loop)
        if known is None:
            plain = [load.node for load in self.program.training.checkpoints.loads if load.plain]
            known = self._evaluated[loop] = bool(plain) and comes_after(self.program, loop, plain)
        return known

    def to_go_on(self, site: SaveSite) -> bool:
        """Whether the path says that the file is there to go on from: last, latest, checkpoint."""
        return any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and _GO_ON.search(node.value)
            for part in self._path_parts(site)
            for node in nodes(part)
        )

    def best(self, run: Run) -> Part | None:
        """The best result so far, where it decides what is saved and a resumed run would not know it."""
        return next(self.bests(run), None)

    def bests(self, run: Run) -> Iterator[Part | None]:
        """Each best result that decides what is saved; None for one that a resumed run knows, or the save does not."""
        program, site = self.program, run.site
        sites = program.training.checkpoints.saves
        saving = [program.statement(n) for s in sites for n in (s.node, s.via) if n is not None]
        for stmt, name, spelled in self.metric_guards(run.loop):
            if not any(any(b is stmt for b in program.index.ancestors(s)) for s in saving if s is not None):
                continue
            held = any(
                (e.key is not None and BEST.search(e.key)) or {name, spelled}.intersection(_names(e.node))
                for s in program.training.checkpoints.saves for e in s.entries
            )  # fmt: skip
            local = program.scope(site.node) is program.scope(stmt)
            if held or not (local or self._visible_path(name, site.node, run.loop)):
                yield None
            else:
                yield Part("best", spelled if local else name, site.owner is program, "high", None, None,
                           Step(program, stmt, "it decides what is kept"))  # fmt: skip

    def _visible_path(self, path: str, at: ast.AST, loop: LoopNode) -> bool:
        scope, other = self.program.scope(at), self.program.scope(loop)
        head = path.partition(".")[0]
        if head == scope.self_name and head == other.self_name:
            return scope.class_scope is other.class_scope
        here, there = self.program.names.lookup(head, scope), self.program.names.lookup(head, other)
        return here is not None and there is not None and here[0] is there[0]

    def metric_guards(self, loop: LoopNode) -> Iterator[tuple[ast.If, str, str]]:
        """`if score > best: best = score` in the loop, or in a function of this file that it calls.

        (the statement, the variable that remembers the best as the loop knows it, as the statement spells it)
        """
        program = self.program
        called: dict[Scope, ast.Call] | None = None
        for stmt, name in self._remembering:
            if program.index.inside(stmt, loop):
                yield stmt, name, name
                continue
            called = self._called_in(loop) if called is None else called
            scope = program.scope(stmt)
            site = called.get(scope)
            if site is None:
                continue
            if "." in name and name.partition(".")[0] == scope.self_name:
                yield stmt, name, name
                continue
            outside = next(
                (e for _, e, _, at in program.arguments_of(scope, name) if at is program.statement(site)), None
            )
            path = dotted(outside) if outside is not None else None
            if path is not None:
                yield stmt, path, name

    @cached_property
    def _remembering(self) -> list[tuple[ast.If, str]]:
        """Every `if score > best: best = score` of the file, with the variable that remembers."""
        return [
            (stmt, name)
            for stmt in self.program.index.parent
            if isinstance(stmt, ast.If) and (name := remembered(stmt)) is not None
        ]

    def _called_in(self, loop: LoopNode) -> dict[Scope, ast.Call]:
        """The functions of this file that the loop calls, each with its first call there."""
        program = self.program
        called: dict[Scope, ast.Call] = {}
        for call in program.index.calls:
            target = program.target(call) if program.index.inside(program.statement(call) or call, loop) else None
            if target is not None and target.kind == "function" and target.program is program and target.scope:
                called.setdefault(target.scope, call)
        return called

    def keeps_best(self, site: SaveSite, loop: LoopNode) -> bool:
        """Whether the site is reached only when a metric improved, or writes what is called the best."""
        program = self.program
        way = [(program, site.node), *site.through]
        if site.via is not None and site.via_owner is program:
            way.append((program, site.via))
        for owner, node in way:
            stmt = owner.statement(node)
            for block in owner.index.ancestors(stmt) if stmt is not None else ():
                if block is loop:
                    break
                if isinstance(block, ast.If) and (remembered(block) is not None or _says_best(block.test)):
                    return True
        return any(_says_best(part) for part in self._path_parts(site))

    def last_act(self, site: SaveSite, loop: LoopNode) -> bool:
        """Whether the loop is left after the save, or the save is for one chosen epoch: an export of the result."""
        stmt = self.program.statement(site.node)
        for block in self.program.index.ancestors(stmt) if stmt is not None else ():
            if block is loop:
                return False
            if isinstance(block, ast.If):
                if isinstance(block.body[-1], ast.Break | ast.Return) and stmt in block.body:
                    return True
                if self._one_epoch(block.test, loop):
                    return True
            if isinstance(block, ast.ExceptHandler):
                return True  # an emergency exit
        return False

    def _one_epoch(self, test: ast.expr, loop: LoopNode) -> bool:
        """`epoch == epochs - 1`."""
        if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
            return False
        if any(isinstance(n, ast.Mod) for n in nodes(test)) or any("rank" in name.lower() for name in _names(test)):
            return False
        counter = self._counter(loop)
        return counter is not None and counter in _names(test)


def remembered(stmt: ast.If) -> str | None:
    """The variable that keeps the best result: compared in the test and set in the body."""
    bound = [
        name
        for inner in stmt.body
        if isinstance(inner, ast.Assign)
        for target in inner.targets
        for element in (target.elts if isinstance(target, ast.Tuple) else (target,))
        if (name := dotted(element)) is not None
    ]
    if not bound:
        return None
    compared: set[str | None] = set()
    for node in nodes(stmt.test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            compared.update(dotted(side) for side in (node.left, *node.comparators))
    return next((name for name in bound if name in compared), None)


def _says_best(expr: ast.AST) -> bool:
    for node in nodes(expr):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "best" in node.value.lower():
            return True
        if isinstance(node, ChainNode) and "best" in (dotted(node) or "").lower():
            return True
    return False


def _last(node: ast.AST) -> str:
    return (dotted(node) or "").rpartition(".")[2]


def _names(expr: ast.AST) -> set[str]:
    found = [n for n in nodes(expr) if isinstance(n, ChainNode)]
    return {n.id if isinstance(n, ast.Name) else n.attr for n in found}
