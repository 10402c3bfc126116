"""EXC008: a comment that calls a failure rare or random, beside a mistake that causes failures."""

from dry_debug.lint.excuse import ExcuseRule


class RarityExcuse(ExcuseRule):
    name = "rarity-excuse"
    code = "EXC008"
    severity = "suggestion"
    triggers = (
        ("#",),
        (
            "rare",
            "sometimes",
            "occasional",
            "random",
            "seldom",
            "flaky",
            "intermittent",
            "works",
            "skip",
            "happen",
            "hopefully",
        ),
    )
    why = "What fails sometimes fails for a reason in the data or the order, and the finding beside it may be one."
    instead = "Keep the failing case and look at it; mend the finding beside the comment first."
