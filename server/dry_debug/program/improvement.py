"""Tests for a better result: `if score > best: best = score`, and the branch of them that a statement stands in."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.handed_back import handed_back
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import ChainNode, DefinitionNode, nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EXTREMES = ("max", "min", "amax", "amin", "argmax", "argmin")
MAX_CALLERS = 3  # functions through which a test is handed in
_ASSIGNED = frozenset((ast.Assign, ast.AugAssign))
_HARD_ENDS = (ast.Break, ast.Return, ast.Raise)


def improving(
    program: Program, stmt: ast.stmt, until: ast.AST | None = None, callee: ast.FunctionDef | None = None
) -> ast.If | None:
    """The `if` around `stmt`, inside of `until`, whose branch with `stmt` is taken when a result is better than before.

    None where there is none, and where the branch leaves the loop: nothing happens after it. What `callee`, which is
    called in the branch, remembers counts, too.
    """
    more = _stored(callee.body) if callee is not None else set()
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if block is until or isinstance(block, DefinitionNode):
            return None
        if isinstance(block, ast.If):
            branch = block.body if inner in block.body else block.orelse
            if isinstance(branch[-1], _HARD_ENDS):
                return None
            if _better(program, block, _stored(branch) | more) or (
                until is not None and _result_of(program, until, block)
            ):
                return block
        inner = block
    return None


def in_order_test(program: Program, stmt: ast.stmt) -> bool:
    """Whether an `if` around `stmt`, in its function, puts something in order or asks a variable: a quick look."""
    known, ordering = program.flow.tested, program.index.ordering
    block = program.index.parent.get(stmt)
    passed: list[ast.AST] = []  # what holds of the block that is come to holds of all of them
    answer = False
    while block is not None:
        if block in known:
            answer = known[block]
            break
        passed.append(block)
        if isinstance(block, DefinitionNode):
            break
        if isinstance(block, ast.If) and (
            isinstance(block.test, ast.Name) or (block in ordering and _compared(program, block.test)[0])
        ):
            answer = True
            break
        block = program.index.parent.get(block)
    for one in passed:
        known[one] = answer
    return answer


def compared_around(program: Program, stmt: ast.stmt, path: str | None) -> bool:
    """Whether an `if` around `stmt`, in its function, puts the variable `path` itself in order: it is a number."""
    for block in program.index.ancestors(stmt):
        if isinstance(block, DefinitionNode):
            return False
        tests = nodes(block.test) if isinstance(block, ast.If) and block in program.index.ordering else ()
        for test in (n for n in tests if isinstance(n, ast.Compare) and isinstance(n.ops[0], _ORDER)):
            if path in map(dotted, (test.left, *test.comparators)):
                return True
    return False


def branch_of(block: ast.If, stmt: ast.AST, program: Program) -> list[ast.stmt]:
    """The branch of `block` that holds `stmt`; both where it stands in none."""
    index = program.index
    for branch in (block.body, block.orelse):
        if any(stmt is one or index.inside(stmt, one) for one in branch):
            return branch
    return [*block.body, *block.orelse]


def _better(program: Program, block: ast.If, remembered: set[str]) -> bool:
    """Whether what the tests of the chain compare is remembered in the branch that is taken."""
    one: ast.If | None = block
    while one is not None:
        compared, extreme = _compared(program, one.test)
        if extreme or compared & remembered:
            return True
        if isinstance(one.test, ast.Name) and _named_test(program, one.test, one, remembered):
            return True
        one = one.orelse[0] if len(one.orelse) == 1 and isinstance(one.orelse[0], ast.If) else None
    return False


def _result_of(program: Program, loop: ast.AST, block: ast.If) -> bool:
    """Whether the test puts in order what a round of the loop computes anew; a counter is none."""
    compared, _ = _compared(program, block.test)
    index = program.index
    inside = [s for s in index.parent if s.__class__ in _ASSIGNED and index.inside(s, loop)] if compared else []
    # `epoch = last` that ends the loop early makes no result of what is counted up with `epoch += 1`.
    compared = compared - {
        dotted(n.target) or "" for n in inside if isinstance(n, ast.AugAssign) and isinstance(n.value, ast.Constant)
    }
    found = False
    for node in inside:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and not isinstance(node.value, ast.Constant):
            name = dotted(node.targets[0])
            if name in compared and all(dotted(part) != name for part in nodes(node.value)):
                return True
        elif isinstance(node, ast.AugAssign) and not isinstance(node.value, ast.Constant):
            found = found or dotted(node.target) in compared
    return found


def _named_by_callers(program: Program, binding: Binding, remembered: set[str], depth: int) -> bool:
    """The same where the test is handed in: by what its callers call what is remembered."""
    function = binding.scope
    for site in program.call_sites(function) if depth < MAX_CALLERS else ():
        at, passed = program.statement(site), given(site, function, binding.name)
        outer = {dotted(expr) or "" for name in remembered if (expr := given(site, function, name)) is not None}
        if at is None or passed is None or not outer:
            continue
        compared, extreme = _compared(program, passed)
        if extreme or compared & outer:
            return True
        if isinstance(passed, ast.Name) and _named_test(program, passed, at, outer, depth + 1):
            return True
    return False


def _tested_inside(program: Program, binding: Binding, remembered: set[str]) -> bool:
    """Whether a function that gives the test puts what it is handed, and what is remembered here, in order."""
    call = binding.value
    back = handed_back(program, call, binding.path) if isinstance(call, ast.Call) else []
    function = program.target(call).scope if isinstance(call, ast.Call) and back else None
    if function is None or not isinstance(call, ast.Call):
        return False
    for _, expr, _ in back:
        tests = [expr]
        if isinstance(expr, ast.Name):
            tests = [b.value for b in function.bindings.get(expr.id, ()) if b.kind == "assign" and b.value is not None]
        for test in tests:
            compared, _ = _compared(program, test)
            if {dotted(e) for name in compared if (e := given(call, function, name)) is not None} & remembered:
                return True
    return False


def _named_test(program: Program, test: ast.Name, block: ast.stmt, remembered: set[str], depth: int = 0) -> bool:
    """`is_best = score > best; best = max(score, best); if is_best:`."""
    found = program.names.lookup(test.id, program.scope(block))
    for binding in found[1] if found is not None else ():
        if binding.kind == "param" and _named_by_callers(program, binding, remembered, depth):
            return True
        if binding.kind == "assign" and _tested_inside(program, binding, remembered):
            return True
        if binding.kind != "assign" or binding.value is None or binding.path:
            continue
        compared, extreme = _compared(program, binding.value)
        if extreme or compared & remembered:
            return True
        for assignment in program.index.assignments if compared else ():
            value = assignment.value
            if (
                isinstance(value, ast.Call)
                and dotted(value.func) in _EXTREMES
                and program.scope(assignment) is program.scope(block)
            ):
                targets = assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]
                if any(dotted(t) in compared for t in targets):
                    return True
    return False


def _compared(program: Program, test: ast.expr) -> tuple[set[str], bool]:
    """What a test puts in order: variables, and whether one side is the best of several (`max(scores)`)."""
    known = program.flow.compared.get(test)
    if known is None:
        known = program.flow.compared[test] = _put_in_order(test)
    return known


def _put_in_order(test: ast.expr) -> tuple[set[str], bool]:
    found: set[str] = set()
    extreme = False
    for node in nodes(test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], _ORDER):
            for side in (node.left, *node.comparators):
                for part in nodes(side):
                    held = part.value if isinstance(part, ast.Subscript) else part
                    if isinstance(held, ChainNode) and (name := dotted(held)) is not None:
                        found.add(name)
                    elif isinstance(part, ast.Call) and (dotted(part.func) or "").rpartition(".")[2] in _EXTREMES:
                        extreme = True
    return found, extreme


def _stored(branch: list[ast.stmt]) -> set[str]:
    """The variables that the statements of a branch give a new value; not those that they count on."""
    found: set[str] = set()
    for stmt in branch:
        if not isinstance(stmt, ast.Assign | ast.AnnAssign):
            continue
        for target in stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]:
            for element in target.elts if isinstance(target, ast.Tuple) else [target]:
                held = element.value if isinstance(element, ast.Subscript) else element
                if (name := dotted(held)) is not None:
                    found.add(name)
    return found
