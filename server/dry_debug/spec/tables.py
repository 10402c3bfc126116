"""Markdown tables of settings: one setting a row, or one a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dry_debug.spec.vocabulary import ANY_FIELD

_WANTED = re.compile(
    r"\b(?:values?|ours?|us|we|this run|this|new|target|setting|use|wanted|asked|final|want|required|spec|now|how much|"
    r"choice|chosen|decision|decided|agreed|to be|planned|plan)\b",
    re.I,
)
_OTHERS = re.compile(
    r"\b(?:previous|old|before|paper|baseline|theirs?|default|reference|last|note|notes|comment|why|source|reason|"
    r"result|accuracy|loss|score|published|description|owner|example|type|reasons?|remarks?|comments?|who|status|"
    r"rationale|explanation|was|current|existing|original|prior|status quo|range|unit|theirs)\b",
    re.IGNORECASE,
)


def named_run(text: str) -> str:
    """The row or column of a table that a text points to: "please implement run C", "only the 10M column matters"."""
    for pattern in (_POINTS, _POINTS_BACK, _POINTS_NAME):
        for match in pattern.finditer(text):
            return match["name"].casefold()
    return ""


_KIND = r"(?:run|row|config(?:uration)?|variant|setting|experiment|option|setup|column|line|recipe|version)"
_POINTS = re.compile(
    rf"\b(?:use|implement|take|run|do|want|need|go with|pick|choose|only|start|follow|train|reproduce|we are at|"
    rf"this is)\b[^.\n|]{{0,40}}?"
    rf"\b{_KIND}\s+[`*\"']*(?P<name>(?!(?:is|in|of|for|with|the|a|and|on|to|at|that|from)\b)\w[\w.-]*\w|[A-Z0-9])\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    rf"\b(?:only|use|take|implement|pick|follow|reproduce) (?:the |our )?[`*\"']*(?P<name>[\w.-]+)[`*\"']* {_KIND}\b",
    re.IGNORECASE,
)


_POINTS_NAME = re.compile(  # "only v3 is to be implemented"
    r"\b(?:only|just) (?:the |our )?[`*\"']*(?P<name>v\d[\w.]*|[A-Z0-9])[`*\"']*\b[^.\n|]{0,12}\b(?:is|counts?|"
    r"matters?|has|should|needs|must)\b",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v?\d{1,2}(?:\.\d{1,2})*", re.IGNORECASE)


def rows(lines: Sequence[str], wanted: str = "") -> Iterator[tuple[int, str, str]]:
    """(index of the line, "field: value", what the row or column is for) of each setting in a table; `wanted` is the
    row or column that the text around it points to, in lower case."""
    cells = [(index, _cells(line)) for index, line in enumerate(lines)]
    cells = [
        (index, row)
        for index, row in cells
        if not (any("-" in c for c in row) and all(re.fullmatch(r":?-+:?|", c) for c in row))
    ]
    if not cells:
        return
    has_head = len(lines) > 1 and bool(re.fullmatch(r"[\s|:-]+", lines[1]) and "-" in lines[1])
    head = cells[0][1] if has_head else []
    body = cells[1:] if has_head else cells
    if sum(bool(ANY_FIELD.search(c)) for c in head) >= 2:
        yield from _columns(head, body, wanted)
        return
    head, body = _names_first(head, body)
    for index, row in body:
        if len(row) < 2 or not row[0]:
            continue
        if all(re.match(r"[\w ./-]{2,40}[:=]\s*\S", cell) for cell in row) or (
            not head and len(row) > 2 and sum(bool(_TERSE.search(cell)) for cell in row) > 1
        ):  # "lr: 1e-5 | epochs: 2", "lr 1e-5 | 2 epochs"
            yield from ((index, cell, "") for cell in row)
            continue
        column = _value_column(head, row, wanted)
        if column is not None and row[column]:
            name = head[column] if column < len(head) and not _WANTED.search(head[column]) else ""
            roles = [(c, head[c]) for c in range(1, min(len(head), len(row))) if _role(head[c])]
            if len(roles) > 1:  # | | teacher | student |
                for c, what in roles:
                    if row[c]:
                        yield index, f"{row[0]}: {row[c]}", what
                continue
            yield index, f"{row[0]}: {row[column]}", name if _role(name) else ""


# "bs 16", "3 epochs": a field and its number in one cell
_TERSE = re.compile(rf"\A\W*(?:{ANY_FIELD.pattern})\W+\.?\d|\A\W*\.?\d\S*\s*(?:{ANY_FIELD.pattern})", re.IGNORECASE)


def _names_first(
    head: Sequence[str], body: Sequence[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The table with the column of the settings' names before the others, and without running numbers."""
    width = max((len(row) for _, row in body), default=0)
    named = [sum(bool(ANY_FIELD.search(row[c])) for _, row in body if c < len(row)) for c in range(min(width, 12))]
    if not named or 2 * named[0] >= max(named):
        return list(head), list(body)
    best = named.index(max(named))
    order = [best, *(c for c in range(width) if c != best and not (c < len(head) and _RUNNING.fullmatch(head[c])))]
    return (
        [head[c] for c in order if c < len(head)],
        [(index, [row[c] for c in order if c < len(row)]) for index, row in body],
    )


