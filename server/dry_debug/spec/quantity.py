"""One number for a numeric field: what a match of a pattern says, if it says anything."""

from __future__ import annotations

import re

from dry_debug.records import dataclass
from dry_debug.spec.instruction import Kind
from dry_debug.spec.numbers import NUMBER, WORD, WORDS, number
from dry_debug.spec.vocabulary import ANY_FIELD

ANY = rf"(?:{NUMBER}|\b(?:{WORD})\b)"  # a number in digits or as a word
# Words before or behind a number or field with which it is about something else.
_NOT_BEFORE = {
    "epochs": r"(?:sav\w+|log\w*|checkpoint\w*|every|each|per|after|"
    r"(?:decay\w*|drop\w*|accuracy|loss|eval\w*|saved?|checkpoint\w*|converg\w*|best)[^,;]{0,24} at|"
    r"(?:patience|early[ -]?stop\w*)(?: of| after| with| at)?|first|last|until|by|remaining|"
    r"final|than|for the first|wait|another|all|(?:divid|reduc|multipl|cut|lower|halv|milestone|unfreez|switch|chang|"
    r"drop|decay|multipl|scal|step|freez)\w*[^,;]{0,60} (?:at|after|from)|milestones?(?: (?:at|are|of))?|"
    r"unfreeze\w*|start\w* (?:at|"
    r"from|after)) (?:\w+ |\d+(?:, \d+)*,? (?:and|or) )?\Z",
    "max_steps": r"(?:every|each|per|within|after(?! training)|at|patience(?: of)?|first|last|remaining|by|eval(?:uate|"
    r"uation)?|"
    r"save|saving|logging|checkpointing|validation|display|print|report|log|checkpoint|wait|accumul\w+|warm-?up|"
    r"micro|rollouts? of|episodes? of|horizon(?: of)?|trajector\w+ of|unrolls? of|over|across|inference|denoising|"
    r"sampling|"
    r"diffusion|inner|k|gradient|accumulation|frequency|interval) (?:\w+ )?(?:for )?\Z",
    "learning_rate": r"(?:min|minimum|final|end|ending|decay(?:ing)? to|floor|eta) ?_?\Z",
    "max_length": r"(?:eval|each|average|avg\.?|mean|median|typical|usual|longest|shortest|p9\d|percentile)(?: "
    r"\w+){0,3} \Z",
    "max_tokens": r"(?:average|avg\.?|mean|median|typical|usual|longest|shortest)(?: \w+)? \Z",
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


def quantity_of(field: str, match: re.Match[str], behind: bool, text: str, lora: bool) -> Quantity | None:
    start = match.start("low") if behind else match.start("name")
    name = match["name"].lower()
    groups = match.groupdict()
    bounded = any(groups.get(k) for k in ("most", "least", "about"))
    before = text[: match.start() if behind and bounded else start]
    if field == "batch_size" and not behind and name in _SHARES and not _A_DEVICE.search(before):
        return None  # "the run takes 3 hours"
    wrong = _NOT_BEFORE.get(field)
    ends = field in ("epochs", "max_steps") and _ENDS.search(before) and not _NO_PROGRESS.search(text[match.end() :])
    rises = field == "max_steps" and behind and _RISES.search(before) is not None
    if (
        wrong is not None
        and not ends
        and not rises
        and re.search(wrong, re.sub(r"\s*[:=|]\s*\Z", " ", before), re.IGNORECASE)
    ):
        return None
    if _EVERY.search(before) and field not in ("gradient_accumulation_steps",):
        return None
    if (
        field == "epochs"
        and not behind
        and name.strip() in ("epoch", "epochs")
        and not ends
        and _AT_AN_EPOCH.search(before)
    ):
        return None  # "48.1 at epoch 50"
    if field == "batch_size" and _REFERENCE.search(before) and "scal" in text.lower():
        return None  # "base lr 1e-3 for batch size 256, scaled linearly"
    if field == "max_steps" and _PER_ROLLOUT.match(text, match.end()):
        return None
    if field == "max_steps" and behind and _LISTED.search(before):
        return None  # "save after 500, 1000 and 1500 steps"
    if field == "max_length" and re.match(
        r"\s*-?(?:iterations|iters|steps|updates|epochs?|hours)\b", text[match.end() :], re.I
    ):
        return None
    if field == "max_grad_norm" and "grad" not in name and "norm" not in name and _POLICY.search(text):
        return None  # the range of PPO's ratio
    if field == "temperature" and _SOFTENED.search(text) and not _SAMPLED.search(text):
        return None
    low = number(match["low"], field in _TOKENS)
    if behind and match["low"].rstrip().endswith("."):
        return None  # the number ends a sentence: "clip at 1. weight decay 0.01"
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
    if behind and VALUE_OF_ANOTHER.search(before) and _IS_SET.match(text[match.end("name") :]):
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
    if (
        field == "warmup_steps"
        and behind
        and re.match(r" of (?:them|which|those|these)\b", name)
        and re.search(r"\bep(?:och)?s?\b", before, re.IGNORECASE)
    ):
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
    if field == "learning_rate" and kind == "range" and _FALLS.search(text) and max(values) >= 3 * min(values):
        values, kind = (max(values),), "one"  # "from 1e-3 to 1e-5 with a cosine"
    other = _OTHER_BOUND.match(text, end) if kind in ("least", "most") else None
    if other is not None and (high := number(other["value"], field in _TOKENS)) is not None:
        values, kind, end = (values[0], high), "range", other.end()  # "min. 1e-5, max. 5e-5"
    if kind == "one" and len(values) == 1 and not bounded and (limit := _BOUND_BEHIND.match(text, end)):
        kind = "most" if limit["most"] else "least"
    if kind == "one" and field == "batch_size" and re.search(r"\bmax(?:imum|imal|\.)? \Z", before, re.IGNORECASE):
        kind = "most"
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


_FALLS = re.compile(
    r"\b(?:cos(?:ine)?|decay\w*|anneal\w*|linear(?:ly)?|schedul\w+|polynomial|exponential|falls?|over the (?:run|"
    r"course|"
    r"training))\b",
    re.IGNORECASE,
)


_LISTED = re.compile(r"(?<![\w.])\d[\d,]*k?, \d[\d,]*k?,? (?:and|or) \Z", re.IGNORECASE)
# "128 steps per rollout": of one round of reinforcement learning
_PER_ROLLOUT = re.compile(
    r"\s*(?:steps )?(?:per|/|an?|in each|for each|of each) ?(?:ppo |policy )?(?:updates?|rollouts?|iterations?|"
    r"episodes?|env\w*|"
    r"trajector\w+|collect\w*|buffer)\b",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"\bppo\b|\bgae\b|\bclip(?:ping)?[ _-](?:range|ratio|eps\w*|coef\w*|param\w*)|\brollouts?\b", re.IGNORECASE
)
_SOFTENED = re.compile(
    r"\bdistil\w*|\bteacher\b|\bkd\b|\bsoft(?:ened|max)\b|\bcontrastive\b|\bnt-?xent\b|\binfo-?nce\b|\bsimclr\b|"
    r"\bgumbel\b|"
    r"\bcalibrat\w+",
    re.IGNORECASE,
)
_SAMPLED = re.compile(r"\bsampl\w+|\bgenerat\w+|\bdecod\w+|\btop[ _-]?p\b", re.IGNORECASE)


_REFERENCE = re.compile(
    r"\b(?:lr|rate)\b[^.;]*\b(?:for|at|per|with) (?:an? |the )?(?:total |global )?\Z", re.IGNORECASE
)
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


VALUE_OF_ANOTHER = re.compile(
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
    r"(?:min(?:imum|\.)?(?![ _-]?\w)|at (?:the )?(?:very )?least\b(?! every|\s+\d)|or (?:more|higher|above)\b|"
    r"\+(?=\s*(?:\Z|[,.;)]))))",
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
    parts = list(re.finditer(ANY, also, re.IGNORECASE))
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
        or (join == "/" and alike(low, rest[0]))
        or (join.startswith(",") and (listed or re.search(r"\bor\b", also)))
    ):
        if of_another:  # "lr 1e-3 or 10 epochs" are not two learning rates
            return (low,), kind, back
        return (low, *rest), "one", match.start("also") + parts[-1].end()
    return (low,), kind, back


def alike(left: float, right: float) -> bool:
    return left > 0 and right > 0 and 1 / 20 <= left / right <= 20


def _batch_unit(name: str, before: str, after: str) -> str:
    if (
        re.search(r"effective|\beff\b|global|total|overall|\bgbs\b|update", name)
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
