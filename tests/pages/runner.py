"""Running the analysis over a page's example and comparing what it says with the marks."""

import functools
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dry_debug.lint import manifest
from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.settings import Settings
from dry_debug.program.host import Host, NullHost
from dry_debug.text.document import Document
from dry_debug.text.spans import TextEdit, apply_edits

from tests.pages.page import Example, Page

SETTINGS = Settings(preview=True)
# File, one-based line, rule, severity.
Said = tuple[str, int, str, str]


@contextmanager
def project(texts: Mapping[str, str]) -> Iterator[Path | None]:
    """A folder with the files of an example; None for a single file, which is analysed on its own."""
    if list(texts) == ["main.py"]:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="page-") as name:
        root = Path(name).resolve()
        for file, text in texts.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text, "utf-8", newline="")
        yield root


def _document(root: Path | None, file: str, text: str) -> tuple[Document, Host]:
    if root is None:
        return Document.from_text(text, file), NullHost()
    from dry_debug.project.host import ProjectHost

    return Document.from_text(text, str(root / file)), ProjectHost(str(root))


def results(texts: Mapping[str, str]) -> dict[str, Result]:
    """The analysis of each Python file of an example, every rule on; a rule that fails is an error."""
    found: dict[str, Result] = {}
    with project(texts) as root:
        for file, text in texts.items():
            if file.endswith(".py"):
                document, host = _document(root, file, text)
                found[file] = analyse(document, host, SETTINGS)
                assert not found[file].problems, found[file].problems
    return found


def said(texts: Mapping[str, str]) -> Counter[Said]:
    """Everything that is found in the files; remembered, since several tests look at the same text."""
    return Counter(_said(tuple(texts.items())))


@functools.cache
def _said(texts: tuple[tuple[str, str], ...]) -> tuple[Said, ...]:
    return tuple(
        (file, result.document.position(finding.span.start).line + 1, finding.rule, finding.severity)
        for file, result in results(dict(texts)).items()
        for finding in result.findings
    )


def exact(found: Counter[Said], rule: str) -> Counter[Said]:
    """What a page has to mark: all findings of its rule, and critical ones of any."""
    return Counter({item: count for item, count in found.items() if item[2] == rule or item[3] == "critical"})


def expected(example: Example) -> Counter[Said]:
    return Counter((file, mark.line, mark.rule, mark.severity) for file, mark in example.marks())


def crosstalk(page: Page) -> list[str]:
    """One line for each finding of another rule in the page's examples."""
    lines: list[str] = []
    for example in page.examples:
        found = said(example.texts())
        for (file, line, rule, severity), count in sorted(found.items()):
            if rule != page.rule and severity != "critical":
                where = f"{page.name} example {example.number} {file}:{line}"
                lines.extend([f"{where} {severity} {rule}"] * count)
    return lines


def all_fixed(texts: Mapping[str, str], rule: str) -> dict[str, str]:
    """The files after all fixes of `rule`, unsafe ones included; a fix of one file may change another."""
    after = dict(texts)
    with project(texts) as root:
        elsewhere: dict[str, list[TextEdit]] = {}
        for file, text in texts.items():
            if not file.endswith(".py"):
                continue
            document, host = _document(root, file, text)
            applied = apply_fixes(document, host, SETTINGS, unsafe=True, only={rule})
            if applied.source != text:
                after[file] = applied.source
            for path, edits in applied.elsewhere.items():
                name = Path(path).resolve().relative_to(root or Path()).as_posix()
                known = elsewhere.setdefault(name, [])
                known.extend(edit for edit in edits if edit not in known)
        for name, edits in elsewhere.items():
            assert after[name] == texts[name], f"{name} is changed by its own fixes and by those of another file"
            after[name] = apply_edits(texts[name], edits)
    return after


def name_bound() -> frozenset[str]:
    """Rules that say that they depend on what things are called."""
    return frozenset(info.name for info in manifest.rules() if manifest.load(info).depends_on_names)