_DUE = re.compile(r"to ?do|next|planned|open|pending|this one|now|wanted|todo!?", re.IGNORECASE)
_RUNNING = re.compile(r"#|no\.?|nr\.?|id|idx|item|row|pos\.?|", re.IGNORECASE)


def _is_named(cell: str, named: str) -> bool:
    return re.sub(rf"\A{_KIND}\s+", "", cell.strip(), flags=re.IGNORECASE).casefold() == named


def _columns(
    head: Sequence[str], body: Sequence[tuple[int, Sequence[str]]], named: str = ""
) -> Iterator[tuple[int, str, str]]:
    """`| lr | batch size |` over one row of values; of several the one that is ours."""
    chosen = body
    if len(body) > 1:
        wanted = [r for r in body if any(_WANTED.search(c) for c in r[1][:1])]
        roles = [r for r in body if r[1] and _role(r[1][0])]
        rest = [r for r in body if not (r[1] and _OTHERS.search(r[1][0]))]
        pointed = [r for r in body if named and any(_is_named(c, named) for c in r[1][:2])]
        due = [r for r in body if any(_DUE.fullmatch(c) for c in r[1][1:])]
        chosen = pointed or wanted or roles or (due if len(due) == 1 else rest if len(rest) == 1 else [])
    for index, row in chosen:
        what = row[0] if row and _role(row[0]) else ""
        for name, value in zip(head, row, strict=False):
            if value and ANY_FIELD.search(name):
                yield index, f"{name}: {value}", what


def _value_column(head: Sequence[str], row: Sequence[str], named: str = "") -> int | None:
    pointed = [c for c in range(1, min(len(head), len(row))) if named and _is_named(head[c], named)]
    if len(pointed) == 1:
        return pointed[0]
    wanted = [c for c in range(1, min(len(head), len(row))) if _WANTED.search(head[c]) and not _OTHERS.search(head[c])]
    if wanted:
        return wanted[-1]
    versions = [c for c in range(1, min(len(head), len(row))) if _VERSION.fullmatch(head[c])]
    if len(versions) > 1 and len(versions) == min(len(head), len(row)) - 1:
        return versions[-1]  # | | v2 | v3 |
    rest = [c for c in range(1, len(row)) if not (c < len(head) and _OTHERS.search(head[c]))]
    return rest[0] if rest else None


def _role(text: str) -> bool:
    return bool(
        re.search(
            r"\b(?:train(?:ing)?|eval(?:uation)?|test|validation|teacher|student|stage|generator|"
            r"discriminator|actor|critic)\b",
            text,
            re.IGNORECASE,
        )
    )


def _cells(line: str) -> list[str]:
    return [re.sub(r"[*`]", " ", cell).strip() for cell in line.strip().strip("|").split("|")]
