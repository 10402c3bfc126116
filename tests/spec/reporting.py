"""Reports of small programs under instructions, without a disk."""

import ast
import textwrap
from collections.abc import Sequence

from dry_debug.lint.engine import analyse
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.project.run import report_of
from dry_debug.render.formats import Context
from dry_debug.render.record import Record
from dry_debug.render.report import html, json, markdown, text
from dry_debug.render.report.account import Account, account
from dry_debug.spec.rows import rows
from dry_debug.text.document import Document

ROOT = "/nowhere/asked"
CONTEXT = Context(ROOT, "0")
FORMATS = {"text": text, "markdown": markdown, "html": html, "json": json}


def report(instructions: str, code: str, extra: Sequence[Record] = (), files: dict[str, str] | None = None) -> Account:
    """The report on `code` as train.py beside an INSTRUCTIONS.md; `extra` are findings of rules to come."""
    source = textwrap.dedent(code)
    ast.parse(source)
    document = Document.from_text(source, f"{ROOT}/train.py")
    texts = {"INSTRUCTIONS.md": textwrap.dedent(instructions), **(files or {})}
    host = ProjectHost(ROOT, {f"{ROOT}/{name}": body for name, body in texts.items() if body})
    result = analyse(document, host, Settings())
    assert not result.problems, result.problems
    records, _ = report_of(document, document.path, result, with_fixes=False)
    assert result.program is not None
    return account([*records, *extra], [rows(result.program)], 1)


def shown(whole: Account, format_name: str = "text") -> str:
    """The report in a format, as one text."""
    return "\n".join(FORMATS[format_name].render(whole, CONTEXT))


def finding(code: str, severity: str, message: str, why: str, fix: str, evidence: str = "") -> Record:
    """A finding of a rule, as `check` has it."""
    at = {"row": 1, "column": 1}
    related = [{"filename": f"{ROOT}/train.py", "cell": None, "location": at, "end_location": at, "message": evidence}]
    return {
        "filename": f"{ROOT}/train.py", "cell": None, "code": code, "name": code.lower(), "severity": severity,
        "confidence": "high", "message": message, "why": why, "fingerprint": code, "location": at, "end_location": at,
        "fix": None, "related": related if evidence else [], "quotes": [], "url": None,
        "shown": {"fixable": bool(fix), "fix_title": fix, "comments": "", "frame": {"row": 1, "shift": 0, "lines": []},
                  "diff": [], "preview": False},
    }  # type: ignore[typeddict-item]  # fmt: skip
