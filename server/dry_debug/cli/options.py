"""The command line, as argparse sees it. Flags of settings are made from the fields of `lint.settings.Settings`."""

import argparse
import functools
import os
import sys
from collections.abc import Container, Sequence
from typing import Any

from dry_debug import __version__
from dry_debug.lint.settings import PATHS, Settings, converted, kebab_case
from dry_debug.records import fields
from dry_debug.render.formats import FORMATS


@functools.cache
def _width() -> int:
    """Columns for help texts: those of the terminal, less two, as argparse has it."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns) - 2
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns - 2  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 78


class _Help(argparse.HelpFormatter):
    """argparse makes one for each argument, to check it; asking `shutil` for the width cost 3 ms of every run."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=max(_width(), 11))


class _Parser(argparse.ArgumentParser):
    def __init__(self, **given: Any) -> None:
        given.setdefault("formatter_class", _Help)
        super().__init__(**given)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command; `command_module` in its result is the module whose `run` does the work."""
    top = _Parser(
        prog="dry-debug",
        description="Finds what will crash, silently train wrong, leak memory or be lost, without running the code.",
    )
    top.add_argument("--version", action="version", version=f"dry-debug {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _check(commands)
    _others(commands)
    return top


def _check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="check files, folders or standard input",
        description="Checks Python files and notebooks. Results are kept in the cache folder of the user, or in "
        "$DRY_DEBUG_CACHE_DIR.",
        epilog="Exit status: 0 nothing found, 1 findings, 2 the work could not be done.",
    )
    check.set_defaults(command_module="dry_debug.cli.check")
    check.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; - is standard input (default: .)")
    output = check.add_argument_group("output")
    output.add_argument("--format", choices=FORMATS, help="default: full on a terminal, else concise")
    output.add_argument("--output-file", metavar="FILE", help="write the output to FILE")
    output.add_argument("--statistics", action="store_true", help="show how often each rule was found instead")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    changes = check.add_argument_group("changes")
    changes.add_argument("--fix", action="store_true", help="apply the fixes that keep the meaning")
    changes.add_argument("--unsafe-fixes", action="store_true", help="with --fix, --diff: also fixes to be looked at")
    changes.add_argument("--diff", action="store_true", help="show what --fix would change, and change nothing")
    changes.add_argument("--add-ignore", action="store_true", help="add a suppression comment for every finding")
    _settings(check.add_argument_group("rules and files"))
    _config(check)
    other = check.add_argument_group("running")
    other.add_argument("--jobs", type=_positive, metavar="N", help="number of processes (default: one for each core)")
    other.add_argument("--no-cache", action="store_true", help="analyse everything anew")
    other.add_argument("--stdin-filename", metavar="FILE", help="read standard input, as if it were FILE")


def _report(commands: Any) -> None:
    report = commands.add_parser(
        "report",
        help="compare code with the instructions for it and report in four parts",
        description="Critical errors, instruction compliance, overengineering, warnings and suggestions. "
        "Instructions are "
        "those of --spec, else INSTRUCTIONS.md, TASK.md, SPEC.md or .dry-debug/instructions.md beside a file or "
        "above it.",
        epilog="Exit status: 0 nothing to do, 1 something to do, 2 the work could not be done.",
    )
    report.set_defaults(command_module="dry_debug.cli.report")
    report.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: .)")
    report.add_argument("--format", choices=("text", "markdown", "html", "json"), default="text")
    report.add_argument("--output-file", metavar="FILE", help="write the report to FILE")
    report.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there is something to do")
    _settings(report.add_argument_group("rules and files"))
    _config(report)


def _others(commands: Any) -> None:
    _report(commands)
    rule = commands.add_parser("rule", help="show the page of a rule, or list all rules")
    rule.set_defaults(command_module="dry_debug.cli.rule")
    rule.add_argument("rule", nargs="?", metavar="NAME|CODE")
    rule.add_argument("--all", action="store_true", help="list all rules")
    rule.add_argument("--format", choices=("text", "json"), default="text")

    facts = commands.add_parser("facts", help="show what a program is: its components, loops, steps, saves, ...")
    facts.set_defaults(command_module="dry_debug.cli.facts")
    facts.add_argument("paths", nargs="+", metavar="PATH", help="files and folders; - is standard input")
    facts.add_argument("--format", choices=("text", "json"), default="text")
    facts.add_argument("--stdin-filename", metavar="FILE", help="read standard input, as if it were FILE")
    _settings(facts.add_argument_group("files"), ("environment",))

    explain = commands.add_parser("explain", help="show why something is, or is not, reported at a line")
    explain.set_defaults(command_module="dry_debug.cli.explain")
    explain.add_argument("place", metavar="FILE:LINE", help="in a notebook FILE:cell N:LINE")
    explain.add_argument("rule", nargs="?", metavar="RULE", help="name or code of one rule (default: all)")
    explain.add_argument("--format", choices=("text", "json"), default="text")
    _settings(explain.add_argument_group("rules and files"))
    _config(explain)

    route = commands.add_parser("route", help="show where to look first for an error message, a log or a complaint")
    route.set_defaults(command_module="dry_debug.cli.route")
    route.add_argument(
        "words", nargs="*", metavar="TEXT|PATH", help="the text (- or none: standard input), then files to look into"
    )
    route.add_argument("--format", choices=("text", "json"), default="text")
    _config(route)

    server = commands.add_parser("server", help="run the language server")
    server.set_defaults(command_module="dry_debug.cli.server")
    server.add_argument("--stdio", action="store_true", help="speak on standard input and output (the default)")
    server.add_argument("--tcp", metavar="HOST:PORT", type=_address, help="listen there instead")

    config = commands.add_parser("config", help="show the settings in use and where each comes from")
    config.set_defaults(command_module="dry_debug.cli.config")
    config.add_argument("path", nargs="?", default=".", metavar="PATH", help="file or folder whose settings are shown")
    config.add_argument("--schema", action="store_true", help="print the JSON schema of the config file")
    config.add_argument("--format", choices=("text", "json"), default="text")
    _config(config)


def _config(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("configuration")
    group.add_argument("--config", metavar="FILE", help="use this config file and look for no other")
    group.add_argument("--isolated", action="store_true", help="use no config file")


def _settings(group: argparse._ArgumentGroup, names: Container[str] | None = None) -> None:
    for item in fields(Settings):
        if not item.metadata.get("flag") or (names is not None and item.name not in names):
            continue
        flag, text = "--" + kebab_case(item.name), item.metadata["help"].rstrip(".")
        kind = str(item.type)
        if kind.startswith("tuple["):
            name = "PATTERN" if item.name == "exclude" else "RULE"
            group.add_argument(flag, action="append", metavar=name, help=f"{text} (a list with commas)")
        elif kind.startswith("dict["):
            group.add_argument(flag, action="append", metavar="NAME=LEVEL", help=text)
        elif item.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        elif item.name == "baseline":
            group.add_argument(flag, metavar="FILE", help=f"{text}; written if it does not exist")
        elif item.name in PATHS:
            group.add_argument(flag, metavar="PATH" if item.name == "environment" else "FILE", help=text)
        else:
            group.add_argument(flag, metavar="LEVEL", help=text, type=_of_setting(item.name))


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the flags give, by field name. Raises ValueError naming the flag that is wrong."""
    values: dict[str, Any] = {}
    for item in fields(Settings):
        given = getattr(options, item.name, None)
        if not item.metadata.get("flag") or given is None:
            continue
        flag = "--" + kebab_case(item.name)
        kind = str(item.type)
        if kind.startswith("tuple["):
            values[item.name] = tuple(_split(given))
        elif kind.startswith("dict["):
            pairs = [part.partition("=") for part in _split(given)]
            try:
                values[item.name] = converted(item.name, {name: level for name, _, level in pairs})
            except ValueError as error:
                message = str(error).removeprefix("a table whose every value is ")
                raise ValueError(f"{flag} should be NAME=LEVEL with LEVEL {message}") from None
        elif item.name in PATHS:
            values[item.name] = os.path.abspath(os.path.expanduser(given))
        else:
            values[item.name] = given
    if "environment" in values:
        from dry_debug.project.installed import folders_of

        if not folders_of(values["environment"]):
            raise ValueError(f"--environment: there are no installed packages in {options.environment}")
    return values


def _split(given: Sequence[str]) -> list[str]:
    return [part.strip() for text in given for part in text.split(",") if part.strip()]


class _of_setting:
    """Converts the text of a flag to the value of a setting, with argparse's kind of complaint."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, text: str) -> Any:
        try:
            return converted(self._name, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"should be {error}, not {text!r}") from None


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"should be a number from 1 up, not {text!r}")
    return number


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"should be HOST:PORT, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)
