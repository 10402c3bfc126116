"""The comparison of facts with what a reader wrote down; the files of expectations themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.facts.compare import EXPECTED, KEYS, Tally, compare, main

EMPTY: dict[str, Any] = {
    "frameworks": [],
    "is_training_script": None,
    **{kind: [] for kind in KEYS if kind != "wrappers"},
    "distributed": {"backend": None, "wrappers": [], "rank_guards": []},
}


def tally(expected: dict[str, Any], actual: dict[str, Any]) -> dict[str, dict[str, int]]:
    counts = compare({**EMPTY, **expected}, {**EMPTY, **actual}).counts
    return {kind: dict(count) for kind, count in counts.items()}


def component(**changes: Any) -> dict[str, Any]:
    return {"kind": "optimizer", "name": "opt", "line": 3, "covers": ["model"], **changes}


def test_what_is_said_as_it_is_counts_as_right_with_each_stated_field() -> None:
    assert tally({"components": [component()]}, {"components": [component(role=None)]}) == {
        "components": {"right": 1},
        "components.covers": {"right": 1},
    }


def test_what_is_not_said_is_missing() -> None:
    assert tally({"components": [component()]}, {}) == {"components": {"missing": 1}}


def test_what_is_not_so_is_wrong() -> None:
    assert tally({}, {"components": [component()]}) == {"components": {"wrong": 1}}


def test_another_line_is_both_wrong_and_missing() -> None:
    found = tally({"components": [component()]}, {"components": [component(line=4)]})
    assert found == {"components": {"missing": 1, "wrong": 1}}


def test_members_of_a_set_count_one_by_one() -> None:
    found = tally(
        {"components": [component(covers=["a", "b"])]},
        {"components": [component(covers=["b", "c"])]},
    )
    assert found["components.covers"] == {"right": 1, "missing": 1, "wrong": 1}


def test_any_of_several_answers_is_right() -> None:
    said = {"loops": [{"kind": "epoch", "line": 5}]}
    assert tally({"loops": [{"kind": ["iteration", "epoch"], "line": [5, 6]}]}, said)["loops.kind"] == {"right": 1}
    assert tally({"loops": [{"kind": ["iteration", "batch"], "line": 5}]}, said)["loops.kind"] == {"wrong": 1}


def test_an_optional_item_counts_neither_way() -> None:
    step = {"kind": "clip", "line": 9, "object": "model"}
    assert tally({"steps": [{**step, "optional": True}]}, {}) == {}
    assert tally({"steps": [{**step, "optional": True}]}, {"steps": [step]}) == {}


def test_a_field_that_the_tool_does_not_know_is_missing_and_another_value_wrong() -> None:
    expected = {"steps": [{"kind": "backward", "line": 9, "object": "loss"}]}
    unknown = {"steps": [{"kind": "backward", "line": 9, "object": None}]}
    other = {"steps": [{"kind": "backward", "line": 9, "object": "total"}]}
    assert tally(expected, unknown)["steps.object"] == {"missing": 1}
    assert tally(expected, other)["steps.object"] == {"wrong": 1}


def test_a_hyperparameter_is_found_under_its_canonical_name_and_its_value_has_a_type() -> None:
    expected = {"hyperparameters": [{"name": "lr", "line": 2, "value": 1, "origin": "argparse"}]}
    row = {"name": "learning_rate", "line": 2, "origin": "argparse"}
    assert tally(expected, {"hyperparameters": [{**row, "value": 1.0}]})["hyperparameters.value"] == {"right": 1}
    assert tally(expected, {"hyperparameters": [{**row, "value": True}]})["hyperparameters.value"] == {"wrong": 1}


def test_an_item_of_another_file_is_not_one_of_the_script_itself() -> None:
    row = {"name": "lr", "line": 2, "value": 0.1, "origin": "config"}
    here, there = {"hyperparameters": [row]}, {"hyperparameters": [{**row, "file": "configs/base.yaml"}]}
    own = {"hyperparameters": [{**row, "file": None}]}
    assert tally(here, own) == tally(here, here) == tally(there, there)
    assert tally(there, there)["hyperparameters"] == {"right": 1}
    for expected, actual in ((here, there), (there, here), (there, own)):
        assert tally(expected, actual)["hyperparameters"] == {"missing": 1, "wrong": 1}
    either = {"hyperparameters": [{**row, "file": [None, "configs/base.yaml"]}]}
    assert tally(either, here) == tally(either, there) == tally(there, there)


def test_where_a_helper_does_it_is_judged_where_it_is_stated() -> None:
    step = {"kind": "optimizer_step", "line": 4, "object": "opt"}
    said = {"steps": [{**step, "via": "engine.py:9"}]}
    assert tally({"steps": [step]}, said) == {"steps": {"right": 1}, "steps.object": {"right": 1}}
    assert tally(said, said)["steps.via"] == {"right": 1}
    assert tally({"steps": [{**step, "via": "engine.py:8"}]}, said)["steps.via"] == {"wrong": 1}
    assert tally(said, {"steps": [step]})["steps.via"] == {"missing": 1}


def test_code_with_other_quotation_marks_is_the_same_code() -> None:
    save = {"line": 1, "keys": [], "components": [], "rank_guarded": False}
    found = tally({"saves": [{**save, "path": "a + 'x'"}]}, {"saves": [{**save, "path": 'a + "x"'}]})
    assert found["saves.path"] == {"right": 1}


@pytest.mark.parametrize(
    ("right", "wrong", "missing", "good"),
    [(95, 5, 0, True), (94, 6, 0, False), (90, 0, 10, True), (89, 0, 11, False)],
)
def test_the_limits(right: int, wrong: int, missing: int, good: bool) -> None:
    counted = Tally()
    for verdict, times in (("right", right), ("wrong", wrong), ("missing", missing)):
        for _ in range(times):
            counted.add("steps", verdict)
    assert counted.good() is good


def test_scripts_that_are_not_there_are_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path)]) == 0
    assert "nothing compared" in capsys.readouterr().out


SEED = "import random\n\nrandom.seed(0)\n"


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "expected").mkdir()
    monkeypatch.setattr("tests.facts.compare.EXPECTED", tmp_path / "expected")
    return tmp_path


def written_down(public: Path, name: str, path: str, source: str, facts: dict[str, Any], **fields: Any) -> None:
    script = public / "root" / name.replace("/", "+") / path
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(source, encoding="utf-8")
    known = {**EMPTY, "is_training_script": False, **facts}
    case = {"repository": name, "revision": "0" * 40, "path": path, "facts": known, **fields}
    file = public / "expected" / f"{name}+{path}.json".replace("/", "+")
    file.write_text(json.dumps(case), encoding="utf-8")


@pytest.mark.parametrize(("line", "status"), [(3, 0), (4, 1)])
def test_a_script_under_the_root_is_compared(line: int, status: int, public: Path) -> None:
    seed = {"kind": "seed", "rng": "python", "line": line}
    written_down(public, "owner/name", "train.py", SEED, {"randomness": [seed]})
    assert main(["--root", str(public / "root")]) == status


def test_scripts_and_projects_are_counted_apart(public: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = {"randomness": [{"kind": "seed", "rng": "python", "line": 3}]}
    written_down(public, "owner/name", "train.py", SEED, seed)
    for path in ("main.py", "core/engine.py"):
        written_down(public, "other/several", path, SEED, seed, project=True, style="an engine behind main")
    assert main(["--root", str(public / "root"), "--show"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1].startswith("1 scripts, and 2 files of 1 projects: 100.0% right of ")
    assert "owner+name+train.py: 100.0% right of 2 asserted, 0.0% missing of 2 known" in shown


def test_the_repository_is_the_project_of_a_file_in_a_folder_of_it(public: Path) -> None:
    seed = {"kind": "seed", "rng": "python", "line": 3, "via": "tools/seeds.py:4"}
    helper = "import random\n\ndef fix(n):\n    random.seed(n)\n"
    (public / "root" / "owner+name" / "tools").mkdir(parents=True)
    (public / "root" / "owner+name" / "tools" / "seeds.py").write_text(helper, encoding="utf-8")
    source = "from tools.seeds import fix\n\nfix(1)\n"
    written_down(public, "owner/name", "scripts/train.py", source, {"randomness": [seed]})
    assert main(["--root", str(public / "root")]) == 0


@pytest.mark.parametrize("file", sorted(EXPECTED.glob("*.json")), ids=lambda file: file.stem)
def test_a_file_of_expectations_names_its_source_and_has_every_kind(file: Path) -> None:
    case = json.loads(file.read_text(encoding="utf-8"))
    assert {"repository", "revision", "path", "facts"} <= set(case)
    assert set(case) <= {"repository", "revision", "path", "facts", "project", "style"}
    assert len(case["revision"]) == 40
    assert set(case["facts"]) == set(EMPTY)
    for kind, keys in KEYS.items():
        rows = case["facts"]["distributed"]["wrappers"] if kind == "wrappers" else case["facts"][kind]
        assert all(key in row for row in rows for key in keys)
