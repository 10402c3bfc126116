"""Numbers for the numeric fields in one sentence: before or behind the word for the field, with ranges and bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dry_debug.spec.context import asked_part, without_negations
from dry_debug.spec.instruction import Kind
from dry_debug.spec.numbers import NUMBER, WORDS, number
from dry_debug.spec.vocabulary import ANY_FIELD, BEHIND, NUMERIC, ROLE, SIGNS

_WORD = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))
_ANY = rf"(?:{NUMBER}|\b(?:{_WORD})\b)"
_LINK = (
    r"(?:\)(?=\s*[:=]))?\s*+[\"'(\[{]*+\s*+(?:we (?:said|agreed(?: on)?|want(?:ed)?|wrote(?: down)?|"
    r"decided(?: on)?)|\||:=|==|=|:|→|->|@|is (?:fine|ok|okay|good|enough)(?: at| with)?|has|contains|comprises|holds|"
    r"(?:should |must |will )?(?:go(?:es)?|rises?|climbs?|grows?|moves?|drops?|changes?) (?:linearly )?(?:up |"
    r"down |back )?to|(?:fine|unchanged|kept) at|is|"
    r"are|of|to|at|still|now|should go|takes?|∈|,(?=\s*\d(?:\.\d+)?e-\d)|,(?=\s*0?\.\d+\s*(?:\Z|[,;.)]))|(?:as|"
    r"like) (?:before|always|usual|last "
    r"time|discussed|agreed|"
    r"previously|ever|"
    r"in the last run)|where it is|as it is|[—–]|-(?=\s)|(?:lies |is |be )?(?:somewhere|anywhere)|,?\s*(?:i\.e\.|"
    r"namely)|but|(?:"
    r"(?:should|must|shall|will) )?(?:be )?(?:limited|clipped|capped|restricted|cut|held|kept) (?:to|"
    r"at)|"
    r"(?:should |must |shall |will )?(?:ends?|comes?|works?|adds?) (?:up|out) (?:at|to|as|with|being)|"
    r"(?:should|must|shall|will|can|may|needs? to|has to|have to) (?:probably |ideally |then |also |really )?(?:be|"
    r"stay|remain|equal)"
    r"(?: (?:set|fixed|kept|equal))?(?: to| at)?|set to|"
    r"fixed(?: (?:at|to))?|(?:down|up|back) to|value|with|about:|in(?= [\[(])|after|equal to|equals|stays?(?: at)?|"
    r"remains?|\s++|,(?=\s*(?:lr|"
    r"r)?\s*=))*\s*+[\"'(\[{]*+\s*+(?:(?:lr|r|bs|p|T)\s*=\s*)?(?:exactly|just|only|a)?\s*"
)
_BOUND = (
    r"(?P<most>never (?:above|over|more than|larger than|higher than|exceed(?:ing)?|beyond)|at most|no (?:more|"
    r"larger|higher|greater|bigger|longer) than|not (?:more than|exceed(?:ing)?|above|"
    r"over|to exceed)|(?:must|should|may|do|does)? ?not exceed(?:ing)?|"
    r"up to|max(?:imum|\.)?(?: of)?|<=|≤|<|below|under|less than|lower than|smaller than|capped at|cap(?: of| at)?|"
    r"(?:not )?go(?:ing)? (?:over|above))|"
    r"(?P<least>never (?:below|under|less than|fewer than)|at least|no (?:less|fewer|lower|smaller) than|not "
    r"(?:less than|below|under)|min(?:imum|\.)?(?: of)?|>=|"
    r"≥|(?<![-=>])>|above|more than|"
    r"larger than|greater than|higher than|(?:not )?go(?:ing)? below)|"
    r"(?P<about>~|≈|about|around|roughly|approx(?:imately|\.)?|circa|ca\.?|or so)"
)
_UNIT = r"(?P<percent>\s?(?:%|percent\b|per cent\b))?"
_TAIL = (
    rf"(?:\s*(?P<join>to|up to|through|–|—|-|\.\.+|and|&|or|/|,(?:\s*or)?|\|)\s*(?P<also>(?:{_ANY}(?:\s?%)?(?:\s*(?:,|"
    rf"or|/|,\s*or|and)\s*)?){{1,8}}))?"
)
_VALUE = (
    rf"(?:{_BOUND})?\s*+(?P<kind>between|from|in the range(?: of)?|range|either|one of|any of|sweep(?: over)?|"
    rf"try)?\s*+[\[({{]?\s*+(?P<low>{_ANY}){_UNIT}{_TAIL}"
)
_NO = re.compile(
    r"\b(?:no(?: need for| need of)?(?: any)?|without(?: any)?|zero|disable|skip(?: the)?|turn off|leave out(?: "
    r"the)?|omit(?: the)?|"
    r"(?:don'?t|do not|never|not|rather not) (?:use|do|want|need|apply|add|have)(?: an?| any| the)?)\s+(?P<what>"
    r"(?:lr |learning[ -]rate |linear )?warm-?[ ]?up|weight[ _-]?decay|(?:grad(?:ient)? )?accum(?:ulation)?\b|"
    r"(?:lora )?dropout|(?:grad(?:ient)?[ -])?(?:norm )?clip(?:ping)?|tensor[ -]?parallel(?:ism|ization)?|tp)\b|"
    r"\b(?P<off>warm-?[ ]?up|weight[ _-]?decay|wd|"
    r"grad(?:ient)?[ _]accum(?:ulation)?|(?:lora )?dropout|(?:grad(?:ient)?[ _-])?clip(?:ping)?|max[ _]grad[ _]norm)"
    r"(?:\s*[:=|]\s*(?:none|no|off|disabled|false|null|-|–|0\b(?!\.))|\s+(?:is |are |stays? |turned |switched |set "
    r"to )*(?:off|disabled|"
    r"zero|not (?:needed|wanted|used|required|necessary))\b|\s+(?:isn'?t|aren'?t|is not) (?:needed|wanted|used|"
    r"required|necessary)\b)",
    re.IGNORECASE,
)
_GREEDY = re.compile(
    r"\bgreed(?:y|ily)\b|\bdeterministic (?:decoding|sampling|generation)\b|\bno sampling\b", re.IGNORECASE
)
# "LoRA 16/32", "r/alpha = 16/32"
_RANK_AND_ALPHA = re.compile(
    r"\b(?P<name>q?lora|r(?:ank)? ?/ ?a(?:lpha)?)\b[\s:=(]{1,4}(?:r(?:ank)?/a(?:lpha)? ?=? ?)?(?P<r>\d{1,3})\s?/\s?"
    r"(?P<a>\d{1,3})(?![\d.])",
    re.IGNORECASE,
)
_ONE_PASS = re.compile(
    r"\ba (?:single |full |complete |whole )?(?:pass (?:over|through|on)|epoch (?:over|of|on))(?! (?:each|every))|"
    r"\bonce (?:over|through) the (?:whole |full |entire )?(?:training )?(?:data|corpus|set|dataset)\b",
    re.IGNORECASE,
)
_NO_FIELD = {
    "warm": ("warmup_steps", 0),
    "weight": ("weight_decay", 0),
    "accum": ("gradient_accumulation_steps", 1),
    "drop": ("lora_dropout", 0),
    "wd": ("weight_decay", 0),
    "tensor": ("tensor_parallel_size", 1),
    "tp": ("tensor_parallel_size", 1),
    "clip": ("max_grad_norm", 0),
    "norm": ("max_grad_norm", 0),
}
# Words before or behind a number or field with which it is about something else.
_NOT_BEFORE = {
    "epochs": r"(?:every|each|per|after|(?:decay\w*|drop\w*|accuracy|loss|eval\w*|saved?|checkpoint\w*|converg\w*|"
    r"best)[^,;]{0,24} at|(?:patience|early[ -]?stop\w*)(?: of| after| with| at)?|first|last|until|by|remaining|"
    r"final|than|for the first|wait|another|all|(?:divid|reduc|multipl|cut|lower|halv|milestone|unfreez|switch|chang|"
    r"step|freez)\w*[^,;]{0,30} (?:at|after|from)|milestones?(?: (?:at|are|of))?|unfreeze\w*|start\w* (?:at|"
    r"from|after)) (?:\w+ )?\Z",
    "max_steps": r"(?:every|each|per|after(?! training)|at|patience(?: of)?|first|last|remaining|by|eval(?:uate|"
    r"uation)?|"
    r"save|saving|logging|checkpointing|validation|display|print|report|log|checkpoint|wait|accumul\w+|warm-?up|"
    r"micro|rollouts? of|episodes? of|horizon(?: of)?|trajector\w+ of|unrolls? of|over|across|inference|denoising|"
    r"sampling|"
    r"diffusion|inner|k|gradient|accumulation|frequency|interval) (?:\w+ )?(?:for )?\Z",
    "learning_rate": r"(?:min|minimum|final|end|ending|decay(?:ing)? to|floor|eta) ?_?\Z",
    "max_length": r"(?:eval|each) \Z",
    "seed": r"\bno \Z",
}
_EVERY = re.compile(r"\b(?:every|each|per)\s+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or several, for a field, at `start` to `end` of the sentence."""

    field: str
    values: tuple[float | int, ...]
    kind: Kind
    written: str
    start: int
    end: int
    role: str = ""
    unit: str = ""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], bool], ...]:
    ahead = [
        (
            f,
            re.compile(
                rf"(?<![\w-])(?:--)?(?P<name>(?:{w})(?![a-z])(?:\s?\([a-z][a-z /-]{{0,24}}\)(?=\s*[:=|]))?(?: "
                rf"(?:for|of|on|in) (?:the )?[a-z]+(?: model| "
                rf"layers)?(?=\s*[:=]| "
                rf"(?:is|should|to be)\b|\s+\.?\d))?){_LINK}{_VALUE}",
                re.I,
            ),
            False,
        )
        for f, w in NUMERIC
    ]
    behind = [
        (
            f,
            re.compile(
                rf"(?:{_BOUND})?\s*(?P<kind>between|from|either)?\s*(?P<low>{_ANY}){_UNIT}(?P<plus>\+)?"
                rf"(?:\s*(?P<join>to|–|-|and|or|/)\s*(?P<also>{_ANY}))?(?P<name>{w})",
                re.I,
            ),
            True,
        )
        for f, w in BEHIND
    ]
    percent = re.compile(
        rf"(?P<low>{NUMBER})(?P<percent>\s?(?:%|percent\b))\s*(?:of (?:the )?(?:total |training |all |optimi[sz]er "
        rf")*(?:steps|"
        rf"training|iterations|run|updates)?\s*(?:(?:for|as|in|are|is|should be|go(?:es)? (?:in)?to|go(?:es)? on|"
        rf"(?:is |are )?"
        rf"spent on|used for|is used for|are used for|to) (?:the )?)?)?"
        r"(?:linear |lr )?(?P<name>warm-?[ ]?up)",
        re.IGNORECASE,
    )
    every = (*ahead, *behind, ("warmup_ratio", percent, True))
    return tuple(every)


