"""Qualified names: what `nn.Linear` is, by its binding. Knows imports and aliases, no library."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

from dry_debug.program.knowledge import canonical, kind_of_call
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import Binding, BindingKind, Scope
from dry_debug.program.walks import ChainNode

_BUILTINS = frozenset(dir(builtins))
# What binds a name to something of the file's own, whatever the value is.
_OWN: frozenset[BindingKind] = frozenset(("param", "for", "with", "def", "class", "aug", "comp", "match"))


class Names:
    """Answers for one tree, remembered by scope and name.

    `through_star` gives the qualified name of a library's thing that `from x import *` brings from a file of the
    project, where x has imported it itself; `through_import` the same for `from x import name`.
    """

    def __init__(
        self,
        index: ScopeIndex,
        through_star: Callable[[str], str | None] | None = None,
        through_import: Callable[[str, int], str | None] | None = None,
    ) -> None:
        self._index = index
        self._through_star = through_star
        self._through_import = through_import
        self._roots: dict[Scope, dict[str, str | None]] = {}  # by what an attribute chain begins with

    def lookup(self, name: str, scope: Scope) -> tuple[Scope, list[Binding]] | None:
        """The scope that binds `name` as seen from `scope` and its bindings there (Python's LEGB order)."""
        current: Scope | None = scope
        first = True
        while current is not None:
            # Names of a class body are not seen from the methods in it.
            if current.kind != "class" or first:
                bindings = current.bindings.get(name)
                if bindings:
                    return current, bindings
                if name in current.globals:
                    bindings = self._index.module.bindings.get(name)
                    return (self._index.module, bindings) if bindings else None
            first = first and current.kind == "comprehension"
            current = current.parent
        return None

    def qualified(self, expr: ast.AST, scope: Scope) -> str | None:
        """The canonical qualified name of a name or attribute chain that leads to an import or a builtin.

        None for what the file defines itself, for attributes of values, and for unresolved names. A relative import
        keeps its leading dots.
        """
        start = expr
        while start.__class__ is ast.Attribute:
            start = start.value
        if start.__class__ is not ast.Name:
            return None
        name = start.id
        known = self._roots.get(scope)
        root = known.get(name, "") if known is not None else ""
        if root == "":
            root = self._root(name, scope)
        if root is None:
            return None
        if start is not expr:
            parts: list[str] = []
            while expr.__class__ is ast.Attribute:
                parts.append(expr.attr)
                expr = expr.value
            parts.append(root)
            parts.reverse()
            root = ".".join(parts)
        return canonical(root)

    def _root(self, name: str, scope: Scope) -> str | None:
        roots = self._roots.get(scope)
        if roots is None:
            roots = self._roots[scope] = {}
        known = roots.get(name, "")
        if known != "":
            return known
        roots[name] = None  # a name that leads to itself has no answer
        own = scope.bindings.get(name)
        if own:
            result = self._of_bindings(own)
        else:
            found = self.lookup(name, scope)
            if found is not None:  # the scopes inside of one that binds a name share its answer
                result = self._root(name, found[0])
            else:
                result = f"builtins.{name}" if name in _BUILTINS else self._starred(name)
        roots[name] = result
        return result

    def exported(self, name: str) -> str | None:
        """The qualified name of what the module binds `name` to, if that comes from a library."""
        bindings = self._index.module.bindings.get(name)
        if bindings is None:
            return self._starred(name)
        if any(b.kind not in ("import", "from") or b.module is None or b.module[1] for b in bindings):
            return None
        return self._of_bindings(bindings)

    def of_import(self, binding: Binding) -> str | None:
        """The canonical qualified name of what one import binds, whatever else the name is bound to."""
        name = self._of_bindings([binding])
        return canonical(name) if name is not None else None

    def _of_bindings(self, bindings: list[Binding]) -> str | None:
        if bindings[0].kind in _OWN:
            return None
        names: list[str] = []
        for binding in bindings:
            if binding.kind in ("import", "from"):
                assert binding.module is not None
                full, level = binding.module
                handed = self._through_import(full, level) if self._through_import and binding.kind == "from" else None
                names.append(handed if handed is not None else "." * level + full)
            elif binding.kind in ("assign", "walrus") and not binding.path and binding.value is not None:
                value = binding.value
                if isinstance(value, ast.Constant) and value.value in (None, False, True):
                    continue  # `except ImportError: amp = None`
                if not isinstance(value, ChainNode):
                    return None
                alias = self.qualified(value, binding.scope)
                if alias is None:
                    return None
                names.append(alias)
            elif binding.kind in ("except", "del"):
                continue
            else:
                return None
        if not names:
            return None
        if len(names) > 1 and len({canonical(n) for n in names}) > 1:
            # try: import apex... except ImportError: from torch...: the one whose kind is known speaks.
            names = [n for n in names if kind_of_call(canonical(n)) is not None] or names
        return names[0]

    def _starred(self, name: str) -> str | None:
        for module, level in self._index.module.imports_star:
            if level == 0 and module.partition(".")[0] in ("torch", "transformers", "vllm", "accelerate"):
                full = canonical(f"{module}.{name}")
                if kind_of_call(full) is not None or (module == "torch" and name in ("nn", "optim", "save", "load")):
                    return full
        if self._through_star is not None and self._index.module.imports_star:
            return self._through_star(name)
        return None
