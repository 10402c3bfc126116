"""EXC006: a comment that gives disk space as the reason for an incomplete checkpoint."""

from dry_debug.lint.excuse import ExcuseRule


class DiskSpaceExcuse(ExcuseRule):
    name = "disk-space-excuse"
    code = "EXC006"
    severity = "suggestion"
    triggers = (("#",), ("space", "disk", "storage", "quota", "too big", "too large", "smaller"))
    why = "What was left out is what makes the file worth keeping: fewer complete checkpoints need no more space."
    instead = "Save everything and keep fewer files: the last one, the one before and the best."
