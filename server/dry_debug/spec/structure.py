"""A text of instructions -> sentences with their lines: headings, lists, tables, fences, chat, wrapped prose."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from dry_debug.records import dataclass
from dry_debug.spec.instruction import Source
from dry_debug.spec.sources import ANNOUNCED, INSTRUCTS

MOST_LINES = 2_000
WIDEST = 1_000  # of a line; a longer one is data
MOST_WRAPPED = 12  # lines of prose that are read as one

_HEADING = re.compile(r"\s{0,3}(#{1,6}|={1,4}(?=\s[^=\n]{1,80}\s=+\s*\Z))\s+(.*?)\s*[#=]*\s*\Z")
_BOLD_HEADING = re.compile(r"\s*(?:\*\*|__)([^*_]{2,60}?):?(?:\*\*|__):?\s*\Z")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([\w+-]*)")
_BULLET = re.compile(
    r"(\s*)(?:[-*+•–·▪◦‣○●→✓✔✅❌✗🚫🔁☐☑]\ufe0f?|\[[ xX]?\](?=\s)|\d{1,2}[.)]|\(?[a-z]\)|"
    r"[1-9]\d?(?:\.\d{1,2}){1,3}\.?(?=\s+\S*[A-Za-z])(?!\s+(?:epochs?|hours?|[hkMBx%]\b|"
    r"million|mio|billion|steps|passes|weight|dropout|temp|GB|lr\b|learning|warm))|"
    r"\(?(?:R|RQ|REQ|FR|NFR|AC|US)-?\d{1,3}[.):])\s+(?:\[[ xX]\]\s+)?(.*)\Z"
)
_SPEAKER = re.compile(
    r"\s*(?:\[?\(?\d{1,2}:\d{2}(?::\d{2})?\)?\]?\s*(?:[AaPp][Mm]\b)?\s*[-–]?\s*)?(?:\*\*?|_|<|@)?"
    r"(?:[A-Z][\w.]{1,18}(?: [A-Z]\w+)?|[QA](?=[:*])|[a-z]{1,12})?(?:\*\*?|_|"
    r">)?(?:\s*\(?\[?\d{1,2}:\d{2}(?:\s*[AaPp][Mm])?\]?\)?)?"
    r"(?P<colon>:)\s+(?=\S)"
)
_WHO_AND_WHEN = re.compile(
    r"\W*[A-Za-z][\w. ]{1,24}\W+\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AaPp][Mm])?\W*"
)  # "**Jonas** 14:02"
_STAMP = re.compile(r"\s*\[?\d{1,2}:\d{2}(?::\d{2})?\]?\s*(?:[AaPp][Mm]\b)?\s*")
# Sections that tell of something else than what is asked for.
_OTHER_SECTION = re.compile(
    r"\b(?:previous|prior|old|last|past|earlier|history|historical|changelog|results?|background|related work|"
    r"(?:(?:the|prior|existing|old|their|published|previous|other) )baselines?|(?<!\w )baselines?(?=\s*(?:\Z|[:/,]|"
    r" and\b))|"
    r"baselines? (?:results|numbers|runs?|config\w*|settings?|models?|comparison)|"
    r"references?|bibliography|out of scope|non-?goals?|not in scope|what (?:we|others) (?:tried|did|saw)|tried|"
    r"lessons|appendix|findings|observations|notes? from|benchmarks?|citation|licen[cs]e|acknowledge?ments?|"
    r"published|paper(?:'s)?|prior art|archive|faq|future|later|nice to have|next steps|ideas|other teams?|their|"
    r"upstream|costs?|budget|timeline|contacts?)\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"(?:(?<=[a-z)\]`\"'%\d])[.!]+(?=\s+(?:[A-Z`*\"(]|\d|lr\b|i\b|we\b)|\s*\Z)|(?<=[\w)\]`\"'%])\?+(?=\s|\Z)|"
    r"(?<=[a-z]{3})\.(?=\s)|(?<=\d)\.(?=\s+[a-z]{2})|(?<=[A-Z]{2})[.!]+(?=\s+[A-Z])|;(?=\s|\Z))"
)
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|approx|vs|etc|resp|max|min|cf|incl|no|fig|eq|ca))\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, list item, table row or setting. `heading` is that of its section, `lead` the line with a colon
    that announces its list or block; `question` says that it ended with a question mark."""

    text: str
    line: int
    original: str
    heading: str = ""
    lead: str = ""
    pair: bool = False  # a setting of a block: "lora r: 16"
    question: bool = False
    quoted: bool = False
    starts: tuple[int, ...] = ()  # offsets at which the further lines of wrapped prose begin

    def line_at(self, offset: int) -> int:
        """The one-based line of an offset in `text`."""
        return self.line + bisect_right(self.starts, offset)


