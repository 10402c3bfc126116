"""Facts for people: what is known, one line each, and nothing for what is not."""

from dry_debug.render.facts import lines


def test_every_item_has_its_line_and_what_is_known_of_it() -> None:
    found = {
        "frameworks": ["torch", "peft"],
        "is_training_script": False,
        "components": [
            {"kind": "optimizer", "name": "opt", "type": "AdamW", "line": 4, "covers": ["model"], "wraps": [],
             "cadence": None, "parameter": False, "confidence": "medium"},
        ],
        "loops": [{"kind": "epoch", "line": 5, "end_line": 9}, {"kind": "eval", "line": 7, "end_line": 7}],
        "saves": [],
        "distributed": {"backend": None, "wrappers": [{"kind": "ddp", "object": "net", "line": 3, "file": "dist.py"}],
                        "rank_guards": [8, 9]},
        "models": [{"id": "gpt2", "line": 2}],
    }  # fmt: skip
    assert list(lines(found)) == [
        "frameworks: torch, peft",
        "is training script: no",
        "components:",
        "  line 4: optimizer  opt  type=AdamW  covers=model  (medium confidence)",
        "loops:",
        "  line 5-9: epoch",
        "  line 7: eval",
        "distributed:",
        "  wrappers: line dist.py:3: ddp  object=net",
        "  rank_guards: 8, 9",
        "models:",
        "  line 2: gpt2",
    ]


def test_nothing_known_gives_no_empty_heading() -> None:
    assert list(lines({"frameworks": [], "steps": [], "distributed": {"backend": None, "wrappers": []}})) == []
