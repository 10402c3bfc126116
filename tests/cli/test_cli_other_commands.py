"""`rule`, `config`, `server`, `--version`."""

import json
from pathlib import Path

from command import CODE, ROOT, RULE, dry_debug
from dry_debug import __version__
from dry_debug.lint import manifest


def test_version_and_help(tmp_path: Path) -> None:
    assert dry_debug("--version", cwd=tmp_path).stdout.decode() == f"dry-debug {__version__}\n"
    text = dry_debug("check", "--help", cwd=tmp_path).stdout.decode()
    flags = [
        "--format",
        "--select",
        "--extend-select",
        "--ignore",
        "--preview",
        "--severity",
        "--min-confidence",
        "--fail-on",
        "--exit-zero",
        "--fix",
        "--unsafe-fixes",
        "--diff",
        "--statistics",
        "--jobs",
        "--no-cache",
        "--stdin-filename",
        "--baseline",
        "--add-ignore",
        "--output-file",
        "--config",
        "--isolated",
        "--exclude",
    ]
    assert [flag for flag in flags if flag not in text] == []
    assert dry_debug(cwd=tmp_path).returncode == 2


def test_rule_is_found_by_name_and_by_code(tmp_path: Path) -> None:
    by_name, by_code = (dry_debug("rule", name, "--format", "json", cwd=tmp_path) for name in (RULE, CODE))
    assert by_name.stdout == by_code.stdout
    data = json.loads(by_name.stdout)
    assert (data["name"], data["code"]) == (RULE, CODE)


def test_all_rules_are_listed(tmp_path: Path) -> None:
    lines = dry_debug("rule", "--all", cwd=tmp_path).stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == [info.code for info in manifest.rules()]


def test_an_unknown_rule_gives_2_and_the_nearest_name(tmp_path: Path) -> None:
    done = dry_debug("rule", RULE[:-1], cwd=tmp_path)
    assert done.returncode == 2
    assert f"did you mean `{RULE}`?" in done.stderr.decode()
    assert dry_debug("rule", cwd=tmp_path).returncode == 2


def test_config_shows_each_setting_and_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "dry-debug.toml").write_text('# mine\npreview = true\nextend = "base.toml"\n')
    (tmp_path / "base.toml").write_text(f'ignore = ["{CODE}"]\n')
    lines = dry_debug("config", cwd=tmp_path).stdout.decode().splitlines()
    assert lines[0] == "# dry-debug.toml"
    rows = dict(line.split("  # ") for line in lines[1:])
    origins = {key.strip(): origin.strip() for key, origin in rows.items()}
    assert origins["preview = true"] == "dry-debug.toml:2"
    assert origins[f'ignore = ["{CODE}"]'] == "base.toml:1"
    assert origins["hover = true"] == "default"


def test_the_schema_in_the_repository_is_the_one_of_the_settings(tmp_path: Path) -> None:
    printed = dry_debug("config", "--schema", cwd=tmp_path).stdout.decode()
    assert (ROOT / "dry-debug.schema.json").read_text() == printed


def test_server_takes_an_address_and_refuses_what_is_none(tmp_path: Path) -> None:
    done = dry_debug("server", "--tcp", "localhost", cwd=tmp_path)
    assert done.returncode == 2
    assert b"should be HOST:PORT" in done.stderr


def test_explain_refuses_what_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    for place in ("a.py", "a.py:0", "a.py:x"):
        done = dry_debug("explain", place, cwd=tmp_path)
        assert done.returncode == 2
        assert b"is not FILE:LINE" in done.stderr