def sentences(source: Source) -> Iterator[Sentence]:
    """Everything in `source` that may ask for something, in order."""
    reader = _Reader(source)
    yield from reader.read()


class _Reader:
    def __init__(self, source: Source) -> None:
        text = re.sub(r"<!--.*?-->", lambda m: re.sub(r"[^\n]", " ", m[0]), source.text, flags=re.DOTALL)
        text = re.sub(r"~~.*?~~", lambda m: " " * len(m[0]), text)
        text = re.sub(
            r"(?<=[\w)])[ \t]?(?:\.{4,}|\.{3}(?=[ \t]*\S+[ \t]*$|[ \t]+\d))[ \t]?(?=\S)",
            lambda m: ":" + " " * (len(m[0]) - 1),
            text,
            flags=re.MULTILINE,
        )  # "Epochs ..... 3"
        if "\\times" in text or "\\cdot" in text:  # $3 \\times 10^{-5}$
            text = re.sub(r"\$?([\d.]+)\s*\\(?:times|cdot)\s*10\^\{?(-?\d+)\}?\$?", r"\1e\2", text)
        self.lines = [line[:WIDEST] for line in re.split(r"\r\n|\r|\n", text)[:MOST_LINES]]
        self.names = _speakers(self.lines)
        self.bold_names = _bold_speakers(self.lines)
        self.source = source
        self.headings: list[tuple[int, str]] = []
        self.lead = ""
        self.lead_indent = -1
        self.paragraph: list[tuple[int, str]] = []  # line index, text
        self.announced = False  # what follows is asked for, up to the next empty line after it

    def read(self) -> Iterator[Sentence]:
        at = 0
        while at < len(self.lines):
            line = self.lines[at]
            fence = _FENCE.match(line)
            heading = _HEADING.match(line) or _BOLD_HEADING.match(line)
            underlined = at + 1 < len(self.lines) and re.fullmatch(r"\s*(?:={3,}|-{3,})\s*", self.lines[at + 1])
            if fence:
                yield from self._flush()
                end = at + 1
                while end < len(self.lines) and not self.lines[end].strip().startswith(fence[1][:3]):
                    end += 1
                yield from self._block(at + 1, end, fence[2].lower())
                at = end + 1
                continue
            if heading or (underlined and line.strip() and "|" not in line and not _BULLET.match(line)):
                yield from self._flush()
                level = len(heading[1]) if heading and heading.re is _HEADING else 7 if heading else 1
                title = (heading[2] if heading.re is _HEADING else heading[1]) if heading else line.strip()
                first = not self.headings
                self.headings = [h for h in self.headings if h[0] < level] + [(level, title)]
                if (
                    first
                    and not self.source.sections
                    and self._counts()
                    and (_TASK.search(title) or _names_data(title))
                ):
                    yield Sentence(_unmarked(title), self._number(at), line.strip())
                self.lead = ""
                at += 1 if heading else 2
                continue
            if line.count("|") >= 2 or (line.strip().startswith("|")):
                end = at
                while end < len(self.lines) and "|" in self.lines[end]:
                    end += 1
                yield from self._flush()
                if self._counts():
                    from dry_debug.spec.tables import named_run, rows

                    around = "\n".join(x for x in self.lines if "|" not in x)
                    for index, text, what in rows(self.lines[at:end], named_run(around)):
                        lead = f"{self.lead} {what}".strip()
                        yield Sentence(
                            text,
                            self._number(at + index),
                            self.lines[at + index].strip(),
                            self._heading,
                            lead,
                            pair=True,
                        )
                at = end
                continue
            if self.source.explicit and _LAUNCH.match(line):
                yield from self._flush()
                end = at
                while end + 1 < len(self.lines) and self.lines[end].rstrip().endswith("\\"):
                    end += 1
                yield from self._block(at, end + 1, "bash")
                at = end + 1
                continue
            yield from self._line(at, line)
            at += 1
        yield from self._flush()

    def _line(self, at: int, line: str) -> Iterator[Sentence]:
        stripped = line.strip()
        if not self.source.explicit and _COMMAND.match(line):
            yield from self._flush()
            return
        announced = ANNOUNCED.match(line) if self.source.sections else None
        if announced:
            yield from self._flush()
            self.announced = True
            stripped = line[announced.end() :].strip()
            if not stripped:
                return
            line = " " * announced.end() + stripped
        elif self.announced and not stripped:
            following = self.lines[at + 1] if at + 1 < len(self.lines) else ""
            if not (at and ANNOUNCED.fullmatch(self.lines[at - 1])) and not _BULLET.match(following):
                yield from self._flush()
                self.announced = False
        if _WHO_AND_WHEN.fullmatch(stripped):
            yield from self._flush()
            return
        bullet = _BULLET.match(line)
        if bullet and self.paragraph and self._is_cut_off(bullet[0], stripped):
            bullet = None
        if not stripped or stripped.startswith(">") or re.fullmatch(r"[-=*_]{3,}", stripped):
            yield from self._flush()
            if stripped.startswith(">"):  # what is answered: a number alone may be about what it names
                yield Sentence(stripped.lstrip("> "), self._number(at), stripped, quoted=True)
                return
            following = next((x for x in self.lines[at + 1 :] if x.strip()), "")
            if not _BULLET.match(following) and not following.startswith(("```", "~~~", "|", "    ")):
                self.lead = ""
            return
        if bullet:
            yield from self._flush()
            indent = len(bullet[1])
            if self.lead and indent <= self.lead_indent:
                self.lead = ""
            refused = re.match(r"\s*[❌✗🚫]", line) and not re.match(
                r"(?:no|not|don't|do not|never)\b", bullet[2], re.I
            )
            self.paragraph = [(at, f"no {bullet[2]}" if refused else bullet[2])]
            if bullet[2].rstrip(" *_").endswith(":"):
                yield from self._flush()
                self.lead, self.lead_indent = bullet[2].strip(), indent
            return
        if self.paragraph and self._begins_anew(stripped):
            yield from self._flush()
        speaker = _SPEAKER.match(line)
        text = stripped
        tagged = _TAGGED.match(line)
        bold = _BOLD_NAME.match(line) if self.bold_names else None
        bold = bold if bold is not None and bold["name"].lower() in self.bold_names else None
        if tagged:
            yield from self._flush()
            text = line[tagged.end() :].strip()
        elif bold is not None:
            yield from self._flush()
            text = line[bold.end() :].strip()
        elif speaker and (_is_speaker(speaker[0]) or speaker[0].strip(" :*<>@").lower() in self.names):
            yield from self._flush()
            text = line[speaker.end() :].strip()
        else:
            stamp = _STAMP.match(line)
            if stamp and stamp.end():
                yield from self._flush()
                text = line[stamp.end() :].strip()
        if len(self.paragraph) >= MOST_WRAPPED:
            yield from self._flush()
        self.paragraph.append((at, text))
        if stripped.rstrip(" *_").endswith(":"):
            yield from self._flush()
            self.lead, self.lead_indent = stripped, -1

    def _is_cut_off(self, line: str, stripped: str) -> bool:
        """Whether a number that begins a line ends the sentence before it: "... seed" / "21. Write one file"."""
        number = re.match(r"(\d{1,2})[.)]\s", stripped)
        before = self.lines[self.paragraph[-1][0]].strip()
        first = re.match(r"\s*(\d{1,2})[.)]\s", self.lines[self.paragraph[0][0]])
        if number is None or (first is not None and int(first[1]) + 1 == int(number[1])):
            return False
        return int(number[1]) > 1 and _ENDS_IN_NAME.search(before) is not None

    def _begins_anew(self, stripped: str) -> bool:
        """Whether a line is no continuation of the prose before it: a setting, a short line after a short line."""
        at = self.paragraph[-1][0]
        before = self.lines[at].strip()
        if stripped[:1].islower() and _CUT_OFF.search(before):
            return False  # "... Eval batch" / "size: 8"
        if re.match(r"(?:\*\*|__|`)?[\w \-/]{2,40}(?:\*\*|__|`)?\s*[:=](?:\*\*|__)?\s*\S", stripped) or re.match(
            r"--?\w", stripped
        ):
            return True
        if before.endswith(",") or _GOES_ON.search(before):
            return False
        if len(before) >= 45:
            wrapped, width, listed = self._wrapping(at)
            has_room = len(before) + 1 + len(stripped.split(" ", 1)[0]) <= width
            # A line is wrapped where the next word does not fit; where it fits, it was ended on purpose.
            return has_room or (not wrapped and (listed or _TERSE.search(before) is not None))
        return not stripped[:1].islower() or (len(before) < 45 and not _GOES_ON.search(before))

    def _wrapping(self, at: int) -> tuple[bool, int, bool]:
        """Whether the lines around line `at` are prose that was wrapped, nearly all of them about equally long; how
        long the longest is; and whether most are so short that each says a thing by itself."""
        first, last = at, at
        while first > 0 and self.lines[first - 1].strip() and at - first < MOST_WRAPPED:
            first -= 1
        while last + 1 < len(self.lines) and self.lines[last + 1].strip() and last - at < MOST_WRAPPED:
            last += 1
        lengths = [len(line.strip()) for line in self.lines[first:last]]  # the last line may be short
        width = max((*lengths, len(self.lines[last].strip())))
        listed = len(lengths) >= 4 and sum(n < 0.6 * width for n in lengths) > 0.6 * len(lengths)
        return sum(n >= 0.8 * width for n in lengths) > 0.6 * len(lengths), width, listed

    @property
    def _heading(self) -> str:
        return " / ".join(title for _, title in self.headings)

    def _number(self, index: int) -> int:
        return self.source.first_line + index

    def _counts(self, language: str = "") -> bool:
        """Whether what stands here asks for something: not under a heading about the past or about others."""
        if any(_OTHER_SECTION.search(title) and not INSTRUCTS.match(title) for _, title in self.headings):
            return False
        if self.source.sections:
            if self.announced:
                return True
            asked = language in ("spec", "instructions", "task", "instruction", "dry-debug")
            return asked or any(INSTRUCTS.match(title) for _, title in self.headings)
        return True

    def _flush(self) -> Iterator[Sentence]:
        paragraph, self.paragraph = self.paragraph, []
        if not paragraph or not self._counts():
            return
        text, starts, first = "", [], paragraph[0][0]
        for number, (_, part) in enumerate(paragraph):
            if number:
                text += " "
                starts.append(len(text))
            text += part
        text, starts = _squeezed(_unmarked(text), starts)
        begin = 0
        ends = [m for m in _SPLIT.finditer(text) if m[0] != "." or not _ABBREVIATION.search(text[: m.start()])]
        for end in [*ends, None]:
            stop = end.start() if end is not None else len(text)
            part = text[begin:stop]
            if part.strip():
                skipped = sum(1 for s in starts if s <= begin)
                own = tuple(s - begin for s in starts if begin < s < stop)
                at = first + skipped
                yield Sentence(
                    part,
                    self._number(at),
                    self.lines[at].strip(),
                    self._heading,
                    self.lead,
                    question=end is not None and "?" in end[0],
                    starts=own,
                )
            begin = end.end() if end is not None else stop
            begin += len(text[begin:]) - len(text[begin:].lstrip())

    def _block(self, start: int, end: int, language: str) -> Iterator[Sentence]:
        if not self._counts(language) or language in ("mermaid", "csv", "log"):
            return
        body = self.lines[start:end]
        if language in ("diff", "patch"):
            body = [line[1:] if re.match(r"\+(?!\+)", line) else "" for line in body]
        if language in ("python", "py", "pycon") and any(_CODE.search(line) for line in body):
            from dry_debug.spec.blocks import arguments_in, is_script

            shown = is_script(body) and not _TO_BE_USED.search(self.lead)
            shown = shown or (_PASTED.search(self.lead) is not None and not _TO_BE_USED.search(self.lead))
            for index, text in arguments_in(body) if self.source.explicit and not shown else ():
                line = self.lines[start + index].strip()
                yield Sentence(text, self._number(start + index), line, self._heading, self.lead, pair=True)
            self.lead = ""
            return
        if not self.source.explicit and (language in _SHELLS or any(_COMMAND.match(line) for line in body)):
            return  # how others are shown to call it
        from dry_debug.spec.blocks import settings_in

        for index, text in settings_in(body, language):
            line = self.lines[start + index].strip()
            yield Sentence(text, self._number(start + index), line, self._heading, self.lead, pair=True)
        self.lead = ""


