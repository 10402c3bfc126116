"""Numbers that are said by what they count: "four GPUs (tensor parallel)", "4 x 8 = 32 examples per optimizer step"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.context import asked_part
from dry_debug.spec.numbers import NUMBER, WORD, number
from dry_debug.spec.quantity import Quantity

_SHARDED = re.compile(
    rf"(?P<n>{NUMBER}|\b(?:{WORD})\b)\s*(?:x\s*)?(?:[\w-]+ )?(?:gpus?|cards|devices|[ahl]\d{{2,3}}s?)\W{{1,3}}"
    rf"(?:with |in |by |using |via |as )?(?:tensor[ -]?parallel\w*|tp)\b(?!\s*[=:]?\s*\d)",
    re.IGNORECASE,
)
_PER_UPDATE = re.compile(
    rf"(?:(?P<a>{NUMBER})\s*[x×*·]\s*(?P<b>{NUMBER})(?:\s*[x×*·]\s*(?P<c>{NUMBER}))?\s*=\s*)?(?P<n>{NUMBER})\s+"
    r"(?:examples|samples|sequences|images|pairs|rows|texts|clips|utterances|prompts)\s+"
    r"(?:per|for each|for every|in each|in every|an?)\s+(?:optimi[sz]er |weight |parameter |gradient )?(?:step|"
    r"update)\b",
    re.IGNORECASE,
)


_AT_EVALUATION = re.compile(
    rf"(?P<n>{NUMBER})\s+(?:examples|samples|sequences|images|pairs|rows|texts|clips|utterances|prompts)?\s*"
    r"(?:at|for|in|during|when) (?:the )?(?:evaluati(?:on|ng)|validati(?:on|ng)|eval|testing)\b",
    re.IGNORECASE,
)


def counted(text: str, question: bool, numbers: list[Quantity]) -> Iterator[Quantity]:
    """What a sentence asks for by counting, beside the `numbers` that it names."""
    low = text.lower()
    sizes = [n for n in numbers if n.field == "batch_size"]
    if len(sizes) == 1 and not sizes[0].role and ("eval" in low or "valid" in low or "testing" in low):
        match = _AT_EVALUATION.search(asked_part(text, question), sizes[0].end)
        count = number(match["n"]) if match is not None else None
        if (
            match is not None
            and isinstance(count, int)
            and not any(n.start < match.end() and match.start() < n.end for n in numbers)
        ):
            yield Quantity("batch_size", (count,), "one", match["n"].strip(), match.start("n"), match.end("n"), "eval")
    if ("tensor" in low or "tp" in low) and not any(n.field == "tensor_parallel_size" for n in numbers):
        match = _SHARDED.search(asked_part(text, question))
        count = number(match["n"]) if match is not None else None
        if match is not None and isinstance(count, int) and 0 < count < 1000:
            yield Quantity(
                "tensor_parallel_size", (count,), "one", match["n"].strip(), match.start("n"), match.end("n")
            )
    if "=" in low and ("step" in low or "update" in low) and not any(n.field == "batch_size" for n in numbers):
        match = _PER_UPDATE.search(asked_part(text, question))
        total = number(match["n"]) if match is not None and match["a"] else None
        if match is not None and isinstance(total, int):
            parts = [p for p in (number(match[g]) for g in "abc" if match[g]) if p is not None]
            product = 1.0
            for part in parts:
                product *= part
            if product == total:
                yield Quantity(
                    "batch_size", (total,), "one", match["n"], match.start("n"), match.end("n"), "", "effective"
                )
