"""A rule page -> the examples in it. The format is described in `tests/pages/README.md`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

RULES = Path(__file__).resolve().parents[2] / "rules" / "dry_debug_rules"
HEADINGS = ("What it finds", "Why it matters", "Examples", "Fix", "Stays silent when", "Evidence")
VARIATIONS = ("function", "method", "helper", "try", "with", "ddp", "accelerate")

_FENCE = re.compile(r"(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)")
_MARK = re.compile(r"[ \t]*#[ \t]*(critical|warning|suggestion):[ \t]*([a-z0-9][a-z0-9-]*)(?=[ \t]*(?:#|$))")
_MARKS = re.compile(rf"(?:{_MARK.pattern})+[ \t]*$")
_OPT_OUT = re.compile(r"<!--\s*variations:\s*(?P<list>.*?)\s+because\s+(?P<reason>.+?)\s*-->", re.DOTALL)


class PageError(Exception):
    """The page does not keep to the format; the message gives its path and line."""


@dataclass(frozen=True, order=True)
class Mark:
    """An expected finding; `line` is one-based in its block."""

    line: int
    rule: str
    severity: str


@dataclass(frozen=True)
class Block:
    """One fenced block: its text without marks, the marks, and the page's line that it begins at."""

    text: str
    marks: tuple[Mark, ...]
    page_line: int


@dataclass(frozen=True)
class Proof:
    """A harness for real PyTorch; `example` is the number of the bad example that it is about."""

    text: str
    page_line: int
    example: int


@dataclass(frozen=True)
class Example:
    """One file, or several that are one project, in the order of the page."""

    number: int
    files: Mapping[str, Block]
    fixed: Mapping[str, Block] = field(default_factory=dict)
    opt_out: frozenset[str] = frozenset()

    @property
    def is_project(self) -> bool:
        return list(self.files) != ["main.py"]

    def texts(self) -> dict[str, str]:
        return {name: block.text for name, block in self.files.items()}

    def fixed_texts(self) -> dict[str, str]:
        """The whole project after the fixes: files without a fixed block stay as they are."""
        return self.texts() | {name: block.text for name, block in self.fixed.items()}

    def marks(self, rule: str | None = None) -> Iterator[tuple[str, Mark]]:
        """(file, mark) of all marks, or of those of one rule."""
        for name, block in self.files.items():
            for mark in block.marks:
                if rule is None or mark.rule == rule:
                    yield name, mark


@dataclass(frozen=True)
class Page:
    """A rule page. `title` is the heading of level one, `facts` the first line of text below it."""

    path: Path
    title: str
    facts: str
    headings: tuple[str, ...]
    examples: tuple[Example, ...]
    proofs: tuple[Proof, ...]

    @property
    def name(self) -> str:
        """The page for people: `checkpoint/incomplete_checkpoint`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def rule(self) -> str:
        return self.title


def page_paths(root: Path = RULES) -> list[Path]:
    """The pages: the Markdown files in the families' folders."""
    return sorted(path for path in root.glob("*/*.md") if path.parent.name != "catalogue")


def parse(path: Path, text: str | None = None) -> Page:
    """The page at `path`. Raises PageError."""
    return _Parser(path, path.read_text("utf-8") if text is None else text).page()


def strip_marks(text: str) -> tuple[str, tuple[Mark, ...]]:
    """Code without its marks, and the marks."""
    lines: list[str] = []
    marks: list[Mark] = []
    for number, line in enumerate(text.split("\n"), 1):
        found = _MARKS.search(line)
        if found:
            marks.extend(Mark(number, rule, severity) for severity, rule in _MARK.findall(found.group()))
            line = line[: found.start()]
        lines.append(line)
    return "\n".join(lines), tuple(sorted(marks))


