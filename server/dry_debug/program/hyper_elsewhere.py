"""Hyperparameters that stand in other files: options of a parser that is called, settings that are read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program.events import CallTree
from dry_debug.program.hyper_fields import CONFIG_WORDS, Hyperparameter, canonical_field, is_canonical
from dry_debug.program.literals import literal
from dry_debug.program.parts import given_to
from dry_debug.program.scopes import Binding, Scope, dotted
from dry_debug.program.settings import PARSERS
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import is_main_test, names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_DEPTH = 6  # functions and re-exports between a program and where an option is declared
_PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args")
_CLASS_PARSERS = ("ArgumentParser", "TrlParser", "tyro.cli", "pyrallis.parse", "draccus.parse")


@dataclass(frozen=True, slots=True)
class Row:
    """One hyperparameter and the program of the file that its node stands in."""

    found: Hyperparameter
    owner: Program


class Elsewhere:
    """What other files say of one program's hyperparameters."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._visited: set[object] = set()

    @cached_property
    def all(self) -> list[Row]:
        """By file, in source order. Every option of a parser that the program runs; of settings, what it reads."""
        if not self.program.leaves_file:
            return []
        rows = {row.found.node: row for row in (*self._options(), *self._settings(), *self._constants())}
        return sorted(rows.values(), key=lambda r: (r.owner.document.path, r.found.node.lineno))  # type: ignore[attr-defined]

    # -- options of the command line -----------------------------------------------------------------------------------

    def _options(self) -> Iterator[Row]:
        for trees in self.program.events._user_calls.values():
            for _, tree in trees:
                if isinstance(tree, CallTree):
                    yield from self._declared_by(tree, 0)
        for binding in self._imports():
            yield from self._parsed_in(self.program, binding, 0)

    def _declared_by(self, tree: CallTree, depth: int) -> Iterator[Row]:
        """The options that a called function declares, itself or through what it calls; a method: all its class."""
        callee, owner = tree.function.scope, tree.function.program
        if callee is None or owner is None or depth > MAX_DEPTH or callee in self._visited:
            return
        self._visited.add(callee)
        receiver = tree.receiver
        if receiver is not None and receiver.scope is not None and receiver.program is not None:
            yield from self._declared_in_class(receiver, 0)
        elif callee.class_scope is not None and callee.name == "__init__":
            cls = Value("class", scope=callee.class_scope, program=owner)
            yield from self._declared_in_class(cls, 0)
        yield from self._declared_in(owner, callee)
        source = owner.document.source
        if owner is self.program or not ("add_argument" in source or "argparse" in source or "pars" in callee.name):
            return
        for stmt, trees in owner.events._user_calls.items():
            if owner.scope(stmt) is callee:
                for _, inner in trees:
                    if isinstance(inner, CallTree):
                        yield from self._declared_by(inner, depth + 1)

    def _declared_in_class(self, cls: Value, depth: int) -> Iterator[Row]:
        scope, owner = cls.scope, cls.program
        if scope is None or owner is None or scope.kind != "class" or depth > MAX_DEPTH or scope in self._visited:
            return
        self._visited.add(scope)
        for child in scope.children:
            yield from self._declared_in(owner, child)
        for base in owner.evaluator.bases(scope):
            if base.kind == "class":
                yield from self._declared_in_class(base, depth + 1)

    def _declared_in(self, owner: Program, scope: Scope) -> Iterator[Row]:
        if owner is self.program or "add_argument" not in owner.document.source:
            return
        for found in owner.training.hyper.argparse:
            if owner.scope(found.node) is scope:
                yield Row(found, owner)

    def _parsed_in(self, importer: Program, binding: Binding, depth: int) -> Iterator[Row]:
        """`from options import args`, where `args` is what a parser gave when the module was imported."""
        if binding.module is None or depth > MAX_DEPTH:
            return
        full, level = binding.module
        path = importer.document.path
        module, _, name = full.rpartition(".")
        if binding.kind == "from":
            other = importer.host.module(module, path, level) if module or level else None
            inside = other.index.module.bindings.get(name, []) if other is not None else []
            whole = importer.host.module(full, path, level) if not inside else None
        else:
            other, inside, whole = None, [], importer.host.module(full, path, level)
        if whole is not None and whole is not self.program:
            yield from self._at_import(whole)
        for one in inside:
            if other is None or other is self.program:
                continue
            if one.kind in ("import", "from"):
                yield from self._parsed_in(other, one, depth + 1)
            elif isinstance(one.value, ast.Call) and _guard(other, one.stmt) is None:
                if isinstance(one.value.func, ast.Attribute) and one.value.func.attr in _PARSING:
                    yield from self._at_import(other)
                elif other.qualified(one.value) in PARSERS:
                    yield from self._of_module(other)
                for _, tree in other.events._user_calls.get(one.stmt, ()) if one.stmt is not None else ():
                    if isinstance(tree, CallTree):
                        yield from self._declared_by(tree, depth + 1)

    def _at_import(self, owner: Program) -> Iterator[Row]:
        """The options of a parser that runs when the module is imported."""
        if owner in self._visited or "add_argument" not in owner.document.source:
            return
        self._visited.add(owner)
        parses = any(
            owner.scope(call).kind == "module" and _guard(owner, owner.statement(call)) is None
            for name in _PARSING
            for call in owner.method_calls(name)
        )
        if parses:
            yield from self._of_module(owner)

    def _of_module(self, owner: Program) -> Iterator[Row]:
        """The options that a module declares when it is imported."""
        yield from (
            Row(found, owner) for found in owner.training.hyper.argparse
            if owner.scope(found.node).kind == "module" and _guard(owner, owner.statement(found.node)) is None
        )  # fmt: skip

    # -- settings ------------------------------------------------------------------------------------------------------

    def _settings(self) -> Iterator[Row]:
        """Fields of configuration classes of other files that this file reads: `cfg.lr`, `TrainConfig.lr`."""
        for value, names in self._read:
            if value.kind in ("class", "instance") and value.scope is not None and value.program is not None:
                yield from self._fields(value, names, 0)
        for call in self._class_parsers():
            for expr in call.args[:1]:
                for value in _classes(self.program.value(expr, call)):
                    if value.program is not self.program:
                        yield from self._fields(value, None, 0)

    def _class_parsers(self) -> Iterator[ast.Call]:
        for name, call in self.program.qualified_calls():
            if name.endswith(_CLASS_PARSERS):
                yield call

    def _fields(self, value: Value, names: set[str] | None, depth: int) -> Iterator[Row]:
        """The fields of a class that are in `names` (None: all), those of its bases included."""
        scope, owner = value.scope, value.program
        if scope is None or owner is None or scope.kind != "class" or depth > MAX_DEPTH:
            return
        if owner is not self.program and _is_settings(scope, owner):
            for found in owner.training.hyper.dataclasses:
                field = found.node.target.id if isinstance(found.node, ast.AnnAssign) else None  # type: ignore[union-attr]
                if field is not None and value.kind == "instance" and given_to(value, field):
                    continue
                if owner.scope(found.node) is scope and (names is None or field in names):
                    yield Row(found, owner)
            if not _is_dataclass(scope):
                yield from self._assigned(scope, owner, names)
        for base in owner.evaluator.bases(scope):
            if base.kind == "class":
                yield from self._fields(base, names, depth + 1)

    def _assigned(self, scope: Scope, owner: Program, names: set[str] | None) -> Iterator[Row]:
        """`lr = 0.1` in the body of a class, `self.lr = 0.1` in its methods."""
        for held in (scope.bindings, scope.attributes):
            for name, bindings in held.items():
                if names is not None and name in names and len(bindings) == 1:
                    yield from _row(owner, bindings[0])

    def _constants(self) -> Iterator[Row]:
        """Constants of other modules that this file reads: `cfg.LR`, `from config import LR`, also through a star."""
        for value, names in self._read:
            if value.kind == "pymodule" and value.program is not None:
                for name in sorted(names):
                    yield from self._constant(value.program, name, 0)
        for binding in self._imports():
            if binding.kind == "from" and binding.module is not None:
                full, level = binding.module
                module, _, name = full.rpartition(".")
                other = self.program.host.module(module, self.program.document.path, level) if module or level else None
                if other is not None:
                    yield from self._constant(other, name, 0)
        stars = self.program.index.module.imports_star
        if stars:
            loaded = names_in(self.program.tree)
            for name in sorted(loaded - self.program.index.module.bindings.keys()):
                for module, level in reversed(stars):
                    other = self.program.host.module(module, self.program.document.path, level)
                    if other is not None and other.shares(name) and name in other.index.module.bindings:
                        yield from self._constant(other, name, 0)
                        break

    def _constant(self, owner: Program, name: str, depth: int) -> Iterator[Row]:
        bindings = owner.index.module.bindings.get(name, [])
        if owner is self.program or len(bindings) != 1 or depth > MAX_DEPTH:
            return
        one = bindings[0]
        if one.kind == "from" and one.module is not None:
            full, level = one.module
            module, _, inner = full.rpartition(".")
            other = owner.host.module(module, owner.document.path, level) if module or level else None
            if other is not None:
                yield from self._constant(other, inner, depth + 1)
        elif isinstance(one.value, ast.Call):
            from dry_debug.program.hyper_declared import put_on

            yield from (Row(found, owner) for found in put_on(owner, name))  # `_C = CfgNode(); _C.TRAIN.LR = 0.1`
        elif _is_settings_file(owner) or is_canonical(name):
            yield from _row(owner, one)

    # -- what is read --------------------------------------------------------------------------------------------------

    def _imports(self) -> Iterator[Binding]:
        for scope in (self.program.index.module, *self.program.index.functions):
            for bindings in scope.bindings.values():
                yield from (b for b in bindings if b.kind in ("import", "from"))

    @cached_property
    def _read(self) -> list[tuple[Value, set[str]]]:
        """The classes, their instances and the modules of other files of which attributes are read, with the names."""
        reads: dict[str, set[str]] = {}
        for node in nodes(self.program.tree):
            if node.__class__ is ast.Attribute and node.ctx.__class__ is ast.Load:
                root = dotted(node.value)
                if root is not None and root.count(".") <= 1:
                    reads.setdefault(root, set()).add(node.attr)
        found: list[tuple[Value, set[str]]] = []
        for root, names in reads.items():
            for value in self._values_of(root):
                if value.program is not None and value.program is not self.program:
                    found.append((value, names))
        return found

    def _values_of(self, root: str) -> Iterator[Value]:
        """What `cfg` or `self.cfg` may hold, anywhere in the file."""
        evaluator, index = self.program.evaluator, self.program.index
        first, _, attr = root.partition(".")
        if attr:
            for cls in index.classes:
                if attr in cls.attributes and any(c.self_name == first for c in cls.children):
                    yield evaluator.class_attribute(cls, attr)
            for binding in index.module.bindings.get(first, ()):
                if binding.kind in ("import", "from"):
                    base = evaluator.binding(binding)
                    yield evaluator.member(base, attr) if base.kind == "pymodule" else UNKNOWN
            return
        for scope in (index.module, *index.functions):
            for binding in scope.bindings.get(first, ()):
                if binding.kind in ("import", "from", "assign", "param"):
                    yield evaluator.binding(binding)


