"""LOSS002: binary cross-entropy with logits applies the sigmoid itself; what it gets has been through one already."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.activations import judged, twice_activated
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.knowledge import BCE_WITH_LOGITS

if TYPE_CHECKING:
    from dry_debug.program.program import Program


class SigmoidBeforeBceWithLogits(Rule):
    name = "sigmoid-before-bce-with-logits"
    code = "LOSS002"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("BCEWithLogitsLoss", "cross_entropy_with_logits", "sigmoid", "Sigmoid"),)
    why = (
        "The loss takes raw scores: of a probability it computes the sigmoid once more, so it sees values between 0.5 "
        "and 0.73 only, cannot get near zero for negatives, and the gradients shrink."
    )
    instead = "Give the loss the raw scores and apply the sigmoid where you predict."
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    looks_at = "what goes into a binary cross-entropy with logits, and sigmoid at the end of a model"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return judged(program, BCE_WITH_LOGITS, "sigmoid")

    def check(self, program: Program) -> Iterator[Report]:
        return twice_activated(program, BCE_WITH_LOGITS, "sigmoid", self.name)
