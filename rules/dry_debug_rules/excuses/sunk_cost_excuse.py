"""EXC003: a comment that says everything was tried already, beside a mistake that was not looked at."""

from dry_debug.lint.excuse import ExcuseRule


class SunkCostExcuse(ExcuseRule):
    name = "sunk-cost-excuse"
    code = "EXC003"
    severity = "suggestion"
    triggers = (("#",), ("tried", "nothing", "help", "effect", "spent", "too late", "too far"))
    why = "What was tried before may have been something else or only half of it, while this mistake is still there."
    instead = "Mend the finding beside the comment first, alone, and measure again."
