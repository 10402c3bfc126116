"""Messages, complaints, tracebacks and logs reach their area; what says too little gets one question."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from dry_debug.triage.matching import compiled, found, needle
from dry_debug.triage.pasted import Frame
from dry_debug.triage.routing import Routing, route
from dry_debug_rules.catalogue.routes import table

HERE = Path(__file__).parent


def data(name: str) -> dict:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


MESSAGES = data("messages.toml")
CASES = [(row["id"], row["area"], message) for row in MESSAGES["row"] for message in row["messages"]]
TRACEBACKS = data("tracebacks.toml")["case"]
COMPLAINTS = data("complaints.toml")["case"]
AMBIGUOUS = MESSAGES["ambiguous"]["messages"]

TOM, MDP, DTS, MPO, PP, DT, CR, CAF = (
    "tensor-operations-and-memory",
    "module-design-patterns",
    "distributed-training-strategies",
    "mixed-precision-and-optimization",
    "performance-profiling",
    "debugging-techniques",
    "checkpointing-and-reproducibility",
    "custom-autograd-functions",
)


def areas(routing: Routing) -> list[str]:
    return [stop.area for stop in routing.stops]


@pytest.mark.parametrize(("id_", "area", "message"), CASES, ids=[f"{id_}: {text[:40]}" for id_, _, text in CASES])
def test_a_message_reaches_its_row_and_area(id_: str, area: str, message: str) -> None:
    routing = route(message)
    assert id_ in routing.symptoms
    assert areas(routing)[0] == area
    assert routing.question is None


def test_every_row_has_a_message() -> None:
    asked = {question.id for question in table().questions}
    assert {row["id"] for row in MESSAGES["row"]} | asked >= {row.id for row in table().routes}


@pytest.mark.parametrize("case", COMPLAINTS, ids=lambda case: case["text"][:50])
def test_a_complaint_reaches_its_area(case: dict) -> None:
    expected = [case["area"]] if case["area"] else []
    assert areas(route(case["text"]))[:1] == expected


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_an_ambiguous_text_gets_one_question_and_no_guess(text: str) -> None:
    routing = route(text)
    assert routing.stops == () and routing.symptoms == ()
    assert routing.question


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("it fails", "traceback"),
        ("optimise my code", "speed"),
        ("how do I set up distributed training?", "fit"),
        ("the predictions are odd", "result"),
        ("hello", "broken"),
    ],
)
def test_the_question_fits_what_was_said(text: str, word: str) -> None:
    assert word in (route(text).question or "")


@pytest.mark.parametrize("case", TRACEBACKS, ids=lambda case: case["name"])
def test_a_traceback_gives_its_areas_and_the_own_frame(case: dict) -> None:
    routing = route(case["text"])
    assert areas(routing) == case["areas"]
    assert case["symptom"] in routing.symptoms
    assert routing.frame == Frame(*case["frame"])
    assert list(routing.pressure) == case.get("pressure", [])


@pytest.mark.parametrize("case", TRACEBACKS, ids=lambda case: case["name"])
def test_line_ends_and_blank_lines_around_do_not_matter(case: dict) -> None:
    routing = route(case["text"])
    assert route("\r\n\r\n" + case["text"].replace("\n", "\r\n") + "\r\n") == routing


# In our own words: the sequences of the inventory. (id, text, areas of the stops in order, area that comes next or "")
SEQUENCES = [
    ("S-01", "Training is slow, so I want to switch on AMP.", [PP], MPO),
    ("S-01", "Epochs became slow. Would torch.amp or another optimizer help?", [PP], MPO),
    ("S-02", "Out of memory on every rank of our DDP job", [DTS, TOM], ""),
    ("S-02", "torch.OutOfMemoryError: CUDA out of memory.\nlaunched by torchrun --nproc_per_node 8", [DTS, TOM], ""),
    ("S-03", "OOM at batch size 4, is activation checkpointing the answer?", [TOM], MDP),
    ("S-04", "Since I use autocast the loss is NaN", [DT], MPO),
    ("S-04", "With AMP the loss turns to nan after 2k steps, should I use bf16?", [DT], MPO),
    ("S-05", "The custom layer I wrote is much too slow", [MDP], PP),
    ("S-06", "my custom layer produces strange gradients", [CAF], DT),
    ("S-07", "how should I save a model?", [CR], ""),
    ("S-08", "my trainer still uses torch.cuda.amp", [MPO], ""),
    ("S-08", "we train with fairscale", [DTS], ""),
    ("S-08", "should hand-rolled attention go?", [MPO], ""),
    ("S-09", "compiled model slower than eager", [DT], MPO),
    ("S-10", "Today OOM, yesterday NaN, and once a device-side assert", [DT, TOM], ""),
    ("S-11", "for batch in loader: RuntimeError: DataLoader worker (pid 9) exited unexpectedly", [DT], ""),
    ("S-12", "after resuming the accuracy drops to chance, wrong lr?", [CR], DT),
    ("S-13", "Fix my training.", [], ""),
    ("S-13", "Set up distributed, please.", [], ""),
]


@pytest.mark.parametrize(("id_", "text", "expected", "after"), SEQUENCES, ids=[row[1][:50] for row in SEQUENCES])
def test_a_sequence_starts_with_the_diagnosis(id_: str, text: str, expected: list[str], after: str) -> None:
    sequence = next(item for item in table().sequences if item.id == id_)
    routing = route(text)
    assert areas(routing) == expected
    assert sequence.areas in ((), tuple(expected))
    assert not expected or expected[0] not in sequence.not_first
    assert not after or after in routing.stops[0].then
    assert set(sequence.then) <= set(routing.stops[0].then if routing.stops else ())


def test_every_sequence_is_tried() -> None:
    assert {row[0] for row in SEQUENCES} == {item.id for item in table().sequences}


def test_several_symptoms_come_in_the_order_of_the_phases() -> None:
    routing = route(
        "Training is slow, memory keeps growing, the loss is NaN and the checkpoint has missing keys on load"
    )
    assert areas(routing) == [CR, DT, TOM, PP]
    assert routing.stops[0].then[:3] == (DT, TOM, PP)


def test_an_area_comes_once_with_the_checks_of_all_its_symptoms() -> None:
    routing = route("First: index out of range in self. Then: mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)")
    assert areas(routing) == [DT]
    first = routing.stops[0].first
    assert any("num_embeddings" in check for check in first) and any("flattened" in check for check in first)
    assert len(set(first)) == len(first)
    assert {"out-of-range-index", "mismatched-layer-widths"} <= set(routing.stops[0].rules)


def test_an_area_is_never_named_after_itself() -> None:
    for _, _, message in CASES:
        stops = route(message).stops
        for index, stop in enumerate(stops):
            assert not set(stop.then) & {earlier.area for earlier in stops[: index + 1]}


@pytest.mark.parametrize(
    "text",
    ["no NaN so far, the logs are fine", "I don't get OOM and it is not slow", "it trains without memory leaks"],
)
def test_what_is_denied_is_no_symptom(text: str) -> None:
    assert route(text).stops == ()


@pytest.mark.parametrize(
    "text",
    [
        "I can't fix the OOM",
        "not sure why it is slow",
        "this is not only slow but also broken",
        "no idea where the NaN is from",
    ],
)
def test_a_negation_of_something_else_denies_nothing(text: str) -> None:
    assert route(text).stops


def test_code_in_a_fence_is_no_symptom() -> None:
    text = "What do you think?\n```python\n# slow, and memory leaks\nraise ValueError('CUDA out of memory')\n```\n"
    assert route(text).stops == ()


def test_a_log_in_a_fence_is_read() -> None:
    text = "Look:\n```\nRuntimeError: CUDA error: device-side assert triggered\n```\n"
    assert areas(route(text)) == [DT]


def test_a_symptom_at_the_end_of_a_long_paste_is_read() -> None:
    noise = "\n".join(f"line {number} of some output that says little" for number in range(5000))
    assert areas(route(noise + "\nAll this because training is slow.")) == [PP]


def test_a_wrapped_failure_alone_is_no_error_to_explain() -> None:
    assert route('Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyboardInterrupt').stops == ()


@pytest.mark.parametrize(("id_", "area", "message"), CASES, ids=[f"{id_}: {text[:40]}" for id_, _, text in CASES])
def test_the_needle_of_a_pattern_hides_no_match(id_: str, area: str, message: str) -> None:
    text = " ".join(message.lower().split())
    for row in table().routes:
        for pattern in (*row.patterns, *row.words):
            assert found([pattern], text) == bool(compiled(pattern).search(text)), (pattern, needle(pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\bcuda out of memory", "cuda out of memory"),
        (r"a{0,3}bcd", "bcd"),
        (r"abc+d", "abc"),
        (r"(?:x|y) zed", " zed"),
        (r"ab|cd", ""),
        (r"colou?r", "colo"),
        (r"f\(x\)", "f(x)"),
        (r"[abc]def", "def"),
        (r"x.yz", "yz"),
    ],
)
def test_the_needle_is_the_longest_run_outside_groups(pattern: str, expected: str) -> None:
    assert needle(pattern) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What the error speaks of, then the library that raised it, then the callers up to the user's own code.
        ("ValueError: Must flatten tensors with uniform `requires_grad` when `use_orig_params=False`", DTS),
        ("RuntimeError: storage has wrong byte size: expected 0 got 64", CR),
        (
            "TypeError: cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None expected)",
            MDP,
        ),
        ("ValueError: one nobody knows", DT),
        (
            "Traceback (most recent call last):\n"
            '  File "/w/train.py", line 3, in f\n    engine.step()\n'
            '  File "/env/lib/python3.11/site-packages/deepspeed/runtime/engine.py", line 9, in step\n    helper()\n'
            '  File "/env/lib/python3.11/site-packages/attr/helper.py", line 9, in helper\n    x\n'
            "ValueError: one nobody knows",
            DTS,
        ),
    ],
)
def test_an_error_that_no_row_knows_goes_to_the_owner_of_its_subject(text: str, expected: str) -> None:
    assert areas(route(text)) == [expected]


def test_the_line_that_raises_stands_for_an_exception_that_was_not_copied() -> None:
    text = (
        '  File "/w/train.py", line 3, in f\n    scaler.step(optimizer)\n'
        '  File "/env/lib/python3.11/site-packages/torch/amp/grad_scaler.py", line 9, in step\n'
        '    assert found, "No inf checks were recorded for this optimizer."\n'
    )
    assert areas(route(text)) == [MPO]
    assert route(text).frame == Frame("/w/train.py", 3, "f")


def test_a_matrix_is_no_sentence() -> None:
    assert route("The gradients:\n[[0., 0., 0.], [0., 1., 1.], [0., 1., 1.]]").stops == ()


@pytest.mark.parametrize(
    "text",
    [
        "Nice work. Could you upload the pretrained weights?",
        "When will you release the training code and the checkpoints?",
        "How can I train this on several GPUs?",
    ],
)
def test_a_wish_is_no_report(text: str) -> None:
    assert route(text).stops == () and route(text).question


def test_after_a_resume_what_was_loaded_comes_first() -> None:
    text = "I resume training with my own data. From the first step on the loss does not change any more."
    assert areas(route(text)) == [CR, DT]


def test_a_broad_row_only_leads() -> None:
    text = "clip_grad_norm_ is right after backward. Must scaler.unscale_ not be called before gradients are clipped?"
    assert areas(route(text)) == [MPO]
