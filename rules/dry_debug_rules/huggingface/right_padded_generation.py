"""HF002: a decoder-only model goes on from the pads behind the shorter prompts of a batch."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence, Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.generation import Generation, decoder_only, generations
from dry_debug.program.links import Link
from dry_debug.program.tokenization import padding_of
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.encodings import Encoding
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.tokenization import Side
    from dry_debug.program.values import Value

_TITLE = 'Pad on the left (`padding_side="left"`)'
_LISTS = ("list", "List", "Sequence", "Iterable", "tuple", "Tuple")


class RightPaddedGeneration(Rule):
    name = "right-padded-generation"
    code = "HF002"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("okenizer",), (".generate(",), ("pad",))
    why = (
        "A decoder-only model goes on from the last position: with pads on the right the shorter prompts of a batch "
        "are continued from pad tokens, and their answers are wrong without an error."
    )
    quotes = ("DRY-FOC-2",)
    instead = 'Load the tokenizer with `padding_side="left"` for generation.'
    looks_at = "calls of `generate` on a model of transformers whose input comes from a tokenizer"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for generation in generations(program):
            if generation.encodings(program):
                yield generation.call

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Hashable] = set()
        for generation in generations(program):
            encodings = generation.encodings(program)
            if not encodings:
                program.why(generation.call, "its input is not known to come from a tokenizer")
                continue
            for encoding in encodings:
                report = self._judge(generation, encoding, program)
                if report is None:
                    continue
                if encoding.value.args in told:
                    program.why(generation.call, "the first place that generates with this tokenizer is reported")
                    break
                told.add(encoding.value.args)
                yield report
                break

    def _judge(self, generation: Generation, encoding: Encoding, program: Program) -> Report | None:
        call, model, value = generation.call, generation.model, encoding.value
        there = Step(encoding.program, encoding.call, "")
        architecture = decoder_only(model, program)
        if architecture is False:
            program.why(call, "the model has an encoder: it reads right padding as well as left")
            return None
        asked = padding_of(encoding.call, encoding.program)
        if asked is None:
            program.why(call, "the input is not padded: {}", there, see=there)
            return None
        if any(k.arg == "padding_side" for k in encoding.call.keywords):
            program.why(call, "the side is given with the call: {}", there, see=there)
            return None
        if not program.tokenization.known(value):
            program.why(call, "it is not known which tokenizer pads: {}", there, see=there)
            return None
        family = program.tokenization.family(value)
        if architecture is None and (family is None or not family[0].decoder_only):
            program.why(call, "it is not known whether the model is decoder-only")
            return None
        several = "high" if asked[1] == "max_length" else _several(encoding, generation, program)
        if several is None:
            program.why(call, "nothing shows that several prompts are padded together: {}", there, see=there)
            return None
        side = program.tokenization.side(value, encoding.program)
        if side.side != "right":
            program.why(call, "the tokenizer may pad on the left: {}", side.step, see=side.step)
            return None
        return self._report(generation, encoding, several, side, program)

    def _report(
        self, generation: Generation, encoding: Encoding, several: Confidence, side: Side, program: Program
    ) -> Report:
        value, call = encoding.value, generation.call
        made, owner = value.args, value.origin
        assert made is not None and owner is not None
        confidence = weakest(value.confidence, several, side.sure)
        name = program.short(call.func.value, 30) if isinstance(call.func, ast.Attribute) else "the model"
        evidence = [side.step, Step(encoding.program, encoding.call, "the prompts are padded here")]
        return Report(
            at=call,
            headline=f"`{name}.generate()` continues a batch of prompts that is padded on the right",
            confidence=confidence,
            evidence=evidence,
            links=lambda: [
                Link("kind", value.confidence, "the tokenizer of the prompts is known"),
                Link("path", several, "more than one prompt is padded, or one to a fixed length"),
                Link("resolution", side.sure, _default(side)),
            ],
            cause=f"{self.name}@{owner.document.path}:{owner.span(made).start}",
            fix=ready_fix(_fix(value, side, program)),
            fix_title=_TITLE,
        )


def _default(side: Side) -> str:
    if side.sure == "high":
        return "the tokenizer pads on the right, by default or because it is told to"
    return "tokenizers pad on the right unless their model's files say otherwise, and the model is not certain"


def _several(encoding: Encoding, generation: Generation, program: Program) -> Confidence | None:
    """How sure it is that the tokenizer is given more than one text at a time."""
    expr, owner = encoding.texts, encoding.program
    if expr is None:
        return None
    value = owner.value(expr, encoding.call)
    node: ast.AST = expr
    if value.kind == "container" and isinstance(value.node, ast.expr):
        node = value.node
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return "high" if len(node.elts) > 1 else None
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return "high"
    if isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Slice):
        return "high" if value.kind != "text" else None
    if value.kind in ("text", "const") or isinstance(expr, ast.JoinedStr):
        return None
    if isinstance(expr, ast.Name) and _annotated_list(expr.id, encoding, owner):
        return "high"
    if _slices(expr, encoding, owner):
        return "high"
    return "medium" if generation.call in owner.index.scope_of and _decoded_whole(generation, program) else None


def _annotated_list(name: str, encoding: Encoding, owner: Program) -> bool:
    """Whether a parameter is promised to be a list of texts."""
    for arg in owner.scope(encoding.call).parameters():
        if arg.arg == name and isinstance(arg.annotation, ast.Subscript):
            outer = arg.annotation.value
            return (outer.id if isinstance(outer, ast.Name) else getattr(outer, "attr", "")) in _LISTS
    return False


def _slices(expr: ast.expr, encoding: Encoding, owner: Program) -> bool:
    """Whether a variable is a slice of something: `batch = prompts[i : i + size]`."""
    if not isinstance(expr, ast.Name):
        return False
    found = owner.names.lookup(expr.id, owner.scope(encoding.call))
    values = [b.value for b in found[1]] if found is not None else []
    return bool(values) and all(isinstance(v, ast.Subscript) and isinstance(v.slice, ast.Slice) for v in values)


def _decoded_whole(generation: Generation, program: Program) -> bool:
    """Whether all rows of what is generated are decoded: `batch_decode(...)` that no `[0]` follows."""
    decodes = list(_decodes(program.scope(generation.call), program))
    return bool(decodes) and all(_whole(call, program) for call in decodes)


def _decodes(scope: Scope, program: Program) -> Iterator[ast.Call]:
    """The calls of `batch_decode` in a function; if there are none, in those that it calls and that call it."""
    own = [call for call in scope.calls if isinstance(call, ast.Call) and _is_decode(call)]
    if own:
        yield from own
        return
    callers = {program.scope(site) for site in program.call_sites(scope)} if scope.kind == "function" else set()
    for call in program.method_calls("batch_decode"):
        there = program.scope(call)
        if there in callers or (there.kind == "function" and _calls(scope, there, program)):
            yield call


def _calls(scope: Scope, other: Scope, program: Program) -> bool:
    return any(program.scope(site) is scope for site in program.call_sites(other))


def _is_decode(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "batch_decode"


def _whole(call: ast.Call, program: Program) -> bool:
    """Whether nobody picks the first of the texts that `call` decodes."""
    scope = program.scope(call)
    parents = program.flow.parents(scope)
    parent = parents.get(call)
    if isinstance(parent, ast.Subscript):
        return False
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    if isinstance(target, ast.Name):
        return not any(_first(parents.get(read)) for read in program.flow.reads(target.id, scope))
    return not isinstance(target, ast.Tuple | ast.List)


def _first(parent: ast.AST | None) -> bool:
    return isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant) and parent.slice.value == 0


def _fix(value: Value, side: Side, program: Program) -> Fix | None:
    """`padding_side="left"` where the tokenizer is loaded, or where it is told "right"."""
    made = value.args
    if side.step.program is not program or made is None:
        return None
    if isinstance(side.step.node, ast.Constant):
        span = program.span(side.step.node)
        quote = program.document.source[span.start]
        return Fix(_TITLE, "unsafe", (TextEdit(span, f"{quote}left{quote}"),)) if quote in "'\"" else None
    if not made.args and not made.keywords:
        return None
    return Fix(_TITLE, "unsafe", (argument_added(program, made, 'padding_side="left"'),))
