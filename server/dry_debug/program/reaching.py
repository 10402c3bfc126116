"""Which bindings of a name can reach a use: asked on demand, from the structure of the blocks."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import Binding, Block, Scope, never_goes_on
from dry_debug.program.walks import BodyNode, LoopNode, RowNode, TryNode, WithNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_BINDINGS = 200  # of one name that are looked at, the nearest ones: more are a table, and every use asks again
_TERMINATORS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def chain(index: ScopeIndex, stmt: ast.AST) -> list[tuple[ast.AST, Block]]:
    """(statement, the block that holds it) pairs from the inside out, up to the function, class or module."""
    result: list[tuple[ast.AST, Block]] = []
    node: ast.AST | None = stmt
    while node is not None:
        parent = index.parent.get(node)
        if parent is None:
            break
        result.append((node, parent))
        if isinstance(parent, BodyNode):
            break
        node = parent
    return result


def side(parent: ast.AST, node: ast.AST) -> str:
    """Which list of `parent` holds `node`: body, orelse, handlers or finalbody."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        members = getattr(parent, name, None)
        if members and node in members:
            return name
    return "body"


def beside(block: ast.AST | None, at: ast.AST) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements before `at` in the list of `block` that holds it, and those behind it; none for a handler."""
    for name in ("body", "orelse", "finalbody"):
        stmts = getattr(block, name, None)
        if isinstance(stmts, list) and at in stmts:
            here = stmts.index(at)
            return stmts[:here], stmts[here + 1 :]
    return [], []


def terminates(block: list[ast.stmt]) -> bool:
    """Whether control never falls out of the end of `block`."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, _TERMINATORS):
        return True
    if isinstance(last, ast.If):
        return terminates(last.body) and terminates(last.orelse)
    if isinstance(last, WithNode):
        return terminates(last.body)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        func = last.value.func  # `parser.exit()`, too
        if isinstance(func, ast.Attribute) and func.attr == "exit" and isinstance(func.value, ast.Name):
            return True
    return never_goes_on(last)


def recovers(block: ast.AST) -> bool:
    """Whether a `try` goes on where its body fails: a handler that always raises again ends what runs as the error."""
    return isinstance(block, ast.Try) and not all(isinstance(h.body[-1], ast.Raise) for h in block.handlers)


def always_in(index: ScopeIndex, stmt: ast.stmt, loop: ast.AST) -> bool:
    """Whether `stmt` runs in every iteration of `loop`."""
    if not getattr(loop, "lineno", 0) <= stmt.lineno <= (getattr(loop, "end_lineno", None) or stmt.lineno):
        return False
    for block in index.ancestors(stmt):
        if block is loop:
            return True
        if not isinstance(block, ast.With | ast.AsyncWith | ast.Try):
            return False
    return False


def leads_on(index: ScopeIndex, first: ast.stmt, second: ast.stmt) -> bool:
    """Whether a way goes from a statement to one below it, without an exception and in the same round of a loop."""
    around: set[ast.AST] = {second, *index.ancestors(second)}
    at: ast.AST = first
    while (block := index.parent.get(at)) is not None and not isinstance(block, ast.ExceptHandler):
        beside = getattr(block, side(block, at), [])
        if block in around:
            return any(stmt in around for stmt in beside)
        if terminates(beside):
            return False
        at = block
    return False


def behind_name(program: Program, name: str, scope: Scope, stmt: ast.stmt | None) -> list[Binding]:
    """The bindings whose value `name` can have in `scope`, where the statement `stmt` reads it."""
    found = program.names.lookup(name, scope)
    if found is None:
        return []
    home, bindings = found
    local = scope
    while local is not home and local.kind in ("comprehension", "lambda") and local.parent is not None:
        local = local.parent
    return reaching(program.index, bindings, stmt if local is home and home.kind != "comprehension" else None)


def part_of(binding: Binding) -> ast.expr:
    """The element of a literal tuple that a binding with a value takes, else the whole."""
    value = binding.value
    assert value is not None
    for index in binding.path:
        if not isinstance(value, RowNode) or index is None or not 0 <= index < len(value.elts):
            return value
        value = value.elts[index]
    return value