def _row(owner: Program, binding: Binding) -> Iterator[Row]:
    value = binding.value
    if binding.kind != "assign" or binding.path or binding.stmt is None or value is None:
        return
    if not isinstance(value, ast.Constant | ast.UnaryOp | ast.BinOp | ast.List | ast.Tuple):
        return
    known, constant = literal(owner, value, binding.stmt)
    if known and constant is not None:
        origin = "computed" if isinstance(value, ast.BinOp) else "literal"
        yield Row(Hyperparameter(canonical_field(binding.name), constant, binding.stmt, origin), owner)  # type: ignore[arg-type]


def _classes(value: Value) -> list[Value]:
    items = value.items if value.kind == "container" and value.items else [value]
    return [v for v in items if v.kind == "class" and v.scope is not None and v.program is not None]


def _guard(owner: Program, stmt: ast.stmt | None) -> ast.If | None:
    """The `if __name__ == "__main__"` around a statement, which an import does not run."""
    for block in owner.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.If) and is_main_test(block.test):
            return block
    return None


def _is_dataclass(scope: Scope) -> bool:
    return any((dotted(d.func if isinstance(d, ast.Call) else d) or "").endswith("dataclass") for d in scope.decorators)


def _is_settings(scope: Scope, owner: Program) -> bool:
    """Whether a class is there to hold settings: a dataclass, or by its name or that of its file."""
    return _is_dataclass(scope) or scope.name.lower().endswith(CONFIG_WORDS) or _is_settings_file(owner)


def _is_settings_file(owner: Program) -> bool:
    path = owner.document.path.replace("\\", "/")
    name = path.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py").lower()
    words = name.replace("-", "_").split("_")
    return name in CONFIG_WORDS or any(w in _FILE_WORDS for w in words)


_FILE_WORDS = frozenset(
    "config configs configuration cfg cfgs setting settings option options hparams hyperparams hyperparameters "
    "constants constant params conf opts arguments args default defaults".split()
)
