"""Which names statements read and bind: what the transformations need to know to keep the meaning."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Names:
    """Of some statements, in the scope that they stand in."""

    reads: set[str] = field(default_factory=set)  # nested functions' free names too
    writes: set[str] = field(default_factory=set)  # bound in this scope: assigned, imported, defined
    captured: set[str] = field(default_factory=set)  # read by a function or lambda in them
    defines: set[str] = field(default_factory=set)  # of the writes: functions, classes, imports


def names(nodes: Iterable[ast.AST]) -> Names:
    """What `nodes` read and bind."""
    found = Names()
    for node in nodes:
        _visit(node, found, frozenset())
    return found


def _visit(node: ast.AST, found: Names, hidden: frozenset[str]) -> None:
    if isinstance(node, ast.Name):
        if node.id in hidden:
            return
        (found.reads if isinstance(node.ctx, ast.Load) else found.writes).add(node.id)
        if isinstance(node.ctx, ast.Del):
            found.reads.add(node.id)
        return
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        found.reads.add(node.target.id)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        bound = {(a.asname or a.name).partition(".")[0] for a in node.names}
        found.writes |= bound
        found.defines |= bound
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        found.writes.add(node.name)
    elif isinstance(node, _SCOPES):
        free = free_names(node) - hidden
        found.reads |= free
        if not isinstance(node, ast.ClassDef):
            found.captured |= free
        if not isinstance(node, ast.Lambda):
            found.writes.add(node.name)
            found.defines.add(node.name)
        return
    elif isinstance(node, _COMPREHENSIONS):
        hidden |= {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
    for child in ast.iter_child_nodes(node):
        _visit(child, found, hidden)


def free_names(node: ast.AST) -> set[str]:
    """The names that a function, class or lambda takes from around it."""
    inner = Names()
    own: set[str] = set()
    outside: set[str] = set()
    if isinstance(node, ast.ClassDef):
        outside = names([*node.bases, *node.keywords, *node.decorator_list]).reads
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        own = {arg.arg for arg in parameters(node.args)}
        defaults = [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]
        marks = [a.annotation for a in parameters(node.args) if a.annotation is not None]
        if not isinstance(node, ast.Lambda):
            defaults += [*node.decorator_list, *([node.returns] if node.returns else [])]
        outside = names([*defaults, *marks]).reads
    body: Sequence[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body  # type: ignore[attr-defined]
    for child in body:
        _visit(child, inner, frozenset())
    return outside | (inner.reads - own - inner.writes)


def parameters(args: ast.arguments) -> list[ast.arg]:
    """All parameters, starred ones too."""
    extra = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def definite(statements: Iterable[ast.stmt]) -> set[str]:
    """Names that are certainly bound once the statements have run to their end."""
    found: set[str] = set()
    for node in statements:
        if isinstance(node, ast.Assign):
            found |= {n.id for t in node.targets for n in ast.walk(t)
                      if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
            if node.value is not None:
                found.add(node.target.id)
        elif isinstance(node, ast.With | ast.AsyncWith):
            found |= names([i.optional_vars for i in node.items if i.optional_vars]).writes | definite(node.body)
        elif isinstance(node, ast.Try):
            found |= definite(node.finalbody)
            if not node.handlers:
                found |= definite([*node.body, *node.orelse])
        elif isinstance(node, ast.If):
            both = [definite(node.body), definite(node.orelse)]
            ends = [_leaves(node.body), _leaves(node.orelse)]
            found |= both[1] if ends[0] else both[0] if ends[1] else both[0] & both[1]
        elif isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= names([node]).writes
    return found


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Nodes and what is in them, but not what is in functions, lambdas and classes defined there."""
    queue = list(nodes)
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, _SCOPES):
            queue.extend(ast.iter_child_nodes(node))


def leaves_block(nodes: Sequence[ast.stmt]) -> bool:
    """Whether a return, yield, await, or a break or continue of a loop around them stands in the statements."""
    for node in own_nodes(nodes):
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
    return any(_jumps(node) for node in nodes)


def _jumps(node: ast.stmt) -> bool:
    if isinstance(node, ast.Break | ast.Continue):
        return True
    if isinstance(node, ast.For | ast.While | ast.AsyncFor):
        return any(_jumps(child) for child in node.orelse)
    if isinstance(node, _SCOPES):
        return False
    inner = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
    inner += [s for part in ast.iter_child_nodes(node) if isinstance(part, ast.ExceptHandler | ast.match_case)
              for s in part.body]  # fmt: skip
    return any(_jumps(child) for child in inner)