def quantities(sentence: str, question: bool = False, *, lora: bool = False, settings: bool = False) -> list[Quantity]:
    """The asked numbers of a sentence; `lora` says that the text speaks of LoRA, `settings` that this is a setting."""
    asked = sentence if settings else asked_part(sentence, question)
    text = without_negations(asked)
    found: list[Quantity] = []
    greedy = _GREEDY.search(text)
    if greedy:
        found.append(Quantity("temperature", (0,), "one", "0", greedy.start(), greedy.end()))
    once = _ONE_PASS.search(text)
    if once:
        found.append(Quantity("epochs", (1,), "one", "1", once.start(), once.end()))
    pair = _RANK_AND_ALPHA.search(text)
    if pair and not (pair["name"].lower().startswith("r") and not lora):
        for field, group in (("lora_r", "r"), ("lora_alpha", "a")):
            found.append(Quantity(field, (int(pair[group]),), "one", pair[group], *pair.span(group)))
    for match in _NO.finditer(asked):
        what = (match["what"] or match["off"]).lower()
        field, value = next(v for k, v in _NO_FIELD.items() if k in what)
        if field == "lora_dropout" and not lora and "lora" not in what:
            continue
        found.append(Quantity(field, (value,), "one", str(value), match.start(), match.end()))
    hits: list[tuple[int, int, int, str, re.Match[str], bool]] = []
    low = text.lower()
    if not any(c.isdigit() for c in text) and not any(w in low for w in WORDS):
        return found
    for order, (field, pattern, behind) in enumerate(_patterns()):
        if not any(sign in low for sign in SIGNS[field]):
            continue
        for match in _matches(pattern, text, behind):
            hits.append(
                (match.start("low") if behind else match.start("name"), order, match.end(), field, match, behind)
            )
    hits.sort(key=lambda h: (h[0], h[1]))
    taken: list[tuple[int, int]] = []
    for _, _, _, field, match, behind in hits:
        one = _quantity(field, match, behind, text, lora)
        if (
            one is None
            or any(one.start < e and s < one.end for s, e in taken)
            or (pair and one.field in ("lora_r", "lora_alpha") and one.start < pair.end() and pair.start() < one.end)
        ):
            continue
        taken.append((one.start, one.end))
        found.append(_with_role(one, text, sentence))
        found.extend(_second_role(found[-1], text, taken))
    rate = _bare_rate(text) if not any(f.field == "learning_rate" for f in found) else None
    if rate is not None and not any(rate.start < e and s < rate.end for s, e in taken):
        found.append(rate)
    return _without_estimates(found)


