"""HF001: padding is asked of a tokenizer that comes without a pad token."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, Rule, ready_fix
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.language_models import Family
    from dry_debug.program.program import Program
    from dry_debug.program.tokenization import Padding
    from dry_debug.program.values import Value


class UnsetPadToken(Rule):
    name = "unset-pad-token"
    code = "HF001"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (
        ("okenizer",),
        ("from_pretrained",),
        # What the ids of the models without a pad token have in common: others need not be looked at.
        ("gpt", "GPT", "lama", "istral", "ixtral", "alcon", "phi-", "ythia"),
    )
    why = (
        'The tokenizer of this model comes without a pad token, so the call raises "Asking to pad but the tokenizer '
        'does not have a padding token" at the first batch.'
    )
    quotes = ("DRY-FOC-2",)
    instead = "Set `tokenizer.pad_token` right behind the line that loads the tokenizer."
    looks_at = "places that ask a tokenizer for padding: `tokenizer(..., padding=...)`, `tokenizer.pad`, collators"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for padding in program.tokenization.paddings:
            yield padding.call

    def check(self, program: Program) -> Iterator[Report]:
        told: set[Hashable] = set()
        places: list[tuple[ast.Call, Padding]] = [(p.call, p) for p in program.tokenization.paddings]
        for at, padding in (*places, *program.tokenization.passed_on()):
            found = self._unset(at, padding, program)
            if found is None:
                continue
            if padding.tokenizer.args in told:
                program.why(at, "the first place that asks this tokenizer for padding is reported")
                continue
            told.add(padding.tokenizer.args)
            yield self._report(at, padding, *found, program)

    def _unset(self, at: ast.Call, padding: Padding, program: Program) -> tuple[Family, str, Confidence] | None:
        value = padding.tokenizer
        found = program.tokenization.family(value)
        if found is None:
            program.why(at, "it is not known whether the tokenizer of this model comes with a pad token")
            return None
        family, name, _ = found
        if family.has_pad_token(program.version("transformers") if family.pad_token_from else None) is not False:
            program.why(at, "the tokenizer of `{}` comes with a pad token, as far as is known", name)
            return None
        step = program.tokenization.pad_token_set(value, padding.program)
        if step is not None:
            program.why(at, "somebody may give the tokenizer a pad token: {}", step, see=step)
            return None
        if padding.call is not at and padding.program.is_test:
            program.why(at, "the place that asks for padding is a test")
            return None
        if padding.method == "DataCollatorForLanguageModeling" and not padding.program.method_calls("map"):
            # It stacks tensors of one length as they are (`TextDataset`), and pads only samples that are dicts.
            program.why(at, "the samples may be tensors of one length, which are not padded")
            return None
        if _expects_failure(padding.call, padding.program):
            program.why(at, "the call is expected to fail")
            return None
        return found

    def _report(
        self, at: ast.Call, padding: Padding, family: Family, name: str, sure: Confidence, program: Program
    ) -> Report:
        value = padding.tokenizer
        made, owner = value.args, value.origin
        assert made is not None and owner is not None
        confidence = weakest(value.confidence, sure)
        here = padding.call is at
        evidence = [Step(owner, made, f"the tokenizer of `{name}` is loaded here, and nobody gives it a pad token")]
        if not here:
            evidence.append(Step(padding.program, padding.call, "padding is asked of it here"))
        title = "Pad with the end-of-text token"
        return Report(
            at=at,
            headline=f"`{padding.spelled[:40]}` is asked to pad, but the tokenizer of `{name[:32]}` has no pad token",
            confidence=confidence,
            severity="critical" if confidence == "high" else "warning",
            evidence=evidence,
            links=lambda: [kind_link(program, value, padding.spelled), _id_link(name, sure)],
            cause=f"{self.name}@{owner.document.path}:{owner.span(made).start}",
            fix=ready_fix(_fix(value, title, program)),
            fix_title=title,
        )


def _id_link(name: str, sure: Confidence) -> Link:
    if sure == "high":
        return Link("resolution", "high", f"the tokenizer is that of `{name}`")
    return Link("resolution", sure, f"`{name}` is only the default: another model may be asked for")


def _expects_failure(call: ast.Call, program: Program) -> bool:
    """Whether the call stands in a `try` that catches the error, or in `with pytest.raises(...)`."""
    stmt = program.statement(call)
    inner: ast.AST | None = stmt
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        if isinstance(block, ast.Try) and block.handlers and any(s is inner for s in block.body):
            caught = [h.type for h in block.handlers]
            if any(t is not None and "ValueError" in ast.dump(t) for t in caught):
                return True
        if isinstance(block, ast.With) and any("raises" in program.short(i.context_expr).lower() for i in block.items):
            return True
        inner = block
    return False


def _fix(value: Value, title: str, program: Program) -> Fix | None:
    """A line behind the one that loads the tokenizer, where it gets its name."""
    made = value.args
    if value.origin is not program or made is None:
        return None
    stmt = program.statement(made)
    if not isinstance(stmt, ast.Assign | ast.AnnAssign) or stmt.value is not made:
        return None
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target
    name = dotted(target)
    edit = line_after(program, stmt, f"{name}.pad_token = {name}.eos_token") if name is not None else None
    return Fix(title, "unsafe", (edit,)) if edit is not None else None
