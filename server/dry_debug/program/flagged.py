"""Which statements of a function a call can come to: those that its literal arguments do not rule out."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.reaching import beside, chain, side, terminates
from dry_debug.program.scopes import Scope, last_name

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# A test on parameters, and how it must come out.
Condition = tuple[ast.expr, bool]
_PLAIN = ("staticmethod", "classmethod")
MAX_RETURNS = 30  # a function with more is a table
MAX_TEST = 60  # nodes of a test that is looked at


def returns_of(program: Program, callee: Scope, call: ast.Call) -> list[ast.Return]:
    """Of the `return`s of `callee`, a function of `program`: those that `call` can come to, as far as tests of its
    flags tell (`def build(config, train=True)`); all where none is left."""
    if not 2 <= len(callee.returns) <= MAX_RETURNS or not isinstance(callee.node, ast.FunctionDef):
        return callee.returns
    conditions = program.flag_conditions.get(callee)
    if conditions is None:
        conditions = program.flag_conditions[callee] = _conditions(program, callee)
    if not any(conditions):
        return callee.returns
    flags = _Flags(callee, call)
    left = [
        statement for statement, tests in zip(callee.returns, conditions, strict=True)
        if all(flags.truth(test) in (None, wanted) for test, wanted in tests)
    ]  # fmt: skip
    return left or callee.returns


def rules_out(program: Program, function: Value, call: ast.Call, statement: ast.stmt) -> bool:
    """Whether `call` of `function`, one of `program`, cannot come to its `statement`, as far as tests of its flags say;
    also of those that made it (`step = make_step(train=False)`)."""
    callee = function.scope
    if callee is None or not isinstance(callee.node, ast.FunctionDef):
        return False
    tests = _tests(program, callee, statement)
    flags = _Flags(callee, call, program, function.env) if tests else None
    return flags is not None and any(flags.truth(test) is (not wanted) for test, wanted in tests)


def _conditions(program: Program, callee: Scope) -> list[list[Condition]]:
    """For each `return`, the tests of parameters around it, and those before it whose branch leaves."""
    parameters = {a.arg for a in callee.parameters() if len(callee.bindings.get(a.arg, ())) == 1}
    found = []
    for statement in callee.returns:
        tests = _tests(program, callee, statement)
        found.append([(test, wanted) for test, wanted in tests if _asks(test, parameters)])
    return found


def _tests(program: Program, callee: Scope, statement: ast.stmt) -> list[Condition]:
    """The tests around a statement, and those before it whose branch leaves."""
    tests: list[Condition] = []
    for node, block in chain(program.index, statement):
        if isinstance(block, ast.If):
            tests.append((block.test, side(block, node) == "body"))
        for before in beside(block, node)[0]:
            if isinstance(before, ast.If):
                if terminates(before.body):
                    tests.append((before.test, False))
                elif terminates(before.orelse):
                    tests.append((before.test, True))
    return tests


def _asks(test: ast.expr, parameters: set[str]) -> bool:
    """Whether a test that is not too long has one of the parameters in it."""
    seen = list(islice(ast.walk(test), MAX_TEST + 1))
    return len(seen) <= MAX_TEST and any(isinstance(n, ast.Name) and n.id in parameters for n in seen)


class _Flags:
    """The parameters that a call gives a literal, or leaves to a default that is one; those of the functions around
    the called one (of `program`) are in `env`."""

    def __init__(self, callee: Scope, call: ast.Call, program: Program | None = None, env: Env | None = None) -> None:
        self._callee = callee
        self._program = program
        self._env = env
        self._call = call
        # What `*args`, `**kwargs` and a decorator (`click.option`) give is not known, so no default is sure to hold.
        starred = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
        self._open = starred or any(last_name(d) not in _PLAIN for d in callee.decorators)

    def _known(self, expr: ast.expr) -> tuple[object] | None:
        """(the literal that an expression stands for), or None."""
        if isinstance(expr, ast.Name) and len(self._callee.bindings.get(expr.id, ())) == 1:
            passed = given(self._call, self._callee, expr.id)
            if passed is None:
                passed = self._callee.default_of(expr.id) if not self._open else None
            return (passed.value,) if isinstance(passed, ast.Constant) else None
        if isinstance(expr, ast.Name) and self._env is not None and self._program is not None:
            found = self._program.names.lookup(expr.id, self._callee)
            held = self._env.get((found[0], expr.id)) if found is not None and len(found[1]) == 1 else None
            return (held.const,) if held is not None and held.kind == "const" else None
        return (expr.value,) if isinstance(expr, ast.Constant) else None

    def truth(self, test: ast.expr) -> bool | None:
        """How a test comes out; None if that is not known."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.truth(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            deciding = isinstance(test.op, ast.Or)
            parts = [self.truth(value) for value in test.values]
            return deciding if deciding in parts else None if None in parts else not deciding
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = self._known(test.left), self._known(test.comparators[0])
            if left is None or right is None:
                return None
            if isinstance(test.ops[0], ast.Eq | ast.Is):
                return left == right
            return left != right if isinstance(test.ops[0], ast.NotEq | ast.IsNot) else None
        known = self._known(test)
        return bool(known[0]) if known is not None else None
