"""Loops that generate token by token: a language model is called, a token is drawn and goes back into the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given
from dry_debug.program.callers import parameter_of
from dry_debug.program.generation import underlying
from dry_debug.program.independent import CHANGES, Body
from dry_debug.program.scopes import last_name
from dry_debug.program.walks import ChainNode, DefinitionNode, RowNode, names_in, nodes
from dry_debug.records import dataclass, replace

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

_MOST_STEPS = 2  # functions between a loop and the call of the model, or inside of a filter
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
    "sorted sub add_ sub_ pow ge le gt lt argpartition argwhere items keys replace join encode "
    "tokenize from_numpy".split()
)
_NO_PASSES = _ORDINARY | {"generate", "eval", "train"}  # methods: whatever they are called on, no model is run
_KEEPS = frozenset(("append", "extend", "add"))
_OTHER_OUTPUTS = frozenset("hidden_states attentions loss cross_attentions decoder_hidden_states scores".split())
_ARGUMENTS = frozenset(
    "input_ids attention_mask past_key_values past use_cache return_dict token_type_ids position_ids decoder_input_ids "
    "encoder_outputs cache_position labels".split()  # `labels` only for a loss that nobody reads
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A function that does a part of an iteration: `call` in it calls the model, or a function that does."""

    function: Scope
    call: ast.Call


def token_loops(program: Program) -> Iterator[tuple[ast.Call, TokenLoop | str]]:
    """Of each call of a loaded language model in a loop, or in a function that a loop calls: the token loop that it is
    part of, or why it is none."""
    for call in program.index.calls:
        if not isinstance(call.func, ChainNode) or not (call.args or call.keywords):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in _NO_PASSES:
            continue
        if not _may_repeat(call, program) or program.qualified(call) is not None:
            continue
        value = program.value(call.func, call)
        model = underlying(value) if value.kind == "module" else value
        if not _is_language_model(model):
            place = parameter_of(model)
            if place is None or model.args is not None:
                continue
            yield from _given_elsewhere(call, *place)
            continue
        for loop, at, steps in _ways(call, program):
            yield call, _judge(call, loop, at, steps, model, program)


def _is_language_model(model: Value) -> bool:
    name = model.type or ""
    if model.kind != "module" or not name.startswith("transformers.") or not name.endswith(".from_pretrained"):
        return False
    return name.split(".")[-2].endswith(("ForCausalLM", "LMHeadModel", "ForSeq2SeqLM", "AutoModelWithLMHead"))


def _given_elsewhere(
    call: ast.Call, program: Program, function: Scope, name: str
) -> Iterator[tuple[ast.Call, TokenLoop | str]]:
    """For a model that is a parameter: a callers' model, if all that are seen in other files pass a language model."""
    for loop, at, steps in _ways(call, program):
        found = _judge(call, loop, at, steps, program.value(call.func, call), program)
        if isinstance(found, str):
            yield call, found
            continue
        passed = program.callers.arguments(function, name)
        models = [underlying(v) for o, e, s, stmt in passed if (v := o.evaluator.value(e, s, stmt)).kind == "module"]
        if models and len(models) == len(passed) and all(_is_language_model(model) for model in models):
            yield call, replace(found, model=models[0])


def _may_repeat(call: ast.Call, program: Program) -> bool:
    """Whether a call stands in a loop, or in a function: another one may call that in a loop."""
    return _loop(call, program) is not None or program.scope(call).kind == "function"


def _ways(
    call: ast.Call, program: Program, depth: int = 0
) -> Iterator[tuple[ast.For | ast.While, ast.Call, list[_Step]]]:
    """The loops that come to a call: each with the call in it that leads there, and the functions on the way."""
    loop = _loop(call, program)
    if loop is not None:
        yield loop, call, []
        return
    function = program.scope(call)
    if function.kind != "function" or depth == _MOST_STEPS:
        return
    for site in program.call_sites(function):
        for around, at, steps in _ways(site, program, depth + 1):
            yield around, at, [*steps, _Step(function, call)]


def _loop(call: ast.Call, program: Program) -> ast.For | ast.While | None:
    """The innermost loop of the same function around a call."""
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, DefinitionNode):
            return None
        if isinstance(block, ast.For | ast.While):
            return block
    return None


