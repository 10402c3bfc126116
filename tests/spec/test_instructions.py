"""Instructions: what people write, and what is asked for by it."""

import pytest
from dry_debug.spec.compare import compare
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instructions import parse
from dry_debug.spec.numbers import number
from hypothesis import given
from hypothesis import strategies as st

from tests.program.model import program
from tests.spec.reporting import report


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
    got = number(text, tokens=True)
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
     "{" * 5_000, "change from " * 10_000, "|a|b|\n" * 3_000, "**" * 20_000 + "[a](" * 5_000, "every " * 20_000,
     "lr" + " " * 900 + "x", "dropout" + " " * 900 + ", but",
     "lora dropout is not needed at this size of all, but bf16 is. " * 40],
)  # fmt: skip
def test_reading_hostile_text_is_bounded(text: str) -> None:
    assert len(parse(text, "SPEC.md")) < 10


@pytest.mark.parametrize(
    ("text", "count", "name", "memory"),
    [
        ("on a single A100 40GB", 1, "A100", 40),
        ("8xH100 node", 8, "H100", None),
        ("two nodes with 4 GPUs each", 8, "", None),
        ("dual 3090s", 2, "3090", None),
        ("my rtx 4090", 1, "4090", None),
        ("GPU: RTX 4090 (24 GB)", 1, "4090", 24),
        ("one GPU is free (the 24 GB 3090)", 1, "3090", 24),
        ("GPUs: 4", 4, "", None),
        ("it must fit into 16 GB of VRAM", None, "", 16),
        ("NVIDIA A100-SXM4-80GB x 8", 8, "A100", 80),
        ("train on cuda:0 only", 1, "", None),
    ],
)
def test_devices_as_people_name_them(text: str, count: int | None, name: str, memory: int | None) -> None:
    (one,) = [i for i in parse(text, "x") if i.field == "hardware"]
    assert one.values == (Hardware(count, name, memory),)


@pytest.mark.parametrize("text", ["20 GPU hours", "batch size 8 per GPU", "A4 paper, at 4090 steps"])
def test_what_is_no_hardware(text: str) -> None:
    assert not [i for i in parse(text, "x") if i.field == "hardware"]


def test_a_later_line_completes_the_hardware() -> None:
    (one,) = [i for i in parse("Use 4 GPUs.\n\nThey are A100s.", "x") if i.field == "hardware"]
    assert one.values == (Hardware(4, "A100"),)


def test_numbers_with_decimal_commas() -> None:
    found = {i.field: i.values[0] for i in parse("lr: 0,0003\nwarmup: 1.000 steps\nwd: 0,01", "x")}
    assert found == {"learning_rate": 3e-4, "warmup_steps": 1000, "weight_decay": 0.01}


def test_a_number_of_steps_is_decimal_and_one_of_tokens_may_be_binary() -> None:
    steps, length = parse("1k training steps\ncontext length: 2k", "x")
    assert steps.field == "max_steps" and steps.values == (1000,)
    assert length.field == "max_length" and length.allows(2048) and length.allows(2000) and not length.allows(1024)


def test_a_correction_without_a_name_is_for_the_number_that_was_spoken_of() -> None:
    talk = "ann: lr 2e-5, 3 epochs\nbob: 2e-5 is low for adapters\nann: right, make that 1e-4"
    assert [i.values for i in parse(talk, "x") if i.field == "learning_rate"] == [(1e-4,)]


def test_a_question_that_is_answered_with_yes_is_asked_for() -> None:
    assert [i.field for i in parse("Bob: 5 epochs?\nAnn: yes please", "x")] == ["epochs"]
    assert parse("Bob: 5 epochs?\nAnn: no idea", "x") == []


def test_settings_that_share_a_line() -> None:
    found = {i.field: i.values[0] for i in parse("| LR / WD | 1e-5 / 0.02 |\n| batch / epochs | 8 / 3 |", "x")}
    assert found == {"learning_rate": 1e-5, "weight_decay": 0.02, "batch_size": 8, "epochs": 3}


