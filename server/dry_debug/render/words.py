"""Sentences that the terminal, the hover and the report share, so that they never say different things."""

from collections.abc import Sequence

from dry_debug.lint.finding import Applicability

# How much a fix is to be trusted, in words.
TRUST: dict[Applicability, str] = {
    "safe": "keeps the meaning",
    "unsafe": "look at it before you keep it",
    "display": "to be made by hand",
}


def quotation(ids: Sequence[str], comments: str = "") -> str | None:
    """The quotation that fits best, one line of Markdown: the first of the catalogue entries `ids`, unless a word of
    `comments` near the finding calls up another. None where there are none; an id that the catalogue lacks is left
    out."""
    if not ids:
        return None
    from dry_debug_rules.catalogue import choose, load, quote  # only where a quotation is shown

    known = load()
    entries = choose([id_ for id_ in ids if id_ in known], comments)
    return quote(entries[0]) if entries else None
