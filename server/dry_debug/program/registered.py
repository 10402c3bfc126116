"""What is registered by a decorator (`@MODELS.register()`, `@register_model("net")`), and what looking it up gives.

A registry is an object of a class that is called so, the project's own or a library's (mmengine, fvcore), or an empty
dict that a function of its file fills. What stands under a name that is not known is one of all that is registered.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.evidence import weakest
from dry_debug.program.scopes import Scope
from dry_debug.program.values import UNKNOWN, Value, join

if TYPE_CHECKING:
    from dry_debug.program.program import Program

LOOKUPS = ("get", "build", "create")  # the methods by which a registry gives a class, or makes an object of one
MAX_REGISTERED = 12  # what they make decides, not how many they are
_CALLED = re.compile(r"regist", re.IGNORECASE)
_NAMING = ("name", "key", "module_name")

Row = tuple[str, Value]  # the name under which it is registered, and the class or function


def looked_up(holder: Value, name: Value) -> Value:
    """The class or function that `holder` has under `name`, one of several if that is not known; UNKNOWN where it is no
    registry, or nothing is found in it."""
    rows = _rows(holder)
    if name.kind == "const":
        rows = [row for row in rows if row[0] == name.const]
    if not rows:
        return UNKNOWN
    found = join([value for _, value in rows[:MAX_REGISTERED]], ("part", holder.ident, "element"))
    if name.kind == "const" or not found.known:
        return found
    return found.but(confidence=weakest(found.confidence, "medium"))  # others may be registered where nobody looked


class Registries:
    """What one program holds of registries: the variables that hold them, the decorators that fill its dicts, the rows
    found so far."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows: dict[ast.AST, list[Row]] = {}  # by the call or the dict that makes the registry

    @cached_property
    def names(self) -> dict[ast.AST, str]:
        """The variables of the module, by what makes their value."""
        bindings = self.program.index.module.bindings
        return {b.value: name for name, rows in bindings.items() for b in rows if b.value is not None}

    @cached_property
    def fillers(self) -> dict[str, list[Scope]]:
        """By the name of a dict, the functions that put what they are given into it and give it back: decorators."""
        found: dict[str, list[Scope]] = {}
        for stmt in self.program.index.assignments:
            value = stmt.value if isinstance(stmt, ast.Assign) else None
            scope = self.program.scope(stmt) if isinstance(value, ast.Name) else None
            if not isinstance(stmt, ast.Assign) or not isinstance(value, ast.Name) or scope is None:
                continue
            given = any(a.arg == value.id for a in scope.parameters()) and _gives_back(scope, value.id)
            outermost = scope
            while outermost.parent is not None and outermost.parent.kind == "function":
                outermost = outermost.parent
            for target in stmt.targets if given else ():  # what is not given back goes into a cache
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    found.setdefault(target.value.id, []).append(outermost)
        return found


def _gives_back(scope: Scope, name: str) -> bool:
    return any(isinstance(r.value, ast.Name) and r.value.id == name for r in scope.returns)


def _rows(holder: Value) -> list[Row]:
    owner, made = holder.program, holder.node
    if owner is None or made is None or not (_is_registry(holder) or _is_filled(holder)):
        return []
    known = owner.registries.rows.get(made)
    if known is None:
        owner.registries.rows[made] = []  # asked for again on the way
        known = owner.registries.rows[made] = list(_found(holder, owner, made))
    return known


def _is_registry(holder: Value) -> bool:
    return holder.kind == "instance" and _CALLED.search(holder.type or "") is not None


def _is_filled(holder: Value) -> bool:
    return holder.kind == "dict" and isinstance(holder.node, ast.Dict) and not holder.node.keys


def _found(holder: Value, owner: Program, made: ast.AST) -> Iterator[Row]:
    word = owner.registries.names.get(made)
    if word is None:
        return
    fillers = owner.registries.fillers.get(word, []) if holder.kind == "dict" else []
    for spelled in dict.fromkeys(f.name for f in fillers) if holder.kind == "dict" else (word,):
        for program in (owner, *owner.host.importers(owner.document.path, spelled)):
            for scope in (*program.index.classes, *program.index.functions):
                for decorator in scope.decorators:
                    if _registers(decorator, spelled, made, fillers, program):
                        yield _name(decorator, scope), _definition(scope, program)
            for call in program.index.module.calls:  # `MODELS.register(Net)`
                func, given = call.func, [*call.args, *(k.value for k in call.keywords if k.arg == "module")]
                if isinstance(func, ast.Attribute) and func.attr.startswith("register") and given:
                    value = program.value(given[0], call) if _is(func.value, made, program) else UNKNOWN
                    if value.kind in ("class", "function"):
                        yield getattr(value.node, "name", ""), value


def _registers(decorator: ast.expr, word: str, made: ast.AST, fillers: list[Scope], program: Program) -> bool:
    expr = decorator.func if isinstance(decorator, ast.Call) else decorator
    if fillers:
        last = expr.attr if isinstance(expr, ast.Attribute) else getattr(expr, "id", None)
        return last == word and program.evaluator.value(expr, program.index.module, None).scope in fillers
    return isinstance(expr, ast.Attribute) and expr.attr.startswith("register") and _is(expr.value, made, program)


def _is(expr: ast.expr, made: ast.AST, program: Program) -> bool:
    return program.evaluator.value(expr, program.index.module, None).node is made


def _name(decorator: ast.expr, scope: Scope) -> str:
    """The literal that the decorator gives, else the name of what it stands on."""
    if isinstance(decorator, ast.Call):
        for given in (*decorator.args[:1], *(k.value for k in decorator.keywords if k.arg in _NAMING)):
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                return given.value
    return scope.name


def _definition(scope: Scope, program: Program) -> Value:
    if scope.kind == "class":
        return Value("class", scope=scope, node=scope.node, program=program, ident=("class", scope.node))
    return Value("function", scope=scope, node=scope.node, program=program, ident=("def", scope.node))
