"""Conditions that decide which way a path goes, in a form in which two of them can be recognised as the same."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from dry_debug.once import cached_property
from dry_debug.program.scopes import Scope, dotted, last_name
from dry_debug.program.shape import shape
from dry_debug.program.walks import ChainNode, is_main_test, nodes
from dry_debug.records import dataclass, field, replace


class Test:
    """What a condition asks; equal for equal conditions.

    `owner` is whose variables it reads, `names` the variables. `subject == value` tests have both set: two of them with
    one subject and different values cannot both hold. Few conditions are ever compared with another one, so most are
    never spelled out.
    """

    def __init__(self, expr: ast.expr, scope: Scope, reads: list[ast.AST], names: frozenset[str]) -> None:
        self.expr = expr
        self.scope = scope
        self.names = names
        self._reads = reads  # the nodes of the expression

    @cached_property
    def owner(self) -> object:
        return _owner(self._reads, self.scope)

    @cached_property
    def text(self) -> str:
        return shape(self.expr)

    @cached_property
    def subject(self) -> str | None:
        return shape(self.expr.left) if isinstance(self.expr, ast.Compare) and _is_one_of_values(self.expr) else None

    @cached_property
    def value(self) -> str | None:
        return shape(self.expr.comparators[0]) if isinstance(self.expr, ast.Compare) and self.subject else None

    @cached_property
    def _digest(self) -> int:
        return hash((self.owner, self.text))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Test) and self.text == other.text and self.owner == other.owner

    def __hash__(self) -> int:
        return self._digest  # kept: a walk asks for it at every branch


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of the program.

    `test` is None for a condition that may answer differently each time. `negated` says that the condition is the
    opposite of the test. `counter` is the variable whose remainder it tests (`i` in `i % 4 == 0`), `constant` its value
    if that is fixed. `parts` all hold when the test does (`conjunction`: `a and b`), or are all false when it is false
    (`a or b`). `scope` and `variable` are set where a bare variable is tested for truth or for a
    literal value (`literal`).
    """

    test: Test | None
    negated: bool
    counter: str | None = None
    constant: bool | None = None
    parts: tuple[Guard, ...] = ()
    conjunction: bool = False
    scope: Scope | None = None
    variable: str | None = None
    literal: object = None
    compares: bool = False  # with `literal`; else for truth
    expr: ast.expr | None = field(default=None, repr=False, compare=False)  # the test, without its negation

    @property
    def names(self) -> frozenset[str]:
        return self.test.names if self.test is not None else frozenset()

    def opposite(self) -> Guard:
        """The guard of `not` the condition."""
        constant = None if self.constant is None else not self.constant
        return replace(self, negated=not self.negated, constant=constant)


# Calls that answer the same each time they are asked, for the time of a training step.
_STEADY = frozenset(
    "len isinstance hasattr getattr is_initialized get_rank get_world_size is_available is_main_process bool any all "
    "is_dist_avail_and_initialized is_master is_rank_zero is_enabled".split()
)
_VALUES = ast.Constant | ast.Attribute
_NEGATIONS = (ast.NotEq, ast.IsNot, ast.NotIn)
_OPPOSITE = {ast.NotEq: ast.Eq, ast.IsNot: ast.Is, ast.NotIn: ast.In, ast.GtE: ast.Lt, ast.LtE: ast.Gt}


def guard_of(test: ast.expr, scope: Scope, depth: int = 0) -> Guard:
    """The guard of an `if` test in `scope`."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negated = not negated
        test = test.operand
    if isinstance(test, ast.Constant):
        return Guard(None, negated, constant=bool(test.value) is not negated)
    decided = _decided(test)
    if decided is not None:
        return Guard(None, negated, constant=decided is not negated)
    if is_main_test(test):
        return Guard(None, negated, constant=not negated)
    if isinstance(test, ast.BoolOp) and all(_is_negation(value) for value in test.values):
        negated = not negated  # `not a and not b` is the opposite of `a or b`
        turned = ast.Or() if isinstance(test.op, ast.And) else ast.And()
        test = ast.BoolOp(turned, [_affirmed(value) for value in test.values])
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPPOSITE:
        negated = not negated
        test = ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and _is_none_or_bool(test):
        # `if scaler is None` is the opposite of `if scaler` for everything that these guards are about, and
        # `flag is True` is `flag`.
        value = test.comparators[0].value  # type: ignore[attr-defined]
        test, negated = test.left, negated is not (value in (None, False))
    inner = list(nodes(test))
    names, counter, steady = _reads(inner)
    if not steady:
        return Guard(None, negated, counter=counter)
    parts: tuple[Guard, ...] = ()
    if isinstance(test, ast.BoolOp) and depth < 3:
        parts = tuple(guard_of(value, scope, depth + 1) for value in test.values[:6])
        if any(part.constant is not None for part in parts):
            rest = _undecided(test, parts)
            if isinstance(rest, bool):
                return Guard(None, negated, constant=rest is not negated)
            found = guard_of(rest, scope, depth + 1)
            return found.opposite() if negated else found
    variable = None
    literal: object = None
    compares = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
    if compares:
        assert isinstance(test, ast.Compare)
        right = test.comparators[0]
        if isinstance(test.left, ast.Name) and isinstance(right, ast.Constant):
            variable, literal = test.left.id, right.value
    elif isinstance(test, ast.Name):
        variable = test.id
    key = Test(test, scope, inner, names)
    conjunction = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And)
    return Guard(key, negated, counter, None, parts, conjunction, scope, variable, literal, compares, test)


def _is_one_of_values(test: ast.Compare) -> bool:
    """`x == 3`, `x == Mode.TRAIN`"""
    return len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq) and isinstance(test.comparators[0], _VALUES)


def home_of(name: str, scope: Scope | None) -> Scope | None:
    """The scope whose variable `name` is where it is read in `scope`; None: nobody's here, a builtin."""
    first = True
    while scope is not None and (name not in scope.bindings or (scope.kind == "class" and not first)):
        scope, first = scope.parent, False
    return scope


