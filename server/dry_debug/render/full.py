"""The form for people in a terminal: headline, code with the place underlined, why, evidence, fix, quotation."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence

from dry_debug.lint import manifest
from dry_debug.render.formats import Context, where
from dry_debug.render.record import Record, shown
from dry_debug.render.words import TRUST, quotations

Note = Callable[[str, str], Iterator[str]]  # (label, text) -> lines


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """A block of lines for each record, an empty line after each."""
    for record in records:
        yield from _block(record, context)
        yield ""


def _block(record: Record, context: Context) -> Iterator[str]:
    paint = context.paint
    severity = record["severity"]
    head = paint(severity, f"{severity}[{record['name']}]")
    preview = " (preview rule)" if shown(record)["preview"] else ""
    yield f"{head} {paint('bold', record['message'])}{preview}"
    frame = shown(record)["frame"]
    width = len(str(frame["row"] + len(frame["lines"])))
    bar = paint("frame", "|")
    yield f"{' ' * width}{paint('frame', '-->')} {where(record, context)}"
    yield f"{' ' * width} {bar}"
    yield from _code(record, width, context)
    yield f"{' ' * width} {bar}"

    def note(label: str, text: str) -> Iterator[str]:
        first, *rest = text.split("\n")
        yield f"{' ' * width} {paint('frame', '=')} {paint('bold', label + ':')} {first}"
        for line in rest:
            yield f"{' ' * (width + 3)}{line}"

    if record["why"]:
        yield from note("why", record["why"])
    for step in record["related"]:
        cell = f"cell {step['cell']}:" if step["cell"] is not None else ""
        other = context.shown_path(step["filename"]) + ":" if step["filename"] != record["filename"] else "line "
        yield from note("evidence", f"{other}{cell}{step['location']['row']}: {step['message']}")
    yield from _fix(record, note, context)
    for label, words in quotations(record["name"], record["quotes"], shown(record)["comments"]):
        yield from note(label, words.replace("\\<", "<"))
    info = manifest.find(record["name"])
    if info is not None and info.instead:
        yield from note("instead", info.instead)
    if record["url"]:
        yield from note("more", f"dry-debug rule {record['name']}")


def _fix(record: Record, note: Note, context: Context) -> Iterator[str]:
    paint = context.paint
    details = shown(record)
    fix = record["fix"]
    if fix is None:
        if details["fixable"] and details["fix_title"] and not context.with_fixes:
            yield from note("fix", details["fix_title"])
        elif details["fix_title"]:
            yield from note("to do", details["fix_title"])
        return
    yield from note("fix", f"{fix['message']} ({fix['applicability']}: {TRUST[fix['applicability']]})")
    for line in details["diff"]:
        style = {"+": "added", "-": "removed"}.get(line[0], "dim")
        yield "      " + paint(style, _visible(line).rstrip())


def _code(record: Record, width: int, context: Context) -> Iterator[str]:
    paint = context.paint
    frame = shown(record)["frame"]
    bar = paint("frame", "|")
    start, end = record["location"], record["end_location"]
    for index, line in enumerate(frame["lines"]):
        row = frame["row"] + index
        text = _visible(line)
        yield f"{paint('frame', f'{row:>{width}} |')} {text}".rstrip()
        if not start["row"] <= row <= end["row"]:
            continue
        blank = len(line) - len(line.lstrip())
        first = start["column"] - 1 - frame["shift"] if row == start["row"] else blank
        last = end["column"] - 1 - frame["shift"] if row == end["row"] else len(line.rstrip())
        first, last = max(0, min(first, len(line))), max(0, min(last, len(line)))
        if row != start["row"] and last <= first:
            continue
        before = _width(_visible(line[:first]))
        under = max(1, _width(_visible(line[:last])) - before)
        yield f"{' ' * width} {bar} {' ' * before}{paint(record['severity'], '^' * under)}"


def _visible(line: str) -> str:
    """Tabs as four blanks, and nothing that moves the cursor."""
    line = line.replace("\t", "    ")
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else "�" for char in line)


def _width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
