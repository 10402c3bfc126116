"""Seeding all that a run draws from: completes the function or the block that seeds, or makes one of several calls.

What it writes: the missing generators with the seed as it is written; the cuDNN flags where the run uses CUDA and
nothing sets them. What it does not write: `PYTHONHASHSEED`, which counts only in the environment that an interpreter is
started with, and `worker_init_fn`: the workers of a loader seed torch, `random` and NumPy from torch's seed themselves.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.rank_seeding import (
    LEFT,
    apart,
    generators_at,
    plus_rank,
    seeds_by_rank,
    several_ranks,
    with_seeds_apart,
)
from dry_debug.lint.finding import Fix, Need, NeedHelper, NeedImport
from dry_debug.lint.new_lines import line_after, line_before
from dry_debug.program.randomness import SHOWN
from dry_debug.program.scopes import last_name
from dry_debug.records import dataclass
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.randomness import RandomSite, Rng
    from dry_debug.program.scopes import Scope
    from dry_debug.program.seeding import Gap, Seeding

_SEED: dict[Rng, tuple[str, str]] = {
    "python": ("random", "seed"),
    "numpy": ("numpy", "random.seed"),
    "torch": ("torch", "manual_seed"),
}
_ALIAS = {"numpy": "np"}
_ORDER: tuple[Rng, ...] = ("python", "numpy", "torch")
_NAMES = ("set_seed", "seed_everything", "seed_all")
NEAR = 12  # lines between the first and the last call of a block that seeds
# What says that somebody has thought of the kernels, one way or the other.
_DETERMINISM = ("cudnn.deterministic", "cudnn.benchmark", "use_deterministic_algorithms", "cudnn.enabled")
_PARTS = (ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.operator, ast.expr_context)
_RANK = frozenset(("get_rank", "int"))


@dataclass(slots=True)
class _Block:
    """The calls that seed, in one block of statements, and what they are given."""

    sites: list[RandomSite]
    stmts: list[ast.stmt]  # in source order
    value: str
    scope: Scope


def title(program: Program, gaps: list[Gap], seeding: Seeding) -> str:
    """What the fix does."""
    names = [f"`{SHOWN[gap.rng]}`" for gap in gaps]
    shown = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Seed {shown} with the same value{', make cuDNN deterministic' if _cudnn(program, seeding) else ''}"


def complete(program: Program, gaps: list[Gap], seeding: Seeding) -> Fix | None:
    """The fix that seeds what `gaps` names with the value that the run is seeded with."""
    anchor = seeding.told_at
    if anchor is None:
        return None
    call, site, owner = anchor
    if site.rng == "cuda":
        return None  # such a call often stands where CUDA is at hand, and only there
    value = seed_text(program, call, owner is program)
    if value is None:
        return None
    shown, flags = title(program, gaps, seeding), _cudnn(program, seeding)
    missing = [gap.rng for gap in gaps]
    if owner is not program:
        return _beside(program, program.statement(call), missing, value, flags, shown)
    block = _block(program, call, value)
    if block is None:
        return None
    ranks = several_ranks(program) and not seeds_by_rank(program, seeding)
    helper = _in_helper(program, block)
    if not helper and (ranks or len(missing) + len(flags) > 2):
        whole = _as_function(program, block, missing, flags, shown)
        if whole is not None:
            fix, name = whole
            return _parted(fix, program, name, call, seed_expr(call)) if ranks else fix
    found = _beside(program, block.stmts[-1], missing, value, flags, shown)
    if not ranks or found is None:
        return found
    calls = program.call_sites(block.scope) if helper else []
    if len(calls) != 1 or len(block.scope.parameters()) != 1:
        return found._replace(title=found.title + LEFT)
    return _parted(found, program, block.scope.name, calls[0], seed_expr(calls[0]))


def _parted(fix: Fix, program: Program, name: str, call: ast.Call, seed: ast.expr | None) -> Fix:
    """`fix` with a call of the function `name` for each rank's own seed, behind the wrapping of the model."""
    where = apart(program, call, seed) if seed is not None else None
    if where is None or seed is None:
        return fix._replace(title=fix.title + LEFT)
    lines = [f"{name}({plus_rank(program.text(seed), seed, where.rank)})"]
    lines += [
        f"{held}.manual_seed({plus_rank(program.text(own), own, where.rank)})"
        for held, own in generators_at(where, program)
    ]
    return with_seeds_apart(fix, program, where, lines) or fix._replace(title=fix.title + LEFT)


