"""The page runner itself: reading pages, renaming and varying examples."""

import ast
from pathlib import Path

import pytest

from tests.pages.page import Mark, Page, PageError, parse, strip_marks
from tests.pages.rename import renamed
from tests.pages.vary import variations


def page(text: str) -> Page:
    return parse(Path("family/some_rule.md"), text)


def test_marks_are_cut_off_and_other_comments_stay() -> None:
    text, marks = strip_marks("a = 1  # warning: a-b\nb  # why  # critical: x  # critical: x\nc  # warning: of fire\n")
    assert text == "a = 1\nb  # why\nc  # warning: of fire\n"
    assert marks == (Mark(1, "a-b", "warning"), Mark(2, "x", "critical"), Mark(2, "x", "critical"))


def test_blocks_become_examples_with_their_fixed_blocks_and_proofs() -> None:
    read = page(
        "# some-rule\n\n`X001` · warning · fix: safe\n\n## Examples\n\n```python\nbad()  # warning: some-rule\n```\n"
        "words\n```python fixed\ngood()\n```\n```python\nfine()\n```\n```python proof\nassert bad\n```\n"
        "```py\nnot run\n```\n"
    )
    assert (read.rule, read.facts, read.headings) == ("some-rule", "`X001` · warning · fix: safe", ("Examples",))
    assert [example.texts() for example in read.examples] == [{"main.py": "bad()\n"}, {"main.py": "fine()\n"}]
    assert read.examples[0].fixed_texts() == {"main.py": "good()\n"}
    assert read.proofs[0].example == 1


def test_file_blocks_in_a_row_are_one_project() -> None:
    read = page(
        "# r\n```python file=a.py\na\n```\nprose\n```yaml file=c.yaml\nx: 1\n```\n"
        "```python file=b.py\nb  # warning: r\n```\n"
        "```python fixed file=b.py\nc\n```\n### More\n```python file=b.py\nb\n```\n```python file=b.py\nd\n```\n"
    )
    assert [list(example.files) for example in read.examples] == [["a.py", "c.yaml", "b.py"], ["b.py"], ["b.py"]]
    assert read.examples[0].fixed_texts()["b.py"] == "c\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```python\nx\n", "never closed"),
        ("```python oops\nx\n```\n", "unknown words"),
        ("```python\nx\n```\n```python fixed\ny\n```\n", "follows a block with marks"),
        ("```python proof\nassert bad\n```\n", "follows a block with marks"),
        ("```python\nx  # warning: r\n```\n```python proof\nrun(bad)\n```\n", "asserts"),
        ("<!-- variations: no-ddp -->\n```python\nx\n```\n", "because"),
        ("<!-- variations: no-tpu because x -->\n```python\nx\n```\n", "unknown variations"),
        ("```python\nx  # warning: r\n```\n```python fixed file=b.py\ny\n```\n", "has no b.py"),
    ],
)
def test_what_is_not_of_the_format_is_an_error_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PageError, match=rf"some_rule\.md:\d+: .*{said}"):
        page(text)


def test_an_opt_out_above_a_block_counts_for_it_and_elsewhere_for_the_page() -> None:
    read = page(
        "# r\n<!-- variations: no-ddp because one\nGPU -->\nwords\n```python\nx\n```\n"
        "<!-- variations: no-try, no-with because it is about the module -->\n\n```python\ny\n```\n"
    )
    assert [sorted(example.opt_out) for example in read.examples] == [["ddp"], ["ddp", "try", "with"]]


SCRIPT = """import torch
import torch.nn.functional as F
from torch import nn
from helpers import store


class Net(nn.Module):
    rate: float = 0.1

    def __init__(self, width):
        super().__init__()
        self.head = nn.Linear(width, out_features=2)
        self.training_steps = 0

    def forward(self, batch, labels=None):
        return self.squash(self.head(batch))

    def squash(self, batch):
        return F.softmax(batch, dim=-1)


def fit(model, loader, lr=0.1):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for batch, labels in loader:
        loss = F.cross_entropy(model(batch, labels=labels), labels)
        print(f"{loss.item():.2f} {model.rate}")
    store(model=model, path="x.pt")


fit(Net(width=3), [], lr=1)
"""
HELPERS = "import torch\n\ndef store(model, path):\n    torch.save({'model': model.state_dict()}, path)\n"


