"""Instructions in the code itself: the module's docstring, and comments such as `# spec: batch_size = 16`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.spec.instruction import FIELDS, Instruction, Source
from dry_debug.spec.instructions import merged, read

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_HINT = re.compile(r"#[^\n]*\b(?:spec|asked|requested|instructions?|user wants|task|per the ticket)\b", re.IGNORECASE)
_COMMENT = re.compile(
    r"^(?P<before>[^\n#]*)#+[ \t]*(?:as asked(?: for)?|as requested|asked(?: for)?|requested|spec(?:ification)?|"
    r"instructions?|per (?:the )?(?:spec|instructions|ticket|request)"
    r"|(?:the )?user (?:asked(?: for)?|wants|said|requested)|task|ticket \S+ asks(?: for)?)(?P<colon>[ \t]*[:=–-][ "
    r"\t]*|[ \t]+(?=(?:for )?\w))(?P<text>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ANNOUNCES = re.compile(
    r"\b(?:task|instructions?|assignment|spec|specification|asked|requested|requirements|wants|acceptance|"
    r"hyper-?parameters?)\b",
    re.IGNORECASE,
)
LONGEST = 20_000  # characters of a docstring that are looked at


def asked_of(program: Program) -> list[Instruction]:
    """Everything that is asked of a program: by its host's sources, and by the code itself.

    Of one field the explicit sources alone count where they speak of it; of those the nearest, in it the last line.
    """
    sources = program.instructions
    explicit = [s for s in sources if s.explicit]
    ambient = [*own_sources(program), *(s for s in sources if not s.explicit)]
    if not explicit and not ambient:
        return []
    first = merged([read(s) for s in explicit])
    said = {i.field for i in first}
    second = merged([read(s) for s in ambient])
    both = [*first, *(i for i in second if i.field not in said)]
    return sorted(both, key=lambda i: (FIELDS.index(i.field), i.role, i.line))


def own_sources(program: Program) -> list[Source]:
    """The comments of the file that give instructions, then its docstring."""
    found: list[Source] = []
    document = program.document
    if _HINT.search(document.source):
        lines = document.source.splitlines()
        for match in _COMMENT.finditer(document.source):
            line = document.source.count("\n", 0, match.start("text")) + 1
            if match["before"].count('"') % 2 or match["before"].count("'") % 2:
                continue  # in a text
            text, at = match["text"], line
            while (
                not match["before"].strip()
                and at < len(lines)
                and re.match(r"\s*#(?!\s*%%)", lines[at])
                and at - line < 40
            ):
                text += "\n" + re.sub(r"^\s*#+ ?", "", lines[at])
                at += 1
            found.append(Source(document.path, text, False, line))
    first = program.tree.body[0] if program.tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        text = first.value.value[:LONGEST]
        if _ANNOUNCES.search(text):
            found.append(Source(document.path, text, False, first.lineno, sections=True))
    return found
