"""Whether a comment gives a reason for a value: what makes a deviation a note."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_REASON = re.compile(
    r"\b(?:because|since|due to|so that|so (?:it|we|the)|in order to|to (?:avoid|fit|prevent|keep|save|reduce|match|"
    r"speed|stabili[sz]e|compensate|allow|make)|otherwise|"
    r"too (?:big|small|large|slow|high|low|much|long|noisy|aggressive|unstable)|oom\w*|out of memory|memory|vram|"
    r"fits?|doesn'?t fit|diverg\w*|unstable|stable|stability|"
    r"overfit\w*|underfit\w*|better|faster|slower|cheaper|converg\w*|agreed|approved|confirmed|discussed|signed off|"
    r"as (?:discussed|agreed|suggested)|ok(?:'d|ayed)? (?:by|with)|"
    r"recommended|works? best|limited?|limitation|avoid\w*|instead of|deviat\w*|needs?|required|requires|only \d+ "
    r"?gb|\d+ ?gb|quality|nan|explod\w*|vanish\w*|budget|"
    r"matches|equivalent|effective|scaled?|half|double|per the|not supported|unsupported|gated|licen[cs]e|deprecated|"
    r"no longer|lacks?|without|sweep|ablation|tuned|measured)\b",
    re.IGNORECASE,
)
_POSTPONED = re.compile(
    r"\b(?:todo|fixme|xxx|hack|for now|temp(?:orary|orarily)?|quick (?:fix|test)|just (?:testing|one run|for "
    r"testing)|later|revert|placeholder|wip|debug(?:ging)?)\b",
    re.IGNORECASE,
)
_IS_SPEC = re.compile(r"^\W*(?:spec|as asked|asked|requested|instructions?|task)\b", re.IGNORECASE)


def reason_at(program: Program, node: ast.AST) -> str:
    """The reason that the comment on the node's line, or on the one above, gives; "" if it gives none."""
    if not hasattr(node, "lineno"):
        return ""
    comment = program.comment_at(node)
    return comment if is_reason(comment) else ""


def is_reason(comment: str) -> bool:
    """Whether a comment justifies: it gives a reason, and does not only put the right thing off."""
    if len(comment.split()) < 2 or _IS_SPEC.match(comment):
        return False
    return bool(_REASON.search(comment)) and not _POSTPONED.search(comment)
