"""OVER005: tokens of a loaded language model are sampled in a hand-written loop, where `generate` does the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program.evidence import Step, made
from dry_debug.program.links import Link, kind_link
from dry_debug.program.token_loops import TokenLoop, token_loops

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What a file says whose subject is decoding itself, or that measures it.
_RESEARCH = re.compile(
    r"speculative|contrastive|watermark|steer|register_forward|(?<!cross)(?<!cross_)entropy|log_?prob|perplexity|beam|kl_div|benchmark"
    r"|perf_counter|time\.time\(|streaming_llm|jacobi|medusa|eagle|draft_model|matplotlib|continuous[ _-]batch",
    re.IGNORECASE,
)

_DRAWN = re.compile(r"multinomial|random\.choice\(")
_LOADED = ("ForCausalLM", "LMHead", "Seq2SeqLM")


class HandwrittenSampling(Rule):
    name = "handwritten-sampling"
    code = "OVER005"
    shape = "site"
    severity = "suggestion"
    fix_kind = "none"
    triggers = (
        ("multinomial", "argmax", "random.choice(", "softmax"),
        ("for ", "while "),
        (".logits", "ForCausalLM", "LMHead", "Seq2SeqLM"),
    )
    why = (
        "Filters, ends of answers in a batch, the cache of keys and values: all of it is in `generate`, tested, and in "
        "the loop a slip in any of them raises nothing and only makes the text worse."
    )
    instead = "Call `model.generate` with the sampling parameters."
    quotes = ("DRY-FW-6",)
    looks_at = "calls of a loaded language model of transformers in a loop"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (call if isinstance(found, str) else found.draw for call, found in token_loops(program))

    def check(self, program: Program) -> Iterator[Report]:
        source = program.document.source
        if not any(name in source for name in _LOADED) and (not _DRAWN.search(source) or program.is_test):
            program.why(None, "no language model is loaded here, and no token of one that is given is drawn at random")
            return
        told: set[ast.AST] = set()
        for call, found in token_loops(program):
            if isinstance(found, str):
                program.why(call, found)
                continue
            sign = _RESEARCH.search(program.document.source)
            if sign is not None or program.is_test:
                program.why(found.draw, "the file is a test, or about decoding itself: `{}`", sign[0] if sign else "")
                continue
            if found.loop in told:
                program.why(found.draw, "the loop is reported at another call")
                continue
            told.add(found.loop)
            yield _report(found, program)


def _report(found: TokenLoop, program: Program) -> Report:
    name = program.short(found.call.func, 24)
    cache = "" if found.cached else ", which computes the whole text anew each time"
    title = f"Call `{name}.generate(..., {_arguments(found, program)})`"
    return Report(
        at=found.draw,
        headline=f"This loop draws the tokens of `{name}` by hand, as `{name}.generate()` does",
        confidence=found.model.confidence,
        evidence=[
            *made(found.model, f"`{name}`"),
            Step(program, found.call, f"the model is called for every token{cache}"),
        ],
        links=lambda: [
            kind_link(program, found.model, name),
            Link("path", "high", "the loop does nothing with the answers that `generate` does not"),
        ],
        fix_title=title,
    )


def _arguments(found: TokenLoop, program: Program) -> str:
    over = found.loop.iter if isinstance(found.loop, ast.For) else None
    count = over.args[-1] if isinstance(over, ast.Call) and len(over.args) == 1 else None
    length = program.short(count, 24) if isinstance(count, ast.Constant | ast.Name | ast.Attribute) else "..."
    if found.greedy:
        return f"do_sample=False, max_new_tokens={length}"
    return f"do_sample=True, temperature=..., top_k=..., top_p=..., max_new_tokens={length}"
