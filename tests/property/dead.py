"""Dead code: what never runs, or whose result nobody uses, changes nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from dry_debug.program.facts import facts
from dry_debug.program.host import NullHost
from dry_debug.program.program import Program
from dry_debug.program.walks import is_definition
from dry_debug.text.document import Document

from tests.property.extract import Block, blocks_of
from tests.property.naming import leaves_block, names
from tests.property.origins import Project, blocks, forget, header, is_import, made
from tests.property.tally import Tally, Transformation

_UNUSED_FUNCTION = """
def never_called(first, second=None):
    third = first + 1
    return third if second is None else second
"""
_UNUSED_CLASS = """
class NeverUsed:
    limit = 3

    def __init__(self, width):
        self.width = width

    def area(self):
        return self.width * self.limit
"""
_UNUSED_MODULE = """
class NeverUsed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(3, 3)

    def forward(self, x):
        return torch.softmax(self.last(x), dim=-1)
"""
_SECOND_TRAINING = """
def fit_the_other(other_net, other_batches, other_loss):
    other_net.train()
    other_opt = torch.optim.SGD(other_net.parameters(), lr=0.1)
    for other_epoch in range(5):
        for other_x, other_y in other_batches:
            other_opt.zero_grad()
            other_value = other_loss(other_net(other_x), other_y)
            other_value.backward()
            other_opt.step()
"""


def _added(text: str, where: str, needs: str = "") -> Transformation:
    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for name, tree in project.trees.items():
            if needs == "torch" and not any(_imports_torch(s) for s in tree.body):
                tally.no_place()
                continue
            if where == "training" and not _trains(tree):
                tally.skip("is no training script")
                continue
            if where == "training" and any(other.endswith(".md") for other in project.others):
                tally.skip("instructions ask for its settings, too")
                continue
            other = project.copy()
            body = other.trees[name].body
            at = len(body) if where == "end" else header(body)
            body[at:at] = made(text)
            yield name, other

    return transform


def _imports_torch(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) and any(a.name == "torch" and not a.asname for a in node.names)


def _trains(tree: ast.Module) -> bool:
    """Whether it already is a training script: to others, a training function is no dead code."""
    text = ast.unparse(tree)
    return bool(facts(Program(Document.from_text(text, "main.py"), ast.parse(text), NullHost()))["is_training_script"])


def _simple(node: ast.stmt) -> bool:
    """Whether a copy of the statement may stand where it never runs: it binds nothing that is new to its scope."""
    return not (is_definition(node) or is_import(node) or leaves_block([node])) and not isinstance(
        node, ast.Global | ast.Nonlocal
    )


def _in_blocks(change: Callable[[Block, ast.Module], bool]) -> Transformation:
    """One change in every block of functions and of the script, all at once, file by file."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for name in project.trees:
            other = project.copy()
            tree = other.trees[name]
            changed = 0
            for block in list(blocks_of(tree)):
                if change(block, tree):
                    changed += 1
                else:
                    tally.no_place()
            if changed:
                yield name, other

    return transform


def _guarded_copies(head: str, behind: bool) -> Callable[[Block, ast.Module], bool]:
    def change(block: Block, tree: ast.Module) -> bool:
        copies = forget([s for s in block.body[block.first :] if _simple(s)])
        if not copies:
            return False
        guard = made(f"{head}:\n    pass")
        guard[0].body = copies  # type: ignore[attr-defined]
        at = len(block.body) if behind and not leaves_block(block.body[-1:]) else block.first
        block.body[at:at] = guard
        return True

    return change


def _between(block: Block, tree: ast.Module) -> bool:
    """`if False:` with a copy of each statement behind it."""
    copies = [(at, forget([s])) for at, s in enumerate(block.body) if at >= block.first and _simple(s)]
    for at, copied in reversed(copies):
        if leaves_block(block.body[at : at + 1]):
            continue
        guard = made("if False:\n    pass")
        guard[0].body = copied  # type: ignore[attr-defined]
        block.body[at + 1 : at + 1] = guard
    return bool(copies)


def _aliases(block: Block, tree: ast.Module) -> bool:
    """Another name, which nobody reads, for each variable that is assigned."""
    done = False
    for at in range(len(block.body) - 1, block.first - 1, -1):
        node = block.body[at]
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            block.body[at + 1 : at + 1] = made(f"unused_{name} = {name}")
            done = True
    return done


def _plain(block: Block, tree: ast.Module) -> bool:
    for at in range(len(block.body), block.first - 1, -1):
        if at == len(block.body) and leaves_block(block.body[-1:]):
            continue
        block.body[at:at] = made(f'unused_number = {at}\n"a note that says nothing"\nassert True')
    return True


def behind_jumps(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """Copies of a block's statements behind its return, raise, break or continue."""
    for name, tree in project.trees.items():
        for number, (body, holder) in enumerate(blocks(tree)):
            if isinstance(holder, ast.ClassDef | ast.Module):
                continue
            if not isinstance(body[-1], ast.Return | ast.Raise | ast.Break | ast.Continue):
                continue
            other = project.copy()
            target, _ = list(blocks(other.trees[name]))[number]
            copies = forget([s for s in target[:-1] if _simple(s)])
            if not copies:
                tally.no_place()
                continue
            target.extend(copies)
            yield f"{name}:{body[-1].lineno}", other


def returns_added(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """`return` at the end of each function that has none there, and copies of its statements behind it."""
    for name, tree in project.trees.items():
        for number, node in enumerate(ast.walk(tree)):
            if not isinstance(node, ast.FunctionDef) or isinstance(node.body[-1], ast.Return | ast.Raise):
                continue
            other = project.copy()
            target = list(ast.walk(other.trees[name]))[number]
            assert isinstance(target, ast.FunctionDef)
            copies = forget([s for s in target.body if _simple(s)])
            if not copies:
                tally.no_place()
                continue
            target.body += [*made("return"), *copies]
            yield f"{name}:{node.name}", other


def unused_copy(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """A function that nobody calls, with the simplest of the script's statements in it: calls of what it binds."""
    for name, tree in project.trees.items():
        variables = sorted(names([s for s in tree.body if isinstance(s, ast.Assign)]).writes)
        if not variables:
            tally.no_place()
            continue
        other = project.copy()
        listed = ", ".join(variables)
        other.trees[name].body += made(f"def never_called({listed}):\n    return [{listed}]")
        yield name, other


DEAD: dict[str, Transformation] = {
    "an unused function": _added(_UNUSED_FUNCTION, "head"),
    "an unused function at the end": _added(_UNUSED_FUNCTION, "end"),
    "an unused class": _added(_UNUSED_CLASS, "head"),
    "an unused module": _added(_UNUSED_MODULE, "head", "torch"),
    "a second training function": _added(_SECOND_TRAINING, "training", "torch"),
    "unused copies of names": unused_copy,
    "if False before": _in_blocks(_guarded_copies("if False", False)),
    "if False behind": _in_blocks(_guarded_copies("if False", True)),
    "if False between": _in_blocks(_between),
    "while False before": _in_blocks(_guarded_copies("while False", False)),
    "if not True behind": _in_blocks(_guarded_copies("if not True", True)),
    "if 0 before": _in_blocks(_guarded_copies("if 0", False)),
    "aliases nobody reads": _in_blocks(_aliases),
    "unused assignments": _in_blocks(_plain),
    "behind jumps": behind_jumps,
    "behind a return": returns_added,
}
