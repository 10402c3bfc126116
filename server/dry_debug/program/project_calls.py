"""Calls of the project's own functions: what runs when a statement calls, decorators and callable objects included."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.choices import MAKERS
from dry_debug.program.dispatch import methods_of
from dry_debug.program.scopes import LIBRARIES, Scope, dotted
from dry_debug.program.targets import callable_of
from dry_debug.program.trees import CallTree, Choice, Seq, Tree
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import ChainNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Row = tuple[tuple[int, int], Tree, ast.AST]
_CHOSEN = (ast.Subscript, ast.IfExp, ast.Call)  # `FACTORIES[name](...)`, `getattr(factories, name)(...)`
# Decorators that run nothing of their own before or after the function, as far as the order of events goes.
_TRANSPARENT = frozenset(
    "torch builtins functools contextlib abc typing hydra click typer jit numba overrides typeguard beartype".split()
)


class ProjectCalls:
    """By statement, the CallTrees of one program; a function's are looked for when somebody asks for them.

    Of a module that others import, few functions are ever reached.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = program.index
        self.in_lambdas: dict[Scope, list[Row]] = {}  # of the functions that were looked at
        self._local = {f.name for f in self.index.functions} | {c.name for c in self.index.classes}
        if "lambda" in program.document.source:
            self._local |= {
                name for c in self.index.classes for name, bindings in c.attributes.items()
                if any(isinstance(b.value, ast.Lambda) for b in bindings)
            }  # fmt: skip
        self._imported = {
            alias.asname or alias.name.partition(".")[0]
            for stmt in self.index.imports if self.index.scope_of[stmt].kind != "class" for alias in stmt.names
        }  # fmt: skip
        self._callable_objects = any("__call__" in c.bindings for c in self.index.classes)

    def of(self, calls: list[ast.Call]) -> dict[ast.stmt, list[Row]]:
        """The rows of these calls, which may be all of one function."""
        rows: dict[ast.stmt, list[Row]] = {}
        local, imported, names, scope_of = self._local, self._imported, self.program.names, self.index.scope_of
        others = self._callable_objects or self.program.imports_project
        stars, own = bool(self.index.module.imports_star), self.program.own_attributes
        for call in calls:
            func = call.func
            # Besides what is defined or imported here: a variable that holds a function, or a method of an object of
            # another file.
            if isinstance(func, ast.Attribute):
                attr = func.attr
                if (own is not None and attr not in own) or not (others or attr in local or attr in imported):
                    continue
            elif isinstance(func, ast.Name):
                if not (stars or names.lookup(func.id, scope_of[call])):
                    continue  # a builtin
            elif not isinstance(func, _CHOSEN):
                continue
            self._add(call, rows)
        return rows

    def hand_on(self, calls: list[ast.Call], lambdas: set[Scope], rows: dict[ast.stmt, list[Row]]) -> None:
        """`list(map(lambda o: o.zero_grad(), optimizers))`: what a library is given, it may call there and then."""
        for call in calls if lambdas else ():
            for expr in (*call.args, *(k.value for k in call.keywords)):
                inner = self.index.scopes.get(expr) if isinstance(expr, ast.Lambda) else None
                stmt = self.program.statement(call)
                if inner is None or inner not in lambdas or stmt is None or self._takes_functions(call):
                    continue
                function = Value("function", scope=inner, node=expr, program=self.program)
                bare = ast.copy_location(ast.Call(expr, [], []), expr)
                end = (call.end_lineno or 0, call.end_col_offset or 0)
                rows.setdefault(stmt, []).append((end, CallTree(function, bare, self.program, opaque=True), call))

    def _takes_functions(self, call: ast.Call) -> bool:
        """Whether it is known what becomes of a function that the call is given."""
        if self.index.scope_of[call].kind == "lambda" or self.program.target(call).known:
            return True
        return isinstance(call.func, ast.Attribute) and call.func.attr == "step"  # the closure of an optimizer

    def _add(self, call: ast.Call, rows: dict[ast.stmt, list[Row]]) -> None:
        stmt = self.program.statement(call)
        tree = self._tree(call) if stmt is not None else None
        if stmt is not None and tree is not None:
            end = (call.end_lineno or 0, call.end_col_offset or 0)
            scope = self.index.scope_of[call]
            if scope.kind == "lambda":
                self.in_lambdas.setdefault(scope, []).append((end, tree, call))
            else:
                rows.setdefault(stmt, []).append((end, tree, call))

    def _tree(self, call: ast.Call) -> Tree | None:
        func = call.func
        receiver: Value | None
        if isinstance(func, ast.Name):
            if func.id in self._local or func.id in self._imported:
                function, receiver = self.program._targets(call)
                if function.kind != "function" and func.id in self._imported:
                    several = self._one_of_several(call)
                    if several is not None:
                        return several
                    function, receiver = self._object_call(call)
            else:
                function, receiver = self._variable(func, call)
                if not function.known:
                    return self._one_of_several(call)
        elif isinstance(func, ast.Attribute):
            if func.attr not in self._local and not self._foreign_receiver(func, call):
                return None
            function, receiver = self.program._targets(call)
            if function.kind != "function":
                several = self._polymorphic(func, call)
                if several is not None:
                    return several
                function, receiver = self._object_call(call)
        else:
            return self._one_of_several(call)
        if function.kind != "function":
            return None
        if function.scope is None:
            return CallTree(function, call, self.program) if function.via == "passed" else None
        return self._decorated(CallTree(function, call, self.program, receiver))

    def _one_of_several(self, call: ast.Call) -> Tree | None:
        """`FACTORIES[name](...)`, a name that has another function in each branch: what any of them runs."""
        value = self.program.value(call.func, call)
        makers = value.items if value.kind == "choice" else [value]
        functions = [callable_of(one) if one.kind in MAKERS else UNKNOWN for one in makers]
        if not any(one.scope is not None for one in functions):
            return None
        trees: list[Tree] = [
            CallTree(one, call, self.program) if one.scope is not None else Seq([]) for one in functions
        ]
        return Choice(trees) if len(trees) > 1 else trees[0]

    def _polymorphic(self, func: ast.Attribute, call: ast.Call) -> Tree | None:
        """`worker.run()` where the worker is of one of several classes of the project."""
        receiver = self.program.value(func.value, call)
        if receiver.kind != "instance" or receiver.scope is not None or not receiver.items:
            return None
        found = methods_of(receiver, func.attr)
        if not found:
            return None
        if len(found) == 1:  # they have it from one class
            return CallTree(found[0][0], call, self.program, receiver)
        return Choice([CallTree(method, call, self.program, one) for method, one in found])

    def _variable(self, func: ast.Name, call: ast.Call) -> tuple[Value, Value | None]:
        """A variable that holds a function, a callable object, or a function that was passed in."""
        scope = self.program.scope(call)
        found = self.program.names.lookup(func.id, scope)
        if found is None:  # from a star import, if from anywhere
            return self.program._targets(call) if self.index.module.imports_star else (UNKNOWN, None)
        home, bindings = found
        if bindings[-1].kind not in ("param", "assign"):
            return UNKNOWN, None
        value = self.program.evaluator.value(func, scope, self.program.statement(call))
        if value.kind == "function" and value.scope is not None:
            return value, None
        if value.kind in ("instance", "scheduler"):
            return self._object_call(call)
        if bindings[-1].kind == "param" and home.kind == "function" and scope.parent is home and not value.known:
            return Value("function", ident=("param", home, func.id), via="passed"), None
        return UNKNOWN, None

    def _object_call(self, call: ast.Call) -> tuple[Value, Value | None]:
        """`loss_scaler(loss, optimizer)` where its class has a `__call__`."""
        value = self.program.value(call.func, call)
        if value.kind not in ("instance", "scheduler") or value.scope is None or value.program is None:
            return UNKNOWN, None
        method = value.program.evaluator.class_attribute(value.scope, "__call__")
        return (method, value) if method.kind == "function" else (UNKNOWN, None)

    def _foreign_receiver(self, func: ast.Attribute, call: ast.Call) -> bool:
        """Whether the method may belong to a class or module of another file of the project."""
        root = func.value
        if not (self.program.imports_project or self._callable_objects):
            return False
        if isinstance(root, ast.Call):  # `Options().parse()`
            maker = root.func
            if not isinstance(maker, ChainNode) or self._of_library(maker, call):
                return False
        elif not isinstance(root, ChainNode):
            return False
        if self.program.names.qualified(func, self.program.scope(call)) is not None and dotted(func) is None:
            return False
        value = self.program.evaluator.value(root, self.program.scope(call), self.program.statement(call))
        if value.kind == "pymodule":
            return True
        if value.kind == "instance" and value.items and value.scope is None:
            return True  # of one of several classes
        if value.scope is None or value.program is None:
            return False
        if value.program is not self.program or self._callable_objects:
            return True
        kept = value.scope.attributes.get(func.attr, ()) if value.scope.kind == "class" else ()
        if not any(isinstance(b.value, ast.Call) for b in kept):
            return False
        held = value.program.evaluator.class_attribute(value.scope, func.attr, value)  # `self.schedule(step)`
        return held.kind in ("instance", "scheduler") and held.program is not self.program

    def _of_library(self, func: ast.expr, call: ast.Call) -> bool:
        """Whether what is called is certainly no class of the project."""
        name = self.program.names.qualified(func, self.program.scope(call))
        return name is not None and name.partition(".")[0] in LIBRARIES

    # -- decorators --------------------------------------------------------------------------------------------------

    def _decorated(self, tree: CallTree) -> CallTree:
        """The wrapper that a decorator of the project puts around the function; `opaque` where nobody knows."""
        function, scope, program = tree.function, tree.function.scope, tree.function.program
        if scope is None or program is None or not scope.decorators:
            return tree
        outer = scope.parent or program.index.module
        for decorator in reversed(scope.decorators):
            plain = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = program.names.qualified(plain, outer)
            if name is not None and name.lstrip(".").partition(".")[0] in _TRANSPARENT:
                continue
            if isinstance(plain, ast.Attribute) and plain.attr in ("setter", "command", "main", "register", "route"):
                continue
            wrapper = _wrapper(program, decorator, outer)
            if wrapper is None or tree.passed:
                tree.opaque = True
                continue
            maker, inner = wrapper
            first = next((a.arg for a in maker.parameters()), None)
            if first is None:
                tree.opaque = True
                continue
            tree = CallTree(inner, tree.call, tree.program, tree.receiver, passed={("param", maker, first): function})
        return tree


def _wrapper(program: Program, decorator: ast.expr, outer: Scope) -> tuple[Scope, Value] | None:
    """The function that takes the decorated one, and the one that it returns in its place."""
    value = program.evaluator.value(decorator, outer, None)
    if value.kind != "function" or value.scope is None or value.program is None:
        return None
    for child in value.scope.children:
        if child.kind != "function":
            continue
        if any(isinstance(r.value, ast.Name) and r.value.id == child.name for r in value.scope.returns):
            inner = Value("function", scope=child, node=child.node, program=value.program, ident=("def", child.node))
            return value.scope, inner
    return None