def _judge(
    call: ast.Call, loop: ast.For | ast.While, at: ast.Call, steps: list[_Step], model: Value, program: Program
) -> TokenLoop | str:
    """`at` is the call in `loop` that leads by `steps` to `call`, that of the model; itself, where there are none."""
    for keyword in call.keywords:
        if keyword.arg not in _ARGUMENTS and keyword.arg is not None:
            return f"the model is asked for more than logits: `{keyword.arg}`"
        if keyword.arg == "labels" and _reads_loss(call, loop, steps):
            return "the loop reads the loss of the model"
    draw: ast.Call | None = None
    tokens = set[str]()
    for step in reversed(steps):  # from the inside
        inner = Body(step.function.node, step.call)  # type: ignore[arg-type]  # it has a body as a loop has
        answers = inner.after(inner.bound_by(step.call))
        drawn = _draw(step.call, step.function.node, answers, model, program) if draw is None else None
        own = inner.after(inner.bound_by(drawn), drawn) if drawn is not None else tokens & answers
        odd = _beyond(step.call, step.function.node, drawn, answers, own, model, program)
        if odd is None and _other_model(step, model, program):
            odd = "another model takes part in the loop"
        if odd is not None:
            return odd
        draw = draw or drawn
        outer = next((s.call for s in steps[: steps.index(step)][-1:]), at)
        tokens = _bound_tokens(outer, step.function, own, drawn, program)
    body = Body(loop, at, _filled(loop, program))
    answers = body.after(body.bound_by(at))
    if not body.feeds_back(at):
        return "what the model answers does not go back into it"
    here = _draw(at, loop, answers, model, program) if draw is None else None
    draw = draw or here
    if draw is None:
        return "no token is drawn in the loop"
    if here is not None:
        tokens = body.after(body.bound_by(here), here)
    else:
        tokens |= body.after(tokens) - body.bound_by(at)
    odd = _beyond(at, loop, here, answers, tokens, model, program)
    if odd is not None:
        return odd
    cached = any(k.arg in ("past_key_values", "past") for k in call.keywords)
    greedy = last_name(draw.func) == "argmax"
    return TokenLoop(loop, call, draw, model, cached, greedy)


def _reads_loss(call: ast.Call, loop: ast.AST, steps: list[_Step]) -> bool:
    """Whether the loop reads the first of what a model that is given labels answers: by its place, or by the name
    that it is unpacked into."""
    around = [loop, *(step.function.node for step in steps)]
    held = set[str]()  # what the answer is called
    losses = set[str]()
    stmts = sorted((n for block in around for n in nodes(block) if isinstance(n, ast.Assign)), key=lambda n: n.lineno)
    for stmt in stmts:
        value = stmt.value.value if isinstance(stmt.value, ast.Subscript) else stmt.value
        if value is call or (isinstance(value, ast.Name) and value.id in held):
            target = stmt.targets[0]
            if isinstance(target, ast.Name):
                held.add(target.id)
            elif isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
                losses.add(target.elts[0].id)
    for node in (n for block in around for n in nodes(block)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in losses:
            return True
        first = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 0
        base = node.value if first and isinstance(node, ast.Subscript) else None
        if base is not None and (base is call or (isinstance(base, ast.Name) and base.id in held)):
            return True
    return False


def _other_model(step: _Step, model: Value, program: Program) -> bool:
    """Whether a function of the iteration calls another model, whatever that is given."""
    for call in step.function.calls:
        if call is step.call or not isinstance(call.func, ChainNode) or program.qualified(call):
            continue
        value = program.value(call.func, call)
        if value.kind == "module" and value.base.args is not None and underlying(value).args is not model.args:
            return True
    return False


def _filled(loop: ast.AST, program: Program) -> list[tuple[set[str], set[str]]]:
    """For each function of the project that the loop calls to fill what it is given: what it is given besides, and
    what it fills."""
    found: list[tuple[set[str], set[str]]] = []
    for node in nodes(loop):
        helper = _helper(node, program) if isinstance(node, ast.Call) and node.args else None
        if helper is None or not isinstance(node, ast.Call):
            continue
        passed = {p.arg: expr for p in helper.parameters() if (expr := given(node, helper, p.arg)) is not None}
        into = {e.id for p, e in passed.items() if isinstance(e, ast.Name) and helper.receivers.get(p, set()) & CHANGES}
        taken = {name for e in passed.values() for name in names_in(e)} - into
        if into:
            found.append((taken, into))
    return found


def _draw(call: ast.Call, loop: ast.AST, answers: set[str], model: Value, program: Program) -> ast.Call | None:
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
            if helper is not None and _draws(helper, node, call, answers, model, program):
                found.append(node)
    found.sort(key=lambda n: (last_name(n.func) == "argmax", n.lineno))  # `multinomial` before a greedy branch
    return found[0] if found else None


def _draws(helper: Scope, site: ast.Call, call: ast.Call, answers: set[str], model: Value, program: Program) -> bool:
    """Whether a function draws a token from the answers that `site` gives it, and keeps nothing but tokens."""
    draw = next((c for c in helper.calls if last_name(c.func) in _DRAWS), None)
    if draw is None and any(_draws_itself(c, program) for c in helper.calls):
        return _only_computes(helper, program)
    if draw is None or program.scope(draw) is not helper:
        return draw is not None and _only_computes(helper, program)
    passed = {p.arg: expr for p in helper.parameters() if (expr := given(site, helper, p.arg)) is not None}
    logits = {p for p, e in passed.items() if any(n is call for n in nodes(e)) or _mentions(e, answers)}
    inner = Body(helper.node, draw)  # type: ignore[arg-type]  # it has a body as a loop has
    made = inner.after(logits, min(helper.calls, key=lambda c: c.lineno))
    tokens = inner.after(inner.bound_by(draw), draw)
    lists = {b.name for rows in helper.bindings.values() for b in rows if isinstance(b.value, ast.List)}
    gone = frozenset(lists - {n.id for r in helper.returns if r.value is not None for n in nodes(r.value)
                              if isinstance(n, ast.Name)})  # fmt: skip
    return _beyond(draw, helper.node, draw, made, tokens, model, program, gone) is None


def _draws_itself(call: ast.Call, program: Program) -> bool:
    helper = _helper(call, program)
    return helper is not None and any(last_name(c.func) in _DRAWS for c in helper.calls)


def _helper(call: ast.Call, program: Program) -> Scope | None:
    if not isinstance(call.func, ChainNode) or call not in program.index.scope_of:
        return None
    target = program.target(call)
    return target.scope if target.kind == "function" and target.scope is not None else None


def _bound_tokens(
    site: ast.Call, function: Scope, tokens: set[str], draw: ast.Call | None, program: Program
) -> set[str]:
    """The names that a call of `function` binds to what that made of the tokens it drew."""
    stmt = program.statement(site)
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) and stmt.value is site else None
    found: set[str] = set()
    for back in function.returns:
        pairs = [(target, back.value)]
        if isinstance(target, ast.Tuple) and isinstance(back.value, ast.Tuple):
            pairs = list(zip(target.elts, back.value.elts, strict=False))
        for name, value in pairs:
            if not isinstance(name, ast.Name) or value is None:
                continue
            inside = any(node is draw for node in nodes(value))
            if inside or (isinstance(value, ast.Name) and value.id in tokens):
                found.add(name.id)
    return found


