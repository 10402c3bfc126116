"""Tokenizers: whose they are, where they pad, and who gives them what."""

from __future__ import annotations

import pytest
from dry_debug.lint import manifest
from dry_debug.program.language_models import FAMILIES, family_of, is_chat_model

from tests.program.model import program

LOAD = "from transformers import AutoTokenizer, DataCollatorWithPadding\ntok = AutoTokenizer.from_pretrained('gpt2')\n"


def paddings(text: str) -> list[tuple[object, str]]:
    return [(p.how, p.method) for p in program(text).tokenization.paddings]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("tok(texts, padding=True)", [(True, "")]),
        ("tok(texts, padding='max_length')", [("max_length", "")]),
        ("tok.batch_encode_plus(texts, pad_to_max_length=True)", [("max_length", "batch_encode_plus")]),
        ("tok.pad(rows)", [(True, "pad")]),
        ("DataCollatorWithPadding(tok)", [(True, "DataCollatorWithPadding")]),
        ("DataCollatorWithPadding(tok, padding=False)", []),
        ("tok(texts, padding=False)", []),
        ("tok(texts, padding='do_not_pad')", []),
        ("tok(texts, padding=wanted())", []),
        ("tok(texts)", []),
        ("other(texts, padding=True)", []),
    ],
)
def test_where_padding_is_asked_for(call: str, found: list[tuple[object, str]]) -> None:
    assert paddings(LOAD + call) == found


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("tok.pad_token = '<pad>'", True),
        ("tok.add_special_tokens({'pad_token': '<pad>'})", True),
        ("unseen(tok)", True),
        ("print(tok)", False),
        ("model.config.pad_token_id = 0", False),
        ("other = AutoTokenizer.from_pretrained('gpt2'); other.pad_token = 'x'", False),
    ],
)
def test_who_gives_a_pad_token(line: str, given: bool) -> None:
    model = program(f"{LOAD}{line}\ntok(texts, padding=True)")
    value = model.tokenization.paddings[0].tokenizer
    assert (model.tokenization.pad_token_set(value) is not None) is given


def test_an_id_belongs_to_one_family() -> None:
    assert family_of("meta-llama/Llama-2-7b-chat-hf") is not None
    assert family_of("./out/gpt2") is None
    names = ["gpt2", "EleutherAI/pythia-70m", "google/flan-t5-base", "bert-base-uncased", "Qwen/Qwen2.5-0.5B-Instruct"]
    assert [f.name for n in names if (f := family_of(n))] == ["GPT-2", "GPT-NeoX", "T5", "BERT", "Qwen"]
    assert len({f.name for f in FAMILIES}) == len(FAMILIES)


def test_a_family_without_a_pad_token_is_looked_for_by_its_rule() -> None:
    info = manifest.find("unset-pad-token")
    assert info is not None
    words = [word.lower() for word in info.triggers[-1]]
    assert [f.name for f in FAMILIES if f.pad_token is False and not any(w in f.ids for w in words)] == []


def test_what_is_not_known_of_a_family_stays_open() -> None:
    pythia = family_of("EleutherAI/pythia-410m")  # version 5 of transformers gives it a pad token, version 4 does not
    assert pythia is not None and pythia.pad_token is None and pythia.side == "right"
    unread = ["bigcode/starcoder", "Salesforce/codegen-350M-mono", "mistralai/Mistral-7B-v0.3", "huggyllama/llama-7b"]
    assert [name for name in unread if family_of(name) is not None] == []
    assert is_chat_model("Qwen/Qwen2.5-7B-Instruct")
    assert not is_chat_model("Qwen/Qwen2.5-7B")
    assert not is_chat_model("deepseek-ai/deepseek-vl-7b-chat")