# What a block of Python is: what is to be used, or what somebody has.
_TO_BE_USED = re.compile(
    r"\b(?:use|using|want|need|please|should|must|exactly|set|make it|take|these|this config\w*|following|required|"
    r"go with|replace|update|"
    r"change|asked|agreed|target|new)\b",
    re.IGNORECASE,
)
_PASTED = re.compile(
    r"\b(?:my|current\w*|existing|at the moment|right now|so far|as it is|what (?:i|we) have|(?:i|we) (?:have|"
    r"tried|ran|run|use|used|wrote)|"
    r"the (?:script|code|notebook)|error|fails?|old|before|attached|original)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"^\s*(?:import|from|def|class|for|with|if|return|@)\b|\)\s*$")
_SHELLS = ("bash", "sh", "shell", "console", "zsh", "text", "")
_COMMAND = re.compile(
    r"^\s*(?:[$>%]+\s+|[A-Z_]+=\S+\s+)*(?:python3?|torchrun|accelerate launch|deepspeed|uv run|poetry run|bash|sh|"
    r"CUDA_VISIBLE_DEVICES=\S+|--?\w[\w-]*[ =])"
)


# A title that says what is to be done: "Fine-tune Llama 2 7B".
_TASK = re.compile(
    r"\b(?:with|using|in|via) (?:pytorch |hf |hugging ?face )?(?:lightning|fabric|trl|vllm|sglang|accelerate|"
    r"deepspeed|unsloth|diffusers)\b|\bgpus?\b|\b(?:pre-?)?train|\btun(?:e|ing)\b|distil|\bserv(?:e|ing)\b|"
    r"\binference\b|\beval|\b(?:q?lora|"
    r"sft|dpo|grpo)\b",
    re.I,
)
# A line in the shorthand of settings, each by itself: "lr .01 wd 1e-4 / bs 64".
_TERSE = re.compile(r"[\w.]\s+/\s+\w|\b(?:lr|bs|bsz|wd|ep|r)\s*[:=]?\s*\.?\d", re.IGNORECASE)
# A command that stands in the text without a fence.
_LAUNCH = re.compile(
    r"\s*(?:[$>%]\s+)?(?:[A-Z_]+=\S+\s+)*(?:python3?|torchrun|accelerate|deepspeed|uv|poetry|srun|vllm|"
    r"CUDA_VISIBLE\S+) "
    r"(?=.*(?:\s--\w|\\\s*\Z))"
)
_GOES_ON = re.compile(
    r"\b(?:an?|the|of|with|and|or|to|for|in|on|at|is|rate|batch|learning|weight|by|use|using|from)\Z", re.IGNORECASE
)


