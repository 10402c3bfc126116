"""EXC004: a comment that gives up on understanding, beside a mistake that explains it."""

from dry_debug.lint.excuse import ExcuseRule


class ExhaustionExcuse(ExcuseRule):
    name = "exhaustion-excuse"
    code = "EXC004"
    severity = "suggestion"
    triggers = (("#",), ("tired", "exhausted", "giv", "gave", "fed up", "why", "guess", "somehow", "magic"))
    why = "The comment says that nobody knows why, and the finding beside it is a reason that can be checked."
    instead = "Read the finding beside the comment before anything else is changed."