def test_renaming_replaces_what_the_user_named_and_nothing_else() -> None:
    texts = renamed({"main.py": SCRIPT, "helpers.py": HELPERS})
    new = texts["main.py"]
    for own in ("Net", "head", "squash", "fit", "optimizer", "loader", "batch", "rate", "store", "width=", "model="):
        assert own not in new.replace("model.", ""), own
    for foreign in (".nn.functional as ", "forward(self", "labels=", "lr=", "out_features=2", "dim=-1", "__init__"):
        assert foreign in new, foreign
    assert "state_dict()" in texts["helpers.py"] and "'model'" in texts["helpers.py"]
    assert new.count("\n") == SCRIPT.count("\n")
    for text in texts.values():
        ast.parse(text)


def test_a_renamed_program_still_runs() -> None:
    code = (
        "import math as mathematics, os.path\nfrom functools import partial\nimport json\n"
        "class Box:\n    size: int = 2\n    def __init__(self, items):\n        self.things = items\n"
        "    def total(self, start=0):\n        return sum(self.things, start) + self.size\n"
        "def build(values, *, scale=1):\n    return Box(items=[value * scale for value in values])\n"
        "make = partial(build, scale=3)\nbox = make([1, 2])\n"
        "answer = [box.total(start=1), mathematics.floor(2.5), json.dumps({'box': 1}), os.path.join('a', 'b')]\n"
        "print(f'{answer}')\n"
    )
    (new,) = renamed({"main.py": code}).values()
    assert "box.total" not in new and "import json as m" in new
    results = []
    for text in (code, new):
        printed: list[str] = []
        exec(text, {"print": printed.append})
        results.append(printed)
    assert results[0] == results[1] == ["[12, 2, '{\"box\": 1}', 'a/b']"]


TRAIN = '''"""Doc."""
import torch

TEXT = """
not indented
"""
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for batch in []:
    loss = model(
        batch
    )
    optimizer.step()
'''


def varied(text: str, line: int) -> dict[str, tuple[str, list[str]]]:
    """Variation -> (its text, the lines that count for the marked one)."""
    return {
        name: (v.text, [v.text.split("\n")[number - 1] for number in sorted(v.lines[line])])
        for name, v in variations(text, [line])
    }


def test_every_variation_of_a_script_moves_the_marked_line() -> None:
    found = varied(TRAIN, 13)
    assert list(found) == ["function", "method", "helper", "try", "with", "ddp", "accelerate"]
    for name, (text, lines) in found.items():
        assert any("optimizer.step()" in line for line in lines), name
        assert "\nnot indented\n" in text, name
        ast.parse(text)
    assert found["helper"][1] == ["    optimizer.step()", "    carry_out(optimizer)"]
    assert "model, optimizer = accelerator.prepare(model, optimizer)\nfor" in found["accelerate"][0]
    assert "\nmodel = torch.nn.parallel.DistributedDataParallel(model)\noptimizer" in found["ddp"][0]
    assert "\nimport contextlib\n" in found["with"][0] and "        optimizer.step()" in found["with"][1]


def test_a_helper_returns_what_the_statement_assigned() -> None:
    text, lines = varied(TRAIN, 10)["helper"]
    assert "def carry_out(model, batch):\n    return model(\n        batch\n    )\n" in text
    assert "    loss = carry_out(model, batch)" in lines


def test_definitions_that_use_nothing_of_the_script_stay_outside() -> None:
    text, _ = varied("def f(x):\n    return x\n\ny = f(1)\n", 4)["function"]
    assert text == "def f(x):\n    return x\ndef run_everything():\n\n    y = f(1)\n\nrun_everything()\n"


def test_a_variation_that_has_no_place_is_left_out() -> None:
    assert not varied("def f(model):\n    global x\n    model.run(); x = 1\n", 3)
    assert "ddp" not in varied(TRAIN + "model.custom()\n", 13)