_OPTIMIZERS = re.compile(
    r"\b(?:adamw?|sgd|adafactor|lion|rmsprop|lamb|muon|cos(?:ine)?|linear|constant|one-?cycle)\b", re.IGNORECASE
)
_ALONE = re.compile(r"(?:\A|[,/+;(|]|\bwith\b|\bat\b)\s*(?P<n>\d(?:\.\d+)?e-[2-7])\s*(?=\Z|[,/+;)|])", re.IGNORECASE)


def _bare_rate(text: str) -> Quantity | None:
    """The learning rate of "AdamW, 1e-4, cosine": a number in that notation by itself beside an optimizer."""
    match = _ALONE.search(text) if _OPTIMIZERS.search(text) else None
    value = number(match["n"]) if match is not None else None
    if match is None or value is None:
        return None
    return Quantity("learning_rate", (value,), "one", match["n"], match.start("n"), match.end("n"))


def _without_estimates(found: list[Quantity]) -> list[Quantity]:
    """ "3 epochs, about 5000 steps": what is only estimated follows from the other."""
    lengths = [f for f in found if f.field in ("epochs", "max_steps")]
    if not any(f.kind == "about" for f in lengths) or all(f.kind == "about" for f in lengths):
        return found
    return [f for f in found if f.field not in ("epochs", "max_steps") or f.kind != "about"]


