"""What the texts of a prompt ask for: the literals that it is made of, and whether a short answer is enough."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dry_debug.program.conversation import behind, put_together
from dry_debug.program.scopes import last_name
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

MAX_STEPS = 60  # expressions that a prompt is traced back through
_QUESTION = 100  # characters of a question that a few words answer, if it asks for nothing long
_LONG = re.compile(
    r"\b(?:explain|step[- ]by[- ]step|chain of thought|describ|detail|write|list\b|essay|stor(?:y|ies)\b|article|report"
    r"|paragraph|summar|reason|think|thought|analy[sz]|analysis|code\b|function|implement|plan\b|tutorial|review"
    r"|feedback|critique|poem|compare|discuss|elaborate|json|translat|rewrite|draft|rationale|solution|continu|dialogue"
    r"|conversation|judgment|suggest|tips?\b)",
    re.IGNORECASE,
)
# A bound that holds whatever else is asked for, and what a few words answer where nothing long is asked for.
_BOUND = re.compile(
    r"\b(?:in (?:one|a single|two|1|2|a few) (?:short )?(?:sentence|word|line)|(?:one|single)[- ](?:word|sentence)"
    r"|(?:words|sentences|tokens|characters) or (?:less|fewer)|(?:no|not) (?:more|longer) than|at most"
    r"|(?:under|less than|fewer than|within|up to) \d+ (?:words|sentences|tokens|characters)"
    r"|brief|concise|short (?:answer|phrase|sentence|name|title|summary|reply|response))",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(?:yes or no|yes/no|true or false|only (?:the|a|one|with)\b|just (?:the|a|one)\b|multiple[- ]choice|classif"
    r"|one of the following|which (?:option|choice|label|category)|(?:label|score|rating|number|letter|digit)\b)"
    r"|\b[A-D](?:,| or) (?:or )?[B-E]\b|[(\[][A-D][)\]]",
    re.IGNORECASE,
)
# Methods of texts that give back the same, with what they are given put in.
_SAME = frozenset("strip lstrip rstrip replace format join render".split())


@dataclass(frozen=True, slots=True)
class Texts:
    """The literals of a prompt; `whole`: nothing else goes into it."""

    literals: tuple[str, ...]
    whole: bool

    @property
    def long(self) -> bool:
        """Whether a text of some length is asked for in so many words."""
        return any(_LONG.search(text) for text in self.literals)

    @property
    def short(self) -> bool:
        """Whether a few words are a whole answer: they are asked for, or it is a short question and nothing else."""
        if any(_BOUND.search(text) for text in self.literals):
            return True
        if self.long or not self.literals:
            return False
        if any(_SHORT.search(text) for text in self.literals):
            return True
        said = [text.strip() for text in self.literals if text.strip()]
        return self.whole and all(len(text) <= _QUESTION and text.endswith("?") for text in said)


def texts(exprs: Iterable[tuple[ast.expr, Scope]], program: Program) -> Texts:
    """The texts that go into `exprs`, each in its scope, through variables, calls with arguments and containers."""
    todo = list(exprs)
    seen: set[ast.AST] = set()
    literals: list[str] = []
    whole = True
    while todo:
        one, scope = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if len(seen) > MAX_STEPS:
            return Texts(tuple(literals), False)
        if isinstance(one, ast.Constant):
            if isinstance(one.value, str):
                literals.append(one.value)
            continue
        parts = _parts(one, scope, program)
        whole = whole and parts is not None
        todo += parts or ()
    return Texts(tuple(literals), whole)


def _parts(one: ast.expr, scope: Scope, program: Program) -> list[tuple[ast.expr, Scope]] | None:
    """What an expression is made of; None if nobody can see that."""
    parts = put_together(one)
    if parts is not None:
        return [(part, scope) for part in parts]
    if isinstance(one, ast.Starred | ast.Await):
        return [(one.value, scope)]
    if isinstance(one, ast.Dict):  # a message
        content = [
            (value, scope)
            for key, value in zip(one.keys, one.values, strict=True)
            if isinstance(key, ast.Constant) and key.value in ("content", "text")
        ]
        return content or None
    if isinstance(one, ast.ListComp | ast.GeneratorExp):
        inner = program.index.scopes.get(one)
        return [(one.elt, inner)] if inner is not None else None
    if isinstance(one, ast.Name):
        return behind(one, scope, program) or None
    if isinstance(one, ast.Call):
        func, given = one.func, [*one.args, *(k.value for k in one.keywords)]
        if isinstance(func, ast.Attribute) and func.attr in _SAME:
            return [(func.value, scope), *((each, scope) for each in given)]
        if isinstance(func, ast.Attribute) and func.attr == "apply_chat_template":
            return [(one.args[0], scope)] if one.args else None
        if (program.qualified(one) or "").startswith("sglang."):  # `sgl.user(...)`; what is generated is no text yet
            return [] if last_name(func).startswith(("gen", "select")) else [(each, scope) for each in given]
    return None
