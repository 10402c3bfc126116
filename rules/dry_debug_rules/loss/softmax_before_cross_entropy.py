"""LOSS001: cross-entropy applies log-softmax itself; what it gets has been through a softmax already."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.activations import judged, twice_activated
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.knowledge import CROSS_ENTROPY

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class SoftmaxBeforeCrossEntropy(Rule):
    name = "softmax-before-cross-entropy"
    code = "LOSS001"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("CrossEntropyLoss", "cross_entropy", "softmax", "Softmax"),)
    why = (
        "Cross-entropy takes raw scores and applies softmax itself: probabilities lie between 0 and 1, so the second "
        "softmax stays nearly flat, the loss cannot get near zero and the gradients shrink."
    )
    instead = "Give the loss the raw scores and apply the softmax where you predict."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    looks_at = "what goes into a cross-entropy loss, and softmax at the end of a model"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return judged(program, CROSS_ENTROPY, "softmax")

    def check(self, program: Program) -> Iterator[Report]:
        return twice_activated(program, CROSS_ENTROPY, "softmax", self.name)
