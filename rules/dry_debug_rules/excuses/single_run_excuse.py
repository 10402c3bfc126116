"""EXC005: a comment that says it is only one run or one GPU, beside a mistake that this does not excuse."""

from dry_debug.lint.excuse import ExcuseRule


class SingleRunExcuse(ExcuseRule):
    name = "single-run-excuse"
    code = "EXC005"
    severity = "suggestion"
    triggers = (("#",), ("run", "experiment", "one-off", "oneoff", "once", "gpu"))
    why = "One run crashes or is repeated for the paper like any other, and then what was left out is missing."
    instead = "Write it as for every run: the finding beside the comment says what is missing."
