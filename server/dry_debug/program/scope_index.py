"""One pass over the tree: scopes, bindings, calls, and which statement holds what. Knows no library.

Everything later is asked of this index, so that no other part has to walk the whole tree again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from dry_debug.program.acting import adopt, handed_on, plain_calls
from dry_debug.program.scopes import (
    NO_NODES,
    Binding,
    BindingKind,
    Block,
    Scope,
    dotted,
    fixed_truth,
    never_goes_on,
)

_FIXED: frozenset[type] = frozenset((ast.Constant, ast.UnaryOp))
_ENDS: frozenset[type] = frozenset((ast.Return, ast.Raise, ast.Break, ast.Continue))
_SPECIAL = _ENDS | {ast.If, ast.While, ast.AnnAssign}
_SKIP = NO_NODES | {ast.Constant, ast.Name}


class ScopeIndex:
    """The index of one tree. Dictionaries are keyed by the nodes themselves (compared by identity)."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.module = Scope("module", tree, "", None, None)
        self.scopes: dict[ast.AST, Scope] = {tree: self.module}
        self.parent: dict[ast.AST, Block] = {}  # statement (or handler, case) -> the block node that holds it
        self.stmt_of: dict[ast.AST, ast.stmt] = {}  # call -> its statement
        self.scope_of: dict[ast.AST, Scope] = {}  # statement and call -> scope
        self.calls: list[ast.Call] = []  # in source order, outer before inner
        self.classes: list[Scope] = []
        self.functions: list[Scope] = []
        self.excepts: list[ast.ExceptHandler] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.withs: list[ast.With | ast.AsyncWith] = []
        self.augments: list[ast.AugAssign] = []
        self.assignments: list[ast.Assign | ast.AnnAssign] = []
        self.exits: list[ast.stmt] = []  # raise, break, continue, return, and what else never goes on
        # What can never run: behind a return, under `if False:`. It is taken out of the tree, for every reader of it.
        self.dead: list[ast.stmt] = []
        # What is assigned to attributes of plain names other than the method's own object: (name, binding).
        self.set_on: list[tuple[str, Binding]] = []
        self._walk()
        if self.classes:
            adopt(self)

    @cached_property
    def plain_calls(self) -> dict[Scope, list[ast.Call]]:
        """By function of the module, the calls of it by its plain name."""
        return plain_calls(self)

    @cached_property
    def handed_on(self) -> dict[str, list[tuple[Scope, Scope, str]]]:
        """By name of a variable: (the scope that hands it on, the function that gets it, the parameter for it)."""
        return handed_on(self)

    def ancestors(self, stmt: ast.AST) -> Iterator[Block]:
        """The blocks around `stmt`, from the inside out, ending with the module."""
        parent = self.parent.get(stmt)
        while parent is not None:
            yield parent
            parent = self.parent.get(parent)

    def inside(self, stmt: ast.AST, block: ast.AST) -> bool:
        """Whether `stmt` stands in `block` (not: is it), at any depth. The lines tell it of most, without a walk."""
        at: int = getattr(stmt, "lineno", 0)
        first: int = getattr(block, "lineno", 0)
        if not first <= at <= (getattr(block, "end_lineno", None) or at):
            return False
        parent, up = self.parent.get(stmt), self.parent.get
        while parent is not None and parent is not block:
            parent = up(parent)
        return parent is not None

    def release(self) -> None:
        """Take the index apart: its scopes hold each other. It answers nothing any more."""
        for scope in self.scopes.values():
            scope.parent = scope.acts_for = None
            scope.children.clear()
            scope.actors.clear()
            scope.bindings.clear()
            scope.attributes.clear()
        self.__dict__.clear()

    # The walk keeps its own stack: chains of 100,000 operators or `elif`s must not meet Python's recursion limit.
    def _walk(self) -> None:
        module = self.module
        stack: list[tuple[ast.AST, Scope, ast.stmt | None]] = []
        self.block(self.tree.body, self.tree, module, stack)
        pop, push = stack.pop, stack.append
        handlers = _HANDLERS
        skip = _SKIP
        while stack:
            node, scope, holder = pop()
            handler = handlers.get(node.__class__)
            if handler is not None:
                handler(self, node, scope, holder, stack)
                continue
            if isinstance(node, ast.stmt):
                holder = node
                self.scope_of[node] = scope
            at = len(stack)
            for name in node._fields:
                value = getattr(node, name, None)
                cls = value.__class__
                if cls is list:
                    for item in value:  # type: ignore[union-attr]
                        if item.__class__ not in skip:
                            push((item, scope, holder))
                elif cls not in skip:
                    push((value, scope, holder))  # type: ignore[arg-type]
            if len(stack) - at > 1:
                stack[at:] = stack[at:][::-1]

    def block(self, stmts: list[ast.stmt], owner: Block, scope: Scope, stack: list[_Item]) -> None:
        parent = self.parent
        at = len(stack)
        for number in range(len(stmts) - 1, -1, -1):
            stmt = stmts[number]
            cls = stmt.__class__
            if cls in _SPECIAL:
                if cls in _ENDS:
                    if len(stack) > at:
                        del stack[at:]
                        self._bury(stmts[number + 1 :], scope)
                        del stmts[number + 1 :]
                elif cls is ast.AnnAssign:
                    stmt = stmts[number] = _unannotated(stmt, scope)  # type: ignore[arg-type]
                elif stmt.test.__class__ in _FIXED and _settled(stmt) is not None:  # type: ignore[attr-defined]
                    del stack[at:]
                    stmts[:] = self._settle(stmts, scope)
                    self.block(stmts, owner, scope, stack)
                    return
            parent[stmt] = owner
            stack.append((stmt, scope, None))

    def _settle(self, stmts: list[ast.stmt], scope: Scope) -> list[ast.stmt]:
        """The statements with the branch that is taken in place of each `if True:`, `while False:` and the like."""
        result: list[ast.stmt] = []
        queue = stmts[::-1]
        while queue:
            stmt = queue.pop()
            branches = _settled(stmt) if isinstance(stmt, ast.If | ast.While) else None
            if branches is None:
                result.append(stmt)
            else:
                queue.extend(reversed(branches[0]))
                self._bury(branches[1], scope)
        return result or [ast.copy_location(ast.Pass(), stmts[0])]

    def _bury(self, stmts: list[ast.stmt], scope: Scope) -> None:
        """Keep statements that never run apart."""
        for stmt in stmts:
            self.parent.pop(stmt, None)
            if not scope.yields and scope.kind == "function":  # a generator is one by its text alone
                scope.yields = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(stmt))
        self.dead += stmts

    def bind(
        self,
        target: ast.AST,
        kind: BindingKind,
        value: ast.expr | None,
        stmt: ast.stmt | None,
        scope: Scope,
        stack: list[_Item] | None,
        path: tuple[int | None, ...] = (),
    ) -> None:
        """Bind the names in `target`; expressions inside it (subscripts, receivers) go on the stack."""
        cls = target.__class__
        if cls is ast.Name:
            name: str = target.id  # type: ignore[attr-defined]
            home = self._home(name, scope, kind)
            home.bindings.setdefault(name, []).append(Binding(name, kind, target, value, stmt, scope, path))
        elif cls is ast.Attribute:
            receiver = target.value  # type: ignore[attr-defined]
            if receiver.__class__ is ast.Name:
                owner = scope.class_scope
                if owner is not None and receiver.id == scope.self_name:
                    attr: str = target.attr  # type: ignore[attr-defined]
                    owner.attributes.setdefault(attr, []).append(Binding(attr, kind, target, value, stmt, scope, path))
                else:
                    b = Binding(target.attr, kind, target, value, stmt, scope, path)  # type: ignore[attr-defined]
                    self.set_on.append((receiver.id, b))
            elif stack is not None:
                stack.append((receiver, scope, stmt))
        elif cls is ast.Tuple or cls is ast.List:
            elements: list[ast.expr] = target.elts  # type: ignore[attr-defined]
            starred = next((i for i, e in enumerate(elements) if e.__class__ is ast.Starred), None)
            for i, element in enumerate(elements):
                if element.__class__ is ast.Starred:
                    self.bind(element.value, kind, value, stmt, scope, stack, (*path, None))
                else:
                    index = i if starred is None or i < starred else i - len(elements)
                    self.bind(element, kind, value, stmt, scope, stack, (*path, index))
        elif stack is not None and cls is not ast.Constant:
            stack.append((target, scope, stmt))

    def _home(self, name: str, scope: Scope, kind: str) -> Scope:
        if kind == "walrus":
            while scope.kind == "comprehension" and scope.parent is not None:
                scope = scope.parent
        if name in scope.globals:
            return self.module
        if name in scope.nonlocals:
            outer = scope.parent
            while outer is not None:
                if outer.is_function and name in outer.bindings:
                    return outer
                outer = outer.parent
        return scope


