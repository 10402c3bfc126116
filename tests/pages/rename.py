"""An example with all user names replaced and imports aliased: a rule must say the same of it.

One mapping from identifiers to new ones is used for all files and scopes of the example, so that shadowing and closures
keep their meaning. Lines stay where they are.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import libcst as cst

from tests.pages.library_names import KEPT_NAMES, LIBRARY_ATTRIBUTES


def renamed(texts: Mapping[str, str]) -> dict[str, str]:
    """The Python files of an example under new names; other files as they are."""
    trees = {file: ast.parse(text) for file, text in texts.items() if file.endswith(".py")}
    names = _Names(trees)
    result = dict(texts)
    for file in trees:
        result[file] = cst.parse_module(texts[file]).visit(_Renamer(names)).code
    return result


class _Names:
    """What is renamed to what. `variables` go for plain names, `attributes` for what stands behind a dot."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.modules = {part for file in trees for part in PurePosixPath(file).with_suffix("").parts}
        nodes = [node for tree in trees.values() for node in ast.walk(tree)]
        self.functions = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        self.imported: set[str] = set()
        self.unaliased: set[str] = set()  # `import a.b` binds `a` and gives no place for an alias
        self._imports(nodes)
        members = {name for cls in classes for name in _members(cls)}
        members |= {
            n.attr
            for n in nodes
            if isinstance(n, ast.Attribute)
            and isinstance(n.ctx, ast.Store)
            and isinstance(n.value, ast.Name)
            and n.value.id in ("self", "cls")
        }
        options = {_option(n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        kept_members = {m for m in members if m in LIBRARY_ATTRIBUTES or _special(m) or m in options}
        in_class_bodies = {name for cls in classes for name in _fields(cls)}
        excluded = KEPT_NAMES | self.unaliased | (kept_members & in_class_bodies) | self._passed_to_unknown(nodes)
        bound = [name for node in nodes for name in _bound(node)]
        self.members = members - kept_members - KEPT_NAMES
        wanted = [name for name in bound if name not in excluded and not _special(name)]
        methods = {name for cls in classes for name in _methods(cls)}
        plain = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)} - methods
        # A method's own name is behind a dot everywhere but in its definition.
        only_methods = methods - plain - {name for node in nodes for name in _bound(node, definitions=False)}
        new = self._new_identifiers(nodes, [*wanted, *sorted(self.members)])
        self.variables = {name: new[name] for name in wanted if name not in only_methods}
        self.attributes = {name: new[name] for name in self.members}

    def _imports(self, nodes: list[ast.AST]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if "." in alias.name and not alias.asname:
                        self.unaliased.add(alias.name.partition(".")[0])
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imported |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}

    def _passed_to_unknown(self, nodes: list[ast.AST]) -> set[str]:
        """Parameters of library-required methods that somebody passes by keyword (`model(labels=y)`)."""
        passed: set[str] = set()
        taken: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.Call) and not self.is_user_call(node.func):
                if _root(node.func) not in self.imported:
                    passed |= {word.arg for word in node.keywords if word.arg}
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    required = isinstance(method, ast.FunctionDef) and _required(method.name)
                    if isinstance(method, ast.FunctionDef) and required:
                        taken |= {arg.arg for arg in _parameters(method.args)}
        return passed & taken

    def is_user_call(self, func: ast.expr) -> bool:
        """Whether keywords of a call of `func` are parameters that the example defines."""
        if isinstance(func, ast.Name):
            return func.id in self.functions
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call):
            return False  # super().__init__(...)
        return isinstance(func, ast.Attribute) and func.attr in self.functions and not _special(func.attr)

    def _new_identifiers(self, nodes: list[ast.AST], wanted: list[str]) -> dict[str, str]:
        taken = {n.id for n in nodes if isinstance(n, ast.Name)}
        taken |= {n.attr for n in nodes if isinstance(n, ast.Attribute)}
        free = _numbered("a", taken)
        aliases = _numbered("m", taken)
        return {name: next(aliases if name in self.imported else free) for name in dict.fromkeys(wanted)}


