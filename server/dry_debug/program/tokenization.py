"""Tokenizers: which model they belong to, where they are asked to pad, and who sets something on them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from dry_debug.once import cached_property
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.language_models import Family, family_of
from dry_debug.program.scopes import Scope, dotted, last_name
from dry_debug.program.values import Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Methods of a tokenizer that take `padding`; calling the tokenizer itself is "".
ENCODING = frozenset(("", "batch_encode_plus", "encode_plus", "encode", "pad", "apply_chat_template"))
# Collators of transformers that pad with the tokenizer unless they are told not to.
COLLATORS = frozenset(
    f"transformers.{name}"
    for name in (
        "DataCollatorWithPadding", "DataCollatorForLanguageModeling", "DataCollatorForSeq2Seq",
        "DataCollatorForTokenClassification",
    )
)  # fmt: skip
# Trainers of transformers that make a padding collator of the tokenizer, where no other collator is given.
TRAINERS = frozenset(("transformers.Trainer", "transformers.Seq2SeqTrainer"))
_PADS = frozenset((True, "longest", "max_length"))
_LOADS = ("Tokenizer.from_pretrained", "TokenizerFast.from_pretrained")
# Tokenizer classes of which no model's files are known to ask for padding on the left.
_RIGHT = frozenset(("GPT2Tokenizer", "GPT2TokenizerFast", "GPTNeoXTokenizerFast", "OpenAIGPTTokenizer"))
# Libraries that leave a tokenizer as it is when they are given it.
_HARMLESS = frozenset("transformers torch builtins datasets functools accelerate copy tqdm".split())
_HARMLESS_EXCEPT = frozenset(("transformers.pipeline",))


@dataclass(frozen=True, slots=True)
class Padding:
    """One place that asks for padding: `call` stands in `program`; `how` is True, "longest" or "max_length"."""

    program: Program
    call: ast.Call
    how: Any
    tokenizer: Value
    spelled: str  # what the tokenizer is called there
    method: str  # of `ENCODING`, or the name of the collator


@dataclass(frozen=True, slots=True)
class Side:
    """Where a tokenizer pads (None: not known), how sure that is, and the place that shows it."""

    side: Literal["left", "right"] | None
    sure: Confidence
    step: Step


class Tokenization:
    """The tokenizers of one file."""

    def __init__(self, program: Program) -> None:
        self._program = program

    # -- which tokenizer -----------------------------------------------------------------------------------------------

    def known(self, value: Value) -> bool:
        """Whether it is a tokenizer of transformers that is known to come from one `from_pretrained`."""
        return (
            value.kind == "tokenizer"
            and value.args is not None
            and value.origin is not None
            and (value.type or "").endswith(".from_pretrained")
            and (value.type or "").split(".")[-2].endswith(("Tokenizer", "TokenizerFast"))
        )

    def model_id(self, value: Value) -> tuple[str, Confidence] | None:
        """The hub id that a tokenizer or a model is loaded by; of medium confidence where it is only the default."""
        made, owner = value.args, value.origin
        expr = argument(made, 0, "pretrained_model_name_or_path") if made is not None else None
        if made is None or owner is None or expr is None or made not in owner.index.scope_of:
            return None
        found = owner.evaluator.value(expr, owner.scope(made), owner.statement(made), value.env)
        if found.kind == "const":
            return (found.const, "high") if isinstance(found.const, str) else None
        default = owner.training.hyper.default_of(expr, made)
        return (default, "medium") if isinstance(default, str) else None

    def family(self, value: Value) -> tuple[Family, str, Confidence] | None:
        """(family, hub id, how sure the id is) of a tokenizer or a model, where the family is listed."""
        found = self.model_id(value)
        family = family_of(found[0]) if found is not None else None
        return (family, found[0], found[1]) if family is not None and found is not None else None

    @cached_property
    def made(self) -> dict[ast.Call, Family]:
        """The calls of this file that load the tokenizer of a listed model."""
        found: dict[ast.Call, Family] = {}
        for name, call in self._program.qualified_calls():
            if not name.endswith(_LOADS):
                continue
            value = self._program.value(call)
            family = self.family(value) if self.known(value) else None
            if family is not None:
                found[call] = family[0]
        return found

    # -- where padding is asked for ------------------------------------------------------------------------------------

    @cached_property
    def paddings(self) -> list[Padding]:
        """Where this file asks a tokenizer for padding, in source order."""
        found = list(self._own())
        found.sort(key=lambda p: (p.call.lineno, p.call.col_offset))
        return found

    def passed_on(self) -> Iterator[tuple[ast.Call, Padding]]:
        """Paddings in other files by functions and classes that this file gives a tokenizer: (the call here, place)."""
        program = self._program
        if not self.made or not program.leaves_file:
            return
        for call in program.index.calls:
            for position, expr in _arguments(call):
                if not isinstance(expr, ast.Name | ast.Attribute):
                    continue
                value = program.value(expr, call)
                if value.args not in self.made:
                    continue
                target = program.target(call)
                owner, scope = target.program, target.scope
                if owner is None or scope is None or owner is program:
                    continue
                name = _parameter(scope, position)
                if name is not None:
                    for padding in _asked_inside(owner, scope, name, value):
                        yield call, padding

    def _own(self) -> Iterator[Padding]:
        program = self._program
        for call in program.index.calls:
            asked = padding_of(call, program)
            if asked is None:
                continue
            expr, how, method = asked
            value = program.value(expr, call)
            if self.known(value):
                yield Padding(program, call, how, value, dotted(expr) or program.short(expr), method)

    # -- who sets what -------------------------------------------------------------------------------------------------

    def pad_token_set(self, value: Value, also: Program | None = None) -> Step | None:
        """Where somebody gives the tokenizer a pad token, or may; `also` is another file that handles it."""
        return self._given(value, ("pad_token", "pad_token_id", "_pad_token"), ("add_special_tokens",), also)

    def side(self, value: Value, also: Program | None = None) -> Side:
        """Where a tokenizer pads; `also` is another file that handles it."""
        made, owner = value.args, value.origin
        assert made is not None and owner is not None
        given = next((k for k in made.keywords if k.arg in ("padding_side", None)), None)
        programs = list({id(p): p for p in (self._program, owner, also) if p is not None}.values())
        told = [(owner, given.value)] if given is not None and given.arg is not None else []
        if given is not None and given.arg is None:
            return Side(None, "low", Step(owner, made, "it is made with options that nobody can see"))
        for program in programs:
            for part, stmt in _assigned(program, ("padding_side",)):
                if _may_be(program.value(part.value, stmt), value):
                    told.append((program, stmt.value) if stmt.value is not None else (program, part))
        if told:
            program, expr = told[0]
            sides = {e.value if isinstance(e, ast.Constant) else None for _, e in told}
            if sides != {"right"}:
                return Side(None, "low", Step(program, expr, "the side is chosen here"))
            return Side("right", "high", Step(program, expr, "the tokenizer is told to pad on the right here"))
        for program in programs:
            step = _set_in(program, value, ("padding_side",), ()) or self._handed(program, value, ("padding_side",), ())
            if step is not None:
                return Side(None, "low", step)
        return self._side_by_model(value, Step(owner, made, "the tokenizer is made here, and nobody sets its side"))

    def _side_by_model(self, value: Value, step: Step) -> Side:
        found = self.model_id(value)
        if found is None:
            return Side("right", "medium", step)
        family = family_of(found[0])
        if family is not None:
            return Side(family.side, found[1], step)
        # A class of its own pads as the class does; what AutoTokenizer finds for such a model is not known.
        cls = (value.type or "").split(".")[-2]
        return Side("right" if cls in _RIGHT else None, "medium", step)

    def _given(
        self, value: Value, attributes: tuple[str, ...], methods: tuple[str, ...], also: Program | None
    ) -> Step | None:
        made, owner = value.args, value.origin
        assert made is not None and owner is not None
        for keyword in made.keywords:
            if keyword.arg is None or keyword.arg in attributes:
                return Step(owner, made, "it is made with it, or may be")
        programs = {id(p): p for p in (self._program, owner, also) if p is not None}
        for program in programs.values():
            found = _set_in(program, value, attributes, methods) or self._handed(program, value, attributes, methods)
            if found is not None:
                return found
        return None

    def _handed(
        self, program: Program, value: Value, attributes: tuple[str, ...], methods: tuple[str, ...]
    ) -> Step | None:
        """A call that is given the tokenizer and may set it: unresolved, or of a file that sets such an attribute."""
        for call in program.index.calls:
            holders = [e for _, e in _arguments(call) if isinstance(e, ast.Name | ast.Attribute) or e is value.args]
            if not holders:
                continue
            name = program.qualified(call)
            if name is not None and name.partition(".")[0] in _HARMLESS and name not in _HARMLESS_EXCEPT:
                continue
            if not any(_same(program.value(e, call), value) for e in holders):
                continue
            target = program.target(call)
            if target.kind != "function" or target.program is None:
                if _plain_class(program, call):
                    continue
                return Step(program, call, "this call is given the tokenizer and cannot be followed")
            if target.program is not program and _set_in(target.program, value, attributes, methods) is not None:
                return Step(program, call, "what is called here sets it, or may")
        return None


def padding_of(call: ast.Call, program: Program) -> tuple[ast.expr, Any, str] | None:
    """(the tokenizer's expression, how, method) of a call that asks for padding; None if it is no such call."""
    func = call.func
    method = func.attr if isinstance(func, ast.Attribute) and func.attr in ENCODING else ""
    if method == "pad" and isinstance(func, ast.Attribute):
        how = _how(call, program, True)
        return (func.value, how, method) if how is not None else None
    if any(k.arg in ("padding", "pad_to_max_length") for k in call.keywords):
        name = program.qualified(call)
        if name in COLLATORS:
            how = _how(call, program, True)
        elif name is None:
            how = _how(call, program, None)
            return (func.value if method and isinstance(func, ast.Attribute) else func, how, method) if how else None
        else:
            return None
    else:
        name = program.qualified(call) if call.args or call.keywords else None
        how = True if name in COLLATORS else None
        if name in TRAINERS and len(call.args) < 3 and all(k.arg not in ("data_collator", None) for k in call.keywords):
            expr = argument(call, 99, "tokenizer", "processing_class")
            return (expr, True, "Trainer") if expr is not None else None
    if how is None or name is None:
        return None
    expr = argument(call, 0, "tokenizer", "processing_class")
    return (expr, how, name.rpartition(".")[2]) if expr is not None else None


def _how(call: ast.Call, program: Program, default: Any) -> Any:
    """What `padding` says, where it asks for some and that is known."""
    for keyword in call.keywords:
        if keyword.arg not in ("padding", "pad_to_max_length"):
            continue
        value = program.value(keyword.value, call)
        if value.kind != "const" or (isinstance(value.const, int) and value.const is not True):
            return None
        if keyword.arg == "pad_to_max_length":
            return "max_length" if value.const is True else None
        return value.const if value.const.__hash__ and value.const in _PADS else None
    return default


def _arguments(call: ast.Call) -> list[tuple[int | str, ast.expr]]:
    named: list[tuple[int | str, ast.expr]] = [(k.arg, k.value) for k in call.keywords if k.arg is not None]
    return [*enumerate(call.args), *named]


def _parameter(scope: Scope, position: int | str) -> str | None:
    """The parameter of a function that an argument goes to."""
    names = scope.passed_names()
    if isinstance(position, str):
        return position if position in names else None
    return names[position] if position < len(names) else None


def _asked_inside(owner: Program, scope: Scope, name: str, value: Value) -> Iterator[Padding]:
    """Paddings that a function asks of its parameter `name`, or its class of the attribute that keeps it."""
    cls = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
    kept = {
        f"{scope.self_name}.{attribute}"
        for attribute, bindings in (cls.attributes if cls is not None and scope.name == "__init__" else {}).items()
        if len(bindings) == 1 and isinstance(bindings[0].value, ast.Name) and bindings[0].value.id == name
    }
    for call in owner.index.calls:
        asked = padding_of(call, owner)
        path = dotted(asked[0]) if asked is not None else None
        if asked is None or path is None:
            continue
        at = owner.scope(call)
        if (path == name and _inside(at, scope) and len(scope.bindings.get(name, ())) == 1) or (
            path in kept and at.class_scope is cls
        ):
            yield Padding(owner, call, asked[1], value, path, asked[2])


def _inside(scope: Scope, outer: Scope) -> bool:
    at: Scope | None = scope
    while at is not None and at is not outer:
        at = at.parent
    return at is outer


def _assigned(
    program: Program, attributes: tuple[str, ...]
) -> Iterator[tuple[ast.Attribute, ast.Assign | ast.AnnAssign]]:
    """The assignments to one of the attributes of anything: (target, statement)."""
    if not any(name in program.document.source for name in attributes):
        return
    for stmt in program.index.assignments:
        targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Attribute) and part.attr in attributes and not _of_config(part.value):
                    yield part, stmt


