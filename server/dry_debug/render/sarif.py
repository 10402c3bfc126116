"""SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for GitHub code scanning and editors.

Written as plain JSON: the Python packages with SARIF classes are unmaintained since 2019 or bring pydantic, and the
part of the format that is used here is small. A test holds the output against the published schema.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from dry_debug.render.formats import Context
from dry_debug.render.record import EditRecord, Location, Record, RelatedRecord

_LEVELS = {"critical": "error", "warning": "warning", "suggestion": "note"}
# GitHub sorts by precision; what we call confidence is that.
_PRECISION = {"high": "high", "medium": "medium", "low": "low"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One log with one run."""
    codes = list(dict.fromkeys(record["code"] for record in records))
    first = {record["code"]: record for record in reversed(records)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Dry Debug",
                "version": context.version,
                "rules": [_rule(first[code], context) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"uri": _uri(context.folder.rstrip("/\\") + "/")}},
        "invocations": [
            {
                "executionSuccessful": not context.problems,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": _told(problem.message, problem.path)}}
                    for problem in context.problems
                ],
            }
        ],
        "results": [_result(record, codes.index(record["code"]), context) for record in records],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, indent=2)


def _told(message: str, path: str) -> str:
    return f"{path}: {message}" if path else message


def _rule(record: Record, context: Context) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": record["code"],
        "name": "".join(part.capitalize() for part in record["name"].split("-")),
        "shortDescription": {"text": context.rules.get(record["name"], record["name"])},
        "defaultConfiguration": {"level": _LEVELS[record["severity"]]},
        "properties": {"tags": ["machine-learning", record["name"]], "precision": _PRECISION[record["confidence"]]},
    }
    if record["why"]:
        rule["fullDescription"] = {"text": record["why"]}
    if record["url"]:
        rule["helpUri"] = record["url"]
    return rule


def _result(record: Record, index: int, context: Context) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": record["code"],
        "ruleIndex": index,
        "level": _LEVELS[record["severity"]],
        "message": {"text": f"{record['message']}. {record['why']}".strip()},
        "locations": [_location(record, context)],
        "partialFingerprints": {"dryDebug/v1": record["fingerprint"]},
    }
    related = [
        {
            "id": number,
            "message": {"text": step["message"]},
            **_location(step, context),
        }
        for number, step in enumerate(record["related"], 1)
    ]
    if related:
        result["relatedLocations"] = related
    fix = record["fix"]
    # SARIF fixes are offered for applying, and its regions know no cells.
    if fix is not None and fix["applicability"] != "display" and fix["edits"] and record["cell"] is None:
        files = dict.fromkeys(edit["filename"] for edit in fix["edits"])
        changes = [
            {
                "artifactLocation": _artifact(path, context),
                "replacements": [_replacement(edit) for edit in fix["edits"] if edit["filename"] == path],
            }
            for path in files
        ]
        result["fixes"] = [{"description": {"text": fix["message"]}, "artifactChanges": changes}]
    return result


def _location(at: Record | RelatedRecord, context: Context) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(at["filename"], context)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if at["cell"] is None:
        physical["region"] = _region(at["location"], at["end_location"])
    else:  # a row of a cell is no line of the notebook's file
        location["logicalLocations"] = [{"name": f"cell {at['cell']}, line {at['location']['row']}"}]
    return location


def _region(start: Location, end: Location) -> dict[str, int]:
    return {
        "startLine": start["row"],
        "startColumn": start["column"],
        "endLine": end["row"],
        "endColumn": end["column"],
    }


def _replacement(edit: EditRecord) -> dict[str, Any]:
    return {
        "deletedRegion": _region(edit["location"], edit["end_location"]),
        "insertedContent": {"text": edit["content"]},
    }


def _artifact(path: str, context: Context) -> dict[str, str]:
    shown = context.shown_path(path)
    if shown != path.replace("\\", "/"):
        return {"uri": _quoted(shown), "uriBaseId": "ROOT"}
    return {"uri": _uri(path)}


def _uri(path: str) -> str:
    path = path.replace("\\", "/")
    return ("file://" if path.startswith("/") else "file:///") + _quoted(path)


def _quoted(path: str) -> str:
    return quote(path, safe="/:", errors="surrogateescape")
