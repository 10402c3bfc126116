"""HF010: a chat model is given a text as it is, without the template that it was tuned on."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.comes_first import ComesFirst
from dry_debug.program.conversation import Asked, calls, model_id, signs
from dry_debug.program.encodings import encodings_behind
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.handed_back import handed_back
from dry_debug.program.language_models import is_chat_model
from dry_debug.program.links import Link
from dry_debug.program.scopes import last_name

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Signs in a file that somebody knows of templates, or writes one out.
_TEMPLATES = (
    "apply_chat_template", "chat_template", "<|im_start|>", "[INST]", "<|start_header_id|>", "<start_of_turn>",
    "<|user|>", "### Instruction", "### Human", "USER:", "Human:", "User:", "<|assistant|>", "conv_templates",
    "get_conv", "Assistant:", "<|system|>", "B_INST", "<<SYS>>", "ChatPromptTemplate", "<|begin_of_text|>",
    "### Response",
)  # fmt: skip
MAX_LENGTH = 200  # characters of a prompt that is surely no template
_ASKS = frozenset(
    "what who whom whose why how when where which is are am was were do does did can could should would will please "
    "explain write tell give describe summarize summarise translate answer list create generate suggest compare help "
    "show solve calculate classify extract rewrite rephrase define name find provide make convert complete".split()
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|good (?:morning|evening))(?:,? there|,? world|,? everyone)?[.!]*", re.IGNORECASE
)
# Questions with a place for the answer are a form of their own: a text that is to be continued.
_TO_CONTINUE = re.compile(r"^\s*(?:A|Answer|Q|Question|Output|Response)\s*:", re.IGNORECASE | re.MULTILINE)


class UntemplatedChatPrompt(Rule):
    name = "untemplated-chat-prompt"
    code = "HF010"
    shape = "site"
    severity = "suggestion"
    fix_kind = "none"
    triggers = (
        (".generate(", "text-generation"),
        ("transformers", "vllm"),
        ("nstruct", "chat", "Chat", "-it", "zephyr"),
    )
    why = (
        "The model was tuned on conversations in its template: a bare text is continued rather than answered, often "
        "without an end."
    )
    quotes = ("DRY-FW-1",)
    instead = "Apply the chat template: `llm.chat(messages)`, or `tokenizer.apply_chat_template(messages)`."
    looks_at = "prompts that chat models of transformers and vLLM are given"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for asked, _, _ in _prompts(program):
            yield asked.call

    def check(self, program: Program) -> Iterator[Report]:
        first: dict[Hashable, tuple[ast.Call, ast.expr, str, Confidence]] = {}  # of each model
        order = ComesFirst(program)
        sign = next((sign for sign in _TEMPLATES if sign in program.document.source), None)
        for asked, prompt, at in _prompts(program):
            call = asked.call
            if sign is not None or program.is_test:
                program.why(call, "the file knows of templates, or is a test: {}", sign or "")
                continue
            loaded = model_id(asked.model, program)
            if loaded is None or not is_chat_model(loaded[0]):
                program.why(call, "the model is not known to be tuned for chat")
                continue
            found = loaded[:2]
            if not _asks(prompt, at, program):
                program.why(call, "nothing shows that the prompt asks for an answer: {}", prompt)
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


def _prompts(program: Program) -> Iterator[tuple[Asked, ast.expr, ast.Call]]:
    """(call, prompt, the call that is given it) of generations whose prompt can be told."""
    for asked in calls(program):
        if asked.chats:
            continue
        if asked.model.kind != "module":
            yield asked, asked.prompts[0], asked.call
            continue
        for encoding in (e for expr in asked.prompts for e in encodings_behind(expr, asked.call, program)):
            if encoding.texts is not None and encoding.program is program:
                yield asked, encoding.texts, encoding.call
                break


def _asks(prompt: ast.expr, at: ast.Call, program: Program) -> bool:
    """Whether a prompt is a question, a request, a greeting, or what a person types; not a text to be continued."""
    text = _text(prompt, at, program)
    if text is not None and _TO_CONTINUE.search(text):
        return False
    found = {sign for sign, _ in signs(prompt, at, program)}
    if found:
        return found <= {"typed", "role"}
    if text is None:
        return False
    first = re.match(r"\W*([A-Za-z]+)", text)
    asks = first is not None and first[1].lower() in _ASKS
    return asks or re.search("[?？]|请", text) is not None or _GREETING.fullmatch(text.strip()) is not None


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
