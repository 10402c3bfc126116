"""GitLab's Code Quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format: paths are relative to the repository, and
a fingerprint may occur once in a report.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from dry_debug.render.formats import Context
from dry_debug.render.record import Record

_SEVERITIES = {"critical": "critical", "warning": "major", "suggestion": "minor"}


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One JSON list."""
    seen: set[str] = set()
    rows = []
    for record in records:
        path = context.shown_path(record["filename"])
        fingerprint = _digest(path, record["fingerprint"])
        while fingerprint in seen:
            fingerprint = _digest(fingerprint)
        seen.add(fingerprint)
        start, end = record["location"], record["end_location"]
        if record["cell"] is not None:
            start = end = {"row": 1, "column": 1}
        rows.append(
            {
                "description": f"{record['message']}. {record['why']}".strip(),
                "check_name": record["name"],
                "fingerprint": fingerprint,
                "severity": _SEVERITIES[record["severity"]],
                "location": {
                    "path": path,
                    "positions": {
                        "begin": {"line": start["row"], "column": start["column"]},
                        "end": {"line": end["row"], "column": end["column"]},
                    },
                },
            }
        )
    yield json.dumps(rows, indent=2)


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