def _is_negation(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not)
    return isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _NEGATIONS)


def _affirmed(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp):
        return test.operand
    assert isinstance(test, ast.Compare)
    return ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)


def paths_in(test: ast.expr) -> frozenset[str]:
    """The variables and attribute paths that an expression reads."""
    return _reads(nodes(test))[0]


def given_names(call: ast.Call) -> set[str]:
    """The variables and paths that are given as arguments, the object of the method included."""
    found: set[str] = set()
    func = call.func
    receiver = [func.value] if isinstance(func, ast.Attribute) else []
    for given in (*receiver, *call.args, *(k.value for k in call.keywords)):
        if isinstance(given, ast.Name):
            found.add(given.id)
        elif isinstance(given, ast.Attribute | ast.Compare | ast.BoolOp | ast.UnaryOp):
            found |= paths_in(given)
    return found


def _reads(test: Iterable[ast.AST]) -> tuple[frozenset[str], str | None, bool]:
    """Of the nodes of a test: its variables, the counter whose remainder it tests, whether it answers the same each
    time."""
    names: set[str] = set()
    counter: str | None = None
    steady = True
    for node in test:
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            path = dotted(node)
            if path is not None:
                names.add(path)
        elif isinstance(node, ast.Call):
            steady = steady and last_name(node.func) in _STEADY
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            counter = next((dotted(n) for n in ast.walk(node.left) if isinstance(n, ChainNode)), None)
    return frozenset(names), counter, steady


def _owner(parts: list[ast.AST], scope: Scope) -> object:
    """Whose variables the nodes of a test read: attributes (`args.amp`, `self.amp`) mean the same in every function."""
    roots = {part.value for part in parts if isinstance(part, ast.Attribute)}
    read = [part for part in parts if isinstance(part, ast.Name)]
    homes: list[Scope] = []
    for node in read:
        if node not in roots:
            home = home_of(node.id, scope)
            if home is not None and not _imported(node.id, home):
                homes.append(home)
    if homes:
        return id(max(homes, key=_depth))  # the innermost one: what the test says goes when that is left
    cls = scope.class_scope
    return id(cls) if cls is not None and any(node.id == scope.self_name for node in read) else ""


def _imported(name: str, home: Scope) -> bool:
    return home.kind == "module" and any(binding.kind == "import" for binding in home.bindings[name])


def _depth(scope: Scope) -> int:
    depth = 0
    while scope.parent is not None:
        scope, depth = scope.parent, depth + 1
    return depth


def _is_none_or_bool(test: ast.Compare) -> bool:
    right = test.comparators[0]
    if not isinstance(right, ast.Constant):
        return False
    if isinstance(test.ops[0], ast.Is):
        return right.value is None or isinstance(right.value, bool)
    return isinstance(test.ops[0], ast.Eq) and isinstance(right.value, bool)


def _undecided(test: ast.BoolOp, parts: tuple[Guard, ...]) -> ast.expr | bool:
    """What of a conjunction or disjunction its constant parts leave open."""
    strong = isinstance(test.op, ast.Or)
    if any(part.constant is strong for part in parts):
        return strong
    rest = [v for v, part in zip(test.values, parts, strict=False) if part.constant is None] + test.values[len(parts) :]
    if not rest:
        return not strong
    return rest[0] if len(rest) == 1 else ast.BoolOp(test.op, rest)


def _decided(test: ast.expr) -> bool | None:
    """How a comparison of two literals comes out: what an argument makes of a parameter's test."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Constant)):
        return None
    left, op, right = test.left.value, test.ops[0], test.comparators[0]
    if isinstance(op, ast.In | ast.NotIn):
        if not isinstance(right, ast.Tuple | ast.List | ast.Set):
            return None
        values = [item.value for item in right.elts if isinstance(item, ast.Constant)]
        return (left in values) is isinstance(op, ast.In) if len(values) == len(right.elts) else None
    if not isinstance(right, ast.Constant):
        return None
    if isinstance(op, ast.Eq | ast.NotEq):
        return (left == right.value) is isinstance(op, ast.Eq)
    if isinstance(op, ast.Is | ast.IsNot) and (right.value is None or isinstance(right.value, bool)):
        return (left is right.value) is isinstance(op, ast.Is)
    return None
