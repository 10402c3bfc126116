"""What the rules quote: red flags, rationalizations, pitfalls and edge cases of the source material, word for word.

The quoted text is not ours: see NOTICE in this folder. The corrections are.
"""

from dry_debug_rules.catalogue.catalogue import Correction, Entry, choose, digest, echoed, load, quote
from dry_debug_rules.catalogue.excuses import EXCUSES, answers

__all__ = ["EXCUSES", "Correction", "Entry", "answers", "choose", "digest", "echoed", "load", "quote"]
