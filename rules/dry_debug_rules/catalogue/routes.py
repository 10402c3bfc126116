"""Loads routes.toml: which words and messages lead where, in what order, and what counters their pressure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from dry_debug.records import dataclass

AREAS = (
    "tensor-operations-and-memory",
    "module-design-patterns",
    "distributed-training-strategies",
    "mixed-precision-and-optimization",
    "performance-profiling",
    "debugging-techniques",
    "checkpointing-and-reproducibility",
    "custom-autograd-functions",
    "dry-debugging",
)

# The order in which several symptoms are dealt with.
PHASES = ("setup", "index", "correctness", "numerics", "memory", "speed", "request")


@dataclass(frozen=True, slots=True)
class Step:
    """What is said of an area: why it, what to check before any fix, and the rules that may explain the symptom."""

    area: str
    because: str
    first: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """What a text is about besides its symptom. `step` is what comes first where a route lets the marker lead."""

    id: str
    patterns: tuple[str, ...]
    unless: tuple[str, ...]
    step: Step | None


@dataclass(frozen=True, slots=True)
class Context:
    """How the marker changes a route: its step leads, another area takes over, or areas come next."""

    marker: str
    lead: bool
    take: str
    then: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. The head of routes.toml says what each field means."""

    id: str
    phase: str
    step: Step
    patterns: tuple[str, ...]
    words: tuple[str, ...]
    signs: tuple[str, ...]
    topics: tuple[str, ...]
    subject: tuple[str, ...]
    errors: tuple[str, ...]
    frames: tuple[str, ...]
    requires: str
    weak: bool
    yields: bool
    echo: bool
    covers: tuple[str, ...]
    then: tuple[str, ...]
    contexts: tuple[Context, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked where no route is found; the one without words is for everything else.

    `patterns`, `due`: words that it fits; `due` also weighs against a route that a person's words name. `before`: words
    that make it due although the subject is known; `instead`: even where a request is. `apart`: the areas that the
    answer tells apart.
    """

    id: str
    patterns: tuple[str, ...]
    due: tuple[str, ...]
    before: tuple[str, ...]
    instead: tuple[str, ...]
    apart: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where several things meet: the areas in order, those after them, and those that must not come first."""

    id: str
    symptom: str
    routes: tuple[str, ...]
    areas: tuple[str, ...]
    then: tuple[str, ...]
    not_first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pressure:
    """A kind of pressure, the words that show it and the catalogue entries that counter it."""

    kind: str
    words: tuple[str, ...]
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Words that are no pressure but have a counter; with `areas`, only where one of these leads."""

    words: tuple[str, ...]
    quotes: tuple[str, ...]
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the source material: the area that leads (empty: a question) and the kinds of pressure in it."""

    quote: str
    lead: str
    pressure: tuple[str, ...]
    routes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Everything in routes.toml and vocabulary.toml, in their order.

    `subjects`, `predicates`: phrases by concept; `tells`: what points to an area, as a part of a question.
    """

    subjects: Mapping[str, tuple[str, ...]]
    predicates: Mapping[str, tuple[str, ...]]
    asides: tuple[str, ...]
    markers: Mapping[str, Marker]
    routes: tuple[Route, ...]
    questions: tuple[Question, ...]
    tells: Mapping[str, str]
    sequences: tuple[Sequence, ...]
    pressures: tuple[Pressure, ...]
    excuses: tuple[Excuse, ...]
    cases: tuple[Case, ...]


@cache
def table() -> Table:
    """The table, read once."""
    import tomllib

    # TOML although it is slower to read than JSON (some 10 ms): regular expressions stand in it as they are.
    package = str(__package__)
    data = tomllib.loads((resources.files(package) / "routes.toml").read_text(encoding="utf-8"))
    vocabulary = tomllib.loads((resources.files(package) / "vocabulary.toml").read_text(encoding="utf-8"))
    return Table(
        subjects=_phrases(vocabulary["subjects"]),
        predicates=_phrases(vocabulary["predicates"]),
        asides=_texts(vocabulary["asides"], "phrases"),
        markers=MappingProxyType({row["id"]: _marker(row) for row in data["marker"]}),
        routes=tuple(_route(row) for row in data["route"]),
        questions=tuple(
            Question(
                row["id"],
                _texts(row, "patterns"),
                _texts(row, "due"),
                _texts(row, "before"),
                _texts(row, "instead"),
                _texts(row, "apart"),
                row["text"],
            )
            for row in data["question"]
        ),
        tells=MappingProxyType({row["area"]: row["text"] for row in data["tell"]}),
        sequences=tuple(
            Sequence(
                row["id"],
                row["symptom"],
                _texts(row, "routes"),
                _texts(row, "areas"),
                _texts(row, "then"),
                _texts(row, "not_first"),
            )
            for row in data["sequence"]
        ),
        pressures=tuple(Pressure(row["kind"], _texts(row, "words"), _texts(row, "quotes")) for row in data["pressure"]),
        excuses=tuple(
            Excuse(_texts(row, "words"), _texts(row, "quotes"), _texts(row, "areas")) for row in data["excuse"]
        ),
        cases=tuple(
            Case(row["quote"], row["lead"], _texts(row, "pressure"), _texts(row, "routes")) for row in data["case"]
        ),
    )


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(row.get(key, ()))


def _phrases(rows: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({id_: tuple(phrases) for id_, phrases in rows.items()})


def _step(row: Mapping[str, Any]) -> Step:
    return Step(row["area"], row["because"], _texts(row, "first"), _texts(row, "rules"))


def _marker(row: Mapping[str, Any]) -> Marker:
    return Marker(row["id"], _texts(row, "patterns"), _texts(row, "unless"), _step(row) if "area" in row else None)


def _route(row: Mapping[str, Any]) -> Route:
    return Route(
        id=row["id"],
        phase=row["phase"],
        step=_step(row),
        patterns=_texts(row, "patterns"),
        words=_texts(row, "words"),
        signs=_texts(row, "signs"),
        topics=_texts(row, "topics"),
        subject=_texts(row, "subject"),
        errors=_texts(row, "errors"),
        frames=_texts(row, "frames"),
        requires=row.get("requires", ""),
        weak=row.get("weak", False),
        yields=row.get("yields", False),
        echo=row.get("echo", False),
        covers=_texts(row, "covers"),
        then=_texts(row, "then"),
        contexts=tuple(
            Context(item["marker"], item.get("lead", False), item.get("take", ""), _texts(item, "then"))
            for item in row.get("contexts", ())
        ),
    )