_Item = tuple[ast.AST, Scope, "ast.stmt | None"]


def _call(ix: ScopeIndex, node: ast.Call, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.calls.append(node)
    scope.calls.append(node)
    ix.scope_of[node] = scope
    if holder is not None:
        ix.stmt_of[node] = holder
    func = node.func
    for keyword in reversed(node.keywords):
        if keyword.value.__class__ not in _LEAVES:
            stack.append((keyword.value, scope, holder))
    for arg in reversed(node.args):
        if arg.__class__ not in _LEAVES:
            stack.append((arg, scope, holder))
    if func.__class__ is ast.Attribute:
        receiver = dotted(func.value)
        if receiver is not None:
            methods = scope.receivers.get(receiver)
            if methods is None:
                scope.receivers[receiver] = {func.attr}
            else:
                methods.add(func.attr)
        else:
            stack.append((func.value, scope, holder))
    elif func.__class__ is not ast.Name:
        stack.append((func, scope, holder))


def _leaf(ix: ScopeIndex, node: ast.AST, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    return


def _attribute(ix: ScopeIndex, node: ast.Attribute, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    value: ast.expr = node
    while value.__class__ is ast.Attribute:
        value = value.value
    if value.__class__ is not ast.Name:
        stack.append((value, scope, holder))


def _assign(ix: ScopeIndex, node: ast.Assign, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    ix.assignments.append(node)
    if node.value.__class__ not in _LEAVES:
        stack.append((node.value, scope, node))
    for target in node.targets:
        ix.bind(target, "assign", node.value, node, scope, stack)


def _annassign(ix: ScopeIndex, node: ast.AnnAssign, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    if node.value is not None:
        ix.assignments.append(node)
        stack.append((node.value, scope, node))
        ix.bind(node.target, "assign", node.value, node, scope, stack)
    elif scope.kind == "class":
        ix.bind(node.target, "assign", None, node, scope, stack)


def _augassign(ix: ScopeIndex, node: ast.AugAssign, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    ix.augments.append(node)
    stack.append((node.value, scope, node))
    ix.bind(node.target, "aug", node.value, node, scope, stack)


def _for(
    ix: ScopeIndex, node: ast.For | ast.AsyncFor, scope: Scope, holder: ast.stmt | None, stack: list[_Item]
) -> None:
    ix.scope_of[node] = scope
    scope.loops.append(node)
    ix.block(node.orelse, node, scope, stack)
    ix.block(node.body, node, scope, stack)
    stack.append((node.iter, scope, node))
    ix.bind(node.target, "for", node.iter, node, scope, stack)


def _while(ix: ScopeIndex, node: ast.While, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    scope.loops.append(node)
    ix.block(node.orelse, node, scope, stack)
    ix.block(node.body, node, scope, stack)
    stack.append((node.test, scope, node))


def _if(ix: ScopeIndex, node: ast.If, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    ix.block(node.orelse, node, scope, stack)
    ix.block(node.body, node, scope, stack)
    stack.append((node.test, scope, node))


def _with(
    ix: ScopeIndex, node: ast.With | ast.AsyncWith, scope: Scope, holder: ast.stmt | None, stack: list[_Item]
) -> None:
    ix.scope_of[node] = scope
    ix.withs.append(node)
    ix.block(node.body, node, scope, stack)
    for item in reversed(node.items):
        stack.append((item.context_expr, scope, node))
        if item.optional_vars is not None:
            ix.bind(item.optional_vars, "with", item.context_expr, node, scope, stack)


def _try(
    ix: ScopeIndex, node: ast.Try | ast.TryStar, scope: Scope, holder: ast.stmt | None, stack: list[_Item]
) -> None:
    ix.scope_of[node] = scope
    ix.block(node.finalbody, node, scope, stack)
    ix.block(node.orelse, node, scope, stack)
    for handler in reversed(node.handlers):
        ix.parent[handler] = node
        ix.scope_of[handler] = scope
        ix.excepts.append(handler)
        ix.block(handler.body, handler, scope, stack)
        if handler.type is not None:
            stack.append((handler.type, scope, node))
        if handler.name:
            binding = Binding(handler.name, "except", handler, None, node, scope)
            scope.bindings.setdefault(handler.name, []).append(binding)
    ix.block(node.body, node, scope, stack)


def _match(ix: ScopeIndex, node: ast.Match, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    for case in reversed(node.cases):
        ix.parent[case] = node
        ix.block(case.body, case, scope, stack)
        if case.guard is not None:
            stack.append((case.guard, scope, node))
        patterns: list[ast.AST] = [case.pattern]
        while patterns:
            pattern = patterns.pop()
            name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
            if isinstance(name, str):
                scope.bindings.setdefault(name, []).append(Binding(name, "match", pattern, None, node, scope))
            patterns.extend(ast.iter_child_nodes(pattern))
    stack.append((node.subject, scope, node))


def _function(
    ix: ScopeIndex,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    scope: Scope,
    holder: ast.stmt | None,
    stack: list[_Item],
) -> None:
    ix.scope_of[node] = scope
    home = ix._home(node.name, scope, "def")
    home.bindings.setdefault(node.name, []).append(Binding(node.name, "def", node, None, node, scope))
    inner = Scope("function", node, node.name, scope, node)
    ix.scopes[node] = inner
    ix.functions.append(inner)
    _parameters(ix, inner, scope, node, stack)
    for decorator in node.decorator_list:
        stack.append((decorator, scope, node))
    ix.block(node.body, node, inner, stack)


def _parameters(
    ix: ScopeIndex,
    inner: Scope,
    outer: Scope,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    stack: list[_Item],
) -> None:
    for arg in inner.parameters():
        stmt = node if isinstance(node, ast.stmt) else None
        inner.bindings[arg.arg] = [Binding(arg.arg, "param", arg, None, stmt, inner)]
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            stack.append((default, outer, node if isinstance(node, ast.stmt) else None))


def _lambda(ix: ScopeIndex, node: ast.Lambda, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    inner = Scope("lambda", node, "<lambda>", scope, holder)
    ix.scopes[node] = inner
    _parameters(ix, inner, scope, node, stack)
    stack.append((node.body, inner, holder))


def _class(ix: ScopeIndex, node: ast.ClassDef, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    scope.bindings.setdefault(node.name, []).append(Binding(node.name, "class", node, None, node, scope))
    inner = Scope("class", node, node.name, scope, node)
    ix.scopes[node] = inner
    ix.classes.append(inner)
    ix.block(node.body, node, inner, stack)
    for expr in (*node.bases, *node.decorator_list, *(k.value for k in node.keywords)):
        stack.append((expr, scope, node))


def _comprehension(
    ix: ScopeIndex,
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
    scope: Scope,
    holder: ast.stmt | None,
    stack: list[_Item],
) -> None:
    inner = Scope("comprehension", node, "<comprehension>", scope, holder)
    ix.scopes[node] = inner
    parts: list[ast.expr] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    for part in parts:
        stack.append((part, inner, holder))
    for i, generator in enumerate(node.generators):
        ix.bind(generator.target, "comp", generator.iter, holder, inner, stack)
        stack.append((generator.iter, scope if i == 0 else inner, holder))
        stack.extend((test, inner, holder) for test in generator.ifs)


def _import(ix: ScopeIndex, node: ast.Import, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    ix.imports.append(node)
    for alias in node.names:
        if alias.asname:
            name, full = alias.asname, alias.name
        else:
            name = full = alias.name.partition(".")[0]
        binding = Binding(name, "import", alias, None, node, scope, (), (full, 0))
        ix._home(name, scope, "import").bindings.setdefault(name, []).append(binding)


def _importfrom(
    ix: ScopeIndex, node: ast.ImportFrom, scope: Scope, holder: ast.stmt | None, stack: list[_Item]
) -> None:
    ix.scope_of[node] = scope
    ix.imports.append(node)
    for alias in node.names:
        if alias.name == "*":
            scope.imports_star.append((node.module or "", node.level))
            continue
        name = alias.asname or alias.name
        full = f"{node.module}.{alias.name}" if node.module else alias.name
        binding = Binding(name, "from", alias, None, node, scope, (), (full, node.level))
        ix._home(name, scope, "from").bindings.setdefault(name, []).append(binding)


def _global(ix: ScopeIndex, node: ast.Global, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    scope.globals.update(node.names)


def _nonlocal(ix: ScopeIndex, node: ast.Nonlocal, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    scope.nonlocals.update(node.names)


def _return(ix: ScopeIndex, node: ast.Return, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    ix.exits.append(node)
    scope.returns.append(node)
    if node.value is not None and node.value.__class__ not in _LEAVES:
        stack.append((node.value, scope, node))


def _exit(
    ix: ScopeIndex,
    node: ast.Raise | ast.Break | ast.Continue,
    scope: Scope,
    holder: ast.stmt | None,
    stack: list[_Item],
) -> None:
    ix.scope_of[node] = scope
    ix.exits.append(node)
    if isinstance(node, ast.Raise) and node.exc is not None:
        stack.append((node.exc, scope, node))


def _assert(ix: ScopeIndex, node: ast.Assert, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    if never_goes_on(node):
        ix.exits.append(node)
    if node.msg is not None:
        stack.append((node.msg, scope, node))
    stack.append((node.test, scope, node))


def _expr(ix: ScopeIndex, node: ast.Expr, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    if never_goes_on(node):
        ix.exits.append(node)
    if node.value.__class__ not in _LEAVES:
        stack.append((node.value, scope, node))


def _delete(ix: ScopeIndex, node: ast.Delete, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.scope_of[node] = scope
    for target in node.targets:
        if isinstance(target, ast.Name):
            ix.bind(target, "del", None, node, scope, stack)


def _walrus(ix: ScopeIndex, node: ast.NamedExpr, scope: Scope, holder: ast.stmt | None, stack: list[_Item]) -> None:
    ix.bind(node.target, "walrus", node.value, holder, scope, stack)
    stack.append((node.value, scope, holder))


def _yield(
    ix: ScopeIndex, node: ast.Yield | ast.YieldFrom, scope: Scope, holder: ast.stmt | None, stack: list[_Item]
) -> None:
    scope.yields = True
    if node.value is not None:
        stack.append((node.value, scope, holder))


_LEAVES: frozenset[type] = frozenset((ast.Name, ast.Constant))

# Handlers are typed by their own node class; the table cannot say so.
_HANDLERS: dict[type, Any] = {
    ast.Name: _leaf,
    ast.Constant: _leaf,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Assign: _assign,
    ast.AnnAssign: _annassign,
    ast.AugAssign: _augassign,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.If: _if,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
    ast.ClassDef: _class,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Import: _import,
    ast.ImportFrom: _importfrom,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Return: _return,
    ast.Raise: _exit,
    ast.Break: _exit,
    ast.Continue: _exit,
    ast.Assert: _assert,
    ast.Expr: _expr,
    ast.Delete: _delete,
    ast.NamedExpr: _walrus,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}


def _unannotated(stmt: ast.AnnAssign, scope: Scope) -> ast.stmt:
    """`x: T = y` as `x = y`, which keeps `annotation`: the two mean the same everywhere but in a class's body."""
    if stmt.value is None or scope.kind == "class":
        return stmt
    plain = ast.copy_location(ast.Assign([stmt.target], stmt.value), stmt)
    plain.annotation = stmt.annotation  # type: ignore[attr-defined]
    return plain


def _settled(stmt: ast.stmt) -> tuple[list[ast.stmt], list[ast.stmt]] | None:
    """Of an `if` or `while` whose test is fixed: what always runs in its place, and what never does."""
    if not isinstance(stmt, ast.If | ast.While):
        return None
    truth = fixed_truth(stmt.test)
    if truth is None or (truth and isinstance(stmt, ast.While)):
        return None
    return (stmt.body, stmt.orelse) if truth else (stmt.orelse, stmt.body)
