"""EXC007: a comment that calls the missing part too complicated, beside the mistake."""

from dry_debug.lint.excuse import ExcuseRule


class SimplicityExcuse(ExcuseRule):
    name = "simplicity-excuse"
    code = "EXC007"
    severity = "suggestion"
    triggers = (("#",), ("kill", "complicated", "complex", "simple", "need", "only"))
    why = "Each part that is left out prevents one failure, and what is saved in lines is paid back in debugging."
    instead = "Put the missing part in: a helper keeps the place as short as it is."
