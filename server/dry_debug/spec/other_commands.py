"""Commands in a text that start another script of the project: their options are not asked of this one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dry_debug.records import replace
from dry_debug.spec.instruction import Source

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_STARTED = re.compile(
    r"\b(?:python3?|torchrun|accelerate launch|deepspeed|srun|uv run)\b[^\n`|;]*?(?P<file>[\w./-]+\.py)\b[^\n`|;]*"
)
MOST = 40  # scripts that are looked for


def without_other_commands(source: Source, program: Program) -> Source:
    """The source with the commands blanked that start a script which lies beside the program; every line stays."""
    if ".py" not in source.text:
        return source
    own = program.document.path.replace("\\", "/").rpartition("/")[2]
    known: dict[str, bool] = {}
    lines = source.text.split("\n")
    goes_on = False
    for at, line in enumerate(lines):
        ends = line.rstrip().endswith("\\")
        if goes_on:
            lines[at] = ""
            goes_on = ends
            continue
        match = _STARTED.search(line)
        if match is None or match["file"].rpartition("/")[2] == own:
            continue
        file = match["file"]
        if file not in known and len(known) < MOST:
            module = re.sub(r"^(?:\.{1,2}/)+", "", file)[:-3].replace("/", ".")
            known[file] = program.host.module(module, program.document.path) is not None
        if known.get(file):
            lines[at] = line[: match.start()] + line[match.end() :]
            goes_on = ends
    return replace(source, text="\n".join(lines))