def _beyond(
    call: ast.Call,
    loop: ast.AST,
    draw: ast.Call | None,
    answers: set[str],
    tokens: set[str],
    model: Value,
    program: Program,
    gone: frozenset[str] = frozenset(),
) -> str | None:
    """What the loop, or a function of its iteration, does that `generate` does not. `gone`: lists that a function
    fills for itself."""
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
                plain = own or isinstance(target, RowNode)
                if not plain and value is not None and _mentions(value, answers):
                    return "the loop keeps what the model answers"
        if not isinstance(node, ast.Call) or node is call or node is draw:
            continue
        given = [*node.args, *(k.value for k in node.keywords)]
        name = last_name(node.func)
        into = node.func.value if isinstance(node.func, ast.Attribute) else None
        own_list = isinstance(into, ast.Name) and into.id in gone
        if name in _KEEPS and not own_list and any(_mentions(a, answers - tokens) for a in given):
            return "the loop keeps what the model answers"
        if not any(_mentions(a, answers) for a in given):
            continue
        if name == "print" and any(isinstance(n, ast.Call) and last_name(n.func) == "decode" for n in nodes(node)):
            continue
        if name in _ORDINARY:
            continue
        value_called = program.value(node.func, node) if isinstance(node.func, ChainNode) else None
        if value_called is not None and value_called.kind == "module":
            if underlying(value_called).args is model.args:
                continue
            return "another model takes part in the loop"
        helper = _helper(node, program)
        logits = any(_mentions(a, answers - tokens) or any(n is call for n in nodes(a)) for a in given)
        if helper is None or not _only_computes(helper, program, keeps=not logits):
            return f"the loop gives what the model answers to `{program.short(node.func, 30)}`"
    return None


def _only_computes(function: Scope, program: Program, *, keeps: bool = False, depth: int = 0) -> bool:
    """Whether a function does to what it is given only what `generate` does as well, itself or by others, and keeps
    nothing of it; with `keeps` it may add it to a list."""
    if not keeps and not any(r.value is not None for r in function.returns):
        return False
    for call in function.calls:
        if not any(isinstance(n, ast.Name) for a in (*call.args, *(k.value for k in call.keywords)) for n in nodes(a)):
            continue  # `print("done")`, `nullcontext()`
        name = last_name(call.func)
        if name in _ORDINARY and (keeps or name not in _KEEPS):
            continue
        helper = _helper(call, program) if depth < _MOST_STEPS else None
        if helper is None or helper is function or not _only_computes(helper, program, keeps=keeps, depth=depth + 1):
            return False
    return True


def _mentions(expr: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in nodes(expr))
