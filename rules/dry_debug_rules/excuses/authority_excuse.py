"""EXC002: a comment that answers a mistake with the name of somebody who said so, beside the mistake."""

from dry_debug.lint.excuse import ExcuseRule


class AuthorityExcuse(ExcuseRule):
    name = "authority-excuse"
    code = "EXC002"
    severity = "suggestion"
    triggers = (
        ("#",),
        ("sa", "want", "told", "suggested", "recommended", "insist", "requested", "according", "copied", "taken"),
    )
    why = "Whoever said it said it of other code: a mistake that can be seen here is here whoever recommended it."
    instead = "Check the claim against this code: the finding beside the comment says what to look at."
