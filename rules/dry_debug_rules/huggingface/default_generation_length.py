"""HF007: `generate` of transformers stops after 20 tokens when nobody says how long an answer may get."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence, Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.encodings import encodings_behind
from dry_debug.program.evidence import Step, made, weakest
from dry_debug.program.generation import Generation, generations
from dry_debug.program.language_models import length_of_its_own
from dry_debug.program.links import Link, kind_link

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_TOKENS = 256
# Arguments that set a length, or may: a list of criteria, a time, a config; or with which the length is no matter.
_LENGTHS = frozenset(
    "max_new_tokens max_length generation_config stopping_criteria max_time prefix_allowed_tokens_fn constraints "
    "force_words_ids output_scores output_logits custom_generate".split()
)
# What a file says that gives the model itself a length, or may.
_SET_ON_OBJECT = re.compile(
    r"generation_config|GenerationConfig|task_specific_params|\.max_(?:length|new_tokens)\s*=(?!=)|config\.update\("
)
_CAUSAL = ("ForCausalLM", "GPT2LMHeadModel", "OpenAIGPTLMHeadModel")
_T5 = frozenset("T5ForConditionalGeneration MT5ForConditionalGeneration LongT5ForConditionalGeneration".split())


class DefaultGenerationLength(Rule):
    name = "default-generation-length"
    code = "HF007"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = ((".generate(",),)
    why = (
        "Where nobody sets a length, transformers stop after 20 tokens, so answers break off in the middle; before "
        "version 4.47 the prompt counts too, and leaves little or nothing of them."
    )
    quotes = ("DRY-FOC-2",)
    instead = "Say how long an answer may get: `model.generate(..., max_new_tokens=...)`."
    looks_at = "calls of `generate` on a language model of transformers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for generation in generations(program):
            if generation.model.kind == "module":
                yield generation.call

    def check(self, program: Program) -> Iterator[Report]:
        for generation in generations(program):
            if generation.model.kind != "module":
                continue
            call = generation.call
            reason = _may_be_set(generation, program)
            if reason is not None:
                program.why(call, *reason)
                continue
            sure, unknown = _default(generation.model, program)
            if sure is None:
                program.why(call, unknown)
                continue
            yield _report(generation, sure, program)


def _may_be_set(generation: Generation, program: Program) -> tuple[str, *tuple[ast.AST | str, ...]] | None:
    """Where the length is given, or may be; None if nowhere."""
    call = generation.call
    for keyword in call.keywords:
        if keyword.arg in _LENGTHS:
            return "`{}` is given: {}", keyword.arg or "", keyword.value
        if keyword.arg is None and not _only_inputs(keyword.value, call, program):
            return "{} may bring a length", keyword.value
    if len(call.args) > 1 or any(isinstance(a, ast.Starred) for a in call.args):
        return "a config may be given by position: {}", call.args[-1]
    if program.is_test:
        return ("the file is a test",)
    model = generation.model
    for owner in dict.fromkeys(p for p in (program, model.origin) if p is not None):
        found = _SET_ON_OBJECT.search(owner.document.source)
        if found is not None:
            return "the model may be given a length of its own: the file says `{}`", found[0]
    return None


def _only_inputs(expr: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether `**expr` holds the tokens and nothing else: it comes from a tokenizer, or is written out here."""
    if isinstance(expr, ast.Dict):
        written = [k.value if isinstance(k, ast.Constant) else None for k in expr.keys]
        return all(isinstance(k, str) and k not in _LENGTHS for k in written)
    source = expr.generators[0].iter if isinstance(expr, ast.DictComp) else expr
    value = program.value(source, call)
    if value.kind in ("batch", "state"):
        return True
    if value.kind == "dict":
        keys = {key for key, _ in value.items or ()}
        return bool(keys) and all(isinstance(k, str) for k in keys) and not keys & _LENGTHS
    return bool(encodings_behind(source, call, program))


def _default(model: Value, program: Program) -> tuple[Confidence | None, str]:
    """How sure it is that the model comes without a length of its own; else None, and why that is not known."""
    parts = (model.type or "").split(".")
    if parts[0] != "transformers" or parts[-1] != "from_pretrained" or len(parts) < 3 or model.args is None:
        return None, "the model is not known to be loaded by transformers"
    for keyword in model.args.keywords:
        if keyword.arg in ("config", "max_length", "max_new_tokens", None):
            return None, "the model is loaded with a config that may set a length"
    remote = next((k.value for k in model.args.keywords if k.arg == "trust_remote_code"), None)
    causal = parts[-2].endswith(_CAUSAL)
    found = program.tokenization.model_id(model)
    own = length_of_its_own(found[0]) if found is not None else None
    if own:
        return None, "the model comes with a length of its own, or may"
    if own is False and found is not None:
        return found[1], ""
    if remote is not None:
        return None, "code that comes with the model may set a length"
    if not causal and parts[-2] not in _T5:
        return None, "it is not known whether the model comes with a length of its own"
    return "medium", ""


def _report(generation: Generation, sure: Confidence, program: Program) -> Report:
    call, model = generation.call, generation.model
    assert isinstance(call.func, ast.Attribute)
    spelled, name = program.short(call.func, 32), program.short(call.func.value, 28)
    confidence = weakest(model.confidence, sure)
    title = f"Set `max_new_tokens={_TOKENS}`"
    return Report(
        at=call,
        headline=f"`{spelled}()` without `max_new_tokens` stops after 20 tokens",
        confidence=confidence,
        evidence=[
            *made(model, f"`{name}`"),
            Step(program, call.func, "neither this call nor the model is given a length"),
        ],
        links=lambda: [kind_link(program, model, name), _link(sure)],
        fix=lambda: Fix(title, "unsafe", (argument_added(program, call, f"max_new_tokens={_TOKENS}"),)),
        fix_title=title,
    )


def _link(sure: Confidence) -> Link:
    if sure == "high":
        return Link("resolution", "high", "the published model is known to come without a length of its own")
    return Link("resolution", sure, "a model that is not certain may come with a length in its generation config")
