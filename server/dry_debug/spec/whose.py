"""Who a number is for: training or evaluation, teacher or student, backbone or head."""

from __future__ import annotations

import re

from dry_debug.spec.numbers import NUMBER, number
from dry_debug.spec.quantity import Quantity
from dry_debug.spec.vocabulary import ROLE

_ADVERSARY = re.compile(r"\b(?:discriminators?|critics?)\b|\bnetd\b|\bgans?\b", re.IGNORECASE)


# "Evaluate every 750 steps (batch size 12)"
_AT_EVALUATION = re.compile(r"\b(?:evaluat|validat|test)\w*[^.;()]*\(\s*(?:with (?:an? )?)?\Z", re.IGNORECASE)


def with_role(one: Quantity, text: str, sentence: str) -> Quantity:
    from dry_debug.records import replace

    role = role_near(text, one.start, one.end, one.field)
    return replace(one, role=role) if role else one


def role_near(text: str, start: int, end: int, field: str = "") -> str:
    """Who the words at `start` to `end` are about: by the words just before, the field's own words, those behind."""
    if field == "batch_size" and _AT_EVALUATION.search(text[:start]):
        return "eval"
    cut = max(text.rfind(c, 0, start) for c in ",;.(") + 1
    joined = re.split(r"\band\b|\bwith\b|/|\+", text[cut:start])[-1]
    before = joined[-40:]
    own = text[start:end].replace("_", " ")
    stop = re.search(r"[,;.()]|\band\b|\bwith\b|\d", text[end:])
    after = text[end : end + (stop.start() if stop else 40)][:40]
    for name, pattern in ROLE:
        if name in ("head", "backbone") and field not in ("learning_rate", "model", "weight_decay", ""):
            continue
        if name == "eval" and field in (
            "seed",
            "max_length",
            "epochs",
            "max_steps",
            "learning_rate",
            "precision",
            "lora_r",
            "lora_alpha",
            "lora_dropout",
            "max_grad_norm",
            "weight_decay",
            "warmup_steps",
            "warmup_ratio",
            "gradient_accumulation_steps",
        ):
            # "evaluate with seed 42" is about the run
            continue
        if name == "generator" and field == "learning_rate" and _ADVERSARY.search(text):
            pass
        elif name in ("inference", "embedding", "tokenizer", "generator") and field not in (
            "model",
            "batch_size",
            "precision",
        ):
            continue
        if pattern.search(own):
            return name
        if re.search(
            rf"(?:{pattern.pattern})(?:'s|s')?(?:\s+(?:the|a|an|is|use|uses|using|gets?|model|its|at|on|data|of|set|"
            rf"can|may|should|will|could|needs?|"
            rf"max|peak|initial|loader|dataloader|for))*[\s:=]*\Z",
            before,
            re.IGNORECASE,
        ):
            return name
        if re.match(
            rf"\s*\(\s*(?:the |our )?(?:{pattern.pattern})\s*\)|\s+as (?:the |a |our )?(?:{pattern.pattern})",
            text[end : end + 40],
            re.IGNORECASE,
        ):
            return name
        if re.match(
            rf"\s*(?:for|on|in|at|during|when|while) (?:the |all |our )?(?:frozen |new )?(?:{pattern.pattern})",
            after,
            re.IGNORECASE,
        ):
            return name
    return ""


def second_role(one: Quantity, text: str, taken: list[tuple[int, int]]) -> list[Quantity]:
    """The second of "batch size 16 for training and 64 for eval", which has no word for the field of its own."""
    from dry_debug.records import replace

    if one.field not in ("batch_size", "learning_rate", "max_length", "temperature", "max_tokens"):
        return []
    inside = re.match(
        rf"\s*\(\s*(?:for |in |on )?(?P<role>[a-z]+)\s*[:=]?\s+(?P<low>{NUMBER})\s*\)", text[one.end :], re.I
    )
    if inside is None:
        inside = re.match(
            rf"[^,;.()\d]{{0,40}}\(\s*(?P<low>{NUMBER})\s+(?:in|for|during|at|on) (?:the )?(?P<role>[a-z]+)\s*\)",
            text[one.end :],
            re.I,
        )
    ahead = re.match(
        rf"\s*(?:,|/|and|&|\+|;)+\s*(?:and )?(?:(?:for|in|on) )?(?:the )?(?P<role>[a-z]+)(?: model| layers)?"
        rf"(?:\s*[:=]\s*|\s+(?:at |to |is |with |gets |uses )?)(?P<low>{NUMBER})(?!\s*(?:x\b|×|epochs?|steps?|gpus?"
        rf"|%|tok))",
        text[one.end :],
        re.IGNORECASE,
    )
    match = (
        inside
        if inside is not None
        else ahead
        if ahead is not None and one.role
        else re.match(
            rf"(?: per (?:device|gpu|card))?\s*\(?(?:for |in |during |at |on )?(?:the )?(?P<who>\w+(?: "
            rf"model)?)?\)?\s*(?:,|/|and|&|\+|"
            rf";|\()+\s*(?P<low>{NUMBER})\s*(?:for |in |during |at |on |\()(?:the )?"
            r"(?P<role>\w+(?: (?:networks?|nets?|functions?)\b)?)",
            text[one.end :],
            re.IGNORECASE,
        )
    )
    value = number(match["low"]) if match else None
    if match is None or value is None:
        return []
    role = next((name for name, pattern in ROLE if pattern.fullmatch(match["role"])), "")
    rest = bool(one.role) and match["role"].lower() in ("everything", "rest", "others", "remaining", "all")
    if (not role and not rest) or role == one.role:
        return []
    taken.append((one.end, one.end + match.end()))
    start = one.end + match.start("low")
    return [
        replace(
            one, values=(value,), kind="one", written=match["low"], role=role, start=start, end=one.end + match.end()
        )
    ]
