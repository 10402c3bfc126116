"""OVER003: many prompts are answered by plain Transformers, call by call, where a serving engine batches them."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.arguments import argument
from dry_debug.program.bulk_generation import Bulk, TextCall, bulk, text_calls
from dry_debug.program.evidence import Step, made
from dry_debug.program.generation import decoder_only
from dry_debug.program.links import Link, kind_link
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What a program does with the model that no engine does for it, or what shows that an engine was thought about.
_BEYOND = re.compile(
    r"\b(?:vllm|sglang|lmdeploy|tensorrt_llm|ctranslate2|deepspeed|text_generation_inference|openvino|onnxruntime"
    r"|PeftModel|AutoPeftModel\w*|get_peft_model|register_forward\w*|\w*LogitsProcessor\w*|\w*StoppingCriteria\w*"
    r"|output_scores|output_logits|output_hidden_states|output_attentions|return_dict_in_generate|inputs_embeds"
    r"|past_key_values|prefix_allowed_tokens_fn|assistant_model|pixel_values|streamer|\w*Streamer"
    r"|load_in_[48]bit|quantization_config|BitsAndBytesConfig|AutoGPTQ\w*|AutoAWQ\w*|gradio|streamlit|fastapi|flask"
    r"|replace_\w+_attn|perplexity|FSDP|Trainer|benchmark\w*|throughput|latency)\b"
)
# Parameters of `generate` and of a pipeline's call that an engine has too, or does not need.
_KNOWN = frozenset(
    "inputs input_ids attention_mask token_type_ids text_inputs max_new_tokens max_length min_new_tokens min_length "
    "do_sample temperature top_p top_k min_p repetition_penalty num_return_sequences num_beams pad_token_id "
    "eos_token_id bos_token_id use_cache early_stopping generation_config return_full_text batch_size truncation "
    "padding tokenizer stop_strings num_workers return_tensors clean_up_tokenization_spaces".split()
)
# Models that people try things out with, on whatever machine they have.
_SMALL = re.compile(
    r".*(gpt2(-medium|-large)?|distil\w+|tiny[-\w.]*|opt-(125|350)m|pythia-(14|31|70|160|410)m|dialogpt\S*)"
)
_GPU = re.compile(r"\bcuda\b|device_map|device *= *[0-9l]|\.to\(")


class TransformersBulkInference(WholeRule):
    name = "transformers-bulk-inference"
    code = "OVER003"
    severity = "suggestion"
    fix_kind = "display"
    triggers = (
        ("transformers",),
        (".generate(", "text-generation"),
        ("CausalLM", "LMHeadModel", "text-generation"),
        ("for ", ".map(", "apply("),
    )
    why = (
        "Call by call the GPU waits for the longest answer of each batch; a serving engine fills every free place with "
        "the next prompt, which the authors of vLLM measured at up to 24 times the throughput."
    )
    instead = "Give an engine all prompts in one call: `vllm.LLM(model=...).generate(prompts, SamplingParams(...))`."
    quotes = ("DRY-RF-5", "DRY-FW-4")
    looks_at = "calls that generate text with a decoder-only model or a text-generation pipeline of transformers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (text.call for text in text_calls(program))

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Hashable] = set()
        for text in text_calls(program):
            call = text.call
            beyond = _BEYOND.search(program.document.source)
            if beyond is not None:
                program.why(call, "the file does more than generate, or knows of an engine: it says `{}`", beyond[0])
                continue
            reason = _unsuitable(text, program)
            if reason is not None:
                program.why(call, reason)
                continue
            found = bulk(text, program)
            if isinstance(found, str):
                program.why(call, found)
                continue
            if program.training.is_training or program.is_test:
                program.why(call, "the file trains, or is a test")
                continue
            if text.model.ident in told:
                program.why(call, "the first place that generates with this model is reported")
                continue
            told.add(text.model.ident)
            yield _report(text, found, program)


def _unsuitable(text: TextCall, program: Program) -> str | None:
    """Why an engine may not do what this call does."""
    call, model = text.call, text.model
    for keyword in call.keywords:
        if keyword.arg == "num_beams" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value == 1):
            return "it searches beams"
        if keyword.arg is not None and keyword.arg not in _KNOWN:
            return f"it asks for `{keyword.arg}`, which an engine may not have"
    if sum(k.arg is None for k in call.keywords) > (model.kind == "module"):
        return "its options may ask for something that an engine does not have"
    if model.kind == "module":
        if decoder_only(model, program) is not True or not (model.type or "").startswith("transformers."):
            return "the model is not known to be a decoder-only model of transformers as it is published"
        if _called(model, program):
            return "the program also calls the model itself, for more than its text"
    name = _model_id(model, program)
    if name is not None and _SMALL.fullmatch(name.lower()):
        return "the model is a small one, to try things out with"
    if _GPU.search(program.document.source) is None:
        return "nothing shows that the model runs on a GPU"
    return None


def _called(model: Value, program: Program) -> bool:
    """Whether the file calls the model as a function: for its loss or its logits."""
    for call in program.index.calls:
        if isinstance(call.func, ast.Name | ast.Attribute) and program.qualified(call) is None:
            value = program.value(call.func, call)
            if value.kind == "module" and value.base.args is model.args:
                return True
    return False


def _report(text: TextCall, found: Bulk, program: Program) -> Report:
    call, model = text.call, text.model
    spelled = program.short(call.func, 28)
    over = program.short(_core(found.over), 24)
    title = _title(text, found, program)
    evidence = [
        *made(model, f"`{spelled.removesuffix('.generate')}`"),
        Step(program, found.over, "all of these" if found.site is call else "one call follows the other over these"),
    ]
    if found.shown.node is not found.over:
        evidence.append(found.shown)
    return Report(
        at=call,
        headline=f"`{spelled}()` answers the prompts of `{over}` call by call with plain Transformers",
        confidence=model.confidence,
        evidence=evidence,
        links=lambda: [
            kind_link(program, model),
            Link("path", "high", "the calls do not depend on one another, and there are many of them"),
        ],
        fix=lambda: Fix(title, "display", ()),
        fix_title=title,
    )


def _title(text: TextCall, found: Bulk, program: Program) -> str:
    """The call that takes the place of them all, with the user's model, sampling parameters and prompts."""
    chat = "apply_chat_template" in program.document.source or '"role"' in program.document.source
    prompts = "conversations" if chat else _prompts(text, found, program)
    method = "chat" if chat else "generate"
    return (
        f"Answer them in one call: `LLM(model={_model_text(text.model, program)}).{method}({prompts}, "
        f"SamplingParams({_sampling(text.call)}))`"
    )


