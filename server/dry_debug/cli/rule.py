"""`dry-debug rule`: the page of one rule, or the list of all."""

import argparse
import json
from typing import Any

from dry_debug.cli.output import say, write_lines
from dry_debug.cli.terminal import is_terminal, painter
from dry_debug.lint import manifest
from dry_debug.lint.manifest import RuleInfo
from dry_debug.project.config import did_you_mean
from dry_debug.project.pages import page_text, page_url
from dry_debug.render.words import quotations


def run(options: argparse.Namespace) -> int:
    """Print; returns 2 if there is no such rule."""
    if options.all == bool(options.rule):
        say("dry-debug: name one rule, or give --all")
        return 2
    if options.all:
        rules = manifest.rules()
        if options.format == "json":
            write_lines([json.dumps([_as_data(info) for info in rules], indent=2)])
        else:
            write_lines(_listing(rules))
        return 0
    info = manifest.find(options.rule)
    if info is None:
        known = [name for info in manifest.rules() for name in (info.name, info.code)]
        say(f"dry-debug: there is no rule `{options.rule}`{did_you_mean(options.rule, known)}")
        return 2
    if options.format == "json":
        write_lines([json.dumps(_as_data(info), indent=2)])
        return 0
    page = page_text(info.name)
    if page is None:
        say(f"dry-debug: the page of {info.name} is missing")
        return 2
    head = f"{info.code} · {info.severity} · {info.status} · fix: {info.fix_kind}"
    page = page.rstrip("\n") + "\n" + _heard(info)
    if is_terminal():
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console()
        console.print(head, style="dim", highlight=False)
        console.print(Markdown(page))
    else:
        write_lines([head, "", page.rstrip("\n")])
    return 0


def _heard(info: RuleInfo) -> str:
    """What the hover of a finding quotes and says to do, as a last section of the page; "" where it says nothing."""
    rows = [f"> **{label.capitalize()}:** {words}" for label, words in quotations(info.name, info.quotes)]
    body = ["\n>\n".join(rows)] if rows else []
    body += [f"**Instead:** {info.instead}"] if info.instead else []
    return "\n\n".join(["", "## Heard before" if rows else "## Instead", *body]) + "\n" if body else ""


def _listing(rules: tuple[RuleInfo, ...]) -> list[str]:
    paint = painter()
    code = max((len(info.code) for info in rules), default=0)
    name = max((len(info.name) for info in rules), default=0)
    lines = []
    for info in rules:
        severity = paint(info.severity, f"{info.severity:<10}")
        preview = " (preview)" if info.status == "preview" else ""
        lines.append(f"{info.code:<{code}}  {severity}  {info.name:<{name}}  {info.summary}{preview}")
    return lines


def _as_data(info: RuleInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "code": info.code,
        "family": info.family,
        "summary": info.summary,
        "severity": info.severity,
        "status": info.status,
        "shape": info.shape,
        "fix": info.fix_kind,
        "quotes": list(info.quotes),
        "url": page_url(info.name),
        "page": page_text(info.name),
    }
