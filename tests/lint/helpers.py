"""Findings and documents made by hand, for tests of one part of lint."""

from collections.abc import Iterable
from dataclasses import dataclass

from dry_debug.lint.finding import Finding
from dry_debug.lint.fingerprint import fingerprints
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.text.spans import Span


@dataclass(frozen=True)
class Named:
    """A rule as suppressions see it."""

    name: str
    code: str


TYPO = Named("odd-typo", "ODD001")
OTHER = Named("other-thing", "ODD002")


def document_of(text: str) -> Document:
    return Document.from_text(text, "main.py")


def notebook_of(*cells: str) -> Document:
    """A notebook whose code cells have the numbers 1, 3, 5, ... as if text cells stood between."""
    return from_cells([NotebookCell(2 * index + 1, text) for index, text in enumerate(cells)], "main.ipynb")


def found(document: Document, words: Iterable[str], rule: Named = TYPO) -> list[Finding]:
    """A finding of `rule` at each occurrence of each word, in the order of the text."""
    spans: list[Span] = []
    for word in words:
        at = document.source.find(word)
        while at >= 0:
            spans.append(Span(at, at + len(word)))
            at = document.source.find(word, at + 1)
    spans.sort()
    prints = fingerprints(document, [(rule.name, span) for span in spans])
    return [
        Finding(rule.name, rule.code, "warning", "high", "Odd", "It is odd.", span, f"{rule.name}@{span.start}", print_)
        for span, print_ in zip(spans, prints, strict=True)
    ]
