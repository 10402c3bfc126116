"""Where the imports and helpers that a fix needs go, and whether they are there already."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dry_debug.lint.finding import Fix, Need, NeedHelper, NeedImport
from dry_debug.program.parsing import parse, without_broken_cells
from dry_debug.program.walks import is_docstring
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit


class NeedConflict(ValueError):
    """The file uses the name that the fix needs for something else; the message says which name."""


def edits_of(document: Document, fix: Fix) -> tuple[TextEdit, ...]:
    """Everything that applying this one fix changes in the document. Raises NeedConflict."""
    return combined(fix.edits, resolve_needs(document, fix.needs))


def combined(edits: Iterable[TextEdit], needs: Sequence[TextEdit]) -> tuple[TextEdit, ...]:
    """`edits` and the edits that bring the needs; where both insert at one place the needs stand first."""
    result = set(edits)
    for need in needs:
        same = sorted(edit for edit in result if edit.span == need.span)
        result.difference_update(same)
        result.add(TextEdit(need.span, need.content + "".join(edit.content for edit in same)))
    return tuple(sorted(result))


def resolve_needs(document: Document, needs: Iterable[Need]) -> tuple[TextEdit, ...]:
    """The insertions that give the document what `needs` names and what it does not have yet; equal needs count once.

    An import goes after the last import at the top of the file, or after its docstring; one of the standard library
    stands with those. A helper goes before the first statement that is neither. In a notebook both go into the first
    cell that holds Python. Raises NeedConflict, and SyntaxError if the document does not parse, without the magics and
    the cells that are no Python.
    """
    wanted = list(dict.fromkeys(needs))
    if not wanted:
        return ()
    module = parse(document)
    if not isinstance(module, ast.Module) and len(document.cells) > 1:
        _, module, _ = without_broken_cells(document, module)
    if not isinstance(module, ast.Module):
        raise SyntaxError(module.message)
    bound = _bindings(module)
    imports = [need for need in wanted if isinstance(need, NeedImport) and not _has_import(need, bound)]
    helpers = [need for need in wanted if isinstance(need, NeedHelper) and not _has_helper(need, bound)]
    if not imports and not helpers:
        return ()
    top = _top_of(document, module)
    newline = document.newline
    edits: list[TextEdit] = []
    standard = [need for need in imports if need.module in _STANDARD]
    beside = _among_the_standard(standard, top.leading, document) if standard else None
    if beside is not None:
        edits.append(beside)
        imports = [need for need in imports if need not in standard]
    import_text = newline.join(_statements(imports))
    helper_text = (newline * 3).join(_adapted(need.source, document) for need in helpers)
    # Below an import block there is a blank line already; below a docstring, and above code, one is made.
    before = 1 if top.below_header and not top.has_imports else 0
    after = 0 if top.has_imports else 1
    if import_text and helper_text and top.import_at == top.helper_at:
        import_text, helper_text, after = import_text + newline * 3 + helper_text, "", 2
    if import_text:
        at = top.import_at
        edits.append(TextEdit(Span(at, at), _placed(document, at, import_text, after, before)))
    if helper_text:
        at = top.helper_at
        edits.append(TextEdit(Span(at, at), _placed(document, at, helper_text, 2, 2)))
    return tuple(edits)


# Modules of the standard library that scripts import: where one of them is needed, it goes beside the others.
_STANDARD = frozenset(
    (
        "abc argparse ast asyncio base64 bisect builtins collections contextlib copy csv ctypes dataclasses datetime "
        "enum fnmatch functools gc getpass glob gzip hashlib heapq importlib inspect io itertools json logging math "
        "multiprocessing operator os pathlib pdb pickle platform pprint queue random re shutil signal socket "
        "statistics string struct subprocess sys tempfile textwrap threading time traceback types typing unittest "
        "urllib uuid warnings weakref zipfile"
    ).split()
)


def _among_the_standard(
    needs: Sequence[NeedImport], leading: Sequence[ast.stmt], document: Document
) -> TextEdit | None:
    """Behind the last plain import of the standard library, or before the first `from` of it; where there is none of
    either, in a group of its own before all others.

    None where no import stands there, or one shares its line.
    """
    lines = document.lines
    imports = [s for s in leading if isinstance(s, ast.Import | ast.ImportFrom) and not _is_future(s)]
    if not imports or any(";" in lines.line_text((s.end_lineno or s.lineno) - 1) for s in imports):
        return None
    standard = [s for s in imports if _root(s) in _STANDARD]
    text = document.newline.join(_statements(needs))
    plain = [s for s in standard if isinstance(s, ast.Import)]
    if standard and not plain:
        at = lines.starts[_first_line(standard[0])]
        return TextEdit(Span(at, at), text + document.newline)
    if plain:
        at = lines.line_end((plain[-1].end_lineno or plain[-1].lineno) - 1)
        end = document.newline if at == len(document.source) and not document.is_notebook else ""
        return TextEdit(Span(at, at), document.newline + text + end)
    if _root(imports[0]) == "":
        return None  # a package's own modules: nobody sorts there
    at = lines.starts[_attached(document, _first_line(imports[0]), imports[0] is not leading[0])]
    return TextEdit(Span(at, at), text + document.newline * 2)


def _root(statement: ast.Import | ast.ImportFrom) -> str:
    name = statement.names[0].name if isinstance(statement, ast.Import) else (statement.module or "")
    return "" if isinstance(statement, ast.ImportFrom) and statement.level else name.partition(".")[0]


def _statements(needs: Sequence[NeedImport]) -> list[str]:
    """One line for each module: names of one module share it."""
    lines: list[str] = []
    for need in sorted(needs, key=_import_order):
        start = f"from {need.module} import "
        if need.name and not need.alias and lines and lines[-1].startswith(start) and " as " not in lines[-1]:
            lines[-1] += f", {need.name}"
        else:
            lines.append(import_statement(need))
    return lines


def import_statement(need: NeedImport) -> str:
    """The line of code that fulfils the need."""
    alias = f" as {need.alias}" if need.alias else ""
    return f"from {need.module} import {need.name}{alias}" if need.name else f"import {need.module}{alias}"


def _import_order(need: NeedImport) -> tuple[bool, str, str]:
    return (need.name is not None, need.module, need.name or "")


def _adapted(source: str, document: Document) -> str:
    """A helper's text with the line ends and the indentation that the document uses."""
    lines = source.split("\n")
    if any(document.lines.line_text(line).startswith("\t") for line in range(len(document.lines))):
        lines = [_tabbed(line) for line in lines]
    return document.newline.join(lines)


