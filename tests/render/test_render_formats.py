"""Each format says what its readers expect, and nothing that breaks them."""

import json
from pathlib import Path
from xml.etree import ElementTree as XML

import jsonschema
import pytest
from dry_debug.render.formats import FORMATS, render
from dry_debug.render.record import contract, record
from dry_debug.render.summary import statistics, summary
from dry_debug.text.document import Document, Problem
from dry_debug.text.spans import Span
from sample import FOLDER, OTHER, PAGE, PATH, context, document, finding, notebook_record, plain_finding, records
from sarif_schema import sarif_schema


def text(name: str, *extra: object) -> str:
    return "\n".join(render(name, records(), context()))


def test_json_is_the_contract() -> None:
    assert json.loads(text("json"))[0] == {
        "filename": PATH,
        "cell": None,
        "code": "MEM001",
        "name": "loss-graph",
        "severity": "critical",
        "confidence": "high",
        "message": "`total` keeps the graph of every `loss`: 100% of it",
        "why": "Memory grows with every step.",
        "fingerprint": "0123456789abcdef",
        "location": {"row": 6, "column": 21},
        "end_location": {"row": 6, "column": 34},
        "fix": {
            "message": "Add `loss.item()`",
            "applicability": "unsafe",
            "edits": [
                {
                    "filename": PATH,
                    "cell": None,
                    "content": "import math\n\n",
                    "location": {"row": 1, "column": 1},
                    "end_location": {"row": 1, "column": 1},
                },
                {
                    "filename": PATH,
                    "cell": None,
                    "content": ".item()",
                    "location": {"row": 6, "column": 34},
                    "end_location": {"row": 6, "column": 34},
                },
            ],
        },
        "related": [
            {
                "filename": PATH,
                "cell": None,
                "location": {"row": 6, "column": 3},
                "end_location": {"row": 6, "column": 7},
                "message": "`loss` is attached",
            },
            {
                "filename": OTHER,
                "cell": None,
                "location": {"row": 4, "column": 1},
                "end_location": {"row": 4, "column": 6},
                "message": "`model` is a module",
            },
        ],
        "quotes": ["CKPT-LOAD-4"],
        "url": PAGE,
    }


def test_json_of_nothing_is_an_empty_list() -> None:
    assert list(render("json", [], context())) == ["[]"]
    assert list(render("jsonl", [], context())) == []


def test_jsonl_is_one_such_object_a_line() -> None:
    lines = list(render("jsonl", records(), context()))
    assert [json.loads(line) for line in lines] == json.loads(text("json"))
    assert all("\n" not in line for line in lines)


def test_in_a_notebook_rows_count_within_the_cell() -> None:
    item = contract(notebook_record())
    assert (item["cell"], item["location"]) == (4, {"row": 3, "column": 1})
    assert item["fix"] is not None
    assert (item["fix"]["edits"][0]["cell"], item["fix"]["edits"][0]["location"]["row"]) == (4, 3)
    assert item["related"][0]["cell"] == 4
    assert next(iter(render("concise", [notebook_record()], context()))).startswith("n.ipynb:cell 4:3:1: REP001")


def test_concise_is_one_line_a_finding() -> None:
    assert text("concise").split("\n") == [
        "src/train,1.py:6:21: MEM001 [*] critical: `total` keeps the graph of every `loss`: 100% of it (loss-graph)",
        "src/train,1.py:1:1: REP001 suggestion: nothing is seeded (no-seed)",
    ]


def test_full_underlines_the_place_and_gives_why_evidence_fix_and_page() -> None:
    lines = text("full").split("\n")
    assert lines[:2] == [
        "critical[loss-graph] `total` keeps the graph of every `loss`: 100% of it",
        " --> src/train,1.py:6:21",
    ]
    code = next(index for index, line in enumerate(lines) if line.startswith("6 |"))
    assert lines[code] == "6 |         loss = model(数据); total += loss"
    # Two columns for a wide character, four blanks for a tab.
    assert lines[code + 1] == "  |                             ^^^^^^^^^^^^^"
    assert "  = why: Memory grows with every step." in lines
    assert "  = evidence: line 6: `loss` is attached" in lines
    assert "  = evidence: src/util.py:4: `model` is a module" in lines
    fix = lines.index("  = fix: Add `loss.item()` (unsafe: look at it before you keep it)")
    assert lines[fix + 1 : fix + 7] == [
        "      + import math",
        "      +",
        "        import torch",
        "      ...",
        "      -         loss = model(数据); total += loss",
        "      +         loss = model(数据); total += loss.item()",
    ]
    assert any(line.startswith("  = heard before: ") and "CKPT-LOAD-4" in line for line in lines)
    assert "  = more: dry-debug rule loss-graph" in lines
    assert "suggestion[no-seed] nothing is seeded (preview rule)" in lines


def test_full_shows_the_end_of_a_long_line_without_flooding_the_screen() -> None:
    source = "x = [" + "1, " * 5000 + "bad]"
    at = source.index("bad")
    item = record(Document.from_text(source, PATH), PATH, _at(Span(at, at + 3)))
    lines = list(render("full", [item], context()))
    assert max(map(len, lines)) < 300
    code = next(line for line in lines if line.startswith("1 |"))
    caret = lines[lines.index(code) + 1]
    assert code[caret.index("^") : caret.rindex("^") + 1] == "bad"


def test_full_underlines_a_finding_over_several_lines_and_at_the_end_of_the_file() -> None:
    source = "f(\n    1,\n\n    2)"
    item = record(Document.from_text(source, PATH), PATH, _at(Span(0, len(source))))
    shown = [line for line in render("full", [item], context()) if "^" in line]
    assert shown == ["  | ^^", "  |     ^^", "  |     ^^"]
    empty = record(Document.from_text("", PATH), PATH, _at(Span(0, 0)))
    assert "  | ^" in list(render("full", [empty], context()))