def _matches(pattern: re.Pattern[str], text: str, behind: bool) -> Iterator[re.Match[str]]:
    """The matches; "1e-3 and 10 epochs" are not two numbers of epochs, so there it begins again at the second."""
    at = 0
    while (match := pattern.search(text, at)) is not None:
        at = max(match.end(), at + 1)
        if behind and match.groupdict().get("also"):
            if _VALUE_OF_ANOTHER.search(text[: match.start("low")]):  # "bs 64 / 8 epochs"
                at = match.start("also")
                continue
            low, also = number(match["low"]), number(match["also"])
            together = match["join"] != "and" or match["kind"]
            if not together or low is None or also is None or not _alike(low, also):
                at = match.start("also")
                continue
        yield match


def _quantity(field: str, match: re.Match[str], behind: bool, text: str, lora: bool) -> Quantity | None:
    start = match.start("low") if behind else match.start("name")
    name = match["name"].lower()
    groups = match.groupdict()
    bounded = any(groups.get(k) for k in ("most", "least", "about"))
    before = text[: match.start() if behind and bounded else start]
    if field == "batch_size" and not behind and name in _SHARES and not _A_DEVICE.search(before):
        return None  # "the run takes 3 hours"
    wrong = _NOT_BEFORE.get(field)
    ends = field in ("epochs", "max_steps") and _ENDS.search(before) and not _NO_PROGRESS.search(text[match.end() :])
    if wrong is not None and not ends and re.search(wrong, re.sub(r"\s*[:=|]\s*\Z", " ", before), re.IGNORECASE):
        return None
    if _EVERY.search(before) and field not in ("gradient_accumulation_steps",):
        return None
    if field == "epochs" and not behind and name.strip() == "epoch" and not ends and _AT_AN_EPOCH.search(before):
        return None  # "48.1 at epoch 50"
    low = number(match["low"], field in _TOKENS)
    if low is None or (low <= 0 and field in ("max_steps", "epochs")):
        return None
    if text[match.end("low") :].startswith("^") or (field == "learning_rate" and match["low"].lower() in WORDS):
        return None
    if (
        field == "gradient_accumulation_steps"
        and not behind
        and "accumulate" in name
        and _UP_TO_SIZE.match(text[match.end("name") :])
    ):
        return None  # "accumulate to 64" names the size that comes out
    if behind and _VALUE_OF_ANOTHER.search(before) and _IS_SET.match(text[match.end("name") :]):
        return None  # "lr .01 wd 1e-4": what stands before the name belongs to another
    if field == "warmup_steps" and 0 < low < 0.005:
        return None  # "warm up to 3e-4" names the rate
    if field == "max_grad_norm" and match["name"].strip() == "CLIP":
        return None  # the model
    if field == "epochs" and 0 < low < 0.05:
        return None  # the epsilon of an optimizer
    if match["low"].lower().startswith("a couple"):
        return Quantity(field, (low, low + 1), "range", match["low"].strip(), start, match.end())
    if field == "max_length" and _OF_ANSWERS.search(re.split(r"[,;.(]", before)[-1] + name):
        field = "max_tokens"
    bare = (
        field == "max_length"
        and behind
        and re.match(r"[ -]tok(?!.*(?:context|seq|input|example|sample|long))", name) is not None
    )
    if bare and _SAMPLES.search(text):
        return Quantity("max_tokens", (low,), "one", match["low"].strip(), start, match.end())
    if bare and re.fullmatch(r"[ -]tok(?:ens?)?", name) and not groups.get("most"):
        if not _OF_INPUTS.search(re.split(r"[,;.(]", before)[-1]):
            return None  # a number of tokens alone may be anything
        bare = False
    if field == "epochs" and re.match(r"\s*(?:of )?(?:patience|early)", text[match.end() :], re.IGNORECASE):
        return None
    if field == "warmup_steps" and behind and " of " in name and re.search(r"\bep(?:och)?s?\b", before, re.IGNORECASE):
        return Quantity(field, (low,), "one", match["low"].strip(), start, match.end(), "", "epochs")
    if field == "max_steps" and behind and _RISES.search(before):  # "rises to 3e-4 within 100 steps"
        field = "warmup_steps"
    if field == "warmup_steps" and behind and re.search(r"\bep", name):
        return Quantity(field, (low,), "one", match["low"].strip(), start, match.end(), "", "epochs")
    if field in ("lora_alpha", "lora_dropout", "lora_r") and not lora and "lora" not in name:
        return None
    if (
        field == "max_tokens"
        and behind is False
        and re.search(r"(?:batch(?:ed)?|num_batched|total|training)[ _]\Z", before, re.I)
    ):
        return None
    end = match.end()
    percent = groups.get("percent") is not None
    values, kind, end = _several(match, low, field, end)
    other = _OTHER_BOUND.match(text, end) if kind in ("least", "most") else None
    if other is not None and (high := number(other["value"], field in _TOKENS)) is not None:
        values, kind, end = (values[0], high), "range", other.end()  # "min. 1e-5, max. 5e-5"
    if kind == "one" and len(values) == 1 and not bounded and (limit := _BOUND_BEHIND.match(text, end)):
        kind = "most" if limit["most"] else "least"
    bound = _BOUND_BEFORE.search(before)
    if bound is not None and kind == "one" and len(values) == 1:  # "never go above lr 1e-5"
        kind = "least" if bound["low"] else "most"
    after = text[end : end + 24]
    unit = "bare" if bare and field == "max_length" else ""
    if field in ("warmup_steps", "warmup_ratio"):
        percent = percent or bool(re.match(r"\s?%", after))
        if percent:
            values = tuple(v / 100 for v in values)
            field = "warmup_ratio"
        elif field == "warmup_steps" and 0 < low < 1:
            field = "warmup_ratio"
        elif field == "warmup_steps" and (re.match(r"\s*epochs?\b", after, re.I) or "epoch" in name):
            unit = "epochs"
    elif percent or re.match(r"\s?(?:%|percent)", after):
        if field not in ("lora_dropout", "weight_decay", "top_p"):
            return None
        values = tuple(v / 100 for v in values)
    if field == "lora_dropout" and not 0 <= values[0] < 1:
        return None
    if field in _WHOLE and not all(float(v).is_integer() for v in values):
        return None
    if field in _WHOLE:
        values = tuple(int(v) for v in values)
    if (
        not behind
        and field not in ("epochs", "max_steps", "warmup_steps")
        and re.match(r"\s*-?(?:epochs?|hours?)\b", after, re.I)
        and (field != "batch_size" or re.match(r"\s*-?epochs?\s*[:=]?\s*\d", after, re.I) is None)
    ):
        return None
    if (
        not behind
        and field == "batch_size"
        and re.match(r"\s*(?:epochs|gpus?)\b", after, re.I)
        and not re.match(r"\s*epochs?\s*[:=]?\s*\d", after, re.I)
    ):
        return None
    if field == "max_steps" and not behind and re.match(r"\s*(?:%|epochs)", after):
        return None
    if field == "learning_rate" and not 0 < values[0] <= 30:
        return None
    if field == "batch_size":
        unit = _batch_unit(name, before, after)
        product = _PRODUCT.match(text, end) if not behind else None
        whole = number(product["n"]) if product is not None else None
        if product is not None and isinstance(whole, int) and unit == "effective":  # "4 x 8 x 2 GPUs = 64"
            values, kind, end = (whole,), "one", product.end()
        if re.fullmatch(
            r"[ -](?:effective|in total|total|overall|altogether|"
            r"each)",
            name,
        ) and not _BATCHES.search(before):
            return None
    written = match["low"].strip().rstrip(".")
    if percent:
        written = f"{values[0]:g}"
    return Quantity(field, values, kind, written, start, end, "", unit)


