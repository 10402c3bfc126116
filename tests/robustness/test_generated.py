"""Generated and mutated programs: never an exception, never a rule that failed, always an answer in bounded time.

The quick tests are the same in every run; the slow ones go on for DRY_DEBUG_FUZZ seconds (60) from a seed that they
print.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from dry_debug.text.decode import decode
from dry_debug.text.document import Document
from hypothesis import HealthCheck, given, seed, settings

from tests.property.samples import SAMPLES
from tests.robustness.grammar import program
from tests.robustness.hostile import TRAINING
from tests.robustness.mutate import KINDS, mutated_bytes
from tests.robustness.unbroken import Hangs, look

_REAL = [text for sample in SAMPLES for name, text in sample.files.items() if name.endswith(".py")] + [TRAINING]
_CHECKS = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]


def _look(text: str) -> None:
    look(Document.from_text(text, "main.py"))


@settings(max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=_CHECKS)
@given(program)
def test_a_generated_program_gets_an_answer(text: str) -> None:
    _look(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_program_gets_an_answer(kind: str) -> None:
    chance = random.Random(kind)
    for text in chance.sample(_REAL, 60):
        mutated = KINDS[kind](text, chance, _REAL)
        try:
            _look(mutated)
        except (Exception, Hangs) as error:
            raise AssertionError(f"{type(error).__name__}: {error}\n{mutated!r}") from error


def test_a_file_of_wrong_bytes_gets_an_answer() -> None:
    chance = random.Random(7)
    for text in chance.sample(_REAL, 80):
        data = mutated_bytes(text.encode(chance.choice(("utf-8", "utf-16", "latin-1")), "replace"), chance)
        look(decode(data, "main.py"))


@pytest.mark.slow
def test_mutated_programs_for_a_while() -> None:
    start = int(os.environ.get("DRY_DEBUG_SEED", random.randrange(10**9)))
    chance, count, broken = random.Random(start), 0, []
    end = time.monotonic() + float(os.environ.get("DRY_DEBUG_FUZZ", "60"))
    while time.monotonic() < end and len(broken) < 10:
        text = chance.choice(_REAL)
        for _ in range(chance.randint(1, 3)):
            text = KINDS[chance.choice(list(KINDS))](text or "\n", chance, _REAL)
        count += 1
        try:
            _look(text)
        except (Exception, Hangs) as error:
            broken.append(f"{type(error).__name__}: {error}\n{text!r}")
    print(f"seed {start}: {count} programs, {len(broken)} broken")
    assert broken == [], f"seed {start}"


@pytest.mark.slow
def test_generated_programs_for_a_while() -> None:
    start = int(os.environ.get("DRY_DEBUG_SEED", random.randrange(10**9)))
    end = time.monotonic() + float(os.environ.get("DRY_DEBUG_FUZZ", "60"))
    batches = 0
    while time.monotonic() < end:
        batch = settings(max_examples=200, deadline=None, database=None, suppress_health_check=_CHECKS)(
            seed(start + batches)(given(program)(_look))
        )
        batch()
        batches += 1
    print(f"seed {start}: {batches} batches of 200")
