"""Findings to render: a plain file with everything that a finding may have, and a notebook."""

from dry_debug.lint.finding import Finding, Fix, NeedImport, Place, Related
from dry_debug.render.formats import Context
from dry_debug.render.record import Record, record
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.text.spans import Span, TextEdit

FOLDER = "/home/me/work"
PATH = f"{FOLDER}/src/train,1.py"
OTHER = f"{FOLDER}/src/util.py"
PAGE = "file:///rules/loss-graph.md"

SOURCE = (
    "import torch\n"
    "\n"
    "def train(model, loader):\n"
    "\ttotal = 0\n"
    "\tfor 数据 in loader:  # just one run\n"
    "\t\tloss = model(数据); total += loss\n"
    "\treturn total\n"
)


def document() -> Document:
    return Document.from_text(SOURCE, PATH)


def finding() -> Finding:
    at = SOURCE.index("total += loss")
    end = at + len("total += loss")
    start = SOURCE.index("loss = ")
    fix = Fix("Add `loss.item()`", "unsafe", (TextEdit(Span(end, end), ".item()"),), (NeedImport("math"),))
    return Finding(
        rule="loss-graph",
        code="MEM001",
        severity="critical",
        confidence="high",
        message="`total` keeps the graph of every `loss`: 100% of it",
        why="Memory grows with every step.",
        span=Span(at, end),
        cause="loss",
        fingerprint="0123456789abcdef",
        fixable=True,
        fix_title=fix.title,
        fix=fix,
        related=(
            Related("`loss` is attached", span=Span(start, start + 4)),
            Related("`model` is a module", place=Place(OTHER, 3, 0, 3, 5)),
        ),
        quotes=("CKPT-LOAD-4",),
    )


def plain_finding(severity: str = "suggestion") -> Finding:
    return Finding(
        rule="no-seed",
        code="REP001",
        severity=severity,  # type: ignore[arg-type]
        confidence="medium",
        message="nothing is seeded",
        why="",
        span=Span(0, 12),
        cause="seed",
        fingerprint="fedcba9876543210",
        preview=True,
    )


def records() -> list[Record]:
    return [record(document(), PATH, finding(), PAGE), record(document(), PATH, plain_finding())]


def notebook_record() -> Record:
    cells = from_cells([NotebookCell(2, "import torch"), NotebookCell(4, "%time\nx = 1\ny = 2")], f"{FOLDER}/n.ipynb")
    at = cells.source.index("y = 2")
    edit = TextEdit(Span(at, at + 5), "y = 3")
    base = plain_finding("warning")
    changed = Finding(
        **{name: getattr(base, name) for name in base.__slots__ if name not in ("span", "fix", "related")},
        span=Span(at, at + 5),
        fix=Fix("Say 3", "safe", (edit,)),
        related=(Related("`x` is 1", span=Span(at - 6, at - 1)),),
    )
    return record(cells, cells.path, changed)


def context(**changes: object) -> Context:
    values: dict[str, object] = {
        "folder": FOLDER,
        "version": "1.2.3",
        "files": (PATH, f"{FOLDER}/clean.py"),
        "with_fixes": True,
    }
    return Context(**{**values, **changes})  # type: ignore[arg-type]