def test_control_characters_of_the_code_do_not_reach_the_terminal() -> None:
    item = record(Document.from_text("x = '\x1b[31m\x07'\n", PATH), PATH, _at(Span(0, 1)))
    assert not any("\x1b" in line or "\x07" in line for line in render("full", [item], context()))


def _at(span: Span) -> object:
    from dry_debug.records import replace

    return replace(plain_finding(), span=span)


def test_github_escapes_what_ends_a_property_or_a_command() -> None:
    lines = text("github").split("\n")
    assert lines == [
        "::error title=Dry Debug (MEM001 loss-graph),file=src/train%2C1.py,line=6,endLine=6,col=21,endColumn=34::"
        "`total` keeps the graph of every `loss`: 100%25 of it. Memory grows with every step.",
        "::notice title=Dry Debug (REP001 no-seed),file=src/train%2C1.py,line=1,endLine=1,col=1,endColumn=13::"
        "nothing is seeded.",
    ]
    assert "line=" not in next(iter(render("github", [notebook_record()], context()))).split("::")[1]


def test_gitlab_fingerprints_are_unique_and_stable() -> None:
    twice = [*records(), *records()]
    rows = json.loads("\n".join(render("gitlab", twice, context())))
    assert len({row["fingerprint"] for row in rows}) == 4
    assert rows[:2] == json.loads(text("gitlab"))
    assert [row["severity"] for row in rows[:2]] == ["critical", "minor"]
    assert rows[0]["location"] == {
        "path": "src/train,1.py",
        "positions": {"begin": {"line": 6, "column": 21}, "end": {"line": 6, "column": 34}},
    }
    assert {"description", "check_name"} <= rows[0].keys()


def test_junit_counts_and_parses_whatever_is_in_the_text() -> None:
    odd = [{**item, "message": "a\x00\x1b<&>\udcff\"'\U0001f600"} for item in records()]
    root = XML.fromstring("\n".join(render("junit", odd, context())))  # type: ignore[arg-type]
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["src/train,1.py", "clean.py"]
    assert len(suites["src/train,1.py"].findall("testcase/failure")) == 2
    assert suites["clean.py"].findall("testcase/failure") == []
    case = suites["src/train,1.py"].find("testcase")
    assert case is not None and (case.get("line"), case.get("name")) == ("6", "MEM001 loss-graph")


def test_markdown_has_a_section_a_file_and_an_item_a_finding() -> None:
    lines = text("markdown").split("\n")
    assert lines[:3] == ["# Dry Debug", "", "Found 2 findings (1 critical, 1 suggestion) in 2 files."]
    assert "## `src/train,1.py`" in lines
    assert "- **critical**, line 6: `total` keeps the graph of every `loss`: 100% of it (`loss-graph`)" in lines
    assert "  - Evidence: `src/util.py` line 4: `model` is a module" in lines


def test_sarif_is_valid_and_points_to_the_same_places(request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    schema = sarif_schema(Path(request.config.cache.mkdir("sarif")))
    validator = jsonschema.Draft4Validator(schema)
    problem = (Problem("rule x failed", PATH),)
    found = [*records(), notebook_record(), {**records()[1], "filename": "/else/where.py"}]
    log = json.loads(
        "\n".join(render("sarif", found, context(problems=problem, rules={"no-seed": "Nothing is seeded"})))
    )
    assert [error.message for error in validator.iter_errors(log)] == []
    assert [*validator.iter_errors(json.loads("\n".join(render("sarif", [], context()))))] == []
    assert [*validator.iter_errors({**log, "version": "2.0.0"})] != []  # the schema does look
    run = log["runs"][0]
    result = run["results"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["MEM001", "REP001"]
    assert run["tool"]["driver"]["rules"][1]["shortDescription"]["text"] == "Nothing is seeded"
    assert (result["level"], result["ruleIndex"]) == ("error", 0)
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/train%2C1.py", "uriBaseId": "ROOT"}
    assert place["region"] == {"startLine": 6, "startColumn": 21, "endLine": 6, "endColumn": 34}
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == f"file://{FOLDER}/"
    assert len(result["fixes"][0]["artifactChanges"][0]["replacements"]) == 2
    assert run["results"][3]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///else/where.py"}
    assert run["invocations"][0]["executionSuccessful"] is False


def test_no_format_fails_on_nothing_and_all_are_there() -> None:
    for name in FORMATS:
        assert isinstance("\n".join(render(name, [], context())), str)
        assert "\x1b" not in text(name)


def test_the_summary_counts_severities_and_fixes() -> None:
    assert list(summary(records(), context())) == [
        "Found 2 findings (1 critical, 1 suggestion) in 2 files.",
        "1 fixable with `--fix --unsafe-fixes`.",
    ]
    assert list(summary([], context())) == ["Nothing found in 2 files."]
    assert list(summary([], context(problems=(Problem("x"),)))) == ["Nothing found in what was checked of 2 files."]


def test_the_statistics_take_the_worst_severity_of_a_rule() -> None:
    items = [record(document(), PATH, plain_finding(level)) for level in ("suggestion", "critical", "warning")]
    rows = statistics([*items, record(document(), PATH, finding())])
    assert [(row["code"], row["count"], row["severity"], row["fixable"]) for row in rows] == [
        ("REP001", 3, "critical", 0),
        ("MEM001", 1, "critical", 1),
    ]


def test_paths_outside_the_folder_stay_whole() -> None:
    shown = context(folder="/home/me").shown_path
    assert shown("/home/me/a.py") == "a.py"
    assert shown("/home/meg/a.py") == "/home/meg/a.py"
    assert context(folder="/").shown_path("/a.py") == "a.py"
