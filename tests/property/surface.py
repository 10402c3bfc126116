"""Changes of the surface: comments, the order of imports, annotations, keywords for positions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dry_debug.program.walks import is_docstring

from tests.property.naming import names, parameters
from tests.property.origins import Project, header, is_import, made, places_of, stamp
from tests.property.tally import Tally, Transformation


def imports_reversed(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """Each run of imports the other way round; imports are taken to be independent unless they bind one name twice."""
    other = project.copy()
    for name, tree in other.trees.items():
        start = 1 if tree.body and is_docstring(tree.body[0]) else 0
        while (
            start < len(tree.body)
            and isinstance(tree.body[start], ast.ImportFrom)
            and (
                tree.body[start].module == "__future__"  # type: ignore[attr-defined]
            )
        ):
            start += 1
        run = tree.body[start : header(tree.body)]
        bound = [n for node in run for n in names([node]).writes]
        star = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in run)
        dotted = {a.name for n in run if isinstance(n, ast.Import) for a in n.names if "." in a.name}
        if star or (len(set(bound)) != len(bound) and not dotted):
            tally.skip("one name bound twice")
            continue
        if len(run) < 2:
            tally.no_place()
            continue
        tree.body[start : header(tree.body)] = run[::-1]
        yield name, other


def imports_split(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """`from a import b, c` as two statements."""
    other = project.copy()
    for tree in other.trees.values():
        for node in list(ast.walk(tree)):
            for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
                if isinstance(block, list):
                    block[:] = [new for old in block for new in (_one_by_one(old) if is_import(old) else [old])]
    yield "all files", other


def _one_by_one(node: ast.stmt) -> list[ast.stmt]:
    new: list[ast.stmt] = []
    for alias in node.names:  # type: ignore[attr-defined]
        one = ast.Import([alias]) if isinstance(node, ast.Import) else None
        new.append(one or ast.ImportFrom(node.module, [alias], node.level))  # type: ignore[attr-defined]
        stamp(new[-1], places_of(node))
    return new


def annotated(mark: str, extra: str) -> Transformation:
    """`x = y` as `x: mark = y` where nothing forbids it, parameters and results too."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        other = project.copy()
        for tree in other.trees.values():
            annotator = _Annotator(mark, tally)
            annotator.visit(tree)
            if extra:
                at = header(tree.body)
                tree.body[at:at] = made(extra)
        yield "all files", other

    return transform


class _Annotator(ast.NodeTransformer):
    def __init__(self, mark: str, tally: Tally) -> None:
        self.mark = mark
        self.tally = tally
        self.forbidden: list[set[str]] = [set()]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        inside = [n for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal)]
        self.forbidden.append({name for n in inside for name in n.names})
        self.generic_visit(node)
        self.forbidden.pop()
        if self.mark:
            for arg in parameters(node.args):
                if arg.annotation is None and arg.arg not in ("self", "cls"):
                    arg.annotation = ast.parse(self.mark, mode="eval").body
            if node.returns is None:
                node.returns = ast.parse(self.mark, mode="eval").body
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for child in node.body:  # an annotation in a class's body may make a field of it
            if isinstance(child, ast.FunctionDef):
                self.visit(child)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        simple = isinstance(target, ast.Name) or (
            isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
        )
        if len(node.targets) != 1 or not simple:
            self.tally.skip("several targets")
            return node
        if isinstance(target, ast.Name) and target.id in self.forbidden[-1]:
            self.tally.skip("global")
            return node
        mark = ast.parse(self.mark, mode="eval").body if self.mark else _class_of(node.value)
        if mark is None:
            self.tally.no_place()
            return node
        new = ast.AnnAssign(target, mark, node.value, 1 if isinstance(target, ast.Name) else 0)
        new.places = node.places  # type: ignore[attr-defined]
        return new


def _class_of(value: ast.expr) -> ast.expr | None:
    """The class that a call makes an instance of, by its spelling."""
    if not isinstance(value, ast.Call):
        return None
    last = ast.unparse(value.func).rpartition(".")[2]
    if not last[:1].isupper() or "(" in ast.unparse(value.func):
        return None
    return ast.parse(ast.unparse(value.func), mode="eval").body


# The names of leading positional parameters, as the libraries document them.
_SIGNATURES = {
    "torch.save": ("obj", "f"),
    "torch.load": ("f",),
    "nn.Linear": ("in_features", "out_features"),
    "nn.Dropout": ("p",),
    "nn.BatchNorm1d": ("num_features",),
    "torch.manual_seed": ("seed",),
    "np.random.seed": ("seed",),
    "random.seed": ("a",),
    "DataLoader": ("dataset",),
    "torch.utils.data.DataLoader": ("dataset",),
    "F.softmax": ("input",),
    "F.log_softmax": ("input",),
    "F.cross_entropy": ("input", "target"),
    "nn.functional.cross_entropy": ("input", "target"),
    "nn.functional.mse_loss": ("input", "target"),
    "torch.nn.functional.cross_entropy": ("input", "target"),
    "nn.utils.clip_grad_norm_": ("parameters", "max_norm"),
    "torch.nn.utils.clip_grad_norm_": ("parameters", "max_norm"),
    "clip_grad_norm_": ("parameters", "max_norm"),
    "SamplingParams": ("n",),
    "LLM": ("model",),
}
_METHODS = {
    "load_state_dict": ("state_dict",),
    "train": ("mode",),
    "generate": ("prompts", "sampling_params"),
    "add_scalar": ("tag", "scalar_value", "global_step"),
}
_CLASSES = {"optim": ("params",), "lr_scheduler": ("optimizer",)}