_SHARES = frozenset("processes handles takes gets sees holds".split())
_A_DEVICE = re.compile(  # "every GPU processes 8 at a time", "each of our two A100 processes 8 pairs"
    r"\b(?:each|every|one|a)\b[^.;,]{0,24}\b(?:gpus?|cards?|devices?|workers?|ranks?|[ahlv]\d{2,3}s?)(?: then)?\s+\Z",
    re.IGNORECASE,
)
_RISES = re.compile(
    r"\b(?:ris|climb|grow|ramp|increas|warm)\w*\b[^.;]*\b(?:within|over|in|during|for|after)(?: the)?(?: first)?\s*\Z",
    re.IGNORECASE,
)
_UP_TO_SIZE = re.compile(
    rf"\s+(?:up )?to (?:an? )?(?:total |effective )?(?:of )?(?:{NUMBER})(?!\s*(?:steps?|batches|times|x\b))"
)
_AT_AN_EPOCH = re.compile(r"\b(?:at|in|from|since|until|around|by|after|of)\s+\Z", re.IGNORECASE)
_ENDS = re.compile(
    r"(?<!early )(?<!early-)\b(?:stop|end|finish|halt|quit|done|over|cut off)\w*"
    r"(?: (?:the |this )?(?:training|run|it|there))? (?:after|at) \Z",
    re.IGNORECASE,
)
_NO_PROGRESS = re.compile(r"\s*(?:without|with no|w/o|of no|no |if |when |that )", re.IGNORECASE)
_PRODUCT = re.compile(rf"[^.;=]{{0,40}}[x×*][^.;=]{{0,60}}=\s*(?P<n>{NUMBER})")
_BATCHES = re.compile(r"\bbatch|\bbsz?\b|accum|per[ -](?:device|gpu|card)", re.IGNORECASE)
_TOKENS = frozenset(("max_length", "max_tokens", "batch_size"))
_VALUE_OF_ANOTHER = re.compile(
    rf"(?:{ANY_FIELD.pattern}|(?<![a-zA-Z])(?:momentum|betas?|beta[12]|eps(?:ilon)?|gamma|patience|smoothing|workers|"
    r"layers|dim|scale|cycles|power))\s*(?:[:=]|of|at|is)?\s*\Z",
    re.IGNORECASE,
)
_IS_SET = re.compile(rf"\s*(?:[:=]|of|at|is)?\s*(?:{NUMBER})", re.IGNORECASE)
_BOUND_BEFORE = re.compile(
    r"\b(?:never|not|don'?t|no)\b(?: \w+){0,2} (?:above|over|exceed(?:ing)?|beyond|higher than|larger than|more than|"
    r"(?P<low>below|under|"
    r"less than|lower than))\s+(?:an? |the )?\Z",
    re.IGNORECASE,
)
_BOUND_BEHIND = re.compile(
    r"\s*,?\s*(?:(?P<most>max(?:imum|\.)?(?!\.?[ _-]?\w)|at (?:the )?(?:very )?most(?!\s+\d)|tops\b|or (?:less|"
    r"fewer|lower|"
    r"below)\b|at the latest)|"
    r"(?:min(?:imum|\.)?(?![ _-]?\w)|at (?:the )?(?:very )?least\b(?! every|\s+\d)|or (?:more|higher|above)\b))",
    re.IGNORECASE,
)
_SAMPLES = re.compile(r"\b(?:temp(?:erature)?|top[ _-]?p|sampling|greedy|decoding)\b|\bT\s*=", re.IGNORECASE)
_OF_INPUTS = re.compile(
    r"\b(?:inputs?|sources?|contexts?|prompts?|articles?|documents?|texts?|sequences?|chunks?)\b[^,;.]{0,16}\Z|"
    r"\b(?:keep|stay (?:at|with)|stick (?:to|with))\b[^,;]{0,40}\s\Z",
    re.IGNORECASE,
)
_OF_ANSWERS = re.compile(
    r"\b(?:outputs?|answers?|responses?|completions?|generations?|repl(?:y|ies))\b[^,;.]{0,24}\Z", re.IGNORECASE
)
_OTHER_BOUND = re.compile(
    rf"\s*(?:,|;|/|and|but|to|–|-)?\s*(?:and |but )?(?:at (?:most|least)|(?:max|min)(?:imum|\.)?(?: of)?|no (?:more|"
    rf"less|"
    rf"higher|lower) than|not (?:more|less|above|below) (?:than )?|up to|[<>]=?|[≤≥])\s*(?P<value>{NUMBER})",
    re.IGNORECASE,
)
_WHOLE = frozenset(
    "batch_size gradient_accumulation_steps max_steps seed max_tokens max_length tensor_parallel_size lora_r "
    "warmup_steps".split()
)