class _Parser:
    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.examples: list[Example] = []
        self.proofs: list[Proof] = []
        self.page_opt_out: frozenset[str] = frozenset()
        self.row_open = False  # whether the next `file=` block joins the last example

    def fail(self, line: int, message: str) -> PageError:
        return PageError(f"{self.path}:{line}: {message}")

    def page(self) -> Page:
        headings: list[str] = []
        title = facts = ""
        prose: list[tuple[int, str]] = []  # lines outside fences since the last block
        at = 0
        while at < len(self.lines):
            line = self.lines[at]
            fence = _FENCE.fullmatch(line)
            if fence:
                start = at + 1
                close = re.compile(rf"{re.escape(fence['fence'])}{re.escape(fence['fence'][0])}*[ \t]*")
                at = start
                while at < len(self.lines) and not close.fullmatch(self.lines[at]):
                    at += 1
                if at == len(self.lines):
                    raise self.fail(start, "this block is never closed")
                code = "".join(text + "\n" for text in self.lines[start:at])
                self.block(start, fence["info"].strip(), code, self.opt_out(prose))
                prose = []
            else:
                if line.startswith("#"):
                    self.row_open = False
                    level, _, heading = line.partition(" ")
                    if level == "#":
                        title = heading.strip()
                    elif level == "##":
                        headings.append(heading.strip())
                elif line.strip() and title and not facts:
                    facts = line.strip()
                prose.append((at + 1, line))
            at += 1
        self.opt_out(prose)
        examples = tuple(replace(e, opt_out=e.opt_out | self.page_opt_out) for e in self.examples)
        return Page(self.path, title, facts, tuple(headings), examples, tuple(self.proofs))

    def opt_out(self, prose: list[tuple[int, str]]) -> frozenset[str]:
        """The variations that a comment directly above a block takes out; other comments count for the page."""
        text = "\n".join(line for _, line in prose)
        above: frozenset[str] = frozenset()
        if text.count("variations:") > len(_OPT_OUT.findall(text)) and "<!--" in text:
            raise self.fail(prose[0][0], "a variations comment reads `<!-- variations: no-NAME, ... because ... -->`")
        for match in _OPT_OUT.finditer(text):
            names = frozenset(name.strip() for name in match["list"].split(","))
            unknown = sorted(name for name in names if name.removeprefix("no-") not in VARIATIONS or name[:3] != "no-")
            if unknown:
                raise self.fail(prose[0][0], f"unknown variations: {', '.join(unknown)}")
            names = frozenset(name.removeprefix("no-") for name in names)
            if text[match.end() :].strip():
                self.page_opt_out |= names
            else:
                above |= names
        return above

    def block(self, line: int, info: str, code: str, opt_out: frozenset[str]) -> None:
        language, _, rest = info.partition(" ")
        words = rest.split()
        files = [word.removeprefix("file=") for word in words if word.startswith("file=")]
        kinds = [word for word in words if not word.startswith("file=")]
        if language != "python" and not (files and language in ("yaml", "json", "toml", "markdown", "text")):
            self.row_open = False
            return
        if len(files) > 1 or kinds not in ([], ["fixed"], ["proof"]):
            raise self.fail(line, f"unknown words in the block's first line: {rest}")
        if kinds == ["proof"]:
            self.proof(line, code)
        elif kinds == ["fixed"]:
            self.fixed(line, code, files[0] if files else "main.py")
        else:
            self.example(line, code, files[0] if files else None, language == "python", opt_out)

    def example(self, line: int, code: str, name: str | None, python: bool, opt_out: frozenset[str]) -> None:
        text, marks = strip_marks(code) if python else (code, ())
        block = Block(text, marks, line)
        if name and self.row_open and name not in self.examples[-1].files:
            last = self.examples[-1]
            self.examples[-1] = replace(last, files={**last.files, name: block}, opt_out=last.opt_out | opt_out)
        else:
            self.examples.append(Example(len(self.examples) + 1, {name or "main.py": block}, {}, opt_out))
        self.row_open = name is not None

    def fixed(self, line: int, code: str, name: str) -> None:
        self.row_open = False
        if not self.examples or not any(self.examples[-1].marks()):
            raise self.fail(line, "a fixed block follows a block with marks")
        last = self.examples[-1]
        if name not in last.files or name in last.fixed:
            raise self.fail(line, f"the example before it has no {name} to fix, or it is fixed already")
        text, marks = strip_marks(code)
        self.examples[-1] = replace(last, fixed={**last.fixed, name: Block(text, marks, line)})

    def proof(self, line: int, code: str) -> None:
        self.row_open = False
        bad = [example for example in self.examples if any(example.marks())]
        if not bad:
            raise self.fail(line, "a proof block follows a block with marks")
        if "assert" not in code or not re.search(r"\bbad(?:_files)?\b", code):
            raise self.fail(line, "a proof uses `bad` or `bad_files` and asserts something")
        self.proofs.append(Proof(code, line, bad[-1].number))