def _numbered(letter: str, taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if f"{letter}{number}" not in taken:
            yield f"{letter}{number}"


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _required(name: str) -> bool:
    """Whether a library calls, or may call, a method of this name."""
    return name in LIBRARY_ATTRIBUTES or _special(name)


def _special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _option(text: str) -> str:
    """`--learning-rate` is the attribute `learning_rate` of what argparse gives."""
    return text.lstrip("-").replace("-", "_") if text.startswith("--") else ""


def _parameters(args: ast.arguments) -> list[ast.arg]:
    extra = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def _methods(cls: ast.ClassDef) -> set[str]:
    return {node.name for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _fields(cls: ast.ClassDef) -> set[str]:
    targets: list[ast.expr] = []
    for node in cls.body:
        targets.extend(node.targets if isinstance(node, ast.Assign) else [])
        targets.extend([node.target] if isinstance(node, ast.AnnAssign) else [])
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _members(cls: ast.ClassDef) -> set[str]:
    return _methods(cls) | _fields(cls)


def _bound(node: ast.AST, definitions: bool = True) -> list[str]:
    """The names that one node binds in some scope."""
    if isinstance(node, ast.Name):
        return [node.id] if not isinstance(node.ctx, ast.Load) else []
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name] if definitions else []
    if isinstance(node, ast.Import | ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return []
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names if alias.name != "*"]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    return [node.rest] if isinstance(node, ast.MatchMapping) and node.rest else []


class _Renamer(cst.CSTTransformer):
    """Replaces Name nodes. What a name means is decided on the way down, by the node that holds it."""

    def __init__(self, names: _Names) -> None:
        super().__init__()
        self.names = names
        self.decided: dict[cst.CSTNode, str | None] = {}  # by identity
        self.in_class = [False]

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        if original_node in self.decided:
            new = self.decided[original_node]
        else:
            new = self.names.variables.get(original_node.value)
        return updated_node.with_changes(value=new) if new else updated_node

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        for arg in node.keywords:
            if arg.keyword:
                self.decided[arg.keyword] = None
        self.in_class.append(True)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        self.in_class.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        table = self.names.attributes if self.in_class[-1] else self.names.variables
        self.decided[node.name] = table.get(node.name.value)
        self.in_class.append(False)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self.in_class.pop()
        return updated_node

    def visit_Attribute(self, node: cst.Attribute) -> None:
        root: cst.BaseExpression = node
        while isinstance(root, cst.Attribute | cst.Call | cst.Subscript):
            root = root.func if isinstance(root, cst.Call) else root.value
        names, attr = self.names, node.attr.value
        if not isinstance(root, cst.Name) or root.value not in names.imported:
            self.decided[node.attr] = names.attributes.get(attr)
        elif root.value in names.modules and node.value is root:
            self.decided[node.attr] = names.variables.get(attr)
        elif root.value in names.functions:  # another file of the example defines it
            self.decided[node.attr] = names.attributes.get(attr)
        else:
            self.decided[node.attr] = None

    def visit_Call(self, node: cst.Call) -> None:
        func = node.func
        last = func.attr if isinstance(func, cst.Attribute) else func
        target = last.value if isinstance(last, cst.Name) else ""
        if target == "partial" and node.args and isinstance(node.args[0].value, cst.Name):
            target = node.args[0].value.value
        ours = target in self.names.functions and not _special(target)
        for arg in node.args:
            if arg.keyword:
                word = arg.keyword.value
                new = self.names.attributes.get(word) or self.names.variables.get(word)
                self.decided[arg.keyword] = new if ours else None

    def visit_MatchKeywordElement(self, node: cst.MatchKeywordElement) -> None:
        self.decided[node.key] = None

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        return updated_node.with_changes(names=[self._aliased(item) for item in updated_node.names])

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        module = updated_node.module
        dotted = cst.Module([]).code_for_node(module) if module else ""
        if isinstance(updated_node.names, cst.ImportStar) or dotted == "__future__":
            return updated_node
        ours = bool(updated_node.relative) or dotted.split(".")[0] in self.names.modules
        return updated_node.with_changes(names=[self._aliased(item, ours) for item in updated_node.names])

    def _aliased(self, item: cst.ImportAlias, ours: bool = False) -> cst.ImportAlias:
        if item.asname and isinstance(item.asname.name, cst.Name):
            new = self.names.variables.get(item.asname.name.value)
            asname = item.asname.with_changes(name=cst.Name(new)) if new else item.asname
            item = item.with_changes(asname=asname)
            if ours and isinstance(item.name, cst.Name) and item.name.value not in self.names.modules:
                item = item.with_changes(name=cst.Name(self.names.variables.get(item.name.value, item.name.value)))
            return item
        if not isinstance(item.name, cst.Name):
            return item
        new = self.names.variables.get(item.name.value)
        if new is None:
            return item
        if ours and item.name.value not in self.names.modules:
            return item.with_changes(name=cst.Name(new))
        spaced = cst.AsName(cst.Name(new), cst.SimpleWhitespace(" "), cst.SimpleWhitespace(" "))
        return item.with_changes(asname=spaced)