def _names_data(title: str) -> bool:
    from dry_debug.spec.data_names import names_data

    return names_data(title)


_CUT_OFF = re.compile(
    r"(?:[a-z,)] |[.:;] )(?:\w+ )?(?:batch|learning|weight|max|maximum|per|eval|sequence|output|gradient|"
    r"accumulation|top|warm-?up|"
    r"training|total|effective|number|save|an?|the|of|with|and|context|random|lora|target|mixed)\Z",
    re.IGNORECASE,
)
_ENDS_IN_NAME = re.compile(
    r"\b(?:seed|epochs?|rank|alpha|size|rate|steps|of|to|at|is|than|length|temperature|top[ -]?p|lr|bs|least|most|"
    r"about|and|or|for|with|only)\Z",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"\s*[\[<]@?[A-Za-z][\w.-]{1,20}[\]>]:?\s+(?=\S)")  # "[eva] make it 5"
_NAME = re.compile(r"\s*(?:\*\*?|_|<|@)?(?P<name>[a-z]{2,12}|[a-z](?=:\s+[a-zA-Z]{2}))(?:\*\*?|_|>)?:\s+\S")


_BOLD_NAME = re.compile(r"\s*\*\*@?(?P<name>[A-Za-z][\w.-]{1,15})\*\*\s+(?=[^\s:=|-])")


