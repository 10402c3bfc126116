"""Moving: definitions go to a module of their own, and are imported from there."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator, Sequence

from dry_debug.program.scopes import last_name
from dry_debug.program.walks import is_definition

from tests.property.naming import free_names, names
from tests.property.origins import Place, Project, all_places, header, is_import, made, places_of, stamp
from tests.property.tally import Tally, Transformation

_NEW = "moved_parts"


def moved(how: str) -> Transformation:
    """`how`: `from` (`from moved_parts import x`), `module` (`import moved_parts`, `moved_parts.x`), `package` (all
    files in one package, relative imports), `from-all`, `module-all` and `package-all` move all that can be moved."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for name, tree in project.trees.items():
            movable = _movable(tree, tally)
            groups = [_with_needs(d, movable) for d in movable.values()]
            if how.endswith("-all"):
                groups = [set(movable)] if len(movable) > 1 else []
            seen: list[set[str]] = []
            for group in groups:
                if group in seen:
                    continue
                seen.append(group)
                other = project.copy()
                if how.startswith("package") and not _into_package(other):
                    tally.skip("a star import or dotted modules")
                    continue
                _carry_out(other, f"pkg/{name}" if how.startswith("package") else name, group, how)
                yield f"{name}: {', '.join(sorted(group))}", other

    return transform


def _movable(tree: ast.Module, tally: Tally) -> dict[str, ast.stmt]:
    """The definitions of a module that need only imports, builtins and each other."""
    if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in tree.body):
        tally.skip("a star import or dotted modules")
        return {}
    imports = {n for s in tree.body if is_import(s) for n in names([s]).writes}
    bindings = [n for s in tree.body for n in names([s]).writes]
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if is_definition(node):
            found[node.name] = node  # type: ignore[attr-defined]
    stores = {n for node in ast.walk(tree) if isinstance(node, ast.Global) for n in node.names}
    found = {n: d for n, d in found.items() if bindings.count(n) == 1 and n not in stores}
    while True:
        known = imports | set(dir(builtins)) | set(found) | {"__file__"}
        fewer = {n: d for n, d in found.items() if not _needs(d) - known and not _global(d)}
        if len(fewer) == len(found):
            return fewer
        for _ in range(len(found) - len(fewer)):
            tally.skip("uses a variable of its module")
        found = fewer


def _global(node: ast.stmt) -> bool:
    return any(isinstance(n, ast.Global) for n in ast.walk(node))


def _needs(node: ast.stmt) -> set[str]:
    return free_names(node)


def _with_needs(definition: ast.stmt, movable: dict[str, ast.stmt]) -> set[str]:
    group: set[str] = set()
    queue = [definition]
    while queue:
        node = queue.pop()
        name: str = node.name  # type: ignore[attr-defined]
        if name not in group:
            group.add(name)
            queue += [movable[n] for n in _needs(node) if n in movable]
    return group


