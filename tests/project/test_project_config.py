"""Settings out of files."""

import json
from pathlib import Path

import jsonschema
import pytest
from dry_debug.lint.settings import Settings, kebab_case
from dry_debug.project.config import Configs, load
from dry_debug.project.run import file_settings
from dry_debug.project.schema import config_schema
from dry_debug.records import fields


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearest_file_wins_and_dry_debug_toml_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.dry-debug]\nmin-confidence = "low"\npreview = true\n')
    write(tmp_path / "a" / "pyproject.toml", "[tool.other]\n")
    write(tmp_path / "b" / "dry-debug.toml", 'min-confidence = "high"\n')
    write(tmp_path / "b" / "pyproject.toml", '[tool.dry-debug]\nmin-confidence = "medium"\n')
    configs = Configs()
    assert configs.of_file(str(tmp_path / "a" / "x.py")).settings.min_confidence == "low"
    nearest = configs.of_file(str(tmp_path / "b" / "c" / "x.py"))
    assert (nearest.settings.min_confidence, nearest.settings.preview) == ("high", False)
    assert nearest.root == str(tmp_path / "b")


def test_extend_composes_lists_and_tables_and_the_nearer_value_wins(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", 'extend-select = ["CKPT"]\nfail-on = "critical"\nignore = ["DRY001"]\n'
          '[severity]\nCKPT010 = "off"\nsyntax-error = "warning"\n')  # fmt: skip
    path = write(tmp_path / "sub" / "dry-debug.toml", 'extend = "../base.toml"\nextend-select = ["DRY001"]\n'
                 'ignore = []\n'
                 '[severity]\nCKPT010 = "warning"\n')  # fmt: skip
    config = load(str(path))
    assert config.problems == ()
    assert config.settings.extend_select == ("CKPT", "DRY001")
    assert config.settings.severity == {"CKPT010": "warning", "syntax-error": "warning"}
    assert (config.settings.fail_on, config.settings.ignore) == ("critical", ())
    assert config.origin["fail_on"] == f"{tmp_path / 'base.toml'}:2"


def test_a_loop_of_extend_is_told_and_ends(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'extend = "dry-debug.toml"\npreview = true\n')
    config = load(str(write(tmp_path / "dry-debug.toml", 'extend = "a.toml"\n')))
    assert config.settings.preview
    assert [(problem.path, problem.line) for problem in config.problems] == [(str(tmp_path / "a.toml"), 1)]
    assert "`extend` comes back to" in config.problems[0].message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            'preview = true\nmin-confidense = "low"\n',
            2,
            "unknown setting `min-confidense`; did you mean `min-confidence`?",
        ),
        ('select = "CKPT"\n', 1, "`select` should be a list of strings, not 'CKPT'"),
        ("preview = 1\n", 1, "`preview` should be true or false, not 1"),
        ('\n\n[severity]\nCKPT010 = "loud"\n', 3, "every value is one of critical, warning, suggestion, off"),
        ('ignore = ["CKPTO10"]\n', 1, "`ignore` names the unknown rule `CKPTO10`; did you mean `CKPT010`?"),
        ('preview = true\nselect = ["A"\nfail-on = "x"\n', 3, "not valid TOML"),
        ('extend = "nowhere.toml"\n', None, "cannot read the config file"),
        ("extend = 3\n", 1, "`extend` should be a path"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    config = load(str(write(tmp_path / "dry-debug.toml", text)))
    assert len(config.problems) == 1
    assert words in config.problems[0].message
    assert config.problems[0].line == line


def test_a_bad_value_leaves_the_default_and_the_good_ones_beside_it(tmp_path: Path) -> None:
    config = load(str(write(tmp_path / "dry-debug.toml", 'fail-on = "never"\npreview = true\n')))
    assert config.settings == Settings(preview=True)


def test_lines_are_counted_in_the_section_of_pyproject(tmp_path: Path) -> None:
    text = '[tool.other]\nselect = ["x"]\n\n[tool.dry-debug]\nselect = 3\n'
    config = load(str(write(tmp_path / "pyproject.toml", text)))
    assert [problem.line for problem in config.problems] == [5]


def test_a_config_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dry-debug.toml"
    path.write_bytes(b"# \xff\n")
    assert "not UTF-8" in load(str(path)).problems[0].message


def test_flags_win_over_files_and_tables_grow(tmp_path: Path) -> None:
    write(tmp_path / "dry-debug.toml", 'fail-on = "critical"\nseverity = { CKPT010 = "off" }\n')
    configs = Configs(overrides={"fail_on": "warning", "severity": {"DRY001": "off"}}, origin={"fail_on": "--fail-on"})
    config = configs.of_file(str(tmp_path / "a.py"))
    assert config.settings.fail_on == "warning"
    assert config.settings.severity == {"CKPT010": "off", "DRY001": "off"}
    assert config.origin["fail_on"] == "--fail-on"


def test_per_file_ignores_are_relative_to_the_config(tmp_path: Path) -> None:
    write(tmp_path / "dry-debug.toml", 'ignore = ["DRY001"]\nper-file-ignores = { "tests/*" = ["CKPT"] }\n')
    config = Configs().of_folder(str(tmp_path))
    assert file_settings(config, str(tmp_path / "tests" / "a.py")).ignore == ("DRY001", "CKPT")
    assert file_settings(config, str(tmp_path / "src" / "a.py")).ignore == ("DRY001",)


def test_the_paths_in_a_config_are_relative_to_it(tmp_path: Path) -> None:
    config = load(str(write(tmp_path / "dry-debug.toml", 'baseline = "known.json"\n')))
    assert config.settings.baseline == str(tmp_path / "known.json")


def test_the_schema_takes_what_the_reader_takes_and_refuses_what_it_refuses() -> None:
    schema = config_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    assert set(schema["properties"]) == {kebab_case(item.name) for item in fields(Settings)} | {"extend"}
    good = {
        "select": ["ALL"],
        "severity": {"CKPT010": "off"},
        "per-file-ignores": {"a": ["b"]},
        "baseline": "x",
        "hover": False,
    }
    jsonschema.validate(good, schema)
    for bad in ({"select": "ALL"}, {"severity": {"a": "loud"}}, {"run": "never"}, {"unknown": 1}, {"preview": "yes"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    assert json.loads(json.dumps(schema)) == schema
