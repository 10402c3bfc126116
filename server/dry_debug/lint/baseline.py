"""The baseline: findings that are known and not shown, by fingerprint. Reading and writing the file is not done here.

The file is JSON: `{"version": 1, "files": {path: {fingerprint: rule name}}}`, paths relative to the file's folder and
with forward slashes, everything sorted so that a diff shows what changed.
"""

import json
from collections.abc import Iterable, Mapping

from dry_debug.lint.finding import Finding
from dry_debug.records import dataclass, field

VERSION = 1


class BaselineError(ValueError):
    """The text is not a baseline; the message names the file, and the line where there is one."""


@dataclass(frozen=True)
class Baseline:
    """Path -> fingerprint -> rule name."""

    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def is_known(self, finding: Finding, path: str) -> bool:
        """Whether `finding` of the file `path` (relative, as in the baseline) is listed."""
        return self.files.get(_slashes(path), {}).get(finding.fingerprint) == finding.rule

    def known(self, findings: Iterable[Finding], path: str) -> tuple[Finding, ...]:
        """Those of `findings` that are listed for `path`."""
        return tuple(finding for finding in findings if self.is_known(finding, path))

    def new(self, findings: Iterable[Finding], path: str) -> tuple[Finding, ...]:
        """Those of `findings` that are not listed for `path`."""
        return tuple(finding for finding in findings if not self.is_known(finding, path))


def parse(text: str, name: str) -> Baseline:
    """The baseline in `text`; `name` is the file's name for messages. Raises BaselineError."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BaselineError(f"{name}:{error.lineno}: the baseline is not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise BaselineError(f"{name}: the baseline is nested too deeply") from error
    if not isinstance(data, dict) or "version" not in data:
        raise BaselineError(f'{name}: the baseline is not an object with "version" and "files"')
    if data["version"] != VERSION:
        raise BaselineError(f"{name}: baseline version {data['version']!r}; this release reads version {VERSION}")
    files = data.get("files")
    if not isinstance(files, dict):
        raise BaselineError(f'{name}: "files" in the baseline is not an object')
    for path, entries in files.items():
        if not isinstance(entries, dict) or not all(isinstance(rule, str) for rule in entries.values()):
            raise BaselineError(f"{name}: the entry for {path!r} does not map fingerprints to rule names")
    return Baseline({_slashes(path): entries for path, entries in files.items()})


def render(findings: Mapping[str, Iterable[Finding]]) -> str:
    """The text of a baseline that lists `findings` (relative path -> its findings). Files without findings are left
    out."""
    return render_entries(
        {path: {finding.fingerprint: finding.rule for finding in found} for path, found in findings.items()}
    )


def render_entries(entries: Mapping[str, Mapping[str, str]]) -> str:
    """The text of a baseline that lists `entries` (relative path -> fingerprint -> rule name)."""
    files = {_slashes(path): dict(sorted(entries[path].items())) for path in sorted(entries) if entries[path]}
    return json.dumps({"version": VERSION, "files": files}, indent=2) + "\n"


def _slashes(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")