def _tabbed(line: str) -> str:
    body = line.lstrip(" ")
    width = len(line) - len(body)
    return "\t" * (width // 4) + " " * (width % 4) + body


def _placed(document: Document, at: int, text: str, after: int, before: int) -> str:
    """`text` as lines of their own at offset `at`, with at least so many blank lines after and before it.

    Blank lines count only between it and other text of the cell.
    """
    newline = document.newline
    cell = document.cells[document.cell_at(at)] if document.cells else None
    start, end = (cell.start, cell.end) if cell else (0, len(document.source))
    above, below = document.source[start:at], document.source[at:end]
    lead = ""
    if above.strip():
        ended = above.endswith(("\n", "\r"))
        lead = ("" if ended else newline) + newline * max(0, before - _blank_lines(above.splitlines()[::-1]))
    tail = newline * max(0, after - _blank_lines(below.splitlines())) if below.strip() else ""
    # At the very end of a cell without a final line end the text gets none either.
    return lead + text + (newline if below or above.endswith(("\n", "\r")) or not document.is_notebook else "") + tail


def _blank_lines(lines: Sequence[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.strip()), len(lines))


class _Top(NamedTuple):
    """Offsets where imports and helpers go, and what stands above them: imports, or only a docstring and
    `from __future__` lines (the header)."""

    import_at: int
    helper_at: int
    has_imports: bool
    below_header: bool
    leading: list[ast.stmt]


def _top_of(document: Document, module: ast.Module) -> _Top:
    lines = document.lines
    body = list(module.body)
    start, end = 0, len(document.source)
    if document.is_notebook and document.cells:
        by_cell: dict[int, list[ast.stmt]] = {}
        for statement in body:
            by_cell.setdefault(document.cell_at(lines.starts[_first_line(statement)]), []).append(statement)
        index = min(by_cell, default=0)
        start, end = document.cells[index].start, document.cells[index].end
        body = by_cell.get(index, [])
    leading: list[ast.stmt] = []
    between: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom) or (not leading and is_docstring(statement)):
            leading += [*between, statement]
            between = []
        elif leading and _prepares(statement):
            between.append(statement)  # part of the imports, if more of them follow
        else:
            break
    rest = body[len(leading) :]
    has_imports = any(not is_docstring(statement) and not _is_future(statement) for statement in leading)
    if rest:
        helper_at = max(start, lines.starts[_attached(document, _first_line(rest[0]), bool(leading))])
    else:
        helper_at = end
    import_at = helper_at
    if leading:
        line = leading[-1].end_lineno or leading[-1].lineno  # one-based, so this is the line after it
        import_at = min(lines.starts[line] if line < len(lines) else end, end)
        if rest:
            # `import a; x = 1` shares a line: what follows on it must find the import already made.
            import_at = min(import_at, helper_at)
    return _Top(import_at, helper_at, has_imports, bool(leading), leading)


