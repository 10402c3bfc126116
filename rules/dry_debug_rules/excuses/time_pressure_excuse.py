"""EXC001: a comment that leaves a mistake for later, beside the mistake."""

from dry_debug.lint.excuse import ExcuseRule


class TimePressureExcuse(ExcuseRule):
    name = "time-pressure-excuse"
    code = "EXC001"
    severity = "suggestion"
    triggers = (
        ("#",),
        (
            "quick",
            "hack",
            "for now",
            "asap",
            "hotfix",
            "temporar",
            "time",
            "hurry",
            "rush",
            "deadline",
            "demo",
            "later",
        ),
    )
    why = "What is put off is a run that fails, drifts or cannot be taken up again, long before anybody comes back."
    instead = "Make the change now: the finding beside the comment says which."
