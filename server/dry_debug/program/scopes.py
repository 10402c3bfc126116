"""Scopes and what they bind, as data; and how expressions and statements are spelled. Knows no library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

BindingKind = Literal[
    "assign",
    "aug",
    "for",
    "with",
    "import",
    "from",
    "def",
    "class",
    "param",
    "except",
    "walrus",
    "comp",
    "del",
    "match",
]
# Packages that are no part of a project: an import of them is not looked for in its files.
LIBRARIES = frozenset(
    (
        "builtins torch numpy random os sys math time json torchvision transformers vllm accelerate lightning "
        "pytorch_lightning argparse collections functools itertools typing pathlib copy logging tqdm sklearn "
        "scipy pandas peft trl wandb matplotlib PIL cv2 einops re abc dataclasses contextlib "
        "warnings shutil glob pickle"
    ).split()
)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ScopeNode = ast.Module | ast.ClassDef | FunctionNode | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Block = ast.stmt | ast.ExceptHandler | ast.match_case | ast.Module


_NO_NAMES: frozenset[str] = frozenset()


class Binding:
    """One place where a name gets a value.

    `value` is the expression that it comes from (for `for`: the iterable, for `with`: the context manager, for `aug`:
    the right side). `path` says which part of it: (0,) is the first element of an unpacked tuple, (None,) is unknown.
    For `attribute` bindings (`self.x = ...`) `name` is the attribute.
    """

    __slots__ = ("kind", "module", "name", "node", "path", "scope", "stmt", "value")

    def __init__(
        self,
        name: str,
        kind: BindingKind,
        node: ast.AST,
        value: ast.expr | None,
        stmt: ast.stmt | None,
        scope: Scope,
        path: tuple[int | None, ...] = (),
        module: tuple[str, int] | None = None,
    ) -> None:
        self.name = name
        self.kind: BindingKind = kind
        self.node = node
        self.value = value
        self.stmt = stmt
        self.scope = scope
        self.path = path
        self.module = module  # imports: dotted name of what is bound, and the number of leading dots

    def __repr__(self) -> str:
        return f"Binding({self.name}, {self.kind}, line {getattr(self.node, 'lineno', 0)})"


class Scope:
    """A module, class, function, lambda or comprehension with what it binds."""

    __slots__ = (
        "actors",
        "acts_for",
        "attributes",
        "bindings",
        "calls",
        "children",
        "compared_with_texts",
        "decorators",
        "globals",
        "imports_star",
        "kind",
        "loops",
        "name",
        "node",
        "nonlocals",
        "own_parameters",
        "parent",
        "qualname",
        "receivers",
        "returns",
        "stmt",
        "yields",
    )

    def __init__(self, kind: str, node: ScopeNode, name: str, parent: Scope | None, stmt: ast.stmt | None) -> None:
        self.own_parameters: list[ast.arg] | None = None
        self.compared_with_texts: frozenset[str] = _NO_NAMES  # variables: see `spelled`
        # A function that the methods of one class alone call, with their object: the class, and the parameter for it.
        self.acts_for: tuple[Scope, str] | None = None
        self.actors: list[Scope] = []  # of a class: the functions that act for it
        self.kind = kind  # module | class | function | lambda | comprehension
        self.node = node
        self.name = name
        self.parent = parent
        self.stmt = stmt
        self.qualname: str = name if parent is None or not parent.qualname else f"{parent.qualname}.{name}"
        self.bindings: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[Binding]] = {}  # of a class: what its methods assign to `self.x`
        self.calls: list[ast.Call] = []
        self.receivers: dict[str, set[str]] = {}  # dotted receiver -> methods called on it in this scope
        self.returns: list[ast.Return] = []
        self.loops: list[ast.For | ast.AsyncFor | ast.While] = []
        self.children: list[Scope] = []
        self.globals: frozenset[str] = _NO_NAMES
        self.nonlocals: frozenset[str] = _NO_NAMES
        self.imports_star: list[tuple[str, int]] = []
        self.decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        self.yields = False
        if parent is not None:
            parent.children.append(self)

    def __repr__(self) -> str:
        return f"Scope({self.kind} {self.qualname or '<module>'})"

    def below(self) -> Iterator[Scope]:
        """The scopes inside this one, at any depth, in no promised order."""
        queue = list(self.children)
        while queue:
            scope = queue.pop()
            yield scope
            queue.extend(scope.children)

    def code(self) -> Iterator[Scope]:
        """Of a class: the scopes below it, and those of the functions that act for it."""
        yield from self.below()
        for function in self.actors:
            yield function
            yield from function.below()

    @property
    def is_function(self) -> bool:
        return self.kind in ("function", "lambda")

    @property
    def class_scope(self) -> Scope | None:
        """The class of which this function is a method (or acts as one), also from a function nested in the method."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if scope.acts_for is not None:
                return scope.acts_for[0]
            if scope.parent is not None and scope.parent.kind == "class" and scope.is_function:
                return scope.parent
            scope = scope.parent
        return None

    @property
    def self_name(self) -> str | None:
        """What the method calls its instance (its first parameter), also from a function nested in the method."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            if scope.acts_for is not None:
                return scope.acts_for[1]
            if scope.parent is not None and scope.parent.kind == "class" and scope.kind == "function":
                for decorator in scope.decorators:
                    if isinstance(decorator, ast.Name) and decorator.id == "staticmethod":
                        return None
                parameters: ast.arguments = scope.node.args  # type: ignore[union-attr]
                first = parameters.posonlyargs or parameters.args
                return first[0].arg if first else None
            scope = scope.parent
        return None

    @property
    def is_method(self) -> bool:
        """Whether it stands in a class and is given the instance (or the class) as its first parameter."""
        return self.parent is not None and self.parent.kind == "class" and self.self_name is not None

    def passed_names(self) -> list[str]:
        """The parameters that a call names or gives by place, in order: all but the instance of a method."""
        names = [parameter.arg for parameter in self.parameters()]
        return names[1:] if self.is_method else names

    def parameters(self) -> list[ast.arg]:
        """All parameters in order: positional-only, ordinary, *args, keyword-only, **kwargs."""
        known = self.own_parameters
        if known is None:
            a: ast.arguments | None = getattr(self.node, "args", None)
            known = [] if a is None else [*a.posonlyargs, *a.args]
            if a is not None:
                if a.vararg is not None:
                    known.append(a.vararg)
                known += a.kwonlyargs
                if a.kwarg is not None:
                    known.append(a.kwarg)
            self.own_parameters = known
        return known

    @property
    def rest(self) -> str | None:
        """The name of `**kwargs`."""
        node = self.node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or node.args.kwarg is None:
            return None
        return node.args.kwarg.arg

    def default_of(self, name: str) -> ast.expr | None:
        """The default value of parameter `name`."""
        if not isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return None
        a = self.node.args
        positional = [*a.posonlyargs, *a.args]
        for arg, default in zip(reversed(positional), reversed(a.defaults), strict=False):
            if arg.arg == name:
                return default
        for arg, keyword_default in zip(a.kwonlyargs, a.kw_defaults, strict=False):
            if arg.arg == name:
                return keyword_default
        return None


def statements_around(scope: Scope) -> Scope:
    """The scope of the statement that a comprehension or lambda stands in; any other scope itself."""
    while scope.kind in ("comprehension", "lambda") and scope.parent is not None:
        scope = scope.parent
    return scope


def dotted(expr: ast.AST) -> str | None:
    """`self.net.layer` for a chain of names and attributes, else None."""
    parts: list[str] = []
    while expr.__class__ is ast.Attribute:
        parts.append(expr.attr)
        expr = expr.value
    if expr.__class__ is not ast.Name:
        return None
    if not parts:
        return expr.id
    parts.append(expr.id)
    parts.reverse()
    return ".".join(parts)


def last_name(expr: ast.AST) -> str:
    """`load` for `load` and for `anything.load`; "" for what is neither a name nor an attribute."""
    return expr.attr if expr.__class__ is ast.Attribute else expr.id if expr.__class__ is ast.Name else ""


def fixed_truth(test: ast.expr) -> bool | None:
    """What a test that is a literal, or `not` one, always says; None for all others."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, not negated
    return bool(test.value) is not negated if isinstance(test, ast.Constant) else None


_ENDING = frozenset(("exit", "_exit", "abort"))


def never_goes_on(stmt: ast.stmt) -> bool:
    """Whether a plain statement ends the run: `assert False`, `sys.exit()`, `os.abort()`."""
    if stmt.__class__ is ast.Expr:
        call = stmt.value
        if call.__class__ is not ast.Call:
            return False
        func = call.func
        if func.__class__ is ast.Attribute:
            return func.attr in _ENDING and dotted(func) in ("sys.exit", "os._exit", "os.abort")
        return func.__class__ is ast.Name and func.id in ("exit", "quit")
    return isinstance(stmt, ast.Assert) and fixed_truth(stmt.test) is False


# What stands in a field of a node and is no node, and the contexts of names, which nobody asks for.
NO_NODES: frozenset[type] = frozenset(
    (str, int, bool, type(None), float, bytes, complex, type(...), ast.Load, ast.Store, ast.Del)
)
