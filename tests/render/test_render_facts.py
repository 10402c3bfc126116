"""Facts for people: what is known, one line each, and nothing for what is not."""

from dry_debug.render.facts import lines


def test_every_item_has_its_place_and_what_is_known_of_it() -> None:
    found = {
        "frameworks": ["torch", "peft"],
        "is_training_script": False,
        "components": [
            {"kind": "optimizer", "name": "opt", "type": "AdamW", "line": 4, "covers": ["model"], "wraps": [],
             "cadence": None, "parameter": False, "confidence": "medium"},
            {"kind": "model", "name": "net", "type": None, "line": 12, "parameter": True, "confidence": "high"},
        ],
        "loops": [{"kind": "epoch", "line": 5, "end_line": 9}, {"kind": "eval", "line": 7, "end_line": 7}],
        "saves": [],
        "distributed": {"backend": None, "wrappers": [{"kind": "ddp", "object": "net", "line": 3, "file": "dist.py"}],
                        "rank_guards": [8, 9]},
        "hyperparameters": [{"name": "nesterov", "value": False, "line": 4, "file": None, "origin": "argparse"}],
        "models": [{"id": "gpt2", "line": 2, "cell": 3}],
    }  # fmt: skip
    assert list(lines(found, "a.py")) == [
        "a.py",
        "frameworks: torch, peft",
        "is training script: no",
        "components:",
        "  a.py:4   optimizer  opt  type=AdamW  covers=model  (medium confidence)",
        "  a.py:12  model  net      parameter",
        "loops:",
        "  a.py:5-9  epoch",
        "  a.py:7    eval",
        "wrappers:",
        "  dist.py:3  ddp  net",
        "rank guards: 8, 9",
        "hyperparameters:",
        "  a.py:4  nesterov  value=no  origin=argparse",
        "models:",
        "  a.py:cell 3:2  gpt2",
    ]


def test_nothing_known_gives_no_empty_heading() -> None:
    assert list(lines({"frameworks": [], "steps": [], "distributed": {"backend": None, "wrappers": []}})) == []
