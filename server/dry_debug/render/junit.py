"""JUnit's XML: a suite for each file, a failed case for each finding, and a passed one for each file without any."""

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as XML

from dry_debug.render.formats import Context
from dry_debug.render.record import Record

# What XML 1.0 (section 2.2) cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(records: Sequence[Record], context: Context) -> Iterator[str]:
    """One XML document."""
    by_file: dict[str, list[Record]] = {path: [] for path in context.files}
    for record in records:
        by_file.setdefault(record["filename"], []).append(record)
    root = XML.Element("testsuites", name="dry-debug", tests="0", failures=str(len(records)), errors="0")
    tests = 0
    for path, found in by_file.items():
        name = _clean(context.shown_path(path))
        count = str(max(1, len(found)))
        tests += int(count)
        suite = XML.SubElement(root, "testsuite", name=name, tests=count, failures=str(len(found)), errors="0")
        if not found:
            XML.SubElement(suite, "testcase", name="no findings", classname=name, file=name)
        for record in found:
            at = record["location"]
            cell = f"cell {record['cell']}, " if record["cell"] is not None else ""
            attributes = {
                "name": f"{record['code']} {record['name']}",
                "classname": name,
                "file": name,
                "line": str(at["row"]),
                "column": str(at["column"]),
            }
            case = XML.SubElement(suite, "testcase", attributes)
            failure = XML.SubElement(case, "failure", message=_clean(record["message"]), type=record["severity"])
            place = f"{cell}line {at['row']}, column {at['column']}"
            failure.text = _clean(f"{place}: {record['message']}\n{record['why']}")
    root.set("tests", str(tests))
    XML.indent(root)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield XML.tostring(root, encoding="unicode")


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
