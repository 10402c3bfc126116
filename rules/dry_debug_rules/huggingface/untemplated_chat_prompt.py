"""HF010: a chat model is given a text as it is, without the template that it was tuned on."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.calls import argument
from dry_debug.program.comes_first import ComesFirst
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.generation import generations
from dry_debug.program.handed_back import handed_back
from dry_debug.program.language_models import is_chat_model
from dry_debug.program.links import Link
from dry_debug.program.scopes import last_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# Signs in a file that somebody knows of templates, or writes one out.
_TEMPLATES = (
    "apply_chat_template", "chat_template", "<|im_start|>", "[INST]", "<|start_header_id|>", "<start_of_turn>",
    "<|user|>", "### Instruction", "### Human", "USER:", "Human:", "User:", "<|assistant|>", "conv_templates",
    "get_conv", "Assistant:", "<|system|>", "B_INST", "<<SYS>>", "ChatPromptTemplate", "<|begin_of_text|>",
    "### Response",
)  # fmt: skip
MAX_LENGTH = 200  # characters of a prompt that is surely no template


class UntemplatedChatPrompt(Rule):
    name = "untemplated-chat-prompt"
    code = "HF010"
    shape = "site"
    severity = "suggestion"
    status = "preview"
    fix_kind = "none"
    triggers = ((".generate(",), ("transformers", "vllm"), ("nstruct", "chat", "Chat", "-it", "zephyr"))
    why = (
        "The model was tuned on conversations in its template: a bare text is continued rather than answered, often "
        "without an end."
    )
    quotes = ("DRY-FW-1",)
    instead = "Apply the chat template: `llm.chat(messages)`, or `tokenizer.apply_chat_template(messages)`."
    looks_at = "prompts that chat models of transformers and vLLM are given"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for call, _, _, _ in _prompts(program):
            yield call

    def check(self, program: Program) -> Iterator[Report]:
        first: dict[Hashable, tuple[ast.Call, ast.expr, str, Confidence]] = {}  # of each model
        order = ComesFirst(program)
        sign = next((sign for sign in _TEMPLATES if sign in program.document.source), None)
        for call, model, prompt, at in _prompts(program):
            if sign is not None or program.is_test:
                program.why(call, "the file knows of templates, or is a test: {}", sign or "")
                continue
            found = _chat_id(model, program)
            if found is None:
                program.why(call, "the model is not known to be tuned for chat")
                continue
            text = _text(prompt, at, program)
            if text is None:
                program.why(call, "nobody can see what the prompt is: {}", prompt)
                continue
            other = first.get(found[0])
            if other is not None:
                late = call if order(other[0]) <= order(call) else other[0]
                program.why(late, "the first prompt of this model is reported")
            if other is None or late is not call:
                first[found[0]] = (call, prompt, *found)
        for call, prompt, name, sure in first.values():
            yield self._report(call, prompt, name, sure, program)

    def _report(self, call: ast.Call, prompt: ast.expr, name: str, sure: Confidence, program: Program) -> Report:
        return Report(
            at=call,
            headline=f"`{name[:48]}` is prompted without its chat template",
            confidence=weakest(sure, "medium"),
            evidence=[Step(program, prompt, "this text goes to the model as it is")],
            links=lambda: [Link("resolution", weakest(sure, "medium"), "by its name the model is tuned for chat")],
        )


def _prompts(program: Program) -> Iterator[tuple[ast.Call, Value, ast.expr, ast.Call]]:
    """(call, what loads the model, prompt, the call that is given it) of generations whose prompt can be told."""
    for call in program.method_calls("generate"):
        func = call.func
        assert isinstance(func, ast.Attribute)
        engine = program.value(func.value, call)
        expr = argument(call, 0, "prompts")
        if engine.kind == "engine" and engine.type == "vllm.LLM" and expr is not None:
            yield call, engine, expr, call
    for generation in generations(program):
        if generation.model.kind == "module":
            for encoding in generation.encodings(program):
                if encoding.texts is not None and encoding.program is program:
                    yield generation.call, generation.model, encoding.texts, encoding.call
                    break


def _chat_id(model: Value, program: Program) -> tuple[str, Confidence] | None:
    found: tuple[str, Confidence] | None
    if model.kind == "engine":
        made, owner = model.args, model.origin
        expr = argument(made, 0, "model") if made is not None else None
        value = owner.value(expr, made) if owner is not None and expr is not None and made is not None else None
        found = (value.const, "high") if value is not None and isinstance(value.const, str) else None
    else:
        found = program.tokenization.model_id(model)
    return found if found is not None and is_chat_model(found[0]) else None


def _text(expr: ast.expr, call: ast.Call, program: Program) -> str | None:
    """The beginning of a prompt that is written in this file; None for what comes from elsewhere."""
    todo, steps = [(expr, program.scope(call))], 0
    while todo and steps < 12:
        (one, scope), steps = todo.pop(), steps + 1
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            return one.value if len(one.value) < MAX_LENGTH else None
        if isinstance(one, ast.JoinedStr):
            parts = [v.value for v in one.values if isinstance(v, ast.Constant)]
            words = "".join(p for p in parts if isinstance(p, str))
            return words if any(c.isalpha() for c in words) and len(words) < MAX_LENGTH else None
        if isinstance(one, ast.List | ast.Tuple) and one.elts:
            todo.append((one.elts[0], scope))
        elif isinstance(one, ast.BinOp):
            todo.append((one.left, scope))
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and last_name(one.func) == "format":
            todo.append((one.func.value, scope))
        elif isinstance(one, ast.Name):
            found = program.names.lookup(one.id, scope)
            only = found[1][0] if found is not None and len(found[1]) == 1 else None
            if only is not None and only.kind == "param":
                passed = program.arguments_of(only.scope, one.id)
                todo.extend((given, at) for owner, given, at, _ in passed[:1] if owner is program)
            elif only is not None and only.kind in ("assign", "for") and only.value is not None:
                if isinstance(only.value, ast.Call):
                    back = handed_back(program, only.value, only.path)
                    todo.extend((given, owner.scope(at)) for owner, given, at in back[:1] if owner is program)
                if not only.path:
                    todo.append((only.value, only.scope))
    return None
