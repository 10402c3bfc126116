"""HF004: labels are a copy of padded input ids, so the loss counts the pads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Confidence, Fix
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.encodings import Encoding, encodings_behind
from dry_debug.program.events import function_of
from dry_debug.program.evidence import Step
from dry_debug.program.generation import decoder_only, underlying
from dry_debug.program.handed_back import handed_back
from dry_debug.program.links import Link
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.shape import shape
from dry_debug.program.tokenization import padding_of
from dry_debug.records import dataclass
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding, Scope

_TITLE = "Leave the pads out of the loss (-100)"
# Signs in a file that somebody has thought of the pads, or that the labels are made anew.
_MASKED = (
    "-100", "ignore_index", "IGNORE_INDEX", "IGNORE_TOKEN", "label_pad_token_id", "masked_fill", "masked_select",
    "DataCollatorForLanguageModeling", "DataCollatorForCompletionOnlyLM", "DataCollatorForWholeWordMask",
    'reduction="none"', "reduction='none'", "loss_mask", "label_mask", "labels_mask",
)  # fmt: skip
_COPIES = frozenset(("clone", "copy", "detach", "squeeze", "to", "cuda", "long", "contiguous"))
_COPY_FUNCTIONS = frozenset(("copy.deepcopy", "copy.copy", "builtins.list", "torch.clone"))


@dataclass(frozen=True, slots=True)
class Labels:
    """A place that makes labels of `expr`, in the call or statement `at`; `model` is the call that is given them."""

    at: ast.AST
    expr: ast.expr
    model: ast.Call | None = None


class UnmaskedPaddingLabels(Rule):
    name = "unmasked-padding-labels"
    code = "HF004"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("labels",), ("input_ids",), ("pad",))
    why = (
        "The loss leaves out only labels of -100: here the model is trained to predict the pads, which outnumber the "
        "text in short samples, and the loss looks better than it is."
    )
    quotes = ("DRY-FOC-2",)
    instead = "Set the labels to -100 where the attention mask is 0."
    looks_at = 'labels that are `input_ids`: `batch["labels"] = batch["input_ids"]`, `model(..., labels=input_ids)`'

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for labels in _labels(program):
            yield labels.expr

    def check(self, program: Program) -> Iterator[Report]:
        found = list(_labels(program))
        if not found:
            return
        source = program.document.source
        masked = next((sign for sign in _MASKED if sign in source), None)
        if masked is not None:
            for labels in found:
                program.why(labels.expr, "somebody masks labels in this file, or makes them anew: {}", masked)
            return
        here = not program.is_test and _trains(program)
        for labels in found:
            if not here and not _trained_elsewhere(labels, program):
                program.why(
                    labels.expr, "nothing is known to be trained on them, or it is a test: others may mask them"
                )
                continue
            padded = self._padded(labels, program)
            if padded is not None:
                yield self._report(labels, *padded, program)

    def _padded(self, labels: Labels, program: Program) -> tuple[Step, Confidence, Encoding | None] | None:
        """Where the ids were padded, and how sure it is that they were."""
        encodings = encodings_behind(labels.expr, labels.at, program)
        for encoding in encodings:
            asked = padding_of(encoding.call, encoding.program)
            place = Step(encoding.program, encoding.call, "the ids are padded here")
            if asked is None:
                program.why(labels.expr, "the ids are not padded: {}", place, see=place)
            elif any(sign in encoding.program.document.source for sign in _MASKED):
                program.why(labels.expr, "the file that pads masks labels: {}", place, see=place)
            elif asked[1] == "max_length" or _batch(encoding):
                return place, "high", encoding
            elif _maps_batches(encoding):
                return place, "medium", encoding
            else:
                program.why(labels.expr, "nothing shows that several texts are padded together: {}", place, see=place)
        if encodings:
            return None
        return self._batch_of_loader(labels, program)

    def _batch_of_loader(self, labels: Labels, program: Program) -> tuple[Step, Confidence, None] | None:
        """A batch of a loader, in a file of which every tokenizer call pads."""
        call = labels.model
        if call is None:
            program.why(labels.expr, "the ids are not known to come from a tokenizer")
            return None
        if decoder_only(underlying(program.value(call.func, call)), program) is not True:
            program.why(labels.expr, "the model is not known to be a decoder-only model of transformers")
            return None
        asked = [p for c in program.index.calls if _tokenizes(c) and (p := padding_of(c, program)) is not None]
        calls = [c for c in program.index.calls if _tokenizes(c)]
        padded = [c for c in calls if (p := padding_of(c, program)) is not None and p[1] == "max_length"]
        if not calls or len(asked) < len(calls) or len(padded) < len(calls):
            program.why(labels.expr, "the ids are not known to be padded")
            return None
        return Step(program, padded[0], "every text is padded here"), "medium", None

    def _report(
        self, labels: Labels, place: Step, sure: Confidence, encoding: Encoding | None, program: Program
    ) -> Report:
        shown = program.short(labels.expr, 40)
        return Report(
            at=labels.expr,
            headline=f"Labels are the padded `{shown}`: the loss counts the pads",
            confidence=sure,
            evidence=[place],
            links=lambda: [Link("path", sure, _how(sure, place, program))],
            fix=ready_fix(_fix(labels, encoding, program)),
            fix_title=_TITLE,
        )


def _how(sure: Confidence, place: Step, program: Program) -> str:
    padded = f"`{place.program.short(place.node, 40)}` pads"
    return padded if sure == "high" else f"{padded}, and nothing else is known to make the ids"


def _trained_elsewhere(labels: Labels, program: Program) -> bool:
    """Whether the files that use the class or function around the labels train, and none of them masks labels."""
    function = function_of(program.scope(labels.at))
    if program.is_test or function is None or function.kind != "function":
        return False
    users = program.callers.users((function.class_scope or function).name)
    if any(sign in other.document.source for other in users for sign in _MASKED):
        return False
    return any(_trains(other) for other in users)


def _trains(program: Program) -> bool:
    if program.method_calls("backward") or any(n.endswith("Trainer") for n, _ in program.qualified_calls()):
        return True
    return any(last_name(call.func).endswith("Trainer") for call in program.index.calls)


# -- where labels are made ---------------------------------------------------------------------------------------------


def _labels(program: Program) -> Iterator[Labels]:
    for stmt in program.index.assignments:
        for target in stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]:
            value = stmt.value if isinstance(target, ast.Subscript) and _is(target.slice, "labels") else None
            if value is not None and _ids(value, stmt, program) is not None:
                yield Labels(stmt, value)
    for call in program.index.calls:
        given = next((k.value for k in call.keywords if k.arg == "labels"), None)
        if given is None or _ids(given, call, program) is None:
            continue
        if program.value(call.func, call).kind == "module":
            yield Labels(call, given, call)
    for scope in [program.index.module, *program.index.functions]:
        for statement in scope.returns:
            if isinstance(statement.value, ast.Dict):
                for key, value in zip(statement.value.keys, statement.value.values, strict=True):
                    if key is not None and _is(key, "labels") and _ids(value, statement, program) is not None:
                        yield Labels(statement, value)


def _is(expr: ast.expr, name: str | int) -> bool:
    return isinstance(expr, ast.Constant) and expr.value == name


def _ids(expr: ast.expr, at: ast.AST, program: Program, depth: int = 0) -> ast.expr | None:
    """What `expr` takes the input ids of: `x` of `x["input_ids"].clone()`; the name of ids; None if it is none."""
    expr = _peeled(expr, program)
    if isinstance(expr, ast.Subscript) and _is(expr.slice, "input_ids"):
        return expr.value
    if isinstance(expr, ast.Attribute) and expr.attr == "input_ids":
        return expr.value
    if isinstance(expr, ast.Name) and depth < 4:
        found = program.names.lookup(expr.id, program.scope(at))
        values = [b.value for b in found[1] if b.kind in ("assign", "walrus") and not b.path] if found else []
        if found is not None and len(found[1]) == 1 and values and values[0] is not None:
            ids = _ids(values[0], found[1][0].stmt or at, program, depth + 1)
            if ids is not None:
                return ids
        if found is not None and len(found[1]) == 1:
            return _from_function(found[1][0], program, depth)
    return None


def _from_function(binding: Binding, program: Program, depth: int) -> ast.expr | None:
    """The ids that a parameter is given, or that a call gives beside other things, in this file."""
    places: list[tuple[Program, ast.expr, ast.stmt | None]] = []
    if binding.kind == "param":
        places = [(o, expr, stmt) for o, expr, _, stmt in program.arguments_of(binding.scope, binding.name)]
    elif binding.kind == "assign" and isinstance(binding.value, ast.Call):
        places = list(handed_back(program, binding.value, binding.path))
    if not places or any(owner is not program or stmt is None for owner, _, stmt in places):
        return None
    found = [_ids(expr, stmt, program, depth + 1) for _, expr, stmt in places if stmt is not None]
    return found[0] if None not in found else None


def _copy_function(expr: ast.expr, program: Program) -> bool:
    return isinstance(expr, ast.Call) and program.qualified(expr) in _COPY_FUNCTIONS


def _peeled(expr: ast.expr, program: Program) -> ast.expr:
    """Without the copies around it: `.clone()`, `.to(device)`, `[:]`, `copy.deepcopy(...)`, `torch.tensor(...)`."""
    for _ in range(8):
        if isinstance(expr, ast.Call) and expr.args and _copy_function(expr, program):
            expr = expr.args[0]
        elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr in _COPIES:
            expr = expr.func.value
        elif isinstance(expr, ast.Subscript) and (isinstance(expr.slice, ast.Slice) or _is(expr.slice, 0)):
            expr = expr.value
        else:
            break
    return expr


# -- whether they are padded -------------------------------------------------------------------------------------------


def _batch(encoding: Encoding) -> bool:
    """Whether the tokenizer is given a list of several texts."""
    expr = encoding.texts
    if expr is None:
        return False
    value = encoding.program.value(expr, encoding.call)
    node = value.node if value.kind == "container" else expr
    if isinstance(node, ast.List | ast.Tuple):
        return len(node.elts) > 1
    return isinstance(node, ast.ListComp)


def _maps_batches(encoding: Encoding) -> bool:
    """Whether the function that encodes is given batches: `data.map(encode, batched=True)`."""
    return any(batched is not None and batched.value is True for batched in _maps(encoding))


def _maps_one(encoding: Encoding) -> bool:
    """Whether the function that encodes is given one sample at a time."""
    found = list(_maps(encoding))
    return bool(found) and all(batched is None or batched.value is False for batched in found)


def _maps(encoding: Encoding) -> Iterator[ast.Constant | None]:
    """What `batched` says in each `map` of the function that encodes, where it is plain to see."""
    scope = encoding.program.scope(encoding.call)
    for call in encoding.program.method_calls("map"):
        first = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "function"), None)
        batched = next((k.value for k in call.keywords if k.arg == "batched"), None)
        if (
            first is not None
            and last_name(first) == scope.name
            and (batched is None or isinstance(batched, ast.Constant))
        ):
            yield batched


def _tokenizes(call: ast.Call) -> bool:
    """A call of a tokenizer, by the arguments that only such calls have."""
    names = {k.arg for k in call.keywords}
    return "truncation" in names or bool(names & {"padding", "pad_to_max_length"} and "return_tensors" in names)


# -- fix ---------------------------------------------------------------------------------------------------------------


def _fix(labels: Labels, encoding: Encoding | None, program: Program) -> Fix | None:
    """The same ids with -100 where the attention mask is 0; a pad token that is also the end of the text stays."""
    expr = labels.expr
    if labels.model is not None:
        mask = next((k.value for k in labels.model.keywords if k.arg == "attention_mask"), None)
        same = any(k.arg == "input_ids" and shape(k.value) == shape(expr) for k in labels.model.keywords)
        same = same or any(shape(a) == shape(expr) for a in labels.model.args[:1])
        if mask is None or not same or not isinstance(expr, ast.Name | ast.Subscript | ast.Attribute):
            return None
        text = f"{program.text(expr)}.masked_fill({program.text(mask)} == 0, -100)"
        return Fix(_TITLE, "unsafe", (TextEdit(program.span(expr), text),))
    if encoding is None:
        return None
    peeled = _peeled(expr, program)
    if isinstance(peeled, ast.Name):
        masked = _masked_name(peeled, encoding, program.scope(labels.at), program)
        return Fix(_TITLE, "unsafe", (TextEdit(program.span(peeled), masked),)) if masked is not None else None
    holder = peeled.value if isinstance(peeled, ast.Subscript | ast.Attribute) else None
    if holder is None or dotted(holder) is None:
        return None
    ids = program.text(peeled)
    mask_text = ids[: ids.rindex("input_ids")] + "attention_mask" + ids[ids.rindex("input_ids") + len("input_ids") :]
    tensors = next((k.value for k in encoding.call.keywords if k.arg == "return_tensors"), None)
    copied = peeled is expr or program.text(expr) == f"{ids}.{last_name(getattr(expr, 'func', expr))}()"
    if isinstance(tensors, ast.Constant) and tensors.value == "pt":
        text = f"{ids}.masked_fill({mask_text} == 0, -100)"
        if not copied or last_name(getattr(expr, "func", expr)) not in ("clone", "detach", "input_ids", ""):
            return Fix(_TITLE, "unsafe", (TextEdit(program.span(peeled), text),))
    elif tensors is not None or not (copied or _copy_function(expr, program)):
        return None
    elif _maps_batches(encoding) or _batch(encoding):
        inner = "[token if kept else -100 for token, kept in zip(ids, mask)]"
        text = f"[{inner} for ids, mask in zip({ids}, {mask_text})]"
    elif _maps_one(encoding):
        text = f"[token if kept else -100 for token, kept in zip({ids}, {mask_text})]"
    else:
        return None
    if len(_taken(program, labels) & {"ids", "mask", "token", "kept"}):
        return None
    return Fix(_TITLE, "unsafe", (TextEdit(program.span(expr), text),))


def _masked_name(name: ast.Name, encoding: Encoding, scope: Scope, program: Program) -> str | None:
    """`input_ids.masked_fill(attention_mask == 0, -100)`, where the mask has a name of its own beside the ids."""
    tensors = next((k.value for k in encoding.call.keywords if k.arg == "return_tensors"), None)
    bound = scope.bindings.get(name.id, [])
    if not isinstance(tensors, ast.Constant) or tensors.value != "pt" or len(bound) != 1 or bound[0].value is None:
        return None
    wanted = program.text(bound[0].value).replace("input_ids", "attention_mask")
    for other, bindings in scope.bindings.items():
        value = bindings[0].value
        if len(bindings) == 1 and value is not None and bindings[0].kind == "assign" and program.text(value) == wanted:
            return f"{name.id}.masked_fill({other} == 0, -100)"
    return None


def _taken(program: Program, labels: Labels) -> set[str]:
    return set(program.scope(labels.at).bindings)