def _carry_out(project: Project, name: str, group: set[str], how: str) -> None:
    tree = project.trees[name]
    definitions = [s for s in tree.body if is_definition(s) and s.name in group]  # type: ignore[attr-defined]
    rest = [s for s in tree.body if s not in definitions]
    needed = {n for d in definitions for n in _needs(d)}
    imports = [copy.deepcopy(s) for s in tree.body if is_import(s) and _serves(s, needed)]
    read = names([s for s in rest if not is_import(s)]).reads
    taken = needed - read if name not in project.imported() else set()
    rest = [s for s in rest if not (is_import(s) and names([s]).writes and names([s]).writes <= taken)]
    folder = name.rpartition("/")[0]  # beside the file: what helps the tests is a test
    project.trees[f"{folder}/{_NEW}.py".lstrip("/")] = ast.Module([*imports, *definitions], [])
    # They may call each other: a finding in one of them may stand at the call of another.
    places = {d.name: all_places(definitions) for d in definitions}  # type: ignore[attr-defined]
    tree.body = rest
    listed = ", ".join(sorted(group))
    if how.startswith("module"):
        text = f"import {_NEW}"
        tree.body = [_Qualify(places).visit(s) for s in tree.body]
    else:
        text = f"from {'.' if how.startswith('package') else ''}{_NEW} import {listed}"
    at = header(tree.body)
    if how.startswith("module") and name in project.imported():
        text += f"\nfrom {_NEW} import {listed}"  # those who import it from here
    tree.body[at:at] = made(text)
    # A finding may stand at the call that leads to what was moved, of what it made, or that is given one of them; or
    # at its statement.
    for other in project.trees.values():
        known = places | _made_of(other, places)
        for node in ast.walk(other):
            if isinstance(node, ast.Assign | ast.Expr | ast.Return | ast.AugAssign):
                calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
                for name in {last_name(n) for call in calls for n in ast.walk(call)} & set(known):
                    stamp(node, places_of(node) | known[name])
            if isinstance(node, ast.Call):
                head = last_name(node.func)
                if head in known:
                    stamp(node.func, places_of(node.func) | known[head])
                for part in (node.func, *node.args, *(k.value for k in node.keywords)):
                    for inner in ast.walk(part):
                        if last_name(inner) in known:
                            stamp(node, places_of(node) | known[last_name(inner)])
                if isinstance(node.func, ast.Attribute) and {head, last_name(node.func.value)} & set(known):
                    receiver = last_name(node.func.value)
                    led = known[head] if head in known else known[receiver]
                    stamp(node.func.value, places_of(node.func.value) | led)


def _made_of(tree: ast.AST, moved: dict[str, frozenset[Place]]) -> dict[str, frozenset[Place]]:
    """The variables and attributes that are set to what one of the definitions gives: `net` in `net = Net()`."""
    found: dict[str, frozenset[Place]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for inner in ast.walk(node.value):
            name = last_name(inner.func) if isinstance(inner, ast.Call) else ""
            if name in moved:
                for target in (n for t in node.targets for n in ast.walk(t) if last_name(n) and last_name(n) != "self"):
                    found[last_name(target)] = found.get(last_name(target), frozenset()) | moved[name]
    return found


def _serves(node: ast.stmt, needed: set[str]) -> bool:
    return bool(names([node]).writes & needed) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


class _Qualify(ast.NodeTransformer):
    """`x` as `moved_parts.x`, where it is the module's `x`."""

    def __init__(self, moved: dict[str, frozenset[tuple[str, int]]]) -> None:
        self.moved = moved

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.moved or not isinstance(node.ctx, ast.Load):
            return node
        base = ast.Name(_NEW, ast.Load())
        new = ast.Attribute(base, node.id, ast.Load())
        for part in (base, new):
            stamp(part, places_of(node))
        return new


def _into_package(project: Project) -> bool:
    """Every file in the package `pkg`, with relative imports of each other."""
    modules = {name[:-3] for name in project.trees}
    if any("/" in m for m in modules):
        return False
    for tree in project.trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and any(a.name in modules and not a.asname for a in node.names):
                _relative(tree, node, modules)
            elif isinstance(node, ast.ImportFrom) and node.module in modules and node.level == 0:
                node.level = 1
    project.trees = {f"pkg/{name}": tree for name, tree in project.trees.items()}
    project.others = {f"pkg/{name}": text for name, text in project.others.items()}
    project.trees["pkg/__init__.py"] = ast.Module([], [])
    return True


def _relative(tree: ast.Module, node: ast.Import, modules: set[str]) -> None:
    for holder in ast.walk(tree):
        body: Sequence[ast.stmt] = getattr(holder, "body", [])
        if isinstance(body, list) and node in body:
            at = body.index(node)
            ours = [a for a in node.names if a.name in modules]
            node.names = [a for a in node.names if a.name not in modules]
            new: list[ast.stmt] = [ast.ImportFrom(None, ours, 1)]
            body[at : at + 1] = [*new, *([node] if node.names else [])]


MOVES: dict[str, Transformation] = {
    f"moved, {how}": moved(how) for how in ("from", "module", "package", "from-all", "module-all", "package-all")
}
