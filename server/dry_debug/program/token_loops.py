"""Loops that generate token by token: a language model is called, a token is drawn and goes back into the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dry_debug.program.generation import underlying
from dry_debug.program.independent import Body
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import nodes

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

_DRAWS = frozenset(("multinomial", "argmax", "choice", "sample"))
# What a loop may do with logits, probabilities and tokens that `generate` does as well.
_ORDINARY = frozenset(
    "add softmax log_softmax topk sort argsort cumsum multinomial argmax cat concat stack gather scatter scatter_ "
    "masked_fill masked_fill_ where unsqueeze squeeze item tolist view reshape to cpu cuda float half double "
    "long int clone detach contiguous max min div div_ mul size dim tensor as_tensor LongTensor Tensor "
    "full_like zeros_like ones_like ones zeros full ne eq all any sum expand repeat decode batch_decode "
    "convert_ids_to_tokens convert_tokens_to_ids len set bool range isinstance numpy Categorical sample "
    "choice new_ones new_zeros new_full exp flatten transpose list enumerate top_k_top_p_filtering lower "
    "strip endswith startswith values index_select logical_not type_as append extend abs numel reversed tuple "
    "sorted sub add_ sub_ pow ge le gt lt".split()
)
_KEEPS = frozenset(("append", "extend", "add"))
_OTHER_OUTPUTS = frozenset("hidden_states attentions loss cross_attentions decoder_hidden_states scores".split())
_ARGUMENTS = frozenset(
    "input_ids attention_mask past_key_values past use_cache return_dict token_type_ids position_ids decoder_input_ids "
    "encoder_outputs cache_position".split()
)


@dataclass(frozen=True, slots=True)
class TokenLoop:
    """`loop` calls `model` in `call` and draws its next token in `draw`; `cached`: keys and values are kept."""

    loop: ast.For | ast.While
    call: ast.Call
    draw: ast.Call
    model: Value
    cached: bool
    greedy: bool


def token_loops(program: Program) -> Iterator[tuple[ast.Call, TokenLoop | str]]:
    """Of each call of a loaded language model in a loop: the token loop that it is part of, or why it is none."""
    for call in program.index.calls:
        if not isinstance(call.func, ast.Name | ast.Attribute) or not (call.args or call.keywords):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("generate", "eval", "to", "train", "cuda"):
            continue
        loop = _loop(call, program)
        if loop is None or program.qualified(call) is not None:
            continue
        value = program.value(call.func, call)
        model = underlying(value) if value.kind == "module" else value
        name = model.type or ""
        if value.kind != "module" or not name.startswith("transformers.") or not name.endswith(".from_pretrained"):
            continue
        if name.split(".")[-2].endswith(("ForCausalLM", "LMHeadModel", "ForSeq2SeqLM", "AutoModelWithLMHead")):
            yield call, _judge(call, loop, model, program)


def _loop(call: ast.Call, program: Program) -> ast.For | ast.While | None:
    """The innermost loop of the same function around a call."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        if isinstance(block, ast.For | ast.While):
            return block
    return None


def _judge(call: ast.Call, loop: ast.For | ast.While, model: Value, program: Program) -> TokenLoop | str:
    for keyword in call.keywords:
        if keyword.arg not in _ARGUMENTS and keyword.arg is not None:
            return f"the model is asked for more than logits: `{keyword.arg}`"
    body = Body(loop, call)
    answers = body.after(body.bound_by(call))
    if not body.feeds_back(call):
        return "what the model answers does not go back into it"
    draw = _draw(call, loop, answers, program)
    if draw is None:
        return "no token is drawn in the loop"
    odd = _beyond(call, loop, draw, answers, body, model, program)
    if odd is not None:
        return odd
    cached = any(k.arg in ("past_key_values", "past") for k in call.keywords)
    greedy = last_name(draw.func) == "argmax"
    return TokenLoop(loop, call, draw, model, cached, greedy)


def _draw(call: ast.Call, loop: ast.AST, answers: set[str], program: Program) -> ast.Call | None:
    """The call in the loop that draws a token from what the model answers, itself or in a function of the project."""
    found: list[ast.Call] = []
    for node in nodes(loop):
        if not isinstance(node, ast.Call) or node is call:
            continue
        from_answer = any(
            inner is call or (isinstance(inner, ast.Name) and inner.id in answers) for inner in nodes(node)
        )
        if not from_answer:
            continue
        if last_name(node.func) in _DRAWS:
            found.append(node)
        else:
            helper = _helper(node, program)
            draws = helper is not None and any(last_name(c.func) in _DRAWS for c in helper.calls)
            if draws and helper is not None and _only_computes(helper):
                found.append(node)
    found.sort(key=lambda n: (last_name(n.func) == "argmax", n.lineno))  # `multinomial` before a greedy branch
    return found[0] if found else None


def _helper(call: ast.Call, program: Program) -> Scope | None:
    if not isinstance(call.func, ast.Name | ast.Attribute) or call not in program.index.scope_of:
        return None
    target = program.target(call)
    return target.scope if target.kind == "function" and target.scope is not None else None


def _beyond(
    call: ast.Call, loop: ast.AST, draw: ast.Call, answers: set[str], body: Body, model: Value, program: Program
) -> str | None:
    """What the loop does that `generate` does not."""
    tokens = body.after(body.bound_by(draw), draw)
    for node in nodes(loop):
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
            return "the loop hands its tokens out one by one"
        if isinstance(node, ast.Attribute) and node.attr in _OTHER_OUTPUTS:
            return f"the loop reads `{node.attr}` of the model"
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.value
            for target in targets:
                base = target.value if isinstance(target, ast.Subscript) else target
                own = isinstance(base, ast.Name) and (not isinstance(target, ast.Subscript) or base.id in answers)
                plain = own or isinstance(target, ast.Tuple | ast.List)
                if not plain and value is not None and _mentions(value, answers):
                    return "the loop keeps what the model answers"
        if not isinstance(node, ast.Call) or node is call or node is draw:
            continue
        given = [*node.args, *(k.value for k in node.keywords)]
        name = last_name(node.func)
        if name in _KEEPS and any(_mentions(a, answers - tokens) for a in given):
            return "the loop keeps what the model answers"
        if not any(_mentions(a, answers) for a in given):
            continue
        if name == "print" and any(isinstance(n, ast.Call) and last_name(n.func) == "decode" for n in nodes(node)):
            continue
        if name in _ORDINARY:
            continue
        value_called = program.value(node.func, node) if isinstance(node.func, ast.Name | ast.Attribute) else None
        if value_called is not None and value_called.kind == "module":
            if underlying(value_called).args is model.args:
                continue
            return "another model takes part in the loop"
        helper = _helper(node, program)
        if helper is None or not _only_computes(helper):
            return f"the loop gives what the model answers to `{program.short(node.func, 30)}`"
    return None


def _only_computes(function: Scope) -> bool:
    """Whether a function does to what it is given only what `generate` does as well, and keeps nothing of it."""
    if not any(r.value is not None for r in function.returns):
        return False
    for call in function.calls:
        if not any(isinstance(n, ast.Name) for a in (*call.args, *(k.value for k in call.keywords)) for n in nodes(a)):
            continue  # `print("done")`, `nullcontext()`
        name = last_name(call.func)
        if name not in _ORDINARY or name in _KEEPS:
            return False
    return True


def _mentions(expr: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in nodes(expr))