def keywords(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """Positional arguments of known functions, and of the project's own, by their names."""
    other = project.copy()
    functions = _functions(other)
    for tree in other.trees.values():
        for call in [n for n in ast.walk(tree) if isinstance(n, ast.Call)]:
            known = _signature(call, functions, [name for name in ("vllm", "sglang") if _imports(tree, name)])
            if known is None or not call.args:
                continue
            if any(isinstance(a, ast.Starred) for a in call.args) or len(call.args) > len(known):
                tally.skip("starred or more than are known")
                continue
            if any(k.arg is None for k in call.keywords):
                tally.skip("starred or more than are known")
                continue
            new = [ast.keyword(arg, value) for arg, value in zip(known, call.args, strict=False)]
            call.keywords, call.args = [*new, *call.keywords], []
    yield "all files", other


def positions(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
    """Keyword arguments of the project's own functions by position."""
    other = project.copy()
    functions = _functions(other)
    for tree in other.trees.values():
        for call in [n for n in ast.walk(tree) if isinstance(n, ast.Call)]:
            known = functions.get(call.func.id) if isinstance(call.func, ast.Name) else None
            while (
                known
                and call.keywords
                and len(call.args) < len(known)
                and (call.keywords[0].arg == known[len(call.args)])
            ):
                call.args.append(call.keywords.pop(0).value)
    yield "all files", other


def _functions(project: Project) -> dict[str, tuple[str, ...]]:
    """The parameters of module-level functions whose name nothing else in the project has."""
    found: dict[str, tuple[str, ...] | None] = {}
    for tree in project.trees.values():
        for node in ast.walk(tree):
            bound = set()
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound = {node.id}
            elif isinstance(node, ast.arg):
                bound = {node.arg}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                args = node.args if isinstance(node, ast.FunctionDef) else None
                plain = args is not None and not args.posonlyargs and node in tree.body and not node.decorator_list
                first = node.name not in found
                found[node.name] = tuple(a.arg for a in args.args) if plain and first and args else None
            for name in bound:
                found[name] = None
    return {name: args for name, args in found.items() if args is not None}


def _imports(tree: ast.Module, library: str) -> bool:
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return any(name.partition(".")[0] == library for name in names)


def _signature(call: ast.Call, functions: dict[str, tuple[str, ...]], engines: list[str]) -> tuple[str, ...] | None:
    name = ast.unparse(call.func)
    if name in functions:
        return functions[name]
    if name in _SIGNATURES:
        return _SIGNATURES[name]
    owner, _, last = name.rpartition(".")
    family = owner.rpartition(".")[2]
    if family in _CLASSES and last[:1].isupper():
        return _CLASSES[family]
    if last == "generate" and "sglang" in engines:
        return ("prompt", "sampling_params")
    if last == "generate" and not engines:
        return ("inputs", "generation_config")  # of a model of transformers
    if isinstance(call.func, ast.Attribute) and last in _METHODS and family != "dist":
        return _METHODS[last]
    return None


def commented(text: str) -> str:
    """A comment and a blank line before each statement that begins its line, and trailing blanks on its own."""
    lines = text.split("\n")
    starts = {n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt)}
    starts |= {d.lineno for n in ast.walk(ast.parse(text)) for d in getattr(n, "decorator_list", [])}
    inside = _inside_strings(text)
    result: list[str] = []
    for number, line in enumerate(lines, 1):
        previous = lines[number - 2].strip() if number > 1 else ""
        if number in starts and number not in inside and not previous.endswith("\\"):
            indent = line[: len(line) - len(line.lstrip())]
            result += ["", f"{indent}# the next step"]
        result.append(line)
    return "\n".join(result)


def _inside_strings(text: str) -> set[int]:
    nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant | ast.JoinedStr)]
    return {line for n in nodes for line in range(n.lineno + 1, (n.end_lineno or 0) + 1)}


SURFACE: dict[str, Transformation] = {
    "rewritten": lambda project, tally: iter([("all files", project.copy())]),
    "imports reversed": imports_reversed,
    "imports one by one": imports_split,
    "annotated Any": annotated("Any", "from typing import Any"),
    "annotated by class": annotated("", ""),
    "keywords for positions": keywords,
    "positions for keywords": positions,
}
