"""The files of a program with one of the fixes of one rule applied, of its incomplete checkpoint by default."""

import tempfile
from pathlib import Path

from dry_debug.lint.applier import edited
from dry_debug.lint.engine import analyse
from dry_debug.lint.finding import SEVERITIES
from dry_debug.lint.needs import edits_of
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document

RULE = "incomplete-checkpoint"


def fixed(files: dict[str, str], variant: int = 0, rule: str = RULE) -> dict[str, str]:
    """The files after the fix number `variant` of the worst finding of `rule`; a KeyError where there is none."""
    with tempfile.TemporaryDirectory(prefix="fixed-") as name:
        root = Path(name).resolve()
        for file, text in files.items():
            (root / file).write_text(text, "utf-8")
        for file, text in files.items():
            document = Document.from_text(text, str(root / file))
            result = analyse(document, ProjectHost(str(root)), Settings(select=(rule,)))
            for finding in sorted(result.findings, key=lambda f: SEVERITIES.index(f.severity)):
                offered = result.fixes(finding)
                assert not result.problems, result.problems
                if variant >= len(offered):
                    raise KeyError(f"{finding.message}: fixes {[fix.title for fix in offered]}")
                fix = offered[variant]
                after = {**files, file: edited(document, edits_of(document, fix)).source}
                for path, edits in fix.elsewhere:
                    other = Path(path).name
                    after[other] = edited(Document.from_text(files[other], path), edits).source
                return after
    raise KeyError("no finding")
