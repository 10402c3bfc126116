"""Where a program talks with a language model: messages with roles, chat templates, what a person types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.arguments import argument
from dry_debug.program.bulk_generation import text_calls
from dry_debug.program.encodings import encodings_behind
from dry_debug.program.evidence import Confidence
from dry_debug.program.handed_back import handed_back
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

Sign = Literal["template", "messages", "typed", "role"]
MAX_STEPS = 40  # expressions that a prompt is traced back through
MAX_ELEMENTS = 8  # of a list that are looked at
_ASSISTANT = re.compile(r"\s*(?:<<SYS>>\s*)?You are an? (?:[\w-]+,? (?:and )?){0,4}(?:assistant|chat ?bot|bot)\b", re.I)
_ASKS_A_PERSON = re.compile(
    r"\b(?:you|user|me|human|ask|question|chat|say|message|query|tú|tu|usuario|pregunta|du|frage|vous)\b", re.IGNORECASE
)
# What a person types: in a terminal, on a page of Streamlit.
_INPUTS = frozenset(("builtins.input", "streamlit.text_input", "streamlit.text_area", "streamlit.chat_input"))
# Methods that give back the same text or tokens in another form.
_SAME = frozenset("strip lower rstrip lstrip replace format encode to cuda join".split())


@dataclass(frozen=True, slots=True)
class Talk:
    """One call that asks a model, `model_id` (how sure it is: `sure`) as `made` in `owner` loads it, and what shows
    that an answer is expected."""

    call: ast.Call
    model_id: str
    sure: Confidence
    made: ast.Call
    owner: Program
    sign: Sign
    shown: ast.AST
    program: Program  # the file of `call` and `shown`


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that asks a language model; `prompts`: texts, or what holds their tokens. `chats`: it takes messages."""

    call: ast.Call
    model: Value
    prompts: tuple[ast.expr, ...]
    chats: bool = False


def talks(program: Program, elsewhere: bool = False) -> Iterator[Talk]:
    """The calls of this file that expect an answer of a model whose hub id is known; `elsewhere`: also of a pipeline,
    though the file makes none."""
    for asked in calls(program, elsewhere):
        found = model_id(asked.model, program)
        if found is None:
            continue
        sign = _sign(asked, program)
        if sign is not None:
            yield Talk(asked.call, *found, *sign, program)


def calls(program: Program, elsewhere: bool = False) -> Iterator[Asked]:
    """The calls of this file that generate text: with transformers, a pipeline of it (`elsewhere`: also where the file
    makes none), or vLLM."""
    for text in text_calls(program, elsewhere):
        yield Asked(text.call, text.model, text.prompts)
    if "vllm" not in program.document.source:
        return
    for method in ("chat", "generate"):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            engine = program.value(call.func.value, call)
            prompts = argument(call, 0, "messages", "prompts")
            if engine.kind == "engine" and engine.type == "vllm.LLM" and prompts is not None:
                yield Asked(call, engine, (prompts,), method == "chat")


def loads(program: Program) -> Iterator[tuple[ast.Call, str]]:
    """The calls of this file that load a language model whose hub id is known, and that."""
    made = [*program.calls_of("transformers.pipeline"), *program.calls_of("vllm.LLM")]
    for call in (*made, *program.method_calls("from_pretrained")):
        found = model_id(program.value(call), program)
        if found is not None and found[2] is call:
            yield call, found[0]


def model_id(model: Value, program: Program) -> tuple[str, Confidence, ast.Call, Program] | None:
    """(hub id, how sure it is, what loads the model, the file of that)."""
    made, owner = model.args, model.origin
    if made is None or owner is None or made not in owner.index.scope_of:
        return None
    if model.kind == "module":
        found = program.tokenization.model_id(model)
        return (*found, made, owner) if found is not None else None
    expr = argument(made, 1, "model") if model.kind == "pipeline" else argument(made, 0, "model")
    value = owner.value(expr, made) if expr is not None else None
    if value is None or expr is None:
        return None
    if value.kind == "module":
        return model_id(value.base, program)
    if value.kind == "const":
        return (value.const, "high", made, owner) if isinstance(value.const, str) else None
    default = owner.training.hyper.default_of(expr, made)
    return (default, "medium", made, owner) if isinstance(default, str) else None


