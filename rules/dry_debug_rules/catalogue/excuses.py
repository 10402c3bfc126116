"""What people write beside a mistake to live with it, and the entries of the catalogue that answer it. Data only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from dry_debug.records import dataclass


@dataclass(frozen=True, slots=True)
class Excuse:
    """One kind of excuse. `words` is a regular expression over the lower-case text of a comment; `answers` are ids of
    catalogue entries (a red flag before a rationalization) by the family of the mistake, "" for every other family. A
    family without answers does not match: nothing in the catalogue speaks of it."""

    words: str
    answers: Mapping[str, tuple[str, ...]]

    def said_in(self, comment: str) -> str | None:
        """The words of one comment that are the excuse, as they are written; None if it is not in there."""
        found = _compiled(self.words).search(_straight(comment))
        return comment[found.start() : found.end()] if found else None

    def answers_for(self, family: str) -> tuple[str, ...]:
        """Ids of the entries that answer this excuse for a mistake of `family`; empty where none does."""
        return self.answers.get(family, self.answers.get("", ()))


@cache
def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def _straight(comment: str) -> str:
    """Lower case and straight apostrophes, every character at its place."""
    text = comment.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return text if len(text) == len(comment) else comment  # a letter whose lower case is two


_CHECKPOINT_TIME = ("CKPT-RF-T2", "CKPT-RAT-1")
_MEMORY_TIME = ("MEM-RF-6", "MEM-RAT-5")
_AUTHORITY = ("DBG-RF-3", "DBG-RAT-3")
_RARE = ("DBG-RF-6", "DBG-RAT-5")

# By the name of the rule that marks such a comment.
EXCUSES: Mapping[str, Excuse] = {
    "time-pressure-excuse": Excuse(
        r"quick[ -](?:fix|hack|patch|and[ -]dirty|n[ -]dirty|workaround)|dirty hack|for now|asap|hotfix|"
        r"temporary (?:fix|hack|solution|workaround|patch)|temporarily|"
        r"(?:no|not enough|out of) time|in a (?:hurry|rush)|rushed|deadline|(?:before|for) the demo|"
        r"(?:todo|fixme)?:? ?(?:fix|clean|do|add|save|handle|optimi[sz]e|improve|refactor)[^.;]{0,40} later|"
        r"later\.\.\.",
        {"checkpoint": _CHECKPOINT_TIME, "memory": _MEMORY_TIME, "performance": _MEMORY_TIME,
         "errors": ("DBG-RF-1", "DBG-RAT-1"), "": ("DBG-RF-7", "DBG-RAT-1")},
    ),
    "authority-excuse": Excuse(
        r"(?:senior|tech lead|team lead|lead|boss|professor|advisor|supervisor|expert|reviewer|pm|manager|"
        r"colleague)s?(?: \w+)? "
        r"(?:says?|said|wants?|wanted|told|suggested|recommended|insists?|insisted)|"
        r"(?:as|was) (?:suggested|recommended|told|requested) by|according to the (?:docs?|documentation|paper|"
        r"tutorial)|"
        r"(?:copied|taken) from (?:the |a )?(?:docs?|tutorial|blog|stack ?overflow|paper|example)|"
        r"chatgpt (?:says?|said|suggested)|(?:docs?|documentation|tutorial|paper) says?(?: so)?",
        {"memory": ("MEM-RAT-4",), "performance": ("MEM-RAT-4",), "": _AUTHORITY},
    ),
    "sunk-cost-excuse": Excuse(
        r"already tried|tried (?:everything|this|that|all)|nothing (?:else )?(?:works|worked|helps|helped)|"
        r"(?:did ?n[o']t|does ?n[o']t|didn't|doesn't) help|no effect|spent (?:hours|days|weeks)|"
        r"too (?:late|far in) to change",
        {"memory": ("MEM-RF-7", "MEM-RAT-2"), "performance": ("MEM-RF-7", "MEM-RAT-2"), "": ("RT-RAT-2",)},
    ),
    "exhaustion-excuse": Excuse(
        r"(?:too|so|i'm|im|am) (?:tired|exhausted)|giv(?:e|ing) up|gave up|fed up|no idea why|don't know why|"
        r"dont know why|not sure why|no clue why|just guess(?:ing)?|somehow works|why does this work|magic fix",
        {"memory": ("MEM-RF-4",), "performance": ("MEM-RF-5",), "": ("DBG-RF-4", "DBG-RAT-7")},
    ),
    "single-run-excuse": Excuse(
        r"(?:just|only) (?:one|a single|a quick|a short) (?:run|experiment|test run)(?! of)|(?:one|single) run only|"
        r"(?:quick|small|toy) experiment|one-?off|only (?:ever )?(?:run|used|runs) once|"
        r"(?:only|always|just)(?: \w+){0,3} (?:a single|one|1) gpu|single[ -]gpu only|good enough for (?:one|a|"
        r"this) run",
        {"checkpoint": ("CKPT-RF-S1", "CKPT-RAT-4"), "reproducibility": ("CKPT-RF-S1", "CKPT-RAT-4"),
         "distributed": ("CKPT-RF-S3",)},
    ),
    "disk-space-excuse": Excuse(
        r"(?:save|saves|saving|out of|low on|limited|no|not enough) (?:some )?(?:disk ?|storage ?|"
        r"hard drive )?(?:space|disk|storage)|"
        r"disk (?:space|quota|usage)|quota|(?:checkpoint|file|it) (?:is|gets|are) too (?:big|large)|too (?:big|"
        r"large) to save|"
        r"smaller (?:file|checkpoint)s?",
        {"checkpoint": ("CKPT-RF-R1", "CKPT-RAT-2")},
    ),
    "simplicity-excuse": Excuse(
        r"over-?kill|over-?complicated|too (?:complex|complicated)|keep (?:it|this) simple|"
        r"(?:don't|dont|do not|not) (?:really )?need(?:ed)? (?:the |all |any |this |that )?(?:rest|others?|it|"
        r"full|everything|optimizer|scheduler)|"
        r"only (?:the )?(?:essentials?|core|basics?)",
        {"checkpoint": ("CKPT-RF-C1", "CKPT-RAT-3"), "reproducibility": ("CKPT-RF-S2", "CKPT-RAT-4"),
         "memory": ("MEM-RF-4",), "errors": ("DBG-RF-5", "DBG-RAT-6")},
    ),
    "rarity-excuse": Excuse(
        r"(?:rarely|sometimes|occasionally|randomly|seldom) (?:fails?|crash(?:es)?|happens?|breaks?|nans?|goes|"
        r"is|works|hangs?)|"
        r"(?:rare|flaky|intermittent) (?:error|failure|crash|bug|case|nan)s?|works (?:most of the time|"
        r"sometimes|on my machine)|"
        r"just skip|skip (?:the |this |that |these |those )?(?:bad|broken|corrupt(?:ed)?|failing)(?: \w+)?|"
        r"should(?:n't| not| never) happen|hopefully",
        {"memory": ("MEM-RAT-3",), "": _RARE},
    ),
}  # fmt: skip


def answers(family: str, comments: str) -> tuple[str, ...]:
    """The catalogue ids that answer what `comments` (one a line, with or without their signs) say beside a mistake of
    `family`, in the order of the kinds."""
    found: list[str] = []
    lines = comments.splitlines()
    for excuse in EXCUSES.values():
        ids = excuse.answers_for(family)
        if ids and any(excuse.said_in(line) for line in lines):
            found.extend(ids)
    return tuple(dict.fromkeys(found))


def families(name: str) -> Sequence[str]:
    """The families of which the excuse `name` has answers; "" stands for all others."""
    return tuple(EXCUSES[name].answers)
