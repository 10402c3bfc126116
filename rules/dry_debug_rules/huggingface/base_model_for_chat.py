"""HF011: a base model is asked for answers, which it was never taught to give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, Severity
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument
from dry_debug.program.conversation import Sign, Talk, loads, talks
from dry_debug.program.evidence import Step
from dry_debug.program.language_models import chat_version, names_base_model
from dry_debug.program.links import Link
from dry_debug.spec.sources import sources_of
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# The model may be no base model when it is asked, or its author knows that it is one and brings a template.
_TUNED = re.compile(
    r"Peft|peft|adapter|[Ll]ora|load_state_dict|Trainer\b|\.backward\(|(?<!apply_)chat_template\s*=|setup_chat_format|"
    r"clone_chat_template|get_chat_template|\bbase[ _-]model|pre-?trained (?:only|model)|few-?shot",
)
# Words of which each file that talks with a model has one. That file need not be the one that loads the model.
_TALKS = ("apply_chat_template", ".chat(", "input(", "role", "You are a")
_SHOWN: dict[Sign, str] = {
    "template": "a chat template is applied to what it is given",
    "messages": "it is given messages with roles",
    "typed": "it answers what a person types",
    "role": "it is told to be an assistant",
}


class BaseModelForChat(Rule):
    name = "base-model-for-chat"
    code = "HF011"
    shape = "site"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (
        ("transformers", "vllm"),
        ("gpt2", "Llama-2-", "Llama-3", "Qwen2.5", "Mistral-7B-v", "gemma-", "EleutherAI/", "facebook/opt", "bloom"),
    )
    why = (
        "A base model continues a text: it goes on with the user's turn, takes no notice of the system message and "
        "does not stop after an answer; most have no chat template either, and `apply_chat_template` raises."
    )
    instead = "Load the chat or instruct model of the family, or fine-tune the base model on conversations first."
    quotes = ("DRY-FW-1", "DRY-FOC-1", "DRY-EX-2")
    looks_at = "calls that ask a language model for an answer"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for talk in self._talks(program):
            yield _place(talk, program)

    def check(self, program: Program) -> Iterator[Report]:
        if not _may_talk(program) and not names_base_model(program.document.source):
            program.why(None, "it talks with no model, and names no base model that another file could talk with")
            return
        if program.why.listens and self._tuned(program):
            return
        told: set[str] = set()
        asked: bool | None = None
        for talk in self._talks(program):
            tuned_id = chat_version(talk.model_id)
            if tuned_id is None:
                program.why(_place(talk, program), f"`{talk.model_id[:60]}` is not known to be a base model")
                continue
            if talk.model_id in told:
                program.why(_place(talk, program), "the first call of this model is reported")
                continue
            if asked is None:
                if self._tuned(program):  # to look a long text through takes longer than all before it
                    return
                asked = _instructed(program)
            if asked:
                program.why(_place(talk, program), "the instructions speak of the model: that is `model-deviation`'s")
                continue
            told.add(talk.model_id)
            yield self._report(talk, tuned_id, program)

    def _tuned(self, program: Program) -> bool:
        tuned = _TUNED.search(program.document.source)
        if tuned is not None or program.is_test:
            program.why(
                None, f"the model may be fine-tuned, or is known to be a base model: {tuned[0] if tuned else ''}"
            )
        return tuned is not None or program.is_test

    def _talks(self, program: Program) -> Iterator[Talk]:
        """Those of this file, then those of files that have a base model from this one and do not look like it."""
        if _may_talk(program):
            yield from talks(program)
        named = names_base_model(program.document.source)
        if not named or not any(chat_version(model_id) is not None for _, model_id in loads(program)):
            return
        users = program.callers.users()
        further = [other for user in users for other in user.callers.users()]  # who has it from a file that hands it on
        for other in {id(each): each for each in (*users, *further) if each is not program}.values():
            source = other.document.source
            if not _may_talk(other) or all(any(word in source for word in group) for group in self.triggers):
                continue  # it says nothing, or is asked itself
            if _TUNED.search(source) is None:
                yield from (talk for talk in talks(other, elsewhere=True) if talk.owner is program)

    def _report(self, talk: Talk, tuned: str, program: Program) -> Report:
        sure: Severity = "warning" if talk.sign in ("template", "messages") else "suggestion"
        at = _place(talk, program)
        return Report(
            at=at,
            headline=f"`{talk.model_id[:44]}` is a base model, and {_BRIEF[talk.sign]}",
            confidence=talk.sure,
            severity=sure,
            evidence=[
                Step(talk.program, talk.shown, _SHOWN[talk.sign]),
                *([] if at is talk.call else [Step(talk.program, talk.call, "here it is asked")]),
            ],
            links=lambda: [Link("resolution", talk.sure, f"it is loaded as `{talk.model_id}`")],
            fix=(lambda: _fix(talk.model_id, tuned, program)) if tuned else None,
            fix_title=f"Use `{tuned}`" if tuned else "",
        )


def _may_talk(program: Program) -> bool:
    return any(word in program.document.source for word in _TALKS)


_BRIEF: dict[Sign, str] = {
    "template": "is given a chat template",
    "messages": "is given chat messages",
    "typed": "answers what a person types",
    "role": "is told to be an assistant",
}


def _instructed(program: Program) -> bool:
    """Whether the instructions ask for a model: then the comparison with them says what is wrong with it."""
    if not sources_of(program):
        return False
    from dry_debug.spec.ambient import asked_of

    return any(asked.field == "model" for asked in asked_of(program))


def _place(talk: Talk, program: Program) -> ast.AST:
    """The argument that names the model in the call that loads it, if that stands in this file."""
    if talk.owner is not program:
        return talk.call
    position = 1 if (program.qualified(talk.made) or "").endswith("pipeline") else 0
    return argument(talk.made, position, "pretrained_model_name_or_path", "model") or talk.made


def _fix(model_id: str, tuned: str, program: Program) -> Fix | None:
    """The chat model's id in place of every text that is exactly the base model's: its tokenizer has to go with it."""
    edits = []
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Constant) and node.value == model_id:
            span = program.span(node)
            text = program.document.source[span.start : span.end]
            if text.count(model_id) != 1:
                return None
            edits.append(TextEdit(span, text.replace(model_id, tuned)))
    return Fix(f"Use `{tuned}`", "unsafe", tuple(edits)) if edits else None
