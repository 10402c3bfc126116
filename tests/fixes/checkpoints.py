"""Programs with an incomplete checkpoint, and the texts that its fixes give."""

import tempfile
from pathlib import Path

from dry_debug.lint.applier import edited
from dry_debug.lint.engine import analyse
from dry_debug.lint.finding import SEVERITIES, Fix
from dry_debug.lint.needs import edits_of
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document

SETTINGS = Settings(select=("incomplete-checkpoint",))
LOOP = """    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
"""


def offered(
    files: dict[str, str] | str, main: str = "main.py", settings: Settings = SETTINGS
) -> list[tuple[Fix, dict[str, str]]]:
    """The fixes of the worst finding in `main`, each with the files after it."""
    texts = {"main.py": files} if isinstance(files, str) else files
    with tempfile.TemporaryDirectory(prefix="fix-") as name:
        root = Path(name).resolve()
        for file, text in texts.items():
            (root / file).write_text(text, "utf-8")
        document = Document.from_text(texts[main], str(root / main))
        result = analyse(document, ProjectHost(str(root)), settings)
        finding = min(result.findings, key=lambda f: SEVERITIES.index(f.severity))
        found = []
        for fix in result.fixes(finding):
            after = {**texts, main: edited(document, edits_of(document, fix)).source}
            for path, edits in fix.elsewhere:
                other = Path(path).name
                after[other] = edited(Document.from_text(texts[other], path), edits).source
            found.append((fix, after))
        assert not result.problems, result.problems
        return found


def first(files: dict[str, str] | str, main: str = "main.py") -> dict[str, str]:
    """The files after the preferred fix."""
    return offered(files, main)[0][1]


def added(before: str, after: str) -> list[str]:
    """The lines that are new, stripped."""
    old = before.splitlines()
    return [line.strip() for line in after.splitlines() if line not in old and line.strip()]