def _prompts(text: TextCall, found: Bulk, program: Program) -> str:
    """The collection of the prompts, where it is one as it stands."""
    core = _core(found.over)
    direct = found.site is text.call or (
        isinstance(found.site, ast.For)
        and isinstance(found.site.target, ast.Name)
        and any(isinstance(p, ast.Name) and p.id == found.site.target.id for p in text.prompts)
    )
    return program.text(core) if direct and isinstance(core, ast.Name) else "prompts"


def _core(over: ast.expr) -> ast.expr:
    """What a loop goes over without the progress bar and the counter."""
    while isinstance(over, ast.Call) and over.args and isinstance(over.func, ast.Name | ast.Attribute):
        name = over.func.id if isinstance(over.func, ast.Name) else over.func.attr
        if name not in ("tqdm", "enumerate", "list", "len", "range", "KeyDataset", "track"):
            break
        over = over.args[1] if name == "range" and len(over.args) == 3 else over.args[0]
    return over


def _sampling(call: ast.Call) -> str:
    """The sampling parameters of a call in the words of vLLM, as far as they are constants or plain names."""
    given = {k.arg: k.value for k in call.keywords if k.arg is not None}
    parts = []
    sample = given.get("do_sample")
    if isinstance(sample, ast.Constant) and sample.value is False:
        parts.append("temperature=0.0")
    elif isinstance(sample, ast.Constant) and sample.value is True:
        shown = {name: _plain(given.get(name)) for name in ("temperature", "top_p", "top_k")}
        parts += [f"{name}={value}" for name, value in shown.items() if value is not None]
    if _plain(given.get("num_return_sequences")) not in (None, "1"):
        parts.append(f"n={_plain(given.get('num_return_sequences'))}")
    parts.append(f"max_tokens={_plain(given.get('max_new_tokens')) or '...'}")
    return ", ".join(parts)


def _plain(expr: ast.expr | None) -> str | None:
    if isinstance(expr, ast.Constant):
        return repr(expr.value)
    simple = isinstance(expr, ast.Name) or (isinstance(expr, ast.Attribute) and isinstance(expr.value, ast.Name))
    text = ast.unparse(expr) if expr is not None and simple else None
    return text if text is not None and len(text) <= 24 else None


def _model_id(model: Value, program: Program) -> str | None:
    if model.kind == "module":
        found = program.tokenization.model_id(model)
        return found[0] if found is not None else None
    made_by, owner = model.args, model.origin
    expr = argument(made_by, 1, "model") if made_by is not None else None
    if expr is None or owner is None or made_by is None:
        return None
    value = owner.value(expr, made_by)
    if value.kind == "module":
        return _model_id(value.base, program)
    return value.const if value.kind == "const" and isinstance(value.const, str) else None


def _model_text(model: Value, program: Program) -> str:
    name = _model_id(model, program)
    if name is not None:
        return f'"{name[:48]}"'
    made_by = model.args
    expr = made_by.args[0] if made_by is not None and made_by.args and model.kind == "module" else None
    return (_plain(expr) if model.origin is program else None) or "..."