def _several(match: re.Match[str], low: float | int, field: str, end: int) -> tuple[tuple[float | int, ...], Kind, int]:
    """(values, kind, end of the match) with the further values that are really of this field."""
    groups = match.groupdict()
    join, also, kind_word = groups.get("join"), groups.get("also"), (groups.get("kind") or "").lower()
    kind: Kind = next(
        (k for k in ("most", "least", "about") if groups.get(k)), "least" if groups.get("plus") else "one"
    )
    if (
        kind == "most"
        and field in ("max_tokens", "max_length")
        and (
            re.match(r"(?:up to|max)", groups["most"], re.I)
            or (field == "max_tokens" and re.search(r"\bnew\b", match["name"], re.I))
        )
    ):
        kind = "one"  # the field is a maximum itself
    if not also or not join:
        return (low,), kind, end
    parts = list(re.finditer(_ANY, also, re.IGNORECASE))
    rest = [n for m in parts if (n := number(m[0], field in _TOKENS)) is not None]
    back = match.end("percent") if groups.get("percent") else match.end("low")
    if "name" in groups and match.start("name") > match.start("low"):
        back = end  # the field stands behind
    join = join.lower()
    behind = "name" in groups and match.start("name") > match.start("low")
    tail = match.string[match.end("also") : match.end("also") + 24]
    of_another = re.match(
        r"\s*-?(?:epochs?|eps?\b|steps?|iter|updates|pass|warm-?up|samples|gpus?|cards?|%|x\b|tokens|batch|bsz?\b|lr\b|"
        r"wd\b|seeds?|accum|grad|rank|way|for (?:eval|val|test))",
        tail if not behind else "",  # what stands behind the numbers is the field itself
        re.I,
    )
    listed = (
        (field == "seed" and len(rest) > 1)
        or match["name"].lower().endswith("seeds")
        or kind_word in ("either", "one of", "any of", "sweep", "sweep over", "try")
        or match.string[match.start("low") - 1 : match.start("low")] in "[{"
    )
    if (of_another and join not in ("or", "-", "–", "to")) or not rest:
        return (low,), kind, back
    if join in ("to", "up to", "through", "–", "—", "-", "..", "...") or (
        join in ("and", "&") and kind_word == "between"
    ):
        if of_another and not re.match(r"\s*-?epochs?|\s*-?steps?", tail, re.I):
            return (low,), kind, back
        if (match["low"] + join + also).count("-") > 1 and field == "seed":
            return (low,), kind, back
        return (low, rest[0]), "range", match.start("also") + parts[0].end()
    if (kind_word in ("in the range", "in the range of", "range", "between", "from") and join.startswith(",")) or (
        match.string[match.start("low") - 1 : match.start("low")] in "[("
        and len(rest) == 1
        and join.startswith(",")
        and re.search(r"\b(?:in|within|range|between)\b", match[0])
    ):
        return (low, rest[0]), "range", match.start("also") + parts[0].end()
    if (
        join in ("or", "|", ",or", ", or")
        or (join == "/" and _alike(low, rest[0]))
        or (join.startswith(",") and (listed or re.search(r"\bor\b", also)))
    ):
        if of_another:  # "lr 1e-3 or 10 epochs" are not two learning rates
            return (low,), kind, back
        return (low, *rest), "one", match.start("also") + parts[-1].end()
    return (low,), kind, back


