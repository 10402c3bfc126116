"""What is known of published models by their hub ids."""

from __future__ import annotations

import pytest
from dry_debug.program.language_models import FAMILIES, length_of_its_own, names_base_model, writes_json


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("gpt2", False),
        ("Qwen/Qwen2.5-7B-Instruct", False),
        ("google/flan-t5-base", False),
        ("meta-llama/Llama-2-7b-chat-hf", True),
        ("meta-llama/Meta-Llama-3-8B-Instruct", True),
        ("facebook/bart-large-cnn", True),
        ("somebody/their-model", None),
        ("./results", None),
    ],
)
def test_which_models_come_with_a_length(model_id: str, expected: bool | None) -> None:
    assert length_of_its_own(model_id) is expected


def test_models_that_write_json_by_their_training() -> None:
    assert writes_json("numind/NuExtract-2.0-8B") and writes_json("allenai/olmOCR-7B-0225-preview")
    assert not writes_json("Qwen/Qwen2.5-7B-Instruct")


@pytest.mark.parametrize(
    ("name", "transformers", "expected"),
    [
        ("GPT-NeoX", "4.57.1", False),
        ("GPT-NeoX", ">=4.30,<5", False),
        ("GPT-NeoX", ">=4.30", None),
        ("GPT-NeoX", "5.1.0", None),
        ("GPT-NeoX", None, None),
        ("GPT-2", "5.1.0", False),
        ("OPT", "4.30", True),
    ],
)
def test_a_pad_token_that_came_with_a_version(name: str, transformers: str | None, expected: bool | None) -> None:
    family = next(each for each in FAMILIES if each.name == name)
    assert family.has_pad_token(transformers) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("model = load('gpt2')", True),
        ('NAME = "meta-llama/llama-3.1-8b"', True),
        ("model = load('EleutherAI/gpt-neo-1.3B', 'cuda')", True),
        ("model = load('runs/gpt2')", False),
        ("model = load('Qwen/Qwen2.5-7B-Instruct')", False),
        ("# gpt2 is small\ngpt2 = load(path)", False),
    ],
)
def test_a_text_that_names_a_base_model(source: str, expected: bool) -> None:
    assert names_base_model(source) is expected
