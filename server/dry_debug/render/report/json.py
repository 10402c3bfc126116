"""The report as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dry_debug.render.formats import Context
from dry_debug.render.record import Record, shown
from dry_debug.render.report.account import Account, Critical, Over
from dry_debug.render.report.parts import evidence
from dry_debug.spec.rows import Row


def render(account: Account, context: Context) -> Iterator[str]:
    """The report as one JSON object, line by line."""
    yield from json.dumps(as_data(account, context), indent=2, ensure_ascii=False).split("\n")


def as_data(account: Account, context: Context) -> dict[str, Any]:
    """The contract: paths are relative to the current folder where they lie below it, lines start at 1."""
    return {
        "critical": [_critical(one, context) for one in account.critical],
        "compliance": {
            "matches": [_row(row, context) for row in account.matches],
            "deviations": [_row(row, context) for row in account.deviations],
            "assumptions": [_row(row, context) for row in account.assumptions],
            "not_implemented": [_row(row, context) for row in account.not_implemented],
        },
        "overengineering": [_over(one, context) for one in account.overengineering],
        "warnings": [_record(one, context) for one in account.warnings],
        "suggestions": [_record(one, context) for one in account.suggestions],
        "summary": {
            "critical": len(account.critical),
            "deviations": len(account.deviations),
            "warnings": len(account.warnings),
            "actions": account.actions,
        },
    }


def _row(row: Row, context: Context) -> dict[str, Any]:
    instruction = None
    if row.source_file is not None:
        instruction = {"file": context.shown_path(row.source_file), "line": row.source_line, "text": row.source_text}
    code = {"file": context.shown_path(row.file), "line": row.line} if row.file is not None else None
    return {
        "field": row.field,
        "asked": row.asked,
        "got": row.got,
        "justification": row.justification or row.better or None,
        "instruction": instruction,
        "code": code,
    }


def _critical(one: Critical, context: Context) -> dict[str, Any]:
    return {
        "title": one.title,
        "file": context.shown_path(one.file) if one.file is not None else None,
        "line": one.line,
        "field": one.row.field if one.row is not None else None,
        "asked": one.row.asked if one.row is not None else None,
        "got": one.row.got if one.row is not None else None,
        "why": one.why,
        "fix": one.fix or None,
        "rule": one.record["name"] if one.record is not None else None,
        "instruction": _row(one.row, context)["instruction"] if one.row is not None else None,
    }


def _over(one: Over, context: Context) -> dict[str, Any]:
    return {
        "issue": one.issue,
        "evidence": evidence(one, context),
        "impact": one.impact,
        "recommendation": one.recommendation or None,
        "file": context.shown_path(one.record["filename"]),
        "line": one.record["location"]["row"],
        "rule": one.record["name"],
    }


def _record(record: Record, context: Context) -> dict[str, Any]:
    return {
        "message": record["message"],
        "why": record["why"],
        "fix": shown(record)["fix_title"] or None,
        "file": context.shown_path(record["filename"]),
        "line": record["location"]["row"],
        "rule": record["name"],
    }