def _sign(asked: Asked, program: Program) -> tuple[Sign, ast.AST] | None:
    """What shows that a conversation is meant, the surest sign first."""
    if asked.chats:
        return "messages", asked.call
    found: list[tuple[Sign, ast.AST]] = []
    for expr in asked.prompts:
        for encoding in encodings_behind(expr, asked.call, program):
            if encoding.program is not program:
                continue
            func = encoding.call.func
            if isinstance(func, ast.Attribute) and func.attr == "apply_chat_template":
                return "template", encoding.call
            if encoding.texts is not None:
                found += signs(encoding.texts, encoding.call, program)
        found += signs(expr, asked.call, program)
    order: tuple[Sign, ...] = ("template", "messages", "typed", "role")
    return min(found, key=lambda pair: order.index(pair[0]), default=None)


def signs(expr: ast.expr, at: ast.AST, program: Program) -> Iterator[tuple[Sign, ast.AST]]:
    """What a prompt is made of that shows it, traced through variables, parameters and texts put together."""
    todo: list[tuple[ast.expr, Scope]] = [(expr, program.scope(at))]
    seen: set[ast.AST] = set()
    while todo and len(seen) < MAX_STEPS:
        one, scope = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, ast.Constant):
            if isinstance(one.value, str) and _ASSISTANT.match(one.value):
                yield "role", one
        elif (parts := put_together(one)) is not None:
            todo += [(part, scope) for part in parts]
        elif isinstance(one, ast.Dict):
            keys = {key.value for key in one.keys if isinstance(key, ast.Constant)}
            if {"role", "content"} <= keys:
                yield "messages", one
        elif isinstance(one, ast.Call):
            func = one.func
            if isinstance(func, ast.Attribute) and func.attr == "apply_chat_template":
                yield "template", one
            elif isinstance(func, ast.Attribute) and func.attr in _SAME:
                todo += [
                    (func.value, scope),
                    *((a, scope) for a in one.args),
                    *((k.value, scope) for k in one.keywords),
                ]
            elif program.qualified(one) in _INPUTS and _typed(one):
                yield "typed", one
            else:
                target = program.target(one)
                if target.kind == "function" and target.scope is not None and target.program is program:
                    todo += [(r.value, target.scope) for r in target.scope.returns if r.value is not None]
        elif isinstance(one, ast.Name):
            todo += behind(one, scope, program)


def put_together(expr: ast.expr) -> list[ast.expr] | None:
    """The parts of an f-string, a list, a sum or a choice as it is written; None for anything else."""
    if isinstance(expr, ast.JoinedStr):
        return [part.value if isinstance(part, ast.FormattedValue) else part for part in expr.values]
    if isinstance(expr, ast.List | ast.Tuple):
        return expr.elts[:MAX_ELEMENTS]
    if isinstance(expr, ast.BinOp):
        return [expr.left, expr.right]
    if isinstance(expr, ast.IfExp):
        return [expr.body, expr.orelse]
    return None


def _typed(call: ast.Call) -> bool:
    """`input("You: ")`; not `input("path: ")`. A field for chats needs no words."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "chat_input":
        return True
    prompt = call.args[0] if call.args else None
    if prompt is None:
        return False
    texts = [n.value for n in ast.walk(prompt) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return any(_ASKS_A_PERSON.search(text) for text in texts)


def behind(name: ast.Name, scope: Scope, program: Program) -> list[tuple[ast.expr, Scope]]:
    """The expressions that a variable may come from."""
    found = program.names.lookup(name.id, scope)
    if found is None or len(found[1]) > 6:
        return []
    parts: list[tuple[ast.expr, Scope]] = []
    for one in found[1]:
        if one.kind == "param":
            parts += [
                (expr, at) for owner, expr, at, _ in program.arguments_of(one.scope, one.name) if owner is program
            ]
        elif one.kind in ("assign", "aug", "walrus", "for") and one.value is not None and not one.path:
            parts.append((one.value, one.scope))
        elif one.kind == "assign" and isinstance(one.value, ast.Call):  # `bot, said = ask()`
            back = handed_back(program, one.value, one.path)
            parts += [(expr, owner.scope(at)) for owner, expr, at in back if owner is program]
    return parts
