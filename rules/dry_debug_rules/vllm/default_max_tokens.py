"""VLLM001: vLLM stops after 16 tokens when nobody sets `max_tokens`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence, Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

# What makes the length of the answer unimportant: the prompt is scored, or the answer is one of a few short choices.
_SCORING = frozenset(("prompt_logprobs", "prompt_logprob_token_ids", "logprob_token_ids", "allowed_token_ids"))
_STRUCTURED = frozenset(("structured_outputs", "guided_decoding"))
_BEFORE_MAX_TOKENS = 12  # parameters of SamplingParams that stand before it in every version
_TOKENS = 512
# What takes parameters beside `max_completion_length`, and what asks an object which attributes it has.
_TRAINERS = ("trl.", "unsloth.")
_LOOKING = frozenset(
    f"builtins.{name}" for name in ("hasattr", "getattr", "vars", "dir", "isinstance", "type", "print")
)


class DefaultMaxTokens(Rule):
    name = "default-max-tokens"
    code = "VLLM001"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("vllm",), ("SamplingParams", ".generate(", ".chat("))
    why = "Where `max_tokens` is not set, vLLM generates at most 16 tokens, so answers break off in the middle."
    instead = "Say how long an answer may get: `SamplingParams(max_tokens=...)`."
    quotes = ("DRY-FOC-2",)
    looks_at = "`vllm.SamplingParams(...)`, and `generate` and `chat` of a vLLM engine"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        yield from program.calls_of("vllm.SamplingParams")
        for method in ("generate", "chat"):
            for call in program.method_calls(method):
                if program.value(call.func.value, call).kind in ("engine", "unknown"):  # type: ignore[attr-defined]
                    yield call

    def check(self, program: Program) -> Iterator[Report]:
        for call in program.calls_of("vllm.SamplingParams"):
            confidence = self._unlimited(call, program)
            if confidence is not None:
                yield self._parameters(call, confidence, program)
        for method in ("generate", "chat"):
            for call in program.method_calls(method):
                engine = program.value(call.func.value, call)  # type: ignore[attr-defined]
                if engine.kind == "engine" and engine.type == "vllm.LLM" and engine.args is not None:
                    yield from self._engine_call(call, engine.args, engine, program)
                elif engine.kind == "engine":
                    program.why(call, "the engine is not made by `vllm.LLM(...)` in what can be seen")
                elif program.why.listens and engine.kind == "unknown":
                    from dry_debug.program.describe import why_unknown

                    func = call.func
                    assert isinstance(func, ast.Attribute)
                    reason = why_unknown(program, func.value, call)
                    program.why(call, "{} is not known to be an engine of vLLM: {}", func.value, reason)

    def _unlimited(self, call: ast.Call, program: Program) -> Confidence | None:
        """How sure it is that answers are generated with these parameters and nothing sets their length."""
        for keyword in call.keywords:
            if keyword.arg in ("max_tokens", None):
                given = keyword.arg is not None
                program.why(call, "`max_tokens` is given: {}" if given else "{} may bring `max_tokens`", keyword.value)
                return None
            if keyword.arg in _SCORING:
                program.why(call, "the length of the answer does not matter: `{}` is set", keyword.arg)
                return None
            if keyword.arg in _STRUCTURED and _may_be_choice(keyword.value, call, program):
                program.why(call, "the answer may be one of a few short choices: {}", keyword.value)
                return None
        if len(call.args) > _BEFORE_MAX_TOKENS or any(isinstance(a, ast.Starred) for a in call.args):
            program.why(call, "`max_tokens` may be given by position: {}", call.args[-1])
            return None
        if program.flow.is_fallback(call):
            program.why(call, "it only stands in for a parameter that the caller left out")
            return None
        if program.flow.sets_attribute("max_tokens", call):
            program.why(call, "`max_tokens` is set on the object afterwards, or may be")
            return None
        taker = program.flow.parents(program.scope(call)).get(call)
        if isinstance(taker, ast.keyword):
            taker = program.flow.parents(program.scope(call)).get(taker)
        beside = taker.keywords if isinstance(taker, ast.Call) else ()
        for keyword in beside:
            if keyword.arg in ("max_tokens", "max_new_tokens", None):  # a wrapper that takes the length beside them
                program.why(call, "the call that takes the parameters takes the length beside them: {}", keyword.value)
                return None
        reached = program.flow.reaches_method(call, ("generate", "chat", "add_request", "generate_async"))
        if reached is None:
            program.why(call, "nothing shows that the parameters go to an engine's `generate` or `chat`")
        elif reached != "high" and (other := _other_use(call, program)) is not None:
            program.why(call, other)
            return None
        return reached

    def _parameters(self, call: ast.Call, confidence: Confidence, program: Program) -> Report:
        title = f"Set `max_tokens={_TOKENS}`"
        return Report(
            at=call,
            headline="`SamplingParams` without `max_tokens` ends every answer after 16 tokens",
            confidence=confidence,
            links=lambda: [_taken(confidence)],
            fix=lambda: Fix(title, "unsafe", (argument_added(program, call, f"max_tokens={_TOKENS}"),)),
            fix_title=title,
        )

    def _engine_call(self, call: ast.Call, made: ast.Call, value: Value, program: Program) -> Iterator[Report]:
        home = value.origin
        names = {keyword.arg for keyword in call.keywords}
        if "sampling_params" in names or None in names or any(isinstance(a, ast.Starred) for a in call.args):
            program.why(call, "sampling parameters are given, or may be")
            return
        if len(call.args) + len(names & {"prompts", "messages"}) != 1:
            program.why(call, "more than the prompts is given by position: the sampling parameters")
            return
        given = {keyword.arg: keyword.value for keyword in made.keywords}
        if None in given or "override_generation_config" in given or home is None:
            program.why(call, "the engine is made with a generation config of its own, or may be",
                        see=Step(home, made, "") if home is not None else None)  # fmt: skip
            return
        config = given.get("generation_config")
        source = config.value if isinstance(config, ast.Constant) else None
        if config is not None and source not in ("vllm", "auto"):
            program.why(call, "the engine takes its defaults from a generation config that may set a length",
                        see=Step(home, made, ""))  # fmt: skip
            return
        assert isinstance(call.func, ast.Attribute)
        method, engine, confidence = call.func.attr, program.short(call.func.value, 24), value.confidence
        limit = "unless the model's generation config says otherwise" if source != "vllm" else "here"
        title = f"Set `max_tokens={_TOKENS}` on the engine's default parameters"
        yield Report(
            at=call,
            headline=f"`{engine}.{method}()` without sampling parameters ends answers after 16 tokens",
            # The model's own generation_config may name max_new_tokens, and vLLM takes it then.
            confidence=weakest(confidence, "high" if source == "vllm" else "medium"),
            why=f"Without `sampling_params` vLLM takes its defaults, which are 16 new tokens {limit}.",
            links=lambda: [kind_link(program, value, engine), _config(source)],
            evidence=[Step(home, made, "the engine is made here, without a generation config that sets a length")],
            fix=lambda: _with_defaults(call, title, program),
            fix_title=title,
        )


def _other_use(call: ast.Call, program: Program) -> str | None:
    """What the parameters are plainly there for, where nothing but a guess says that an engine gets them."""
    for name in _LOOKING:
        for asked in program.calls_of(name):
            if asked.args and program.value(asked.args[0], asked).args is call:
                return "the parameters are only looked at"
    for name, taker in program.qualified_calls():
        if name.startswith(_TRAINERS):
            for given in (*taker.args, *(keyword.value for keyword in taker.keywords)):
                if given is call or program.value(given, taker).args is call:
                    return "a trainer takes the parameters, and sets the length of its completions itself"
    return None


def _taken(confidence: Confidence) -> Link:
    if confidence == "high":
        return Link("resolution", "high", "the parameters go to a call of `generate` or `chat`")
    return Link("resolution", confidence, "the file calls `generate` or `chat` with parameters that nobody can see")


def _config(source: object) -> Link:
    if source == "vllm":
        return Link("resolution", "high", "the engine is told to use the defaults of vLLM")
    return Link("resolution", "medium", "the generation config that comes with the model may set a length")


def _may_be_choice(expr: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether the answer is one of a list of choices, or nobody can see what constrains it."""
    value = program.value(expr, call)
    made = expr if isinstance(expr, ast.Call) else value.node
    if not isinstance(made, ast.Call):
        return True
    return any(keyword.arg in ("choice", None) for keyword in made.keywords)


def _with_defaults(call: ast.Call, title: str, program: Program) -> Fix | None:
    """Two statements before the call: the engine's defaults stay (temperature, top_p), only the length changes."""
    assert isinstance(call.func, ast.Attribute)
    place = program.flow.line_before(call)
    name = "sampling_params"
    if place is None or program.names.lookup(name, program.scope(call)) is not None:
        return None
    at, indent, newline = place
    engine = program.text(call.func.value)
    statements = (f"{name} = {engine}.get_default_sampling_params()", f"{name}.max_tokens = {_TOKENS}")
    lines = "".join(f"{statement}{newline}{indent}" for statement in statements)
    argument = argument_added(program, call, f"{name}={name}" if call.keywords else name)
    return Fix(title, "unsafe", (TextEdit(Span(at, at), lines), argument))