def seed_expr(call: ast.Call) -> ast.expr | None:
    """The seed that a call is given."""
    passed = [*call.args, *(k.value for k in call.keywords)]
    if not passed or isinstance(passed[0], ast.Starred):
        return None
    named = next((k.value for k in call.keywords if k.arg in ("seed", "a", "s")), None)
    return named if named is not None else passed[0]


def seed_text(program: Program, call: ast.Call, own: bool) -> str | None:
    """The seed as it is written; of a helper of another file only where it is the one thing that is passed."""
    expr = seed_expr(call)
    if expr is None or (not own and len(call.args) + len(call.keywords) != 1):
        return None
    for node in ast.walk(expr):
        if isinstance(node, ast.Call):
            if last_name(node.func) not in _RANK:
                return None  # it may give another value each time
        elif not isinstance(node, _PARTS):
            return None
    return program.text(expr)


def _block(program: Program, call: ast.Call, value: str) -> _Block | None:
    """The seed calls that stand around `call`."""
    stmt = program.statement(call)
    if stmt is None:
        return None
    parent = program.index.parent.get(stmt)
    sites: list[RandomSite] = []
    stmts: list[ast.stmt] = []
    for site in program.randomness.own_seeds:
        other = program.statement(site.node)
        if other is None or program.index.parent.get(other) is not parent or abs(other.lineno - stmt.lineno) >= NEAR:
            continue
        sites.append(site)
        if other not in stmts:
            stmts.append(other)
    stmts.sort(key=lambda s: (s.lineno, s.col_offset))
    if not stmts or not all(isinstance(s, ast.Expr) for s in stmts):
        return None
    return _Block(sites, stmts, value, program.scope(call))


def _in_helper(program: Program, block: _Block) -> bool:
    return block.scope.kind == "function" and program.randomness.is_helper(block.scope)


def _cudnn(program: Program, seeding: Seeding) -> list[str]:
    """The flags without which cuDNN may choose another kernel in each run, where the run uses CUDA and sets none."""
    if seeding.told_at is None or seeding.told_at[2] is not program:
        return []  # the helper of another file is where they belong
    sources = [program.document.source, *(owner.document.source for owner in seeding.reached.modules)]
    if not any("cuda" in source for source in sources):
        return []
    if any(flag in source for source in sources for flag in _DETERMINISM):
        return []
    name, need = module_name("torch", program, seeding.told_at[0])
    if name is None or need:
        return []
    return [f"{name}.backends.cudnn.deterministic = True", f"{name}.backends.cudnn.benchmark = False"]


# -- lines beside the calls that are there -----------------------------------------------------------------------------


def _beside(
    program: Program, last: ast.stmt | None, missing: list[Rng], value: str, flags: list[str], shown: str
) -> Fix | None:
    if last is None or not isinstance(last, ast.Expr):
        return None
    lines: list[str] = []
    needs: list[Need] = []
    for rng in missing:
        module, function = _SEED[rng]
        name, need = module_name(module, program, last)
        if name is None:
            return None
        needs.extend(need)
        lines.append(f"{name}.{function}({value})")
    lines.extend(flags)
    edits: list[str] = []
    span = None
    for line in lines:
        edit = line_after(program, last, line)
        if edit is None or edit.content.startswith(";"):
            return None  # behind another statement in the same line
        edits.append(edit.content)
        span = edit.span
    if span is None:
        return None
    return Fix(shown, "unsafe", (TextEdit(span, "".join(edits)),), tuple(needs))


# -- one function instead of the calls ---------------------------------------------------------------------------------