def _alike(left: float, right: float) -> bool:
    return left > 0 and right > 0 and 1 / 20 <= left / right <= 20


def _batch_unit(name: str, before: str, after: str) -> str:
    if (
        re.search(r"effective|global|total|overall|\bgbs\b|update", name)
        or re.search(r"(?:effective|global|total|overall)(?: \w+)?\s*\Z", before[-24:].lower())
        or re.match(
            r"\s*(?:over|across|(?:split|spread|divided) (?:over|across|among)) (?:the |all |our |my )*\w+ (?:gpus?|"
            r"cards|devices)\b|"
            r"\s*\(?(?:effective|global|total|overall|in total)\b(?!\s*(?:batch(?: size)?)?\s*(?:of|=|:|is)?\s*\d)",
            after.lower(),
        )
    ):
        return "effective"
    if (
        re.search(
            r"(?:per|each|every)[ _-](?:device|gpu|card)|/gpu|processes|handles|takes|gets|sees|holds|micro|"
            r"\beach\b|\bmbs\b|local|a (?:card|device|gpu)",
            name,
        )
        or re.search(
            r"^\s*\(?each\b|^\s*(?:[a-z]+ )?\(?(?:is |are )?(?:per|/|a|on each|on every) ?(?:device|gpu|"
            r"card)",
            after.lower(),
        )
        or re.search(r"per[ _-](?:device|gpu|card)[ ,]*\Z", before[-24:].lower())
    ):
        return "per_device"
    return ""


