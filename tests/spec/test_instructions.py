"""Instructions: what people write, and what is asked for by it."""

import pytest
from dry_debug.spec.compare import compare
from dry_debug.spec.instructions import parse
from dry_debug.spec.numbers import number
from hypothesis import given
from hypothesis import strategies as st

from tests.program.model import program


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("0.0002", 2e-4),
        (".1", 0.1),
        ("2 × 10⁻⁴", 2e-4),
        ("2x10^-4", 2e-4),
        ("3 * 10**-5", 3e-5),
        ("1,024", 1024),
        ("16k", 16384),
        ("4 k", 4096),
        ("10k", 10000),
        ("3", 3),
        ("three", 3),
        ("many", None),
    ],
)
def test_numbers_as_people_write_them(text: str, value: float | None) -> None:
    got = number(text)
    assert got == pytest.approx(value) if value is not None else got is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("learning rate: 2e-4", {"learning_rate": "2e-4"}),
        ("Use a learning rate of 2 × 10⁻⁴.", {"learning_rate": "0.0002"}),
        ("| learning rate | 1e-3 |", {"learning_rate": "1e-3"}),
        ("- **lr** = `3e-4`", {"learning_rate": "3e-4"}),
        ("lr=3e-4, batch_size=16, epochs=3", {"learning_rate": "3e-4", "batch_size": "16", "epochs": "3"}),
        ("Train for 3 epochs with a batch size of 16", {"epochs": "3", "batch_size": "16"}),
        ("batch size should be 16 or 32", {"batch_size": "16 or 32"}),
        ("lr between 1e-5 and 5e-5", {"learning_rate": "1e-05 to 5e-05"}),
        ("lr 1e-3 or 10 epochs", {"learning_rate": "1e-3", "epochs": "10"}),
        ("weight decay 0.01", {"weight_decay": "0.01"}),
        ("500 warmup steps", {"warmup_steps": "500"}),
        ("gradient accumulation steps: 4", {"gradient_accumulation_steps": "4"}),
        ("gradient clipping at 1.0", {"max_grad_norm": "1.0"}),
        ("a learning rate of 1e-3 and 10 epochs", {"learning_rate": "1e-3", "epochs": "10"}),
        ("max_new_tokens: 512", {"max_tokens": "512"}),
        ("temperature 0.7, top_p 0.9", {"temperature": "0.7", "top_p": "0.9"}),
        ('{"learning_rate": 2e-5, "seed": 42}', {"learning_rate": "2e-5", "seed": "42"}),
        ("Last time we used a learning rate of 1e-3.", {}),
        ("Do not use a batch size of 512.", {}),
        ("> learning rate: 1", {}),
        ("validation batch size: 64", {"batch_size": "64"}),
        ("warmup 10% of training", {"warmup_ratio": "0.1"}),
        ("Meeting on 2026-11-21, ticket 4711, costs 300", {}),
        ("epochs: 3\nepochs: 5", {"epochs": "5"}),
    ],
)
def test_what_a_line_asks_for(text: str, asked: dict[str, str]) -> None:
    assert {i.field: i.asked for i in parse(text, "SPEC.md")} == asked


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    for instruction in parse(text, "SPEC.md"):
        assert instruction.asked


CODE = """
import argparse, torch
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=3e-4)
parser.add_argument("--epochs", type=int)
batch_size = 8 * 4
"""


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("lr 3e-4", "match"),
        ("lr 0.0003", "match"),
        ("lr between 1e-4 and 1e-3", "match"),
        ("lr 1e-3", "deviation"),
        ("batch size 32", "match"),
        ("batch size 16", "deviation"),
        ("epochs: 3", "cannot_tell"),
        ("seed: 3", "not_implemented"),
    ],
)
def test_verdicts(text: str, verdict: str) -> None:
    (item,) = [i for i in compare(parse(text, "SPEC.md"), program(CODE)) if i.instruction is not None]
    assert item.verdict == verdict


@pytest.mark.parametrize(
    "text",
    ["lr " * 50_000, "(" * 20_000, "1 or " * 20_000, "save " * 10_000 + "to ", "a/" * 20_000, "llama-" * 10_000,
     "{" * 5_000, "change from " * 10_000, "|a|b|\n" * 3_000, "**" * 20_000 + "[a](" * 5_000, "every " * 20_000],
)  # fmt: skip
def test_reading_hostile_text_is_bounded(text: str) -> None:
    assert len(parse(text, "SPEC.md")) < 10
