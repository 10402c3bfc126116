"""Environment markers of requirements (`; python_version < "3.9"`, `; sys_platform == "darwin"`): whether they hold.

Nobody knows on which machine a project will run, so a marker is asked for every Python that the project admits and
every common platform: it holds on all of them, on none, or nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

# Versions of CPython that are in use; what a project says of its own narrows them.
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_PLATFORMS = (
    ("linux", "Linux", "posix", "x86_64"),
    ("linux", "Linux", "posix", "aarch64"),
    ("darwin", "Darwin", "posix", "arm64"),
    ("win32", "Windows", "nt", "AMD64"),
)
_EXTRA = re.compile(r"""extra\s*[=!]=\s*['"]([\w.-]{1,80})['"]""")
_LONGEST = 1_000  # code points


@cache
def holds(marker: str, pythons: Sequence[str] = PYTHONS) -> bool | None:
    """Whether `marker` (without the semicolon) holds everywhere (True) or nowhere (False) on `pythons`; None: it
    depends, or cannot be read. Extras are asked for or not: nobody knows."""
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    if len(marker) > _LONGEST or not pythons:
        return None
    try:
        parsed = Marker(marker)
        answers = {parsed.evaluate(environment) for environment in _environments(marker, pythons)}
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
        return None
    return answers.pop() if len(answers) == 1 else None


def admitted(condition: str) -> tuple[str, ...]:
    """Those of PYTHONS that a project admits which says `condition` of its Python (`>=3.9,<3.12`, poetry's `^3.10`);
    all of them where that cannot be read, or admits none of them."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = re.sub(r"\^\s*(\d+)((?:\.\d+)*)", r">=\1\2,<4", condition)  # poetry: below the next major version
    text = re.sub(r"(?<![~=<>!])~\s*(?=\d)", "~=", text)
    if re.fullmatch(r"\s*\d+\.\d+(?:\.\d+)?\s*", text):
        text = f"=={'.'.join(text.strip().split('.')[:2])}.*"
    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier:
        return PYTHONS
    return tuple(python for python in PYTHONS if any(f"{python}.{patch}" in wanted for patch in (0, 9, 20))) or PYTHONS


def _environments(marker: str, pythons: Sequence[str]) -> Iterator[dict[str, str]]:
    for extra in ("", *_EXTRA.findall(marker)[:8]):
        for sys_platform, system, os_name, machine in _PLATFORMS:
            for python in pythons:
                yield {
                    "extra": extra,
                    "implementation_name": "cpython",
                    "implementation_version": f"{python}.9",
                    "os_name": os_name,
                    "platform_machine": machine,
                    "platform_python_implementation": "CPython",
                    "platform_release": "",
                    "platform_system": system,
                    "platform_version": "",
                    "python_full_version": f"{python}.9",
                    "python_version": python,
                    "sys_platform": sys_platform,
                }