def _bold_speakers(lines: list[str]) -> frozenset[str]:
    """The names of a pasted chat that stand in bold before what is said: "**tom** 2 epochs then"."""
    said = [m["name"].lower() for line in lines if "**" in line and (m := _BOLD_NAME.match(line))]
    if len(said) < 3 or len(set(said)) < 2 or len(set(said)) == len(said):
        return frozenset()
    from dry_debug.spec.vocabulary import ANY_FIELD

    return frozenset(n for n in said if n not in _LABELS | _KEYS and not ANY_FIELD.search(n))


def _speakers(lines: list[str]) -> frozenset[str]:
    """The names before colons that are nobody's setting: two or more that come again."""
    from dry_debug.spec.vocabulary import ANY_FIELD

    said = [m["name"] for line in lines if (m := _NAME.match(line))]
    names = {n for n in said if n not in _LABELS and not ANY_FIELD.search(n)} - _KEYS
    again = sum(said.count(n) for n in names)
    asks = any(m["name"] in names and line.rstrip().endswith("?") for line in lines if (m := _NAME.match(line)))
    return frozenset(names) if len(names) >= 2 and (again > len(names) or asks) else frozenset()


_KEYS = frozenset("name type path id value file from to lr wd bs ep key use alpha rank dropout temp".split())


