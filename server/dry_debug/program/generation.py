"""Text generation with transformers: which models generate, what they are, and which encodings they are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.encodings import Encoding, encodings_behind
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_CAUSAL = ("ForCausalLM", "ForCausalLMWithValueHead")
_GPTS = frozenset(("GPT2LMHeadModel", "OpenAIGPTLMHeadModel", "GPT2DoubleHeadsModel"))
_ENCODER_DECODER = ("Seq2SeqLM", "ForConditionalGeneration", "Seq2SeqLMWithValueHead", "EncoderDecoderModel")


@dataclass(frozen=True, slots=True)
class Generation:
    """One call of `model.generate(...)` and the expressions that it may take its tokens from."""

    call: ast.Call
    model: Value
    inputs: tuple[ast.expr, ...]

    def encodings(self, program: Program) -> list[Encoding]:
        """The tokenizer calls that the input comes from."""
        found: dict[ast.Call, Encoding] = {}
        for expr in self.inputs:
            for encoding in encodings_behind(expr, self.call, program):
                found.setdefault(encoding.call, encoding)
        return list(found.values())


def generations(program: Program) -> Iterator[Generation]:
    """The calls of `generate` on what may be a model of transformers."""
    for call in program.method_calls("generate"):
        func = call.func
        assert isinstance(func, ast.Attribute)
        model = program.value(func.value, call)
        if model.kind not in ("module", "unknown"):
            continue
        inputs = [k.value for k in call.keywords if k.arg in (None, "inputs", "input_ids")]
        inputs += [a for a in call.args[:1] if not isinstance(a, ast.Starred)]
        if inputs:
            yield Generation(call, underlying(model), tuple(inputs))


def underlying(model: Value) -> Value:
    """The model inside wrappers, also of `PeftModel.from_pretrained(model, ...)`."""
    base = model.base
    if base.type == "peft.PeftModel.from_pretrained" and base.args is not None and base.origin is not None:
        expr = argument(base.args, 0, "model")
        inner = base.origin.value(expr, base.args) if expr is not None else base
        return inner.base if inner.kind == "module" else base
    return base


def decoder_only(model: Value, program: Program) -> bool | None:
    """Whether a model has no encoder: by the class that loads it, else by what is known of its hub id."""
    name = model.type or ""
    if name.endswith((".from_pretrained", ".from_config")):
        cls = name.split(".")[-2]
        if cls.endswith(_CAUSAL) or cls in _GPTS:
            return True
        if cls.endswith(_ENCODER_DECODER):
            return False
    if model.kind != "module" or model.args is None:
        return None
    family = program.tokenization.family(model)
    return family[0].decoder_only if family is not None else None
