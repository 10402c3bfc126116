"""Folders that a file puts on `sys.path`, read from its text without running it.

Understood are literal folders and those that are computed from `__file__` or the current folder by `os.path` and
`pathlib`, through variables and a helper that does nothing but add its argument. What is computed otherwise is passed
over.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from dry_debug.program.scopes import last_name

MAX_SOURCE = 8_000  # code points: of a longer file only the part down to its last `sys.path` is looked at
MAX_PATHS = 16
MAX_DEPTH = 12
_MARK = "sys.path"
_SAME = frozenset(("abspath", "realpath", "normpath", "expanduser", "str", "fspath", "resolve", "absolute", "as_posix"))


def added_folders(source: str, path: str, current: tuple[str, ...]) -> list[str]:
    """The folders that the file at `path` (absolute), whose text is `source`, adds to `sys.path`, as absolute paths.

    A relative folder counts from each of the `current` ones: where such a program is started is not known. The folders
    need not exist.
    """
    if _MARK not in source:
        return []
    tree = _head(source)
    if tree is None:
        return []
    reader = _Reader(tree, path, current)
    found: list[str] = []
    for expr in reader.added():
        for folder in reader.folders(expr):
            if folder not in found and len(found) < MAX_PATHS:
                found.append(folder)
    return found


def _head(source: str) -> ast.Module | None:
    """The tree of a short file, or of the part of a long one in which `sys.path` occurs."""
    if len(source) > MAX_SOURCE:
        end = source.rfind(_MARK)
        for _ in range(6):  # a statement may go on over a few lines
            end = source.find("\n", end + 1)
            if end < 0:
                end = len(source)
            tree = _parsed(source[:end])
            if tree is not None or end == len(source):
                return tree
        return None
    return _parsed(source)


def _parsed(source: str) -> ast.Module | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    def __init__(self, tree: ast.Module, path: str, current: tuple[str, ...]) -> None:
        self.path, self.current = path, current
        self.assigned: dict[str, ast.expr] = {}
        self.calls: list[ast.Call] = []
        self.grown: list[ast.expr] = []  # `sys.path += [...]`
        self.adders: set[str] = set()  # functions that add their parameter
        for node in _nodes(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.assigned.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.AugAssign) and _is_sys_path(node.target):
                self.grown.append(node.value)
            elif isinstance(node, ast.Call):
                self.calls.append(node)
            elif isinstance(node, ast.FunctionDef) and node.args.args:
                first = node.args.args[0].arg
                inner = (n for n in _nodes(node) if isinstance(n, ast.Call))
                if any(isinstance(e, ast.Name) and e.id == first for call in inner for e in _passed(call)):
                    self.adders.add(node.name)

    def added(self) -> Iterator[ast.expr]:
        """The expressions of what is added, one folder each."""
        for call in self.calls:
            yield from _passed(call)
            if isinstance(call.func, ast.Name) and call.func.id in self.adders and call.args:
                yield call.args[0]
        for value in self.grown:
            if isinstance(value, ast.List | ast.Tuple):
                yield from value.elts

    def folders(self, expr: ast.expr) -> list[str]:
        """The absolute folders that `expr` may be."""
        texts = self._texts(expr, 0)
        bases = (os.path.dirname(self.path), *self.current)
        found = []
        for text in texts:
            for base in ("",) if os.path.isabs(text) else bases:
                found.append(os.path.normpath(os.path.join(base, text)))
        return found

    def _texts(self, expr: ast.expr, depth: int) -> list[str]:
        """The texts that `expr` may be; none where that is not known."""
        if depth > MAX_DEPTH:
            return []
        if isinstance(expr, ast.Constant):
            return [expr.value] if isinstance(expr.value, str) and "\0" not in expr.value else []
        if isinstance(expr, ast.Name):
            if expr.id == "__file__":
                return [self.path]
            value = self.assigned.get(expr.id)
            return self._texts(value, depth + 1) if value is not None else []
        if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add | ast.Div):
            left, right = self._texts(expr.left, depth + 1), self._texts(expr.right, depth + 1)
            slash = "/" if isinstance(expr.op, ast.Div) else ""
            return [f"{a}{slash}{b}" for a in left for b in right]
        if isinstance(expr, ast.Attribute):
            if expr.attr == "parent":
                return [os.path.dirname(t) for t in self._whole(expr.value, depth)]
            return {"pardir": [".."], "curdir": ["."], "sep": ["/"]}.get(expr.attr, [])
        if isinstance(expr, ast.Subscript):
            return self._part(expr, depth)
        if isinstance(expr, ast.Call):
            return self._call(expr, depth)
        return []

    def _part(self, expr: ast.Subscript, depth: int) -> list[str]:
        """`path.parents[1]` and `os.path.split(path)[0]`."""
        number = expr.slice.value if isinstance(expr.slice, ast.Constant) else None
        if not isinstance(number, int) or not 0 <= number < MAX_DEPTH:
            return []
        value = expr.value
        if isinstance(value, ast.Attribute) and value.attr == "parents":
            texts = self._whole(value.value, depth)
            for _ in range(number + 1):
                texts = [os.path.dirname(t) for t in texts]
            return texts
        if isinstance(value, ast.Call) and last_name(value.func) == "split" and number == 0 and value.args:
            return [os.path.dirname(t) for t in self._whole(value.args[0], depth)]
        return []

    def _call(self, call: ast.Call, depth: int) -> list[str]:
        name, args = last_name(call.func), call.args
        if name in ("getcwd", "cwd"):
            return list(self.current)
        if name in ("Path", "join", "PurePath") and args:
            texts = self._texts(args[0], depth + 1)
            for arg in args[1:]:
                texts = [os.path.join(a, b) for a in texts for b in self._texts(arg, depth + 1)]
            return texts
        if name == "joinpath" and isinstance(call.func, ast.Attribute) and args:
            above = self._texts(call.func.value, depth + 1)
            return [os.path.join(a, b) for a in above for b in self._texts(args[0], depth + 1)]
        if name == "dirname" and args:
            return [os.path.dirname(t) for t in self._whole(args[0], depth)]
        if name in _SAME:
            inner = args[0] if args else call.func.value if isinstance(call.func, ast.Attribute) else None
            return self._texts(inner, depth + 1) if inner is not None else []
        return []

    def _whole(self, expr: ast.expr, depth: int) -> list[str]:
        """The texts with `..` taken away, so that the folder above can be taken."""
        return [os.path.normpath(t) for t in self._texts(expr, depth + 1)]


def _passed(call: ast.Call) -> list[ast.expr]:
    """What a call of `sys.path`'s own methods adds."""
    func = call.func
    if not isinstance(func, ast.Attribute) or not _is_sys_path(func.value):
        return []
    if func.attr == "append":
        return call.args[:1]
    if func.attr == "insert":
        return call.args[1:2]
    if func.attr == "extend" and call.args and isinstance(call.args[0], ast.List | ast.Tuple):
        return list(call.args[0].elts)
    return []


def _is_sys_path(expr: ast.expr) -> bool:
    return (
        isinstance(expr, ast.Attribute)
        and expr.attr == "path"
        and isinstance(expr.value, ast.Name)
        and expr.value.id == "sys"
    )


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes in source order, with a stack of our own."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(ast.iter_child_nodes(node))))
