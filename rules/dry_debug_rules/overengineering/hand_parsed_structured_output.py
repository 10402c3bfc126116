"""OVER004: JSON is picked out of free text where the engine that wrote it can be held to a schema."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import given
from dry_debug.program.conversation import model_id
from dry_debug.program.evidence import Step
from dry_debug.program.generated_text import Written, written_by
from dry_debug.program.language_models import writes_json
from dry_debug.program.links import Link
from dry_debug.program.reaching import behind_name
from dry_debug.program.scopes import last_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_PARSERS = frozenset((
    "json.loads", "orjson.loads", "ujson.loads", "simplejson.loads", "json5.loads", "demjson3.decode",
    "json_repair.loads", "json_repair.repair_json",
))  # fmt: skip
_VALIDATES = frozenset(("model_validate_json", "parse_raw"))
_SEARCHES = frozenset(("search", "match", "fullmatch", "findall", "finditer"))
# A pattern for JSON: a fence, or a brace that begins the pattern or its group, and is no repetition (`\d{3}`).
_PATTERN = re.compile(r"```\s*\(?\??:?json|^\s*(?:\(\?\w+\))?\(?(?:\?:)?\\?\{(?!\d+(?:,\d*)?\})")
_BRACKETS = re.compile(r"json|\\?\{(?!\d+(?:,\d*)?\})|\\\[|\.[*+]|\[\\s\\S\]", re.IGNORECASE)  # or anything at all
_MOST_STEPS = 12  # names, parts and methods between a text and the search that cut it out
# What shows that the output is constrained already, or is no JSON alone: thoughts or the steps of an agent around it.
_CONSTRAINED = re.compile(
    r"\b(?:guided_\w+|GuidedDecodingParams|structured_outputs|StructuredOutputsParams|json_schema|ebnf|regex *="
    r"|outlines|lmformatenforcer|xgrammar|guidance|instructor|jsonformer|prefix_allowed_tokens_fn|\w*LogitsProcessor\w*"
    r"|response_format|reasoning_parser)\b|\btools *=|</think|Action Input|Observation:"
)


class HandParsedStructuredOutput(Rule):
    name = "hand-parsed-structured-output"
    code = "OVER004"
    shape = "site"
    severity = "suggestion"
    fix_kind = "display"
    triggers = (
        ("vllm", "sglang", "transformers"),
        (".generate(", ".chat(", ".run(", ".run_batch(", "text-generation"),
    )
    why = (
        "Free text may bring a sentence around the JSON, a fence or a missing bracket, and each such answer is lost or "
        "guessed at; decoding against a schema writes the JSON and nothing else."
    )
    instead = "Give the engine the schema (vLLM `structured_outputs`, SGLang `json_schema`) and parse what it returns."
    quotes = ("DRY-FW-5",)
    looks_at = "calls that parse or search for JSON"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (call for call, _ in _parses(program))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[ast.AST] = set()
        for call, text in (*_parses(program), *_by_others(program)):
            if _cut_otherwise(text, call, program):
                program.why(
                    call, "what it is given was cut out of the text by a pattern that is none of JSON: {}", text
                )
                continue
            found = written_by(text, call, program)
            if found is None:
                program.why(call, "the text is not known to come from a language model of this process: {}", text)
                continue
            files = dict.fromkeys((program, found.program))
            sign = next((m for f in files if (m := _CONSTRAINED.search(f.document.source)) is not None), None)
            if sign is not None:
                program.why(call, "the output may be constrained already, or more than JSON is wanted: `{}`", sign[0])
                continue
            if program.is_test:
                program.why(call, "the file is a test")
                continue
            if _writes_json(found):
                program.why(call, "the model writes JSON by its training")
                continue
            if found.call in told:
                program.why(call, "the first place that parses what this call writes is reported")
                continue
            told.add(found.call)
            yield _report(call, text, found, program)


def _writes_json(found: Written) -> bool:
    func = found.call.func
    model = found.program.value(func.value if isinstance(func, ast.Attribute) else func, found.call)
    known = model_id(model, found.program)
    return known is not None and writes_json(known[0])


def _by_others(program: Program) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Calls of functions in other files that parse what they are given: (the call here, the text)."""
    if not program.imports_project:
        return
    known: dict[Scope, set[str]] = {}
    for call in program.index.calls:
        if not (call.args or call.keywords) or not isinstance(call.func, ast.Name | ast.Attribute):
            continue
        target = program.target(call)
        function, owner = target.scope, target.program
        if target.kind != "function" or function is None or owner is None or owner is program:
            continue
        if function not in known:
            known[function] = {n for c, text in _parses(owner) if owner.scope(c) is function for n in _root(text)}
        for name in function.passed_names():
            passed = given(call, function, name) if name in known[function] else None
            if passed is not None:
                yield call, passed


