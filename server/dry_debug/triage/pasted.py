"""Reads what somebody pasted: tells apart exceptions, frames, log lines and the person's own words."""

from __future__ import annotations

import re

from dry_debug.records import dataclass
from dry_debug.triage.prefixes import Prefixes


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback. `path` as it stands there (`Cell In[3]` in a notebook), `line` from 1."""

    path: str
    line: int
    function: str

    @property
    def is_own(self) -> bool:
        """Whether this is the user's own code and not that of Python or an installed package."""
        return _LIBRARY.search(self.path.replace("\\", "/").lower()) is None


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception: `kind` is its class as printed, `message` may have several lines, frames outermost first."""

    kind: str
    message: str
    frames: tuple[Frame, ...]

    @property
    def text(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @property
    def own_frame(self) -> Frame | None:
        """The last frame that is the user's own code."""
        return next((frame for frame in reversed(self.frames) if frame.is_own), None)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text, taken apart.

    `raised` in the order of the text, each different one once; `lines` is every line that is neither a frame, nor its
    code, nor of an exception; `prose` is what of these lines a person wrote, as one line with single spaces.
    """

    raised: tuple[Raised, ...]
    lines: str
    prose: str
    context: str = ""  # paths of frames and lines of code: what is in use, but no symptom
    broken: tuple[Frame, ...] = ()  # frames of a traceback whose exception was not copied


_LIBRARY = re.compile(
    r"site-packages|dist-packages|/lib(?:64)?/python\d|/python\d*/lib/|python\d[\d.]*/lib/|/anaconda\d*/lib/|"
    r"/miniconda\d*/lib/|/lib/(?:runpy|threading|importlib|multiprocessing|concurrent|asyncio|contextlib)\b|"
    r"^<(?!stdin|ipython|string)|^<string>|__array_function__|(?:^|/)s?bin/[^/]+$|\.pyx$"
)

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,12}[A-Za-z]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HEADER = re.compile(r"Traceback \(most recent call last\):?\s*\W{0,200}$")
_BOX = frozenset("│╭╰┃┏┗")  # rich draws a box around a traceback and leaves the exception outside
_RICH_FRAME = re.compile(r"(\S.{0,500}):(\d{1,9}) in (\S{1,200})$")
_FRAME = re.compile(r'File "([^"\n]{1,500})", line (\d{1,9})(?:, in (.{1,200}))?$')
_IPYTHON_FRAME = re.compile(
    r"(?:File )?(Cell In ?\[\d+\]|Input In \[\d+\]), (?:line (\d{1,9})|in (.{1,200}))"
    r"|File (\S{1,500}):(\d{1,9}), in (.{1,200})$"
    r"|(<ipython-input-[^>\s]{1,80}>|(?:~?/|[A-Za-z]:\\)\S{1,500}\.py) in (.{1,200})$"
)
# pytest: `train.py:14: in main`, `test_train.py:7:`, at the end `train.py:15: ValueError`; its exceptions begin with E.
_PYTEST_FRAME = re.compile(r"(\S{1,300}\.pyx?):(\d{1,9}):(?: in (\S.{0,200})| [A-Za-z_][\w.]{0,120})?$")
_PYTEST_ERROR = re.compile(r"E {2,9}((?:[A-Za-z_]\w{0,60}\.){0,6}[A-Za-z_]\w{0,60}(?:Error|Exception)): (\S.*)$")
_USER_CODE = "from user code:"  # torch._dynamo names the frames of the user's own code behind its message
_IPYTHON_ARROW = re.compile(r"-{1,8}> ?(\d{1,9})\b")
_RAISED = re.compile(r"([A-Za-z_][\w.]{0,120})(?:: ?(.*))?$")
_NAMED_ERROR = re.compile(
    r"((?:[A-Za-z_]\w{0,60}\.){0,6}[A-Za-z_]\w{0,60}(?:Error|Exception)|StopIteration|"
    r"(?:[a-z_]\w{0,60}\.){0,5}(?:exc|exceptions?|errors?|symbolic_shapes)\.[A-Z]\w{0,60}): (.+)$"
)
_ERROR_INSIDE = re.compile(r"((?:\b[A-Za-z_]\w{0,60}\.){0,6}\b[A-Za-z_]\w{0,60}Error): (\S.+)$")
_RAISING = re.compile(r"(?:raise ([A-Za-z_][\w.]{0,80})|assert\b.{0,400}?,)\s*\(?\s*[frb]{0,2}([\"'].{4,})$")
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_LOG = re.compile(
    r"\s*(?:\[(?!bug|question|usage|help|issue)|\{|\d{4}-\d\d-\d\d|\d\d?:\d\d|\d+%\||"
    r"(?:srun|sbatch|slurmstepd|bash|nohup|make|docker): |"
    r"(?:info|warning|warn|error|debug|critical)\b.{0,40}[:\]]|"
    r"(?:step|epoch|iter\w*)\s*[\[:=]?\s*\d"
    r"(?!\d*,? (?:is|was|are|were|has|had|and|of|on|in|it|the|then|takes|took|needs|ends|ended|starts|started|"
    r"works|runs)\b))",
    re.IGNORECASE,
)
_LOG_INSIDE = re.compile(
    r"<[\d:?]{1,12}, {0,4}[\d.?]{1,10}(?:it/s|s/it)|\d%\||[A-Z]\w{2,30}Warning:|^\s*warnings\.warn\(|^\s*\^+\s*$|"
    r"^(?:Some weights of|You should probably TRAIN|(?:- )?This IS(?: NOT)? expected|Requirement already|Collecting) "
)

# A message does not speak of itself or ask: the person goes on in the next line.
_ABOUT_ONESELF = re.compile(r"\b(?:I|I'm|I've|my|My|we|We|our)\b|\?\s*$|^(?:Should|How|Why|What|Can) ")

_LONGEST_LINE = 20_000  # code points; of a longer one the two ends are read
_LONGEST_MESSAGE = 60  # lines of one exception
_SHORT_LINE = 24  # code points; a shorter line of numbers may be part of a sentence
_MOST_SOURCES = 64
_MOST_PROSE = 40_000  # code points; nobody writes more by hand: the rest is a log, and people write before or after it


def read(text: str) -> Pasted:
    """Take `text` apart. Never raises; anything that is not understood is a line."""
    found = _Found()
    readers = {"": _Reader(found)}  # ranks and processes write line by line between each other: one for each
    prefixes = Prefixes()
    lines = [_cleaned(raw) for raw in text.splitlines()]
    for line in lines:
        if prefixes.teaches(line):
            prefixes.cut(line)
    for line in lines:
        if not line:
            readers[""].blank()
            continue
        source, line = prefixes.cut(line)
        if source not in readers:
            if len(readers) == _MOST_SOURCES:
                source = ""
            else:
                readers[source] = _Reader(found)
        readers[source].take(line)
    for reader in readers.values():
        reader.end()
    return found.result()


def _cleaned(line: str) -> str:
    """A line without colours, what cannot be printed and blanks at its end; of a very long one the two ends."""
    if len(line) > _LONGEST_LINE:
        line = _ends(line, _LONGEST_LINE)
    if "\x1b" in line:
        line = _ANSI.sub("", line)
    if not line.isprintable():
        line = _UNPRINTABLE.sub(" ", line)
    return line.rstrip()


def _ends(text: str, length: int) -> str:
    return f"{text[: length // 2]} {text[-(length // 2) :]}"


def _is_table(line: str) -> bool:
    """Whether a line is mostly numbers and brackets, which nobody writes as a sentence."""
    return len(line) > _SHORT_LINE and sum(char.isalpha() or char == " " for char in line) < len(line) / 2


class _Found:
    """What the readers of one text have found, in the order of the text."""

    def __init__(self) -> None:
        self.raised: dict[Raised, None] = {}
        self.lines: dict[str, None] = {}  # each once: logs repeat themselves
        self.prose: list[str] = []
        self.context: dict[str, None] = {}
        self.broken: tuple[Frame, ...] = ()  # of a traceback whose exception was not copied

    def result(self) -> Pasted:
        prose = " ".join(self.prose)
        if len(prose) > _MOST_PROSE:
            prose = _ends(prose, _MOST_PROSE)
        prose = " ".join(prose.split())
        return Pasted(tuple(self.raised), "\n".join(self.lines), prose, "\n".join(self.context), self.broken)


class _Reader:
    """Goes through the lines once. Inside a traceback until its exception; inside a message until it ends."""

    def __init__(self, found: _Found) -> None:
        self._found = found
        self._frames: list[Frame] = []
        self._inside = False
        self._indent = 0
        self._kind = ""
        self._message: list[str] | None = None
        self._indented = self._gap = False  # whether the last line of the message was; whether an empty one came since
        self._code = ""  # the last line of code in the traceback
        self._pending = ""  # a notebook's frame whose line number stands at the arrow below it
        self._fence = ""  # the language of the code block that we are in, or "text"
        self._last: Raised | None = None  # to which frames may still come
        self._tested: list[Frame] = []  # the frames of pytest's report
        self._adds = False  # whether the frames that come are those of the last exception

    def blank(self) -> None:
        """An empty line ends a message, unless the message is indented and goes on so; it ends nothing else."""
        if self._message is None:
            return
        if self._indented:
            self._gap = True
        else:
            self._end_message()

    def take(self, line: str) -> None:
        bare = line.strip(" \t|+")
        if not bare:
            self.blank()
            return
        if bare.startswith("```"):
            self._end_message()
            self._fence = "" if self._fence else (bare[3:].strip().lower() or "text")
            return
        if bare[:1] in _BOX and (self._inside or "Traceback" in bare):
            bare = bare.strip("│┃ ")
            if (framed := _RICH_FRAME.match(bare)) and self._inside:
                self._open_frame(framed[1], int(framed[2]), framed[3])
            if not _HEADER.search(line):
                return
        if _HEADER.search(line):
            self._end_message()
            self._inside, self._frames, self._pending, self._adds = True, [], "", False
            # In a notebook and in a wrapped error the header stands behind other words.
            before = line[: line.index("Traceback")]
            self._indent = len(before) if not before.strip(" \t|+") else 0
            return
        if self._frame(bare) or (not self._inside and self._pytest(bare)):
            return
        if self._inside:
            self._in_traceback(line, bare)
        elif self._message is not None and self._continues(line, bare):
            self._message.append(bare)
            self._indented, self._gap = line[:1].isspace(), False
        else:
            self._end_message()
            self._outside(line, bare)

    def _raise_by_code(self) -> None:
        """The exception itself was not copied, but the line of code that raises it."""
        raising = _RAISING.match(self._code)
        if raising and self._frames:
            kind = raising[1] or "AssertionError"
            self._found.raised[Raised(kind, raising[2].strip("\"'() "), tuple(self._frames))] = None

    def _frame(self, bare: str) -> bool:
        found = _FRAME.match(bare)
        if found:
            self._open_frame(found[1], int(found[2]), found[3] or "")
            return True
        notebook = _IPYTHON_FRAME.match(bare)
        if notebook is None or not (self._inside or notebook[1] or (notebook[7] or "").startswith("<")):
            return False
        if notebook[4]:
            self._open_frame(notebook[4], int(notebook[5]), notebook[6])
        else:
            self._open_frame(notebook[1] or notebook[7], int(notebook[2] or 0), notebook[3] or notebook[8] or "")
            self._pending = "" if notebook[2] else self._frames[-1].path
        return True

    def _pytest(self, bare: str) -> bool:
        """Whether a line belongs to the report of pytest: a frame, or the exception."""
        if bare.startswith("E ") and (error := _PYTEST_ERROR.match(bare)):
            self._end_message()
            self._last = Raised(error[1], error[2], tuple(self._tested))
            self._found.raised[self._last] = None
            self._tested = []
            return True
        frame = _PYTEST_FRAME.match(bare)
        if frame is None:
            return False
        found = Frame(frame[1], int(frame[2]), frame[3] or "")
        self._found.context[found.path] = None
        if self._last is not None and bare.endswith(f": {self._last.kind.rpartition('.')[2]}"):
            self._add((found,))
        else:
            self._tested.append(found)
        return True

    def _add(self, frames: tuple[Frame, ...]) -> None:
        """More frames of the last exception, which stand behind it."""
        if self._last is not None:
            self._found.raised.pop(self._last, None)
            self._last = Raised(self._last.kind, self._last.message, (*self._last.frames, *frames))
            self._found.raised[self._last] = None

    def _open_frame(self, path: str, line: int, function: str) -> None:
        self._end_message()
        if not self._inside:  # the header was not copied
            self._inside, self._frames, self._indent = True, [], 0
        self._frames.append(Frame(path, line, function))
        self._found.context[path] = None

    def _in_traceback(self, line: str, bare: str) -> None:
        if not bare:
            return
        arrow = _IPYTHON_ARROW.match(bare)
        if arrow:
            if self._pending and self._frames:
                last = self._frames.pop()
                self._frames.append(Frame(last.path, int(arrow[1]), last.function))
                self._pending = ""
            return
        if len(line) - len(line.lstrip(" \t|+")) > self._indent:
            self._code = bare  # of a frame
            return
        found = _RAISED.match(bare)
        self._inside = False
        if found and (self._frames or found[2] is not None):
            self._kind, self._message = found[1], [found[2] or ""]
        else:  # not indented and no exception: the copy broke off here
            self._break_off()
            self._frames = []
            self._outside(line, bare)

    def _break_off(self) -> None:
        if self._adds:
            self._add(tuple(self._frames))
            self._adds = False
        else:
            self._raise_by_code()

    def _continues(self, line: str, bare: str) -> bool:
        assert self._message is not None
        if not bare or len(self._message) >= _LONGEST_MESSAGE or bare.startswith(_CHAINED):
            return False
        if not line[:1].isspace() and (self._gap or _ABOUT_ONESELF.search(bare)):
            return False
        return not _LOG.match(line) and not _NAMED_ERROR.match(bare)

    def _outside(self, line: str, bare: str) -> None:
        if not bare or bare.startswith(_CHAINED):
            return
        if bare == _USER_CODE:
            self._adds = self._last is not None
            return
        named = _NAMED_ERROR.match(bare)
        if named and not self._fence.startswith(("py", "ipython")):
            self._kind, self._message, self._frames = named[1], [named[2]], []
            return
        if self._fence.startswith(("py", "ipython")):
            self._found.context[bare] = None
            return
        quoted = _ERROR_INSIDE.search(bare) if "Error: " in bare else None
        if quoted:
            self._found.raised[Raised(quoted[1], quoted[2].rstrip("'\"`"), ())] = None
        self._found.lines[bare] = None
        if not self._fence and not _LOG.match(line) and not _LOG_INSIDE.search(line) and not _is_table(bare):
            self._found.prose.append(bare)

    def _end_message(self) -> None:
        if self._message is not None:
            message = "\n".join(self._message).strip()
            self._last = Raised(self._kind, message, tuple(self._frames))
            self._found.raised[self._last] = None
            self._message, self._frames = None, []
            self._indented = self._gap = False

    def end(self) -> None:
        """No further lines come."""
        self._end_message()
        if self._inside and self._frames:
            if not self._adds:
                self._found.broken = tuple(self._frames)
            self._break_off()