def _first_line(statement: ast.stmt) -> int:
    """Zero-based first line of a statement, decorators included."""
    first = statement.lineno
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = min([first, *(decorator.lineno for decorator in statement.decorator_list)])
    return first - 1


def _attached(document: Document, line: int, below_code: bool) -> int:
    """`line`, moved up over the comments that stand right above it, unless they open the file (a licence, `#!`)."""
    first = line
    while first > 0 and document.lines.line_text(first - 1).startswith("#"):
        first -= 1
    return line if first == 0 and not below_code else first


def _prepares(statement: ast.stmt) -> bool:
    """Whether a statement only prepares the imports behind it: `sys.path.append(...)`, `os.environ[...] = ...`."""
    node: ast.AST | None = None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        node = statement.value.func
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        node = statement.targets[0]
        node = node.value if isinstance(node, ast.Subscript) else None
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("sys", "os", "warnings", "matplotlib", "logging")


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


# What a name at module level means: the dotted thing that an import brings, or "" for what the file defines itself.
_Bindings = dict[str, set[str]]


def _has_import(need: NeedImport, bound: _Bindings) -> bool:
    target = f"{need.module}.{need.name}" if need.name else need.module
    if need.alias or need.name:
        name = need.alias or need.name or ""
        return _agrees(name, {target}, bound)
    name = need.module.partition(".")[0]
    if not _agrees(name, {name, *(other for other in bound.get(name, ()) if other.startswith(name + "."))}, bound):
        return False
    return "." not in target or any((other + ".").startswith(target + ".") for other in bound[name])


def _agrees(name: str, targets: set[str], bound: _Bindings) -> bool:
    """Whether `name` is bound to one of `targets`; raises NeedConflict if it is bound to other things only."""
    if name not in bound:
        return False
    if not bound[name] & targets:
        raise NeedConflict(f"the name {name!r} already means something else in this file")
    return True


def _has_helper(need: NeedHelper, bound: _Bindings) -> bool:
    return need.name in bound


def _bindings(module: ast.Module) -> _Bindings:
    bound: _Bindings = {}
    for node in _module_level(module.body):
        if isinstance(node, ast.Import):
            for item in node.names:
                # `import a.b` binds `a`; that `a.b` is loaded too is kept in what the name stands for.
                bound.setdefault(item.asname or item.name.partition(".")[0], set()).add(item.name)
        elif isinstance(node, ast.ImportFrom):
            module_name = "." * node.level + (node.module or "")
            for item in node.names:
                bound.setdefault(item.asname or item.name, set()).add(f"{module_name}.{item.name}")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.setdefault(node.name, set()).add("")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, set()).add("")
    return bound


def _module_level(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that run in the module's own scope; a block under `if TYPE_CHECKING` binds nothing at run time."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            stack.extend(node.orelse)
            continue
        stack.extend(ast.iter_child_nodes(node))
