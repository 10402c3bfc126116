"""Why nothing is said: where a rule, or the model for it, gives up what it looked at.

Every such exit says so: `program.why(call, "`map_location` is given", see=keyword)`. Nobody listens in an ordinary run,
so the words cost one call of an empty method; `dry-debug explain` puts a `reasons.Recorder` there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from dry_debug.program.evidence import Step
    from dry_debug.program.paths import Occurrence
    from dry_debug.program.trees import CallTree, Event

See = Union[ast.AST, "Step", "Event", "Occurrence", "CallTree", None]
Part = Union[ast.AST, "Step", "Event", "Occurrence", str, int]


class Why:
    """Forgets what it is told."""

    listens = False  # whether it is worth computing something only to tell it

    def __call__(self, at: See, reason: str, *parts: Part, see: See | Iterable[See] = None) -> None:
        """What stands at `at` (None: whatever the rule looks at in this file) is given up for `reason`.

        Each `{}` of the reason stands for one of `parts`: a node as it is written, an event or step with its line.
        `see` are places that show it.
        """


NOBODY = Why()
