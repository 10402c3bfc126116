"""Where instructions for a program may stand: the host's files, the program's own comments and its docstring.

Cheap: most programs have none, and then nothing else of this room is loaded.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.instruction import Source

INSTRUCTS = re.compile(
    r"^\W*(?:the |your |my )?(?:instructions?|task(?: description)?|assignment|spec(?:ification)?s?|requirements? "
    r"for (?:the )?"
    r"(?:run|training|model|experiment)|(?:training|run|experiment|model) (?:instructions?|spec(?:ification)?|task|"
    r"requirements?)|what (?:is asked|we want|i want|to build|to train)|as asked(?: for)?|asked(?: for)?|requested|"
    r"the ask|"
    r"acceptance criteria|(?:training )?hyper-?parameters?)\W*$",
    re.IGNORECASE,
)
# A line that announces what is asked for, and may go on with it: "As asked: lr 2e-4".
ANNOUNCED = re.compile(
    r"^\W*(?:as asked(?: for)?|as requested|asked(?: for)?|requested|(?:the )?task|instructions?|spec(?:ification)?|"
    r"(?:the )?user (?:asked(?: for)?|wants|requested)|assignment)\s*(?::|(?<=for)\s|(?<=wants)\s)\s*",
    re.IGNORECASE,
)
# What a comment that gives instructions begins with: cheap to look for.
_BEGINS = re.compile(
    r"#[ \t]*(?:spec|as (?:asked|req)|asked|requested|instr|per |user |the (?:user|task)|task|ticket)", re.IGNORECASE
)
_COMMENT = re.compile(
    r"(?P<before>[^#]*)#+[ \t]*(?:(?:as asked(?: for)?|as requested|asked(?: for)?|requested|spec(?:ification)?|"
    r"instructions?|per (?:the )?(?:spec|instructions|ticket|request)"
    r"|(?:the )?user (?:asked(?: for)?|wants|said|requested)|task|ticket \S+ asks(?: for)?)[ \t]*[:=–-][ \t]*"
    # Without a colon a comment goes on like any other: "asked of the model", "task specific", "spec of the tensor".
    r"|(?:as asked(?: for)?|as requested|asked for|per (?:the )?(?:spec|instructions|ticket|request)"
    r"|(?:the )?user (?:asked(?: for)?|wants|said|requested)|ticket \S+ asks(?: for)?)[ \t]+(?=(?:for )?\w))"
    r"(?P<text>[^\n]*)$",
    re.IGNORECASE,
)
# Words that ask for a set-up for several processes, and what before them rules it out.
_SEVERAL = re.compile(r"\b(?:ddp|fsdp|torchrun|distributed|data[- ]parallel|process group)\b", re.IGNORECASE)
_RULED_OUT = re.compile(
    r"\b(?:no|not|don'?t|without|avoid|never|unnecessary|needless|remove|drop|instead of)\b[^.\n]{0,40}\Z",
    re.IGNORECASE,
)
LONGEST = 20_000  # characters of a docstring that are looked at
MOST = 100  # comments of one file


def sources_of(program: Program) -> list[Source]:
    """Every text that asks for something, the explicit ones first, the nearest of them first."""
    known: list[Source] | None = program.__dict__.get("_sources")
    if known is None:
        given = [s for s in program.instructions if not s.sections or announces(s.text)]
        if given:
            from dry_debug.spec.other_commands import without_other_commands

            given = [without_other_commands(s, program) for s in given]
        explicit = [s for s in given if s.explicit]
        known = [*explicit, *own_sources(program), *(s for s in given if not s.explicit)]
        program.__dict__["_sources"] = known
    return known


def wants_several(program: Program) -> bool:
    """Whether an explicit source asks for DDP and the like, also where it says that there is one GPU for now."""
    for source in sources_of(program):
        for match in _SEVERAL.finditer(source.text) if source.explicit else ():
            if not _RULED_OUT.search(source.text[max(0, match.start() - 80) : match.start()]):
                return True
    return False


@lru_cache(maxsize=128)
def announces(text: str) -> bool:
    """Whether a text that is not all instructions has a heading, a line or a fence that announces some."""
    for line in text.split("\n"):
        start = line[:3].lstrip()
        if not start or len(line) > 200:
            continue
        if start[0] in "`~":
            if re.match(r"\s*[`~]{3,}\s*(?:spec|instructions?|task|dry-debug)\b", line):
                return True
        elif start[0] in "#*_" and len(line) < 80:
            if INSTRUCTS.match(line.strip("#*_: \t")):
                return True
        elif ANNOUNCED.match(line) or (len(line) < 40 and INSTRUCTS.match(line)):
            return True
    return False


def own_sources(program: Program) -> list[Source]:
    """The comments of the file that give instructions, then its docstring."""
    document = program.document
    source = document.source
    begins = {source.rfind("\n", 0, match.start()) + 1 for match in islice(_BEGINS.finditer(source), MOST)}
    found: list[Source] = []
    for start in sorted(begins):
        end = source.find("\n", start)
        match = _COMMENT.fullmatch(source[start : end if end >= 0 else len(source)].rstrip("\r"))
        if match is None or match["before"].count('"') % 2 or match["before"].count("'") % 2:
            continue
        line = source.count("\n", 0, start) + 1
        found.append(_source(document.path, _block(source, start, match), line))
    first = program.tree.body[0] if program.tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        text = first.value.value[:LONGEST]
        if announces(text):
            found.append(_source(document.path, text, first.lineno, sections=True))
    return found


def _source(path: str, text: str, line: int, sections: bool = False) -> Source:
    from dry_debug.spec.instruction import Source

    return Source(path, text, False, line, sections)


def _block(source: str, start: int, match: re.Match[str]) -> str:
    """The text of a comment, with the comment lines below it where it stands on a line of its own."""
    text = match["text"]
    if match["before"].strip():
        return text
    for line in source[start:].split("\n", 41)[1:41]:
        more = re.match(r"\s*#+(?!\s*%%) ?(.*)", line)
        if more is None:
            break
        text += "\n" + more[1]
    return text
