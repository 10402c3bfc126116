"""Where SGLang generates text and is not told how long it may get: engines of this process, requests to a server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.payload import Contents, PayloadReader, is_none
from dry_debug.program.prompt_texts import Texts, texts
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_METHODS = ("generate", "async_generate")
# With one of these nothing is cut that anybody misses: a length, a pattern, a measurement.
_LENGTHS = frozenset(("max_new_tokens", "max_tokens"))
_PATTERNS = frozenset("json_schema regex ebnf structural_tag stop_regex stop_token_ids dtype".split())
_MEASURED = frozenset(("ignore_eos", "min_new_tokens"))
# What is asked of a call that wants no text: states, probabilities.
_NO_TEXT = frozenset("return_hidden_states return_logprob logprob_start_len token_ids_logprob".split())
# What else `generate` takes; with an argument that is none of these it is another library's.
_ARGUMENTS = frozenset(
    "prompt sampling_params input_ids image_data audio_data video_data lora_path stream rid session_params priority "
    "return_text_in_logprobs custom_logit_processor".split()
)
_SET_LATER = re.compile(r"""["']max_(?:new_)?tokens["']\s*\]\s*=(?!=)""")
# What an engine and a server are told; a dict that has other keys only may be anything.
_SETTINGS = frozenset(
    "temperature top_p top_k min_p frequency_penalty presence_penalty repetition_penalty n stop skip_special_tokens "
    "spaces_between_special_tokens no_stop_trim custom_params sampling_seed logit_bias".split()
)
_BODY = frozenset(
    "text input_ids image_data sampling_params stream rid model lora_path stream_output modalities "
    "return_text_in_logprobs log_metrics".split()
)


@dataclass(frozen=True, slots=True)
class Unlimited:
    """A call that generates text with the default length. `settings` is the display of its sampling parameters;
    None: it has none. `prompt`: what the texts of its prompt ask for."""

    call: ast.Call
    how: Literal["engine", "server"]
    settings: ast.Dict | None
    body: ast.Dict | None
    prompt: Texts


def engine_calls(program: Program) -> Iterator[ast.Call]:
    """The calls of this file that generate with an engine of SGLang."""
    for method in _METHODS:
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            engine = program.value(call.func.value, call)
            if engine.kind == "engine" and (engine.type or "").startswith("sglang"):
                yield call


def requests(program: Program) -> Iterator[ast.Call]:
    """The calls of this file that post JSON to the address of a server that ends in `/generate`."""
    if "/generate" not in program.document.source:
        return
    for call in program.method_calls("post"):
        url, body = argument(call, 0, "url"), argument(call, 2, "json")
        if url is None or body is None:
            continue
        said = texts([(url, program.scope(call))], program).literals
        if any(text.rstrip("/").endswith("/generate") for text in said):
            yield call


def engine_call(call: ast.Call, program: Program) -> Unlimited | str:
    """What a call of `engine_calls` leaves at the default; why nothing, as a text."""
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return "its arguments may bring a length"
    if any(k.arg in _NO_TEXT for k in call.keywords):
        return "it is asked for more than the text"
    if any(k.arg not in _ARGUMENTS for k in call.keywords):
        return "it is given what engines of SGLang do not take, or not to generate text"
    prompt, given = argument(call, 0, "prompt"), argument(call, 1, "sampling_params")
    settings = None
    if given is not None and not is_none(given):
        contents = PayloadReader(program).read(given, call)
        reason = _length_of(contents, _SETTINGS, program)
        if reason is not None:
            return reason
        settings = contents.display
        if settings is None:
            return "its parameters are not written as `{...}` in this file"
    said = texts([(prompt, program.scope(call))] if prompt is not None else [], program)
    return Unlimited(call, "engine", settings, None, said)


def request(call: ast.Call, program: Program) -> Unlimited | str:
    """The same of a call of `requests`."""
    body = argument(call, 2, "json")
    assert body is not None
    contents = PayloadReader(program).read(body, call)
    keys = {entry.key for entry in contents.entries}
    if not keys & {"text", "input_ids"} or contents.display is None:
        return "what it sends is not known to be for a server of SGLang"
    if keys & _NO_TEXT:
        return "it is asked for more than the text"
    own = {key.value: value for key, value in zip(contents.display.keys, contents.display.values, strict=True)
           if isinstance(key, ast.Constant)}  # fmt: skip
    inner = own.get("sampling_params")
    if inner is None and ("sglang" not in program.document.source.lower() or "sampling_params" in keys):
        return "what it sends is not known to be for a server of SGLang"
    if inner is not None and not isinstance(inner, ast.Dict):
        parameters = PayloadReader(program).read(inner, call)
        reason = _length_of(parameters, _SETTINGS, program)
        if reason is None and parameters.display is None:
            reason = "its parameters are not written as `{...}` in this file"
        if reason is not None:
            return reason
        inner = parameters.display
    reason = _length_of(contents, _SETTINGS | _BODY, program)
    if reason is not None:
        return reason
    prompt = own.get("text")
    said = texts([(prompt, program.scope(call))] if prompt is not None else [], program)
    return Unlimited(call, "server", inner if isinstance(inner, ast.Dict) else None, contents.display, said)


def _length_of(contents: Contents, known: frozenset[str], program: Program) -> str | None:
    """Why the default length does not hold, or may not; None if it does."""
    keys = {entry.key for entry in contents.entries}
    if keys & _LENGTHS:
        return "the length is given"
    if keys & _PATTERNS:
        return "a pattern ends the answer"
    if keys & _MEASURED:
        return "the length is the matter of a measurement"
    if not contents.complete or not keys <= known:
        return "its parameters may bring a length"
    if _SET_LATER.search(program.document.source):
        return "a length is put into a dict of this file"
    for entry in contents.entries:
        if entry.key == "stop" and not open_stop(entry.node):
            return "a stop text ends the answer, or may"
    return None


def open_stop(expr: ast.AST) -> bool:
    """Whether a stop text leaves room for a long answer: the end of a turn or a block, not of a line or a sentence."""
    stops = expr.elts if isinstance(expr, ast.List | ast.Tuple) else [expr]
    return all(
        isinstance(s, ast.Constant) and (s.value is None or (isinstance(s.value, str) and len(s.value.strip()) > 2))
        for s in stops
    )
