"""What a notebook installs itself: its lines `!pip install name==version`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.text.document import Document

_INSTALL = re.compile(
    r"^[ \t]*[%!]*[ \t]*(?:\S*python3?[ \t]+-m[ \t]+)?(?:uv[ \t]+)?pip3?[ \t]+install[ \t](.*)$", re.MULTILINE
)


def installed(document: Document, package: str) -> str | None:
    """The version or condition with which a cell installs `package` (its normal name), "" where it names none; None
    where no cell installs it. The last one counts."""
    if not document.is_notebook:
        return None
    name = "[-_.]".join(map(re.escape, re.split("[-_.]", package)))
    wanted = re.compile(
        rf"(?<![\w./-])[\"']?{name}(?:\[[^\]]*\])?((?:[=<>~!]=?[\w.*+]+,?)*)[\"']?(?=\s|$|;)", re.IGNORECASE
    )
    found: str | None = None
    for cell in document.cells:
        if "install" not in cell.text:
            continue
        for line in _INSTALL.findall(cell.text.replace("\\\n", " ")):
            for condition in wanted.findall(line):
                found = condition.removeprefix("==")
    return found