def _as_function(
    program: Program, block: _Block, missing: list[Rng], flags: list[str], shown: str
) -> tuple[Fix, str] | None:
    """The calls of the block put into a function of the file, complete, and a call of it where they stood; its name."""
    name = next((n for n in _NAMES if program.names.lookup(n, block.scope) is None), None)
    if name is None:
        return None
    if any(seed_text(program, site.node, True) != block.value for site in block.sites):  # type: ignore[arg-type]
        return None
    removed: list[Span] = []
    for stmt in block.stmts[1:]:
        span = program.flow.whole_statement(stmt)
        if span is None:
            return None
        removed.append(span)
    first = program.span(block.stmts[0])
    needs: list[Need] = []
    lines: list[str] = []
    seeded: list[Rng] = [site.rng for site in block.sites]
    for rng in _ORDER:
        if rng not in missing and rng not in seeded:
            continue
        home, function = _SEED[rng]
        found, need = module_name(home, program, block.stmts[0])
        if found is None:
            return None
        needs.extend(need)
        lines.append(f"    {found}.{function}(seed)")
    extra = [site for site in block.sites if site.rng == "cuda" and program.qualified(site.node) != "torch.manual_seed"]  # type: ignore[arg-type]
    lines.extend(f"    {program.text(site.node.func)}(seed)" for site in extra)  # type: ignore[attr-defined]
    lines.extend(f"    {flag}" for flag in flags)
    source = "\n".join([f"def {name}(seed):", f'    """{_DOC}"""', *dict.fromkeys(lines)])
    edits = [TextEdit(first, f"{name}({block.value})"), *(TextEdit(span, "") for span in removed)]
    return Fix(shown, "unsafe", tuple(edits), (*needs, NeedHelper(name, source))), name


_DOC = "Seed every generator. (The order of sets needs PYTHONHASHSEED in the environment that starts Python.)"


def module_name(module: str, program: Program, at: ast.AST) -> tuple[str | None, list[Need]]:
    """What `module` is called where `at` stands, and the import that it needs; (None, []) if the name is taken."""
    scope = program.scope(at)
    for name, bindings in program.index.module.bindings.items():
        if len(bindings) == 1 and bindings[0].kind == "import" and bindings[0].module == (module, 0):
            found = program.names.lookup(name, scope)
            if scope.kind == "module" and getattr(bindings[0].stmt, "lineno", 0) > getattr(at, "lineno", 0):
                return None, []  # it is imported further down
            if found is not None and found[1] is bindings:
                return name, []
    alias = _ALIAS.get(module)
    if program.names.lookup(alias or module, scope) is not None:
        return None, []
    return alias or module, [NeedImport(module, alias=alias)]


# -- the seeds put before the first draw -------------------------------------------------------------------------------


def move_before(program: Program, call: ast.Call, draw: ast.stmt, shown: str) -> Fix | None:
    """The calls that seed around `call`, moved as they are to before `draw`, if all that they read is there by then."""
    stmt = program.statement(call)
    if stmt is None or program.index.parent.get(stmt) is not program.index.parent.get(draw):
        return None
    nodes = {site.node for site in program.randomness.seeds}
    stmts = [stmt]
    for node in nodes:
        other = program.statement(node)
        if other is None or other in stmts or program.index.parent.get(other) is not program.index.parent.get(stmt):
            continue
        if abs(other.lineno - stmt.lineno) < NEAR and other.lineno > draw.lineno:
            stmts.append(other)
    stmts.sort(key=lambda s: s.lineno)
    edits: list[TextEdit] = []
    for each in stmts:
        span = program.flow.whole_statement(each)
        if span is None or not isinstance(each, ast.Expr) or not _known_before(program, each, draw):
            return None
        edits.append(TextEdit(span, ""))
    before = line_before(program, draw, "\n".join(program.text(each) for each in stmts))
    if before.content.endswith("; ") or any("\n" in program.text(each) for each in stmts):
        return None
    return Fix(shown, "unsafe", (before, *edits))


def _known_before(program: Program, stmt: ast.stmt, draw: ast.stmt) -> bool:
    """Whether every name that `stmt` reads is bound before `draw` runs."""
    scope = program.scope(stmt)
    for node in ast.walk(stmt):
        if not isinstance(node, ast.Name):
            continue
        found = program.names.lookup(node.id, scope)
        if found is None:
            continue  # a builtin
        home, bindings = found
        if home is scope and any(getattr(b.stmt, "lineno", 0) >= draw.lineno for b in bindings if b.kind != "param"):
            return False
    return True
