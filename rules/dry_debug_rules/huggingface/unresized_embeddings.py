"""HF005: tokens are added to a tokenizer, and the embedding of its model has no rows for them."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_ADDING = ("add_special_tokens", "add_tokens")
# Tokens that the vocabularies of these models hold already.
_OLD = frozenset((
    "[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "<|endoftext|>", "<s>", "</s>", "<unk>", "<pad>", "<mask>",
    "<|eot_id|>", "<|end_of_text|>", "<|begin_of_text|>", "<|finetune_right_pad_id|>",
))  # fmt: skip
# Those of `_OLD` that a decoder-only family does not have.
_NEW_TO_DECODERS = frozenset(("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "<pad>", "<mask>"))
_SIGNS = ("resize_token_embeddings", "resize", "vocab_size=len", "vocab_size = len", "set_input_embeddings")
_MOST_TOKENS = 200
_LIBRARIES = frozenset(("trl", "unsloth", "fastchat", "llamafactory", "axolotl"))


class UnresizedEmbeddings(Rule):
    name = "unresized-embeddings"
    code = "HF005"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("add_special_tokens", "add_tokens"), ("from_pretrained",), ("okenizer",))
    why = (
        "The new ids lie behind the last row of the model's embedding: the first text with such a token ends in an "
        "IndexError, on a GPU in a device-side assert."
    )
    quotes = ("DRY-FOC-5",)
    instead = "Call `model.resize_token_embeddings(len(tokenizer))` behind the new tokens."
    looks_at = "calls of `add_special_tokens` and `add_tokens` on a tokenizer"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for method in _ADDING:
            yield from program.method_calls(method)

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Hashable] = set()
        for method in _ADDING:
            for call in program.method_calls(method):
                report = self._judge(call, told, program)
                if report is not None:
                    yield report

    def _judge(self, call: ast.Call, told: set[Hashable], program: Program) -> Report | None:
        func = call.func
        assert isinstance(func, ast.Attribute)
        tokenizer = program.value(func.value, call)
        if program.is_test or not program.tokenization.known(tokenizer):
            program.why(call, "it is not known which tokenizer gets the tokens, or the file is a test")
            return None
        found = program.tokenization.family(tokenizer)
        if found is None or found[0].spare is not False:
            program.why(call, "the embedding of this model may have rows to spare")
            return None
        family, name, sure = found
        added = _new_tokens(call, family.decoder_only, program)
        if added is None:
            program.why(call, "the tokens are in its vocabulary already, or nobody can see what they are")
            return None
        settled = _settled(tokenizer, program)
        if settled is not None:
            program.why(call, "somebody may make room for them: {}", settled)
            return None
        model = _model_of(tokenizer, name, program)
        if model is None:
            program.why(call, "no model of this tokenizer is loaded in this file")
            return None
        if tokenizer.args in told:
            program.why(call, "the first place that adds tokens to this tokenizer is reported")
            return None
        told.add(tokenizer.args)
        return self._report(call, tokenizer, model, added, sure, program)

    def _report(
        self, call: ast.Call, tokenizer: Value, model: ast.Call, added: str, sure: Confidence, program: Program
    ) -> Report:
        func = call.func
        assert isinstance(func, ast.Attribute)
        spelled = dotted(func.value) or "the tokenizer"
        confidence = weakest(tokenizer.confidence, sure)
        title = "Give the embedding rows for the new tokens"
        return Report(
            at=call,
            headline=f"`{spelled[:30]}` gets {added[:40]}, and the model's embedding has no row for it",
            confidence=confidence,
            severity="critical" if confidence == "high" else "warning",
            evidence=[Step(program, model, "the model is loaded here, with one row for each token of its own")],
            links=lambda: [
                kind_link(program, tokenizer, spelled),
                Link("resolution", sure, "tokenizer and model are of a family whose embedding has no rows to spare"),
            ],
            fix=ready_fix(_fix(call, model, spelled, title, program)),
            fix_title=title,
        )


def _new_tokens(call: ast.Call, decoder: bool, program: Program) -> str | None:
    """What is added, in words, if it is known and new to the vocabulary; None otherwise."""
    expr = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg is not None), None)
    todo: list[ast.expr] = [expr] if expr is not None else []
    for _ in range(_MOST_TOKENS):
        if not todo:
            break
        one = todo.pop(0)
        if isinstance(one, ast.Call) and one.args and (program.qualified(one) or "").endswith(".AddedToken"):
            one = one.args[0]
        if isinstance(one, ast.Name | ast.Attribute):  # `START = "<start>"`, also in another file
            value = program.value(one, call)
            made = value.node if value.kind == "container" and value.origin is program else None
            if isinstance(made, ast.List | ast.Tuple | ast.Dict):
                one = made
            token = value.const if value.kind == "const" else None
        else:
            token = one.value if isinstance(one, ast.Constant) else None
        if isinstance(one, ast.Dict):
            todo.extend(one.values)
        elif isinstance(one, ast.List | ast.Tuple | ast.Set):
            todo.extend(one.elts)
        elif isinstance(token, str) and (token not in _OLD or (decoder and token in _NEW_TO_DECODERS)):
            return f"the token `{token[:24]}`"
    return None


def _settled(tokenizer: Value, program: Program) -> str | None:
    """What shows that somebody resizes the embedding, or may."""
    programs = [program, *([tokenizer.origin] if tokenizer.origin is not None else [])]
    for owner in programs:
        for sign in _SIGNS:
            if sign in owner.document.source:
                return sign
    for name, _ in program.qualified_calls():
        if name.partition(".")[0] in _LIBRARIES:
            return name
    if program.leaves_file:
        for call in program.index.calls:
            target = program.target(call).program
            if target is not None and target is not program and "resize" in target.document.source:
                return program.short(call)
    return None


def _model_of(tokenizer: Value, name: str, program: Program) -> ast.Call | None:
    """The call of this file that loads the model with the same id."""
    for qualified, call in program.qualified_calls():
        if not qualified.startswith("transformers.") or not qualified.endswith(".from_pretrained"):
            continue
        value = program.value(call)
        if value.kind != "module" or argument(call, 0, "pretrained_model_name_or_path") is None:
            continue
        found = program.tokenization.model_id(value)
        if found is not None and found[0] == name:
            return call
    return None


def _fix(call: ast.Call, model: ast.Call, spelled: str, title: str, program: Program) -> Fix | None:
    """`model.resize_token_embeddings(len(tokenizer))` behind the later of the two, where they stand together."""
    first, second = program.statement(call), program.statement(model)
    if not isinstance(second, ast.Assign) or second.value is not model or first is None:
        return None
    name = dotted(second.targets[0])
    parent = program.index.parent
    if name is None or program.scope(call) is not program.scope(model):
        return None
    later: ast.stmt = max(first, second, key=lambda s: s.lineno)
    if later is first and parent.get(first) is not parent.get(second):
        # `if tokenizer.pad_token is None: tokenizer.add_special_tokens(...)`: with it, in the same block.
        around = parent.get(first)
        if not isinstance(around, ast.If) or parent.get(around) is not parent.get(second):
            return None
    edit = line_after(program, later, f"{name}.resize_token_embeddings(len({spelled}))")
    return Fix(title, "unsafe", (edit,)) if edit is not None else None
