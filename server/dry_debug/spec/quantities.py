"""Numbers for the numeric fields in one sentence: before or behind the word for the field, with ranges and bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from dry_debug.records import replace
from dry_debug.spec.context import asked_part, without_negations
from dry_debug.spec.numbers import NUMBER, WORDS, number
from dry_debug.spec.quantity import ANY, VALUE_OF_ANOTHER, Quantity, alike, quantity_of
from dry_debug.spec.vocabulary import ANY_FIELD, BEHIND, NUMERIC, SIGNS
from dry_debug.spec.whose import second_role, with_role

_LINK = (
    r"(?:\)(?=\s*[:=]))?\s*+[\"'(\[{]*+\s*+(?:we (?:said|agreed(?: on)?|want(?:ed)?|wrote(?: down)?|"
    r"decided(?: on)?)|\||:=|==|=|:|→|->|@|have|hold|contain|comprise|consist of|is (?:fine|ok|okay|good|enough)(?: "
    r"at| with)?|has|contains|comprises|holds|(?:should|must|shall|will|can) (?:have|hold|contain|comprise|"
    r"consist of)|"
    r"(?:should |must |will )?(?:go(?:es)?|rises?|climbs?|grows?|moves?|drops?|changes?) (?:linearly )?(?:up |"
    r"down |back )?to|(?:is |be |was |gets? )?(?:doubled|halved|raised|lowered|reduced|increased|decreased|changed|"
    r"bumped|"
    r"dropped)(?: [a-z]+ly)? (?:up |down |back )?to|(?:for )?(?:longer|shorter|more slowly|harder|tighter|"
    r"looser)(?:\s*,)?(?= \d)|(?:(?:a (?:bit|little|notch) )?(?:low|lower|small|"
    r"smaller|high|higher|large|larger|big|bigger|moderate|modest|tiny|gentle)(?=\s*[(:,] ?\.?\d)|(?:(?:should|must|"
    r"can|has to|needs to) )(?:come|go) "
    r"(?:down|up)(?: a (?:notch|bit|little))?(?=\W{1,2}\d))|(?:that )?(?:i|we|you)(?:'d|'ve| will| would)? (?:settled "
    r"on|chose|picked|agreed on|want|"
    r"need|decided on|took|would like|prefer|had in mind|use)(?= (?:is|are|was) )|(?:as|like) (?:in|per) (?:the |our |"
    r"their )?(?:paper|last run|"
    r"recipe|docs|notebook|tutorial|original)\s*(?=[,:(]),?|according to (?:the )?[\w-]+(?=\s*[,:(]),?|(?:(?:can|"
    r"should|must|may|will) )?(?:be )?(?:halved|doubled|raised|lowered|"
    r"reduced|increased|decreased)(?=\s*[:,=])|(?:fine|unchanged|kept) at|(?:by (?:half|a half|two|ten|a "
    r"factor of \w+)|\w+ times (?:smaller|larger|"
    r"lower|higher|bigger|less|more))(?=[,:;]? )|(?:any|some)thing|any value|a value|"
    r",?\s*so(?=\s+\.?\d[\d.]*(?:e-\d+)?\s*(?:\Z|[.,;)]))|is|be|"
    r"are|(?:(?:is|are) )?to be|of|to|at|still|now|should go|(?:(?:should|must|will|shall) )?(?:starts?|begins?|"
    r"peaks?)(?: off| out)? (?:at|"
    r"with|from)|takes?|∈|,(?=\s*\d(?:\.\d+)?e-\d)|,(?=\s*0?\.\d+\s*(?:\Z|[,;.)]))|(?:as|"
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
    r"(?P<most>(?:at|on) or (?:below|under)|(?:must|should|may|can|shall|do|does) ?(?:not|n'?t|never) be (?:more|"
    r"longer|larger|higher|greater|bigger) than|never (?:above|over|more than|larger than|higher than|exceed(?:ing)?|"
    r"beyond)|at most|no (?:more|"
    r"larger|higher|greater|bigger|longer) than|(?:not|n'?t|never) (?:(?:use|take|have|run|train|need|go|be|"
    r"get)(?: it)?(?: on)?(?: for)? )?(?:more than|longer than|larger than|higher than|greater than|bigger than|"
    r"exceed(?:ing)?|above|"
    r"over|to exceed)|(?:must|should|may|do|does)? ?not exceed(?:ing)?|"
    r"up to|max(?:imum|\.)?(?: of)?|<=|≤|<|below|under|less than|lower than|smaller than|capped at|cap(?: of| at)?|"
    r"(?:not )?go(?:ing)? (?:over|above))|"
    r"(?P<least>at or above|never (?:below|under|less than|fewer than)|at least|no (?:less|fewer|lower|smaller) than|"
    r"not "
    r"(?:less than|below|under)|min(?:imum|\.)?(?: of)?|>=|"
    r"≥|(?<![-=>])>|above|more than|"
    r"larger than|greater than|higher than|(?:not )?go(?:ing)? below)|"
    r"(?P<about>~|≈|about|around|roughly|approx(?:imately|\.)?|circa|ca\.?|or so)"
)
_UNIT = r"(?P<percent>\s?(?:%|percent\b|per cent\b))?"
_TAIL = (
    rf"(?:\s*(?P<join>to|up to|through|–|—|-|\.\.+|and|&|or|/|,(?:\s*or)?|\|)\s*(?P<also>(?:{ANY}(?:\s?%)?(?:\s*(?:,|"
    rf"or|/|,\s*or|and)\s*)?){{1,8}}))?"
)
_VALUE = (
    rf"(?:{_BOUND})?\s*+(?P<kind>between|from|in the range(?: of)?|range|either|one of|any of|sweep(?: over)?|"
    rf"try)?\s*+[\[({{]?\s*+(?P<low>{ANY}){_UNIT}{_TAIL}"
)
_NO = re.compile(
    r"\b(?:no(?: need for| need of)?(?: any)?|without(?: any)?|w/o(?: any)?|zero|disable|skip(?: the)?|turn off|"
    r"(?:kill|ditch|scrap|remove|drop|lose|get rid of|forget)(?: the| any)|"
    r"leave out(?: "
    r"the)?|omit(?: the)?|"
    r"(?:don'?t|do not|never|not|rather not) (?:(?:use|do|want|need|apply|add|have)(?: an?| any| the)?(?= )|"
    r"(?=\s(?:accumulate|clip)\b))|(?:don'?t|do not|never)(?= (?:accumulate|clip)\b)|leave|drop(?= warm))\s+(?:the "
    r"(?=warm))?(?P<what>"
    r"(?:lr |learning[ -]rate |linear )?warm-?[ ]?up|weight[ _-]?decay|(?:grad(?:ient)? )?accum(?:ulat(?:ion|e))?\b|"
    r"(?:lora )?dropout|(?:grad(?:ient)?[ -])?(?:norm )?clip(?:ping)?|tensor[ -]?parallel(?:ism|ization)?|tp)\b|"
    r"\b(?P<off>warm-?[ ]?up|weight[ _-]?decay|wd|"
    r"(?:grad(?:ient)?[ _])?accum(?:ulation)?|(?:lora )?dropout|(?:grad(?:ient)?[ _-])?clip(?:ping)?|max[ _]grad[ "
    r"_]norm|tp|tensor[ -]?parallel\w*)"
    r"(?:\s+can (?:go\b|be (?:dropped|removed))|\s*[:=|]\s*(?:none|no|off|disabled|false|null|-|–|0\b(?!\.))|"
    r"\s+(?:is |are |stays? |turned |switched |set "
    r"to )*(?:off|disabled|"
    r"zero|not (?:needed|wanted|used|required|necessary))\b|\s+(?:isn'?t|aren'?t|is not) (?:needed|wanted|used|"
    r"required|necessary)\b)",
    re.IGNORECASE,
)
_GREEDY = re.compile(
    r"\bgreed(?:y|ily)\b|\b(?:answer|respond|generat|decod|sampl)\w*\b[^.;]{0,20}\bdeterministic(?:ally)?\b|"
    r"\bdeterministic (?:answers?|outputs?|responses?|completions?)\b|\barg-?max\b(?! (?:over|of) (?:the )?logits "
    r"for)|\b(?:don'?t|do not|without) sampl(?:e|ing)\b(?! (?:from|"
    r"the|more|frames|rows))|\bdeterministic (?:decoding|sampling|generation)\b|\bno sampling\b",
    re.IGNORECASE,
)
# "LoRA 16/32", "r/alpha = 16/32"
_RANK_AND_ALPHA = re.compile(
    r"\b(?P<name>q?lora|r(?:ank)? ?/ ?a(?:lpha)?)\b[\s:=(]{1,4}(?:r(?:ank)?/a(?:lpha)? ?=? ?)?(?P<r>\d{1,3})\s?/\s?"
    r"(?P<a>\d{1,3})(?![\d.])",
    re.IGNORECASE,
)
_ONE_PASS = re.compile(
    r"\ba (?:single |full |complete |whole )?(?:pass (?:over|through|on)|epoch (?:over|of|on))(?! (?:each|every))|"
    r"\b(?:train|run|fine-?tune|go)\w*(?: it| this)?(?: for)? an? (?:single |full |complete |whole |entire )epoch\b|"
    r"\b(?:over|through) the (?:whole |full |entire |training |train )*(?:data|corpus|set|dataset|examples) "
    r"(?:just |only )?once\b|"
    r"\bonce (?:over|through) the (?:whole |full |entire )?(?:training )?(?:data|corpus|set|dataset)\b",
    re.IGNORECASE,
)
_PASSES = re.compile(
    rf"\b(?:over|through) the (?:whole |full |entire |training |train )*(?:data|corpus|set|dataset|examples) "
    rf"(?:just |only |exactly )?(?P<n>twice|thrice|(?P<times>{ANY}) times)\b",
    re.IGNORECASE,
)
_TENTH = re.compile(
    r"\b(?:an?|one|the first) (?P<part>tenth|twentieth|fifth|hundredth) of (?:the |all )?(?:total |training |"
    r"optimi[sz]er )*(?:steps|training|"
    r"run|updates|iterations)\b[^.;,]{0,30}\bwarm-?[ ]?up\b|\bwarm-?[ ]?(?:up|ing)\b[^.;,]{0,30}\b(?:an?|one|the "
    r"first) (?P<of>tenth|"
    r"twentieth|fifth|hundredth) of\b",
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


# "all seeds (python, numpy, torch) to 1": names no value, and stands between one and its field
_ASIDE = re.compile(
    r"(?<=[a-z])\s*\((?![^()]*\b(?:not|max|min|effective|total|global|overall|per|each|r|rank|lora|eval\w*|val\w*|"
    r"test|train\w*|head|encoder|decoder|backbone|teacher|student|generator|discriminator|actor|"
    r"critic)\b)[^()\d]{2,60}\)(?=\s*(?:[:=]|to\b|of\b|is\b|at\b|should\b)\s*\W?\.?\d)",
    re.IGNORECASE,
)


_NAMED = re.compile(rf"\(\W*(?:{ANY_FIELD.pattern})", re.IGNORECASE)


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
                rf"(?:{_BOUND})?\s*(?P<kind>between|from|either)?\s*(?P<low>{ANY}){_UNIT}(?P<plus>\+)?"
                rf"(?:\s*(?P<join>to|–|-|and|or|/)\s*(?P<also>{ANY}))?(?P<name>{w})",
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
    passes = _PASSES.search(text)
    times = {"twice": 2, "thrice": 3}.get(passes["n"].lower()) or number(passes["times"] or "") if passes else None
    if passes and times is not None and times > 0:
        found.append(Quantity("epochs", (times,), "one", f"{times:g}", passes.start(), passes.end()))
    tenth = _TENTH.search(text)
    if tenth:
        share = {"tenth": 0.1, "twentieth": 0.05, "fifth": 0.2, "hundredth": 0.01}[
            (tenth["part"] or tenth["of"]).lower()
        ]
        found.append(Quantity("warmup_ratio", (share,), "one", f"{share:g}", tenth.start(), tenth.end()))
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
    if "(" in text:
        text = _ASIDE.sub(lambda m: m[0] if _NAMED.search(m[0]) else " " * len(m[0]), text)
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
        one = quantity_of(field, match, behind, text, lora)
        if (
            one is None
            or any(one.start < e and s < one.end for s, e in taken)
            or (pair and one.field in ("lora_r", "lora_alpha") and one.start < pair.end() and pair.start() < one.end)
        ):
            continue
        taken.append((one.start, one.end))
        found.append(_of_a_part(with_role(one, text, sentence), match, text))
        found.extend(second_role(found[-1], text, taken))
    rate = _bare_rate(text) if not any(f.field == "learning_rate" for f in found) else None
    if rate is not None and not any(rate.start < e and s < rate.end for s, e in taken):
        found.append(rate)
    return _without_estimates(found)


_OF_TARGETS = re.compile(r"\b(?:target|summary|label|decoder)\s+\Z", re.IGNORECASE)


def _of_a_part(one: Quantity, match: re.Match[str], text: str) -> Quantity:
    """A length that is said of prompts or of targets, which are a part of the whole."""
    if one.field == "max_length" and not one.role and _OF_TARGETS.search(text[: one.start]):
        return replace(one, role="target")
    prompts = one.field == "max_length" and re.match(r"(?:max(?:imum)?[ _-])?prompts?\b", match["name"].strip(), re.I)
    return replace(one, role="prompt") if prompts and not one.role else one


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
            if VALUE_OF_ANOTHER.search(text[: match.start("low")]):  # "bs 64 / 8 epochs"
                at = match.start("also")
                continue
            low, also = number(match["low"]), number(match["also"])
            together = match["join"] != "and" or match["kind"]
            if not together or low is None or also is None or not alike(low, also):
                at = match.start("also")
                continue
        yield match