def reaching(index: ScopeIndex, bindings: list[Binding], use: ast.stmt | None) -> list[Binding]:
    """Those of `bindings` (one name, one scope, in source order) whose value can be there at `use`.

    `use` is the statement that reads the name; a binding by that statement itself counts only around a loop. A use in
    another scope (`use` is None) may see any of them.
    """
    if len(bindings) > MAX_BINDINGS and use is not None:
        here = bisect_right(bindings, use.lineno, key=lambda b: b.stmt.lineno if b.stmt is not None else 0)
        bindings = bindings[max(0, here - MAX_BINDINGS // 2) : here + MAX_BINDINGS // 2]
    if len(bindings) == 1 or use is None:
        if use is None and len(bindings) > 1 and _redefined(index, bindings):
            return bindings[-1:]
        if use is None and len(bindings) > 1 and bindings[0].kind in ("import", "from"):
            bindings = _without_imports(index, bindings)
        return [b for b in bindings if b.kind != "del"] or bindings
    use_chain = chain(index, use)
    if not use_chain:
        return bindings
    blocks = {block: node for node, block in use_chain}
    use_loops = [block for _, block in use_chain if isinstance(block, LoopNode)]
    if isinstance(use, LoopNode):
        use_loops.append(use)
    before, after = _split(bindings, use)
    found, loop_killed = _backwards(index, before, blocks, use_loops, inclusive=use)
    for binding in after if use_loops else ():  # a later binding reaches an earlier use only around a loop
        around = [b for b in _loops_of(index, binding) if b in use_loops]
        if any(loop not in loop_killed for loop in around) and binding not in found:
            found.append(binding)
    return found or bindings


def _redefined(index: ScopeIndex, bindings: list[Binding]) -> bool:
    """`class Dataset(Dataset)` in the module's body, `def save()` below `save = 3`: functions find the last
    definition, unless a function binds the name anew (`global`)."""
    last = bindings[-1]
    if last.kind not in ("def", "class") or not isinstance(index.parent.get(last.node), ast.Module):
        return False
    return not any(_in_function(index, b.stmt) for b in bindings if b.kind not in ("def", "class", "import", "from"))


def _in_function(index: ScopeIndex, stmt: ast.stmt | None) -> bool:
    held = chain(index, stmt) if stmt is not None else []
    return not held or not isinstance(held[-1][1], ast.Module)


def _without_imports(index: ScopeIndex, bindings: list[Binding]) -> list[Binding]:
    """`import model`, and then in the module's body `model = model.Net()`: functions find the latter."""
    for at, binding in enumerate(bindings):
        stmt = binding.stmt
        if binding.kind == "assign" and stmt is not None and isinstance(index.parent.get(stmt), ast.Module):
            return [b for b in bindings[:at] if b.kind not in ("import", "from")] + bindings[at:]
    return bindings


def _split(bindings: list[Binding], use: ast.stmt) -> tuple[list[Binding], list[Binding]]:
    before: list[Binding] = []
    after: list[Binding] = []
    line, column = use.lineno, use.col_offset
    for b in bindings:
        at = b.stmt
        if b.kind == "param" or at is None:
            before.append(b)
        elif b.kind in ("for", "with", "except", "match"):
            inside = at is not use and at.lineno <= line and (at.end_lineno or 0) >= line
            (before if inside or (at.lineno, at.col_offset) < (line, column) else after).append(b)
        else:
            (before if (at.lineno, at.col_offset) < (line, column) else after).append(b)
    return before, after


def _loops_of(index: ScopeIndex, binding: Binding) -> Iterable[Block]:
    if binding.stmt is None:
        return []
    loops = [block for _, block in chain(index, binding.stmt) if isinstance(block, LoopNode)]
    if isinstance(binding.stmt, LoopNode) and binding.kind == "for":
        loops.append(binding.stmt)
    return loops


def _backwards(
    index: ScopeIndex,
    before: list[Binding],
    blocks: dict[Block, ast.AST],
    use_loops: list[LoopNode],
    inclusive: ast.stmt,
) -> tuple[list[Binding], set[Block]]:
    """Walk from the use towards the start: what reaches, and the loops in which a binding always runs first."""
    found: list[Binding] = []
    killed: set[Block] = set()
    covered: dict[ast.AST, set[str]] = {}
    for b in reversed(before):
        if b.kind == "param" or b.stmt is None:
            found.append(b)
            break
        relation = _relation(index, b, blocks, covered)
        if relation == "exclusive" or b.kind == "del":
            continue
        found.append(b)
        if relation == "always":
            around = _loops_of(index, b) if use_loops else []
            killed.update(loop for loop in use_loops if loop in around)
            break
    return found, killed


def _relation(index: ScopeIndex, b: Binding, blocks: dict[Block, ast.AST], covered: dict[ast.AST, set[str]]) -> str:
    """How an earlier binding stands to the use: always before it, maybe, or on another branch (exclusive)."""
    assert b.stmt is not None
    if b.kind in ("for", "with", "except") and b.stmt in blocks:
        return "always"
    node: ast.AST = b.stmt
    always = True
    if b.kind == "for" and b.stmt not in blocks:
        always = False  # the loop may not have run
    while True:
        parent = index.parent.get(node)
        if parent is None:
            return "maybe"
        if parent in blocks:
            return _in_shared(parent, node, blocks[parent], always)
        if isinstance(parent, ast.If) and always:
            sides, where = covered.setdefault(parent, set()), side(parent, node)
            sides.add(where)
            own, other = (parent.body, parent.orelse) if where == "body" else (parent.orelse, parent.body)
            always = len(sides) == 2 or terminates(other)
            if terminates(own):
                return "exclusive"  # this branch leaves before the use
        elif isinstance(parent, TryNode):
            where = side(parent, node)
            always = always and (where == "finalbody" or all(terminates(h.body) for h in parent.handlers))
        elif isinstance(parent, ast.ExceptHandler):
            if terminates(parent.body):
                return "exclusive"
            always = False
        elif isinstance(parent, WithNode):
            pass
        else:
            always = False  # loops, match
        node = parent


def _in_shared(parent: Block, node: ast.AST, use_node: ast.AST, always: bool) -> str:
    """Both stand below `parent`, in `node` and in `use_node`."""
    if node is use_node:
        return "always" if always else "maybe"
    if isinstance(parent, ast.If) and side(parent, node) != side(parent, use_node):
        return "exclusive"
    if isinstance(parent, TryNode) and side(parent, node) != side(parent, use_node):
        return "maybe"
    if isinstance(parent, ast.Match):
        return "exclusive"
    return "always" if always else "maybe"


def surely_bound(index: ScopeIndex, bindings: list[Binding], use: ast.stmt) -> bool:
    """Whether every path to `use`, in the scope of `bindings`, has bound the name."""
    blocks = {block: node for node, block in chain(index, use)}
    covered: dict[ast.AST, set[str]] = {}
    for b in reversed(_split(bindings, use)[0]):
        if b.kind == "del":
            return False
        if b.kind == "param" or b.stmt is None or _relation(index, b, blocks, covered) == "always":
            return True
    return False