def test_shorthand_reads_a_number_with_the_name_before_it() -> None:
    found = {i.field: i.values[0] for i in parse("sgd momentum .9 lr .01 wd 1e-4 / bs 64 / 8 ep", "x")}
    assert found == {"optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4, "batch_size": 64, "epochs": 8}


def test_data_is_asked_for_by_the_name_that_the_code_has() -> None:
    source = 'from datasets import load_dataset\nrows = load_dataset("acme/bird_songs")\n'

    def asked(text: str) -> list[str]:
        return [row.field for row in report(text, source).matches]

    assert asked("Start the bird-songs run with lr 1e-3.") == ["dataset"]
    assert asked("Last time bird-songs was too small. Use lr 1e-3.") == []


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("Q: batch size?\nA: 32", "batch_size", (32,)),
        ("tom: and lr?\nlisa: 3e-4\ntom: ok\nlisa: bye", "learning_rate", (3e-4,)),
        ("Ann (10:02 AM): let's do 8 epochs\nBob (10:04 AM): too long, 4?\nAnn (10:05 AM): sure", "epochs", (4,)),
        ("```diff\n- lr: 1e-4\n+ lr: 5e-5\n```", "learning_rate", (5e-5,)),
        ("Learning rate .... 1e-4", "learning_rate", (1e-4,)),
        ("model: a | lr: 1e-5 | epochs: 2", "epochs", (2,)),
        ("4 per device and accumulate so that we end up with 64", "batch_size", (64,)),
        ("bs 8, 4 accumulation steps => 32", "batch_size", (32,)),
        ("rank 16, alpha twice the rank", "lora_alpha", (32,)),
        ("torchrun --nproc_per_node 4 a.py --lr 3e-4", "learning_rate", (3e-4,)),
        ("bs16, lr2e-5", "batch_size", (16,)),
        ("AdamW (3e-4)", "learning_rate", (3e-4,)),
        ("10^-4 as the learning rate", "learning_rate", (1e-4,)),
        ("max_steps = 10_000", "max_steps", (10_000,)),
        ("Stop after 3 epochs.", "epochs", (3,)),
        ("Epochs down to 2, the budget got cut", "epochs", (2,)),
        ("Use 2 epochs, the budget got cut", "epochs", (2,)),
        ("early stopping after 5 epochs", "epochs", ()),
        ("eps 1e-8", "epochs", ()),
        ("Ran lr 1e-3 first, exploded.", "learning_rate", ()),
        ("Old setup: lr 1e-3", "learning_rate", ()),
        ("5 epochs is too many, 3 is enough", "epochs", (3,)),
        ("cap the answers at 768 tokens, last time they had 1024", "max_tokens", (768,)),
        ("lora r=32 a=64 drop=.1", "lora_dropout", (0.1,)),
        ("bs 4, 2ep, wu 5%", "warmup_ratio", (0.05,)),
    ],
)
def test_ways_to_say_a_number(text: str, field: str, values: tuple[float, ...]) -> None:
    found = [i for i in parse(text, "x") if i.field == field]
    assert values in [i.values for i in found] if values else not found


@pytest.mark.parametrize(
    ("text", "field", "kind", "values"),
    [
        ("vLLM isn't available on that box", "framework", "not", ("vllm",)),
        ("Not needed: W&B", "logging", "not", ("wandb",)),
        ("3 epochs max", "epochs", "most", (3,)),
        ("between 2 and 4 epochs", "epochs", "range", (2, 4)),
        ("lr: min. 1e-5, max. 5e-5", "learning_rate", "range", (1e-5, 5e-5)),
        ("bf16 if supported else fp16", "precision", "one", ("bf16", "fp16")),
        ("Adam with decoupled weight decay", "optimizer", "one", ("adamw",)),
        ("4-bit base with lora on top", "method", "one", ("qlora",)),
        ("halve the learning rate every 10 epochs", "scheduler", "one", ("step",)),
        ("no gradient clipping", "max_grad_norm", "one", (0,)),
        ("no tensor parallel", "tensor_parallel_size", "one", (1,)),
    ],
)
def test_limits_refusals_and_choices(text: str, field: str, kind: str, values: tuple[object, ...]) -> None:
    assert [(i.kind, i.values) for i in parse(text, "x") if i.field == field] == [(kind, values)]


def test_lines_that_end_before_the_next_word_would_not_fit_are_thoughts_of_their_own() -> None:
    text = "same prompts, but with Phi-4 instead of Llama this time\n"
    text += "temp 0 pls, and every single answer should be kept short for once, also the long ones"
    assert [i.values for i in parse(text, "x") if i.field == "temperature"] == [(0,)]
