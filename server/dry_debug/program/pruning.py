"""Event trees cut down to what one automaton can notice: the cost of a walk is in the guards that it keeps apart.

Without an event that the automaton wants, and without an exit, a branch makes no difference to it; to keep its two
sides apart all the same would double the states for nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from dry_debug.program.trees import EMPTY, Alt, CallTree, Choice, Exit, Kill, Leaf, Loop, Seq, Tree, TryTree, children
from dry_debug.records import replace

_ROUNDS = 4


def prune(tree: Tree, wanted: Callable[[Leaf | CallTree], bool], asked: Callable[[CallTree], frozenset[str]]) -> Tree:
    """`tree` without what cannot matter.

    `wanted` says whether an event, or what a call leads to, does; `asked` which of the variables that are given to a
    call conditions in it read.
    """
    names: frozenset[str] = frozenset()
    result: Tree = EMPTY
    for _ in range(_ROUNDS):
        result = _pruned(tree, wanted, names)
        read = _guard_names(result, asked)
        if read == names:
            break
        names = read
    return result


def bare(tree: Tree, leads: Callable[[CallTree], bool]) -> Tree:
    """`tree` with all its events, without what matters to conditions alone. `leads`: whether a call comes to any."""
    return _pruned(tree, lambda node: isinstance(node, Leaf) or leads(node), frozenset())


def _pruned(tree: Tree, wanted: Callable[[Leaf | CallTree], bool], names: frozenset[str]) -> Tree:
    """`names` are those that a guard reads: only their assignments stay."""
    if tree.__class__ is Exit:
        return tree
    if isinstance(tree, Leaf):
        return tree if wanted(tree) else EMPTY
    if isinstance(tree, Kill):
        return tree if tree.name in names else EMPTY
    if isinstance(tree, Seq):
        items: list[Tree] = []
        for item in tree.items:
            kept = _pruned(item, wanted, names)
            if isinstance(kept, Seq):
                items.extend(kept.items)
            else:
                items.append(kept)
        return items[0] if len(items) == 1 else Seq(items) if items else EMPTY
    if isinstance(tree, Alt):
        rows: list[tuple[Alt, Tree]] = []
        other: Tree = tree
        while isinstance(other, Alt):  # a chain of `elif`s, without recursion
            rows.append((other, _pruned(other.then, wanted, names)))
            other = other.other
        rest = _pruned(other, wanted, names)
        for alt, then in reversed(rows):
            if then is not EMPTY or rest is not EMPTY:
                rest = alt if then is alt.then and rest is alt.other else Alt(alt.guard, then, rest)
        return rest
    if isinstance(tree, Loop):
        body, orelse = _pruned(tree.body, wanted, names), _pruned(tree.orelse, wanted, names)
        if not _matters(body) and not _matters(orelse) and not tree.endless:
            return EMPTY
        return Loop(body, orelse, tree.node, tree.endless, tree.kills)
    if isinstance(tree, TryTree):
        body, orelse = _pruned(tree.body, wanted, names), _pruned(tree.orelse, wanted, names)
        handlers = [_pruned(handler, wanted, names) for handler in tree.handlers]
        final = _pruned(tree.final, wanted, names)
        if body is orelse is final is EMPTY and not any(_matters(handler) for handler in handlers):
            return EMPTY
        return TryTree(body, handlers, orelse, final)
    if isinstance(tree, Choice):
        branches = [_pruned(branch, wanted, names) for branch in tree.branches]
        return Choice(branches) if any(branch is not EMPTY for branch in branches) else EMPTY
    if isinstance(tree, CallTree):
        if tree.body is None:
            return tree if wanted(tree) else EMPTY
        block = _pruned(tree.body, wanted, names)
        if not wanted(tree):
            return block
        return tree if block is tree.body else replace(tree, body=block)
    return tree


def _matters(tree: Tree) -> bool:
    """Whether there is an event or call in the tree, or a way out of the function."""
    queue = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, Seq | Alt | Loop | TryTree | Choice):
            queue.extend(children(node))
        elif not isinstance(node, Kill) and not (isinstance(node, Exit) and node.kind in ("break", "continue")):
            return True
    return False


def _guard_names(tree: Tree, asked: Callable[[CallTree], frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    queue = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, Alt):
            found |= node.guard.names
        elif isinstance(node, CallTree):
            found |= asked(node)
        queue.extend(children(node))
    return frozenset(found)