def _set_in(program: Program, value: Value, attributes: tuple[str, ...], methods: tuple[str, ...]) -> Step | None:
    """Where `program` sets one of the attributes on the tokenizer, or on something that it may be."""
    for part, stmt in _assigned(program, attributes):
        if _may_be(program.value(part.value, stmt), value):
            return Step(program, stmt, "it is set here, or may be")
    for name in methods:
        for call in program.method_calls(name):
            func = call.func
            if isinstance(func, ast.Attribute) and _may_be(program.value(func.value, call), value):
                return Step(program, call, "it is set here, or may be")
    if any(name in program.document.source for name in attributes):
        for call in program.calls_of("builtins.setattr"):
            return Step(program, call, "it may be set here")
    return None


def _of_config(expr: ast.expr) -> bool:
    """`model.config.pad_token_id = ...` tells the model, not the tokenizer."""
    return last_name(expr) in ("config", "generation_config", "model_config")


def _may_be(found: Value, value: Value) -> bool:
    if found.kind == "unknown" or (found.kind == "tokenizer" and found.args is None):
        return True
    return found.kind in ("tokenizer", "instance") and (found.args is value.args or found.kind == "instance")


def _same(found: Value, value: Value) -> bool:
    return found.kind == "tokenizer" and (found.args is value.args or found.args is None)


def _plain_class(program: Program, call: ast.Call) -> bool:
    """A class of the project without a constructor of its own (a dataclass), or the call of a tokenizer's method."""
    value = program.value(call.func, call)
    return value.kind == "class" and value.scope is not None
