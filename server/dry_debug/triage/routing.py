"""From an error message, a log or a complaint to where to look first: diagnosis before any fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from dry_debug_rules.catalogue.routes import AREAS, PHASES, Context, Route, Step, table

from dry_debug.records import dataclass
from dry_debug.triage import pasted, pressure
from dry_debug.triage.matching import found, said, without_delays
from dry_debug.triage.pasted import Frame, Pasted, Raised
from dry_debug.triage.vocabulary import Said
from dry_debug.triage.wording import leaning

# Exceptions that only say that something else failed, or that somebody stopped the run.
_WRAPPERS = (
    "KeyboardInterrupt",
    "SystemExit",
    "ChildFailedError",
    "CalledProcessError",
    "ProcessExitedException",
    "Empty",
)
_PASSED_ON = re.compile(r"Caught \w{1,60} in (?:DataLoader worker|replica)\b")
_PART = re.compile(r"[.!?;:](?:\s|$)|,? \b(?:and|besides|also|moreover|furthermore|plus|on top of that)\b")
_MOST_PARTS = 40
_UNKNOWN_ERROR = "X-09"
_ENOUGH_WORDS = 6  # a shorter text says too little to go by its subject alone
_DECIDES = 0.3  # how likely an area has to be by the wording alone where no row was found
_NOTHING_NAMED = 0.5  # where nothing is named that can be looked at
# By how much the first row that was found makes its area likelier than the wording alone does: chosen on the first runs
# of five sets of reports, by what the table of their time found and by wording that was learned without them.
_TOLD = 10.0  # a person says it
_OF_ITS_KIND = 3.0  # an exception that no row knows: it goes by its kind, or by the library that raised it
_TOPICS = 2.0  # only words of its subject are there
_VAGUE = 10.0  # words of a complaint that fits several areas alike: for a question
_YIELDS = 1.5  # a row that gives way
# Who names one of these names a thing that can be looked at; everybody speaks of models, losses, results and epochs.
_NAMED = (
    "memory gigabytes layout gpu gpus collective precision scaler checkpoint load save seed resume adapter gradient "
    "backward custom shape module weights container parameters_call init_module freezing lr optimizer llm engine "
    "compiler loader"
).split()
_LIKELY = 0.2  # how likely an area has to be by the wording for a question to name it
_MOST_ASKED = 3  # areas that a question names
_MOST_CALLERS = 12  # frames of a library that are asked for the row of an unknown error
_ENOUGH_TOPICS = 2  # so many different words of an area name it where no symptom is said


@dataclass(frozen=True, slots=True)
class Stop:
    """One area to go to: why, what to check before any fix, the areas after it, the rules that may explain it."""

    area: str
    because: str
    first: tuple[str, ...]
    then: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """Where to look. Either `stops` in their order, or one `question` and no guess.

    `pressure` names its kinds, `quotes` the catalogue entries against it, `frame` the user's own code in the
    traceback, `symptoms` the rows of the table that were found, `frames` all frames of the user's own code, those of
    the traceback with `frame` first, innermost first.
    """

    stops: tuple[Stop, ...]
    question: str | None
    pressure: tuple[str, ...]
    quotes: tuple[str, ...]
    frame: Frame | None
    symptoms: tuple[str, ...]
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class _Hit:
    route: Route
    raised: Raised | None = None  # the exception that says so, if one does
    told: bool = False  # whether a person says so
    topics: int = 0  # how many words of its subject a person uses: only to compare requests
    guessed: bool = False  # whether no row knows the exception


def route(text: str) -> Routing:
    """Where to look first for the symptoms in `text`: a complaint, an error message, a traceback, a whole log.

    Pure, and never raises. Takes time in proportion to the length of the text.
    """
    read = pasted.read(text)
    context = _Context(read)
    prose = without_delays(read.prose.lower())
    spoken = Said(prose)
    hits = _in_order(_leading(_without_covered(_hits(read, prose, context, spoken))))
    if not any(change.lead or change.take for hit in hits[:1] for change in context.of(hit.route)):
        hits = _weighed(hits, text, prose, spoken)  # in a company that the table knows, it knows the order, too
    if all(hit.route.phase == "request" for hit in hits) and _is_wish(prose):
        hits = []
    stops = _stops(hits, context)
    kinds = pressure.kinds(prose)
    symptoms = tuple(hit.route.id for hit in hits)
    quotes = pressure.counters(prose, kinds, [stop.area for stop in stops], symptoms)
    question = None if stops else _question(text, prose, spoken)
    frame = _frame(hits, read)
    return Routing(stops, question, kinds, quotes, frame, symptoms, _frames(frame, read))


class _Context:
    """Answers which markers are in the text, each looked for when it is first asked about."""

    def __init__(self, read: Pasted) -> None:
        parts = [read.lines, read.context, read.prose, *(item.text for item in read.raised)]
        self._text = "\n".join(parts).lower().replace("\\", "/")
        self._known: dict[str, bool] = {}

    def has(self, id_: str) -> bool:
        if id_ not in self._known:
            marker = table().markers[id_]
            self._known[id_] = found(marker.patterns, self._text) and not found(marker.unless, self._text)
        return self._known[id_]

    def of(self, route: Route) -> list[Context]:
        return [item for item in route.contexts if self.has(item.marker)]


def _hits(read: Pasted, prose: str, context: _Context, spoken: Said) -> list[_Hit]:
    hits = _rows(read, prose, context, spoken, 0)
    if any(hit.route.phase != "request" and not hit.route.weak for hit in hits):
        return hits
    return _rows(read, prose, context, spoken, 1)  # what the symptom is of may stand in the sentence before


def _weighed(hits: list[_Hit], text: str, prose: str, spoken: Said) -> list[_Hit]:
    """The hits after what the wording of the text leans to was heard.

    It decides where no row was found but something was named. Otherwise the area of the first row is as many times
    likelier as `_odds` says, and the likeliest of `_rivals` leads. Nothing is said against a known exception.
    """
    if not hits:
        return _unknown(text, prose, spoken)
    odds = _odds(hits[0], spoken)
    if odds is None:
        return hits
    first = hits[0].route.step.area
    is_due = _is_due(prose)
    shares = _shares(text, spoken, is_due)
    area = max(_rivals(hits, is_due or odds <= _TOPICS), key=lambda name: shares[name] * (odds if name == first else 1))
    if area == first:
        return hits
    if not area:
        return []
    own = [hit for hit in hits if hit.route.step.area == area] or [_Hit(_subject_row(area))]
    if _are_two(hits[0], own[0], prose):
        return hits  # their phases say which comes first
    return [*own, *(hit for hit in hits if hit not in own and hit.route.phase != "request")]


def _are_two(first: _Hit, other: _Hit, prose: str) -> bool:
    """Whether a person says both, in words apart from each other, and the second is one of memory or speed only."""
    if not (first.told and other.told) or other.route.phase not in ("memory", "speed"):
        return False
    parts = [(part, Said(part)) for part in _PART.split(prose)[:_MOST_PARTS]]
    rows = (first.route, other.route)
    says = [tuple(spoken.any_of(row.signs, 0) or said(row.words, part) for row in rows) for part, spoken in parts]
    return (True, False) in says and (False, True) in says


def _shares(text: str, spoken: Said, is_due: bool) -> Mapping[str, float]:
    """How likely each area is by the wording; a vague complaint in so many words speaks for a question."""
    shares = leaning(text, spoken.concepts).shares
    return {**shares, "": shares[""] * _VAGUE} if is_due else shares


def _is_due(prose: str) -> bool:
    """Whether somebody complains in words that fit several areas alike."""
    return any(said(row.due, prose) for row in table().questions)


def _rivals(hits: list[_Hit], is_vague: bool) -> list[str]:
    """The areas that may lead, that of the first hit among them.

    Of several symptoms one that is said leads, and none that must not come first. A question (empty) may be asked where
    the text is vague, or where the row is that of a request: a symptom that has a name is none.
    """
    own = hits[0].route.step.area
    said_of = {hit.route.step.area for hit in hits if hit.told and not hit.route.yields}
    barred = {area for row in table().sequences if hits[0].route.id in row.routes for area in row.not_first}
    areas = [own, *(area for area in AREAS if area != own and area not in barred)]
    if len(said_of) > 1:
        return [area for area in areas if area == own or area in said_of]
    return [*areas, ""] if is_vague or hits[0].route.phase == "request" else areas


def _odds(hit: _Hit, spoken: Said) -> float | None:
    """By how much the row makes its area likelier than the wording alone; None: for certain."""
    if hit.raised is not None:
        return _OF_ITS_KIND if hit.guessed and spoken.words >= _ENOUGH_WORDS else None
    if not hit.told:
        return _TOPICS if hit.topics else None
    return _YIELDS if hit.route.yields else _TOLD


def _unknown(text: str, prose: str, spoken: Said) -> list[_Hit]:
    """The row of the area that the wording leans to, else of the one that most of the text is about.

    More is asked of the wording where no thing is named at all. Nothing for a few words, nor for a wish that names no
    trouble.
    """
    if _is_vague(prose, spoken):
        return []
    shares = _shares(text, spoken, _is_due(prose))
    area = max(shares, key=lambda name: shares[name])
    named = spoken.count(_NAMED) > 0
    if not area or not (named or spoken.says_something):
        return []
    if shares[area] >= (_DECIDES if named else _NOTHING_NAMED):
        return [_Hit(_subject_row(area))]
    return _subject(spoken)


def _subject_row(area: str) -> Route:
    """The row for texts that have an area as their subject and no symptom that is known."""
    return next(row for row in table().routes if row.subject and row.step.area == area)


def _is_vague(prose: str, spoken: Said) -> bool:
    """Whether a text is too short to go by its subject, or names a wish and no trouble."""
    return spoken.words < _ENOUGH_WORDS or any(found(row.before, prose) for row in table().questions)


def _is_wish(prose: str) -> bool:
    """Whether somebody only asks for what is not theirs to debug: that weights or code be published."""
    return any(found(row.instead, prose) for row in table().questions)


def _subject(spoken: Said) -> list[_Hit]:
    """What the text is about: the row with most of its subject in it, the first of equals."""
    counted = [(spoken.affirmed(row.subject), row) for row in table().routes if row.subject]
    most = max(count for count, _ in counted)
    return [_Hit(row, topics=count) for count, row in counted if count == most][:1] if most else []


def _rows(read: Pasted, prose: str, context: _Context, spoken: Said, apart: int) -> list[_Hit]:
    texts = [(item, item.text.lower()) for item in read.raised]
    messages = "\n".join(message for _, message in texts)  # one search for all first: a log may hold thousands
    lines = read.lines.lower()
    hits = []
    for row in table().routes:
        by = None
        if found(row.patterns, messages):
            by = next((item for item, message in texts if found(row.patterns, message)), None)
        told = spoken.any_of(row.signs, apart) or said(row.words, prose)
        topics = spoken.count(row.topics)
        if by is None and not told and topics < _ENOUGH_TOPICS and not found(row.patterns, lines):
            continue
        if not row.requires or context.has(row.requires):
            hits.append(_Hit(row, by, told, topics))
    unknown = next((item for item in read.raised if item.kind.rpartition(".")[2] not in _WRAPPERS), None)
    if unknown is not None and not any(hit.raised or _is_known_message(hit.route) for hit in hits):
        hits.append(_Hit(_place_of(unknown), unknown, guessed=True))
    return hits


def _is_known_message(route: Route) -> bool:
    return bool(route.patterns) and not route.weak and route.phase != "request"


def _place_of(raised: Raised) -> Route:
    """The row of an exception that no row knows: by its subject, else by the library that raised it, else X-09."""
    rows = table().routes
    text = raised.text.lower()
    inner = f"{_slashed(raised.frames[-1])}\n{raised.kind.lower()}" if raised.frames else raised.kind.lower()
    known = next((row for row in rows if found(row.errors, text) or found(row.frames, inner)), None)
    if known is None:
        # What raised it may be a helper of the library: up to the user's own code its callers say more.
        callers = list(takewhile(lambda frame: not frame.is_own, reversed(raised.frames)))[1:_MOST_CALLERS]
        known = next((row for frame in callers for row in rows if found(row.frames, _slashed(frame))), None)
    return known or next(row for row in rows if row.id == _UNKNOWN_ERROR)


def _slashed(frame: Frame) -> str:
    return frame.path.lower().replace("\\", "/")


def _without_covered(hits: list[_Hit]) -> list[_Hit]:
    covered = {id_ for hit in hits for id_ in hit.route.covers}
    return [hit for hit in hits if hit.route.id not in covered]


def _leading(hits: list[_Hit]) -> list[_Hit]:
    """Without requests where there is a symptom, and without what counts only beside something of its own area."""
    strong = [hit for hit in hits if not hit.route.weak]
    symptoms = [hit for hit in strong if hit.route.phase != "request"]
    if symptoms:
        areas = {hit.route.step.area for hit in symptoms}
        return [hit for hit in hits if hit in symptoms or (hit.route.weak and hit.route.step.area in areas)]
    return _clearest(strong) if strong else [hit for hit in hits if hit.route.phase != "request"] or hits


def _clearest(requests: list[_Hit]) -> list[_Hit]:
    """The requests, that first which most of the text is about; none if only words of two subjects are there alike.

    Broad rows only lead.
    """
    ordered = sorted(requests, key=lambda hit: -(hit.topics + hit.told * _ENOUGH_TOPICS))
    first = ordered[0]
    rivals = [hit for hit in ordered if hit.route.step.area != first.route.step.area]
    if not first.told and not first.route.patterns and any(hit.topics >= first.topics for hit in rivals):
        return []
    return [hit for hit in ordered if hit is first or not hit.route.yields]


def _in_order(hits: Sequence[_Hit]) -> list[_Hit]:
    """By phase; what an exception says that the table knows comes before what a person says of it."""
    raised = any(hit.raised is not None and not hit.route.echo for hit in hits)
    known = any(hit.raised is not None and hit.route.patterns and not hit.route.echo for hit in hits)

    def order(hit: _Hit) -> tuple[bool, bool, bool, int]:
        route = hit.route
        return (route.weak, route.echo and raised, known and hit.raised is None, PHASES.index(route.phase))

    return sorted(hits, key=order)


def _stops(hits: Sequence[_Hit], context: _Context) -> tuple[Stop, ...]:
    """The areas of the hits in their order, each once, with what the later hits of an area add to it."""
    steps: dict[str, list[Step]] = {}
    later: dict[str, list[str]] = {}
    for hit in hits:
        area = hit.route.step.area
        changes = context.of(hit.route)
        for change in changes:
            marked = table().markers[change.marker].step
            if change.lead and marked is not None and marked not in steps.setdefault(marked.area, []):
                steps[marked.area].append(marked)
            area = change.take or area
        steps.setdefault(area, []).append(hit.route.step)
        later.setdefault(area, []).extend([*hit.route.then, *(name for change in changes for name in change.then)])
    order = list(steps)
    stops = []
    for index, area in enumerate(order):
        said_of = steps[area]
        then = _once(name for name in [*order[index + 1 :], *later.get(area, [])] if name not in order[: index + 1])
        stops.append(
            Stop(
                area,
                ". ".join(_once(step.because for step in said_of)),
                _once(check for step in said_of for check in step.first),
                then,
                _once(rule for step in said_of for rule in step.rules),
            )
        )
    return tuple(stops)


def _question(text: str, prose: str, spoken: Said) -> str:
    """The one question for this text: that of the first row whose words are in it and not denied.

    Where there is none and the wording leans to a few areas, it asks for what tells these apart.
    """
    rows = table().questions
    chosen = next((row for row in rows if said(row.due, prose) or said(row.patterns, prose)), None)
    if chosen is not None:
        return chosen.text
    shares = leaning(text, spoken.concepts).shares
    likely = sorted((area for area in AREAS if shares[area] >= _LIKELY), key=lambda area: -shares[area])[:_MOST_ASKED]
    if len(likely) < 2:
        return next(row for row in rows if not (row.patterns or row.due)).text
    *others, last = (table().tells[area] for area in likely)
    return f"Which is nearer to what you see: {', '.join(others)}, or {last}?"


def _frame(hits: Sequence[_Hit], read: Pasted) -> Frame | None:
    """The user's own frame of the exception that leads; of the last one that has one where none leads or is known.

    Of an exception that a worker or a replica passes on, that of the original one, which is printed behind it.
    """
    explained = [_original(hit.raised, read).own_frame for hit in hits if hit.raised is not None]
    others = [item.own_frame for item in reversed(read.raised)]
    broken = [frame for frame in reversed(read.broken) if frame.is_own]
    return next((frame for frame in [*explained, *others, *broken] if frame is not None), None)


def _original(raised: Raised, read: Pasted) -> Raised:
    """What was raised where it happened: the exception behind one that only passes it on, else `raised` itself."""
    if not _PASSED_ON.match(raised.message):
        return raised
    behind = read.raised[read.raised.index(raised) + 1 :]
    return next((item for item in behind if item.own_frame is not None), raised)


def _frames(first: Frame | None, read: Pasted) -> tuple[Frame, ...]:
    """The user's own frames, each once: of the traceback that `first` is of, then of the others from the last one."""
    tracebacks = [*(item.frames for item in reversed(read.raised)), read.broken]
    tracebacks.sort(key=lambda frames: first not in frames)
    own = (frame for frames in tracebacks for frame in reversed(frames) if frame.is_own)
    return tuple(dict.fromkeys(own))


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