def _with_role(one: Quantity, text: str, sentence: str) -> Quantity:
    from dataclasses import replace

    role = role_near(text, one.start, one.end, one.field)
    return replace(one, role=role) if role else one


def role_near(text: str, start: int, end: int, field: str = "") -> str:
    """Who the words at `start` to `end` are about: by the words just before, the field's own words, those behind."""
    cut = max(text.rfind(c, 0, start) for c in ",;.(") + 1
    joined = re.split(r"\band\b|\bwith\b|/|\+", text[cut:start])[-1]
    before = joined[-40:]
    own = text[start:end]
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
        ):
            # "evaluate with seed 42" is about the run
            continue
        if name in ("inference", "embedding", "tokenizer", "generator") and field not in (
            "model",
            "batch_size",
            "precision",
        ):
            continue
        if pattern.search(own):
            return name
        if re.search(
            rf"(?:{pattern.pattern})(?:'s|s')?(?:\s+(?:the|a|an|is|use|uses|using|gets?|model|its|at|on|data|of|set|"
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


def _second_role(one: Quantity, text: str, taken: list[tuple[int, int]]) -> list[Quantity]:
    """The second of "batch size 16 for training and 64 for eval", which has no word for the field of its own."""
    from dataclasses import replace

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
            r"(?P<role>\w+)",
            text[one.end :],
            re.IGNORECASE,
        )
    )
    value = number(match["low"]) if match else None
    if match is None or value is None:
        return []
    role = next((name for name, pattern in ROLE if pattern.fullmatch(match["role"])), "")
    if not role or role == one.role:
        return []
    taken.append((one.end, one.end + match.end()))
    start = one.end + match.start("low")
    return [
        replace(
            one, values=(value,), kind="one", written=match["low"], role=role, start=start, end=one.end + match.end()
        )
    ]