def _root(text: ast.expr) -> set[str]:
    """The variable that a text is, or is cut out of."""
    node: ast.expr = text
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return set()
    return {node.id}


def _parses(program: Program) -> Iterator[tuple[ast.Call, ast.expr]]:
    """(call, the text that it is given) wherever JSON is parsed or searched for."""
    for call in program.index.calls:
        if not call.args and not call.keywords:
            continue
        name, func = last_name(call.func), call.func
        qualified = program.qualified(call)
        parses = qualified in _PARSERS or (name in _VALIDATES and isinstance(func, ast.Attribute))
        if parses and call.args:
            yield call, call.args[0]
        elif name in _SEARCHES and isinstance(func, ast.Attribute) and call.args:
            pattern, text = _search(call, func, qualified, program)
            if pattern is not None and text is not None and _PATTERN.search(pattern):
                yield call, text
        elif name == "split" and isinstance(func, ast.Attribute) and call.args:
            mark = call.args[0]
            if isinstance(mark, ast.Constant) and isinstance(mark.value, str) and "```json" in mark.value:
                yield call, func.value


def _cut_otherwise(text: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether `text` is what a pattern found that looks for no brace or bracket: a number, a tag."""
    node: ast.expr = text
    for _ in range(_MOST_STEPS):
        if isinstance(node, ast.Name):
            made = behind_name(program, node.id, program.scope(call), program.statement(call))
            if len(made) != 1 or made[0].value is None or made[0].kind not in ("assign", "walrus"):
                return False
            node = made[0].value
        elif isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if last_name(node.func) in _SEARCHES:
                pattern = _search(node, node.func, program.qualified(node), program)[0] if node.args else None
                return pattern is not None and not _BRACKETS.search(pattern)
            node = node.func.value
        else:
            return False
    return False


def _search(
    call: ast.Call, func: ast.Attribute, qualified: str | None, program: Program
) -> tuple[str | None, ast.expr | None]:
    """The pattern of a search, as far as it stands in the code, and the text that is searched."""
    if qualified is not None and qualified.startswith("re."):
        given, text = call.args[0], call.args[1] if len(call.args) > 1 else None
        value = program.value(given, call)
        return (value.const if isinstance(value.const, str) else None), text
    if qualified is None and isinstance(func.value, ast.Name):
        found = program.names.lookup(func.value.id, program.scope(call))
        made = found[1][-1].value if found is not None else None
        if isinstance(made, ast.Call) and made.args and isinstance(made.args[0], ast.Constant):
            pattern = made.args[0].value
            return (pattern if isinstance(pattern, str) else None), call.args[0]
    return None, None


def _report(call: ast.Call, text: ast.expr, found: Written, program: Program) -> Report:
    title = _title(call, found, program)
    generates = found.program.short(found.call.func, 28)
    return Report(
        at=call,
        headline=f"`{program.short(call.func, 24)}` picks JSON out of the free text that `{generates}()` writes",
        confidence="high" if found.program is program else "medium",
        evidence=[
            Step(found.program, found.call, "the text is generated here, with nothing that holds it to a format"),
            Step(program, text, "and parsed here as it came"),
        ],
        links=lambda: [Link("path", "high", f"the text comes from `{generates}()`")],
        fix=lambda: Fix(title, "display", ()),
        fix_title=title,
    )


def _title(call: ast.Call, found: Written, program: Program) -> str:
    """The argument that constrains this engine, in its words."""
    schema = "schema"
    if isinstance(call.func, ast.Attribute) and call.func.attr in _VALIDATES:
        schema = f"{program.short(call.func.value, 30)}.model_json_schema()"
    if found.engine == "sglang":
        return f'Hold the engine to the schema: `sampling_params={{"json_schema": json.dumps({schema})}}`'
    if found.engine == "vllm":
        if _is_old(program.version("vllm")):
            return f"Hold the engine to it: `SamplingParams(guided_decoding=GuidedDecodingParams(json={schema}))`"
        return f"Hold the engine to it: `SamplingParams(structured_outputs=StructuredOutputsParams(json={schema}))`"
    return "Hold the model to the schema with Outlines, or generate with an engine that takes it (vLLM, SGLang)"


def _is_old(version: str | None) -> bool:
    """Whether a version of vLLM knows only the older spelling."""
    numbers = re.match(r"0\.(\d+)", version or "")
    return numbers is not None and int(numbers[1]) < 11