def _is_speaker(text: str) -> bool:
    """Whether `Anna:` or `[10:32] tom:` begins a line of chat, not a setting (`Epochs: 3`)."""
    if re.search(r"\d:\d\d", text) or text.strip(" :*") in ("Q", "A"):
        return True
    name = text.strip(" :*<>@")
    from dry_debug.spec.vocabulary import ANY_FIELD

    if _LIKE_LABEL.fullmatch(name) or {name.lower(), name.lower().removesuffix("s")} & _LABELS:
        return False
    return bool(re.fullmatch(r"[A-Z][a-z]{1,12}", name)) and not ANY_FIELD.search(name)


_LABELS = frozenset(
    "model base dataset data optimizer optimiser scheduler schedule precision dtype framework hardware gpu gpus output "
    "method training train eval evaluation logging save checkpoint checkpoints seed note goal task teacher student "
    "inference sampling loss serving engine approach technique hyperparameters hyperparams stack library setup "
    "previous before baseline results background paper old update edit correction tldr target tokenizer validation "
    "test draft judge context length regularization mode steps budget rank alpha modules tracking metrics run "
    "where what how when why compute machine machines duration stack saving warmup decay resources decoding storage "
    "adapter adapters artifacts results store layers sequence sequences window tracker report reporting cadence "
    "frequency interval cluster node nodes cards devices weights architecture arch network backbone encoder decoder "
    "policy reward corpus source input inputs prompts prompt answers answer completions requirements constraints must "
    "wishes other misc rest everything hyper params parameters config configuration split splits tokens limits limit "
    "clip name owner due priority status type scope purpose summary description accept done file files path folder "
    "size sizes epoch iters updates objective metric quant adapters peft engine library launch changes change decision "
    "should could would gone new unchanged changed removed dropped kept same "
    "decided agreed final plan todo tasks ask asks".split()
)
_LIKE_LABEL = re.compile(r"\w{3,}(?:ing|tion|sion|ment|ness|ity|ware|ency|izer|iser)", re.IGNORECASE)  # no first name


_GAP = re.compile(r" {2,}")


def _squeezed(text: str, starts: list[int]) -> tuple[str, list[int]]:
    """The text with single spaces, and where its lines begin in it."""
    if "  " not in text:
        return text, starts
    gaps = [(m.start() + 1, m.end() - m.start() - 1) for m in _GAP.finditer(text)]
    moved = [start - sum(min(more, max(0, start - at)) for at, more in gaps) for start in starts]
    return _GAP.sub(" ", text), moved


def _unmarked(text: str) -> str:
    """The text without emphasis and code marks, every character in its place."""
    text = re.sub(r"\*\*|__(?=\W|\w+__)|(?<=\w)__(?=\W|\Z)", "  ", text)
    text = re.sub(
        r"\[([^\]]{1,200})\]\(([^)]{1,300})\)", lambda m: " " + m[1] + " " * (len(m[0]) - len(m[1]) - 1), text
    )
    text = re.sub(r"(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w|\*| ?10)", " ", text)
    return text.replace("`", " ").replace("“", '"').replace("”", '"').replace("’", "'")
