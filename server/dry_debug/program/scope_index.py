"""One pass over the tree: scopes, bindings, calls, and which statement holds what. Knows no library.

Everything later is asked of this index, so that no other part has to walk the whole tree again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from dry_debug.once import cached_property
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
from dry_debug.program.spelled import of_texts
from dry_debug.program.walks import nodes

_FIXED: frozenset[type] = frozenset((ast.Constant, ast.UnaryOp))
_ENDS: frozenset[type] = frozenset((ast.Return, ast.Raise, ast.Break, ast.Continue))
_ORDER: frozenset[type] = frozenset((ast.Lt, ast.LtE, ast.Gt, ast.GtE))
_SPECIAL = _ENDS | {ast.If, ast.While, ast.AnnAssign}
_YIELDS: frozenset[type] = frozenset((ast.Yield, ast.YieldFrom))
_LEAVES: frozenset[type] = frozenset((ast.Name, ast.Constant))
_SKIP = NO_NODES | _LEAVES
# Fields that hold no expression: operators, and what the parser notes down.
_NO_PARTS = frozenset(("op", "ops", "ctx", "kind", "conversion", "type_comment"))


class _Parts(dict[type, tuple[str, ...]]):
    """By the class of a node: its fields that may hold expressions, the last first."""

    def __missing__(self, cls: type[ast.AST]) -> tuple[str, ...]:
        found = self[cls] = tuple(name for name in reversed(cls._fields) if name not in _NO_PARTS)
        return found


_PARTS = _Parts()


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
        self.ordering: set[ast.stmt] = set()  # statements that put something in order: `if score > best`
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
        try:
            if not block.lineno <= stmt.lineno <= block.end_lineno:  # type: ignore[attr-defined]
                return False
        except (AttributeError, TypeError):  # a module or a `case`, which have no lines, and what is made up
            pass
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

    # The walk keeps its own stacks: chains of 100,000 operators or `elif`s must not meet Python's recursion limit.
    # `stack` holds statements; `todo` the expressions of one, which come before the statements in it. What lies in them
    # below a scope stands in that scope.
    def _walk(self) -> None:
        scope = self.module
        stack: _Stack = []
        todo: _Todo = []
        self.block(self.tree.body, self.tree, scope, stack)
        scope_of, statements, expressions, parts, skip = self.scope_of, _STATEMENTS, _EXPRESSIONS, _PARTS, _SKIP
        while stack:
            stmt = stack.pop()
            if stmt.__class__ is Scope:
                scope = stmt
                continue
            scope_of[stmt] = scope
            statements.get(stmt.__class__, _other)(self, stmt, scope, stack, todo)
            here = scope
            while todo:
                node = todo.pop()
                cls = node.__class__
                while cls is ast.Attribute:
                    node = node.value
                    cls = node.__class__
                handler = expressions.get(cls)
                if handler is not None:
                    handler(self, node, here, stmt, todo)
                elif cls is Scope:
                    here = node
                elif cls not in skip:
                    for name in parts[cls]:
                        value = getattr(node, name)
                        if value.__class__ is list:
                            todo += [item for item in reversed(value) if item.__class__ not in skip]
                        elif value.__class__ not in skip:
                            todo.append(value)

    def block(self, stmts: list[ast.stmt], owner: Block, scope: Scope, stack: _Stack) -> None:
        """Put a block on the stack, without what can never run."""
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
            stack.append(stmt)

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
                scope.yields = any(n.__class__ in _YIELDS for n in nodes(stmt))
        self.dead += stmts

    def bind(
        self,
        target: ast.AST,
        kind: BindingKind,
        value: ast.expr | None,
        stmt: ast.stmt | None,
        scope: Scope,
        todo: _Todo,
        path: tuple[int | None, ...] = (),
    ) -> None:
        """Bind the names in `target`; expressions inside it (subscripts, receivers) are left to do."""
        cls = target.__class__
        if cls is ast.Name:
            name: str = target.id  # type: ignore[attr-defined]
            self._bound(Binding(name, kind, target, value, stmt, scope, path))
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
            else:
                todo.append(receiver)
        elif cls is ast.Tuple or cls is ast.List:
            elements: list[ast.expr] = target.elts  # type: ignore[attr-defined]
            starred = next((i for i, e in enumerate(elements) if e.__class__ is ast.Starred), None)
            for i, element in enumerate(elements):
                if element.__class__ is ast.Starred:
                    self.bind(element.value, kind, value, stmt, scope, todo, (*path, None))
                else:
                    index = i if starred is None or i < starred else i - len(elements)
                    self.bind(element, kind, value, stmt, scope, todo, (*path, index))
        elif cls is not ast.Constant:
            todo.append(target)

    def _bound(self, binding: Binding) -> None:
        """Keep a binding of a plain name where that name lives."""
        name, home = binding.name, binding.scope
        if home.globals or home.nonlocals or binding.kind == "walrus":
            home = self._home(name, home, binding.kind)
        known = home.bindings.get(name)
        if known is None:
            home.bindings[name] = [binding]
        else:
            known.append(binding)

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


# Statements or expressions, and scopes; the handlers know by the class of a node what it is, the type checker does not.
_Stack = list[Any]
_Todo = list[Any]


def _call(ix: ScopeIndex, node: ast.Call, scope: Scope, holder: ast.stmt, todo: _Todo) -> None:
    ix.calls.append(node)
    scope.calls.append(node)
    ix.scope_of[node] = scope
    ix.stmt_of[node] = holder
    for keyword in reversed(node.keywords):
        if keyword.value.__class__ not in _LEAVES:
            todo.append(keyword.value)
    for arg in reversed(node.args):
        if arg.__class__ not in _LEAVES:
            todo.append(arg)
    func = node.func
    if func.__class__ is ast.Attribute:
        value = func.value
        receiver = value.id if value.__class__ is ast.Name else dotted(value)
        if receiver is not None:
            methods = scope.receivers.get(receiver)
            if methods is None:
                scope.receivers[receiver] = {func.attr}
            else:
                methods.add(func.attr)
        else:
            todo.append(value)
    elif func.__class__ is not ast.Name:
        todo.append(func)


def _other(ix: ScopeIndex, node: ast.stmt, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    for name in _PARTS[node.__class__]:
        value = getattr(node, name, None)
        todo.extend(reversed(value) if isinstance(value, list) else (value,))


def _assign(ix: ScopeIndex, node: ast.Assign, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.assignments.append(node)
    value = node.value
    if value.__class__ not in _LEAVES:
        todo.append(value)
    for target in node.targets:
        ix.bind(target, "assign", value, node, scope, todo)


def _annassign(ix: ScopeIndex, node: ast.AnnAssign, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    if node.value is not None:
        ix.assignments.append(node)
        todo.append(node.value)
        ix.bind(node.target, "assign", node.value, node, scope, todo)
    elif scope.kind == "class":
        ix.bind(node.target, "assign", None, node, scope, todo)


def _augassign(ix: ScopeIndex, node: ast.AugAssign, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.augments.append(node)
    todo.append(node.value)
    ix.bind(node.target, "aug", node.value, node, scope, todo)


def _for(ix: ScopeIndex, node: ast.For | ast.AsyncFor, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    scope.loops.append(node)
    if node.orelse:
        ix.block(node.orelse, node, scope, stack)
    ix.block(node.body, node, scope, stack)
    todo.append(node.iter)
    ix.bind(node.target, "for", node.iter, node, scope, todo)


def _while(ix: ScopeIndex, node: ast.While, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    scope.loops.append(node)
    _if(ix, node, scope, stack, todo)


def _if(ix: ScopeIndex, node: ast.If | ast.While, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    if node.orelse:
        ix.block(node.orelse, node, scope, stack)
    ix.block(node.body, node, scope, stack)
    todo.append(node.test)


def _with(ix: ScopeIndex, node: ast.With | ast.AsyncWith, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.withs.append(node)
    ix.block(node.body, node, scope, stack)
    for item in reversed(node.items):
        todo.append(item.context_expr)
        if item.optional_vars is not None:
            ix.bind(item.optional_vars, "with", item.context_expr, node, scope, todo)


def _try(ix: ScopeIndex, node: ast.Try | ast.TryStar, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    if node.finalbody:
        ix.block(node.finalbody, node, scope, stack)
    if node.orelse:
        ix.block(node.orelse, node, scope, stack)
    for handler in reversed(node.handlers):
        ix.parent[handler] = node
        ix.scope_of[handler] = scope
        ix.excepts.append(handler)
        ix.block(handler.body, handler, scope, stack)
        if handler.type is not None:
            todo.append(handler.type)
        if handler.name:
            binding = Binding(handler.name, "except", handler, None, node, scope)
            scope.bindings.setdefault(handler.name, []).append(binding)
    ix.block(node.body, node, scope, stack)


def _match(ix: ScopeIndex, node: ast.Match, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    for case in reversed(node.cases):
        ix.parent[case] = node
        ix.block(case.body, case, scope, stack)
        if case.guard is not None:
            todo.append(case.guard)
        patterns: list[ast.AST] = [case.pattern]
        while patterns:
            pattern = patterns.pop()
            name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
            if isinstance(name, str):
                scope.bindings.setdefault(name, []).append(Binding(name, "match", pattern, None, node, scope))
            patterns.extend(ast.iter_child_nodes(pattern))
    todo.append(node.subject)


def _function(
    ix: ScopeIndex, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, stack: _Stack, todo: _Todo
) -> None:
    ix._bound(Binding(node.name, "def", node, None, node, scope))
    inner = Scope("function", node, node.name, scope, node)
    ix.scopes[node] = inner
    ix.functions.append(inner)
    _parameters(inner, node, node, todo)
    todo += reversed(node.decorator_list)
    stack.append(scope)
    ix.block(node.body, node, inner, stack)
    stack.append(inner)


def _parameters(
    inner: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, stmt: ast.stmt | None, todo: _Todo
) -> None:
    bindings = inner.bindings
    for arg in inner.parameters():
        bindings[arg.arg] = [Binding(arg.arg, "param", arg, None, stmt, inner)]
    todo += node.args.defaults
    todo += node.args.kw_defaults


def _lambda(ix: ScopeIndex, node: ast.Lambda, scope: Scope, holder: ast.stmt, todo: _Todo) -> None:
    inner = Scope("lambda", node, "<lambda>", scope, holder)
    ix.scopes[node] = inner
    todo += (scope, node.body, inner)
    _parameters(inner, node, None, todo)


def _class(ix: ScopeIndex, node: ast.ClassDef, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    scope.bindings.setdefault(node.name, []).append(Binding(node.name, "class", node, None, node, scope))
    inner = Scope("class", node, node.name, scope, node)
    ix.scopes[node] = inner
    ix.classes.append(inner)
    todo += (*node.bases, *node.decorator_list, *(k.value for k in node.keywords))
    stack.append(scope)
    ix.block(node.body, node, inner, stack)
    stack.append(inner)


def _comprehension(
    ix: ScopeIndex,
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
    scope: Scope,
    holder: ast.stmt,
    todo: _Todo,
) -> None:
    inner = Scope("comprehension", node, "<comprehension>", scope, holder)
    ix.scopes[node] = inner
    todo += (scope, node.value, node.key) if isinstance(node, ast.DictComp) else (scope, node.elt)
    for generator in reversed(node.generators):
        todo += generator.ifs
        ix.bind(generator.target, "comp", generator.iter, holder, inner, todo)
        todo.append(generator.iter)
    first = todo.pop()  # it alone is no part of the inner scope
    todo += (inner, first)


def _import(ix: ScopeIndex, node: ast.Import, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.imports.append(node)
    for alias in node.names:
        if alias.asname:
            name, full = alias.asname, alias.name
        else:
            name = full = alias.name.partition(".")[0]
        binding = Binding(name, "import", alias, None, node, scope, (), (full, 0))
        ix._bound(binding)


def _importfrom(ix: ScopeIndex, node: ast.ImportFrom, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.imports.append(node)
    for alias in node.names:
        if alias.name == "*":
            scope.imports_star.append((node.module or "", node.level))
            continue
        name = alias.asname or alias.name
        full = f"{node.module}.{alias.name}" if node.module else alias.name
        binding = Binding(name, "from", alias, None, node, scope, (), (full, node.level))
        ix._bound(binding)


def _global(ix: ScopeIndex, node: ast.Global, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    scope.globals = scope.globals.union(node.names)


def _nonlocal(ix: ScopeIndex, node: ast.Nonlocal, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    scope.nonlocals = scope.nonlocals.union(node.names)


def _return(ix: ScopeIndex, node: ast.Return, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.exits.append(node)
    scope.returns.append(node)
    if node.value is not None:
        todo.append(node.value)


def _raise(ix: ScopeIndex, node: ast.Raise, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.exits.append(node)
    if node.exc is not None:
        todo.append(node.exc)


def _exit(ix: ScopeIndex, node: ast.Break | ast.Continue, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    ix.exits.append(node)


def _assert(ix: ScopeIndex, node: ast.Assert, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    if never_goes_on(node):
        ix.exits.append(node)
    if node.msg is not None:
        todo.append(node.msg)
    todo.append(node.test)


def _expr(ix: ScopeIndex, node: ast.Expr, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    if never_goes_on(node):
        ix.exits.append(node)
    todo.append(node.value)


def _delete(ix: ScopeIndex, node: ast.Delete, scope: Scope, stack: _Stack, todo: _Todo) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            ix.bind(target, "del", None, node, scope, todo)


def _walrus(ix: ScopeIndex, node: ast.NamedExpr, scope: Scope, holder: ast.stmt, todo: _Todo) -> None:
    ix.bind(node.target, "walrus", node.value, holder, scope, todo)
    todo.append(node.value)


def _compare(ix: ScopeIndex, node: ast.Compare, scope: Scope, holder: ast.stmt, todo: _Todo) -> None:
    todo += node.comparators[::-1]
    if node.ops[0].__class__ in _ORDER:
        ix.ordering.add(holder)
    left = node.left
    if left.__class__ is not ast.Name:
        todo.append(left)
    elif any(map(of_texts, node.comparators)):
        scope.compared_with_texts |= {left.id}


def _yield(ix: ScopeIndex, node: ast.Yield | ast.YieldFrom, scope: Scope, holder: ast.stmt, todo: _Todo) -> None:
    scope.yields = True
    if node.value is not None:
        todo.append(node.value)


# Handlers are typed by their own node class; the tables cannot say so.
_STATEMENTS: dict[type, Any] = {
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
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _importfrom,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Break: _exit,
    ast.Continue: _exit,
    ast.Assert: _assert,
    ast.Expr: _expr,
    ast.Delete: _delete,
}
_EXPRESSIONS: dict[type, Any] = {
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.NamedExpr: _walrus,
    ast.Compare: _compare,
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
