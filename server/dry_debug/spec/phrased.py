"""Numbers that a whole phrase is about: "an update sees 128 examples", "train and eval batch size are both 32"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from dry_debug.records import dataclass
from dry_debug.spec.context import asked_part, without_negations
from dry_debug.spec.instruction import Kind
from dry_debug.spec.numbers import NUMBER, WORD, number
from dry_debug.spec.quantity import Quantity

_N = rf"(?P<n>{NUMBER}|\b(?:{WORD})\b)"
_THINGS = (
    r"(?:examples|samples|sequences|images|pairs|rows|texts|clips|utterances|prompts|documents|docs|sentences|graphs|"
    r"pictures|photos|crops|tiles|dialogues|conversations|records|items|files|frames)"
)
_WARMING = r"(?:warm(?:ing)?[ -]?up|warm-?up)"
_STEPS = r"(?:(?:training |optimi[sz]er |update )?(?:steps|updates|iterations|iters))"
_SOME = r"(?:an?|one|each|every|per)"


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A field, and a pattern whose group `n` is its number; `signs`: one of them occurs in the text."""

    field: str
    signs: tuple[str, ...]
    pattern: str
    unit: str = ""
    roles: tuple[str, ...] = ("",)
    whole: bool = True  # only whole numbers


_EVAL = r"(?:eval(?:uation)?|validation|val|dev|test)"
_PHRASES = (
    _Phrase(
        "batch_size",
        ("eval", "val", "dev", "test"),
        rf"\btrain(?:ing)?\s*(?:and|&|/|\+)\s*{_EVAL}[ -]batch(?:[ -]?sizes?|es)?\s*(?:should |must |shall )?"
        rf"(?:of|are|is|be|both|[:=])*\s*(?:both |each |set to |the same:? )?(?:of )?{_N}(?!\s*(?:/|and\b|,\s*\d))|"
        rf"\bbatch(?:[ -]?size)? (?:is|should be|stays|of) (?:the same |equal |identical )?(?:for|in) (?:both )?"
        rf"train\w* and {_EVAL}\w*\W{{1,3}}{_N}|{_N} (?:as (?:the )?|for both |is (?:the )?)train(?:ing)?\s*"
        rf"(?:and|&|/)\s*{_EVAL}[ -]batch[ -]?size",
        roles=("", "eval"),
    ),
    _Phrase(
        "batch_size",
        ("update", "step"),
        rf"\b{_SOME} (?:optimi[sz]er |weight |parameter |gradient )?(?:update|step) (?:then |should |must |has to |"
        rf"will )?(?:sees?|covers?|uses?|comprises?|averages? over|is over|is based on) {_N} {_THINGS}\b|"
        rf"(?<![x×*] ){_N} {_THINGS} (?:per|for each|for every|in each|in every) (?:(?:optimi[sz]er |weight |"
        rf"parameter |"
        rf"gradient )step|update)\b",
        unit="effective",
    ),
    _Phrase("batch_size", ("at a time", "at once"), rf"{_N} {_THINGS} at (?:a time|once)\b"),
    _Phrase("batch_size", ("batches",), rf"\b(?:mini-?)?batches (?:with|holding|containing) {_N}\b"),
    _Phrase(
        "gradient_accumulation_steps",
        ("micro", "backward", "mini-batch", "minibatch"),
        rf"\boptimi[sz]er (?:\w+ )?(?:steps?|updates?)? (?:only )?(?:after )?(?:every|each) {_N}(?:st|nd|rd|th)? "
        rf"(?:micro|mini|backward|forward)|\bstep\w* (?:only )?after (?:every )?{_N} (?:micro|mini|backward|forward)|"
        rf"{_N} (?:micro-?(?:steps|batches)|backward passes) (?:per|for each|make|before each) (?:an? )?"
        rf"(?:optimi[sz]er |weight )?(?:step|update)",
    ),
    _Phrase(
        "gradient_accumulation_steps",
        ("accum", "summed", "averaged", "gas", "acc", "freq"),
        rf"{_N}[ -]?fold (?:gradient )?accumulation|\bgradients (?:are |get |be )?(?:summed|averaged|collected|"
        rf"gathered) (?:up )?(?:over|across|for) {_N} (?:mini-?|micro-?)?(?:batches|steps|passes)|"
        rf"\bgas\s*[:= ]\s*{_N}(?= *(?:\Z|[,.;)/|]))|(?<![\w.]\s)(?<!val )\bacc\.?\s*[:= ]\s*(?P<n>\d{{1,3}})(?= "
        rf"*(?:\Z|[,;)/|]))|"
        rf"\bupdate[_ ]freq(?:uency)?\s*[:= ]\s*{_N}|\baccum\w* (?:the )?grad\w* {_N} times\b|"
        rf"\b(?:collect|sum up|gather) (?:the )?gradients (?:of|over|from) {_N} ",
    ),
    _Phrase(
        "epochs",
        ("time", "round", "epoch", "sweep", "pass"),
        rf"\b(?:train|run|go|see|pass|show|fine-?tune)\w*[^.;,\d]{{0,30}}? {_N} times (?:over|through|on) (?:the |all )"
        rf"|\b(?:see|visit|show)s? (?:the )?(?:whole |full |entire |training )*(?:data|set|corpus|dataset|examples) "
        rf"{_N} times|{_N} (?:rounds|sweeps|runs|loops) (?:over|through) (?:the )|\bepoch count\W{{1,3}}{_N}|"
        rf"\b(?:train|run|continue|go on|go)\w* (?:it )?(?:until|till|up to|through) (?:the end of )?epoch {_N}|"
        rf"\b(?:run (?:the )?)?epochs 1 (?:to|-|–|through) {_N}|\b(?:cut|shorten)\w* [^.;,\d]{{0,30}}?\b"
        rf"(?:short )?(?:at|after|to) {_N} epochs(?! (?:without|with no|of no|w/o))",
        whole=False,
    ),
    _Phrase(
        "max_steps",
        ("step", " it"),
        rf"\b(?:as many|fewer|more|twice the|half the) (?:training |optimi[sz]er )?(?:steps|iterations|updates),? "
        rf"(?:i\.e\.,? |so "
        rf"|namely |that is,? )(?:only )?{_N}|\b(?:step|iteration|update) (?:budget|count|limit)\W{{1,3}}(?:is |of "
        rf")?{_N}|{_N}[ -](?:step|iteration) "
        rf"(?:run|training|schedule|budget)\b|\b(?:train|run)\w* (?:for )?{_N} its?\b",
    ),
    _Phrase(
        "warmup_steps",
        ("warm",),
        rf"\bfirst {_N} {_STEPS} (?:are|is|should be|go) (?:used |there |meant )?(?:for |to |into )?(?:the )?(?:lr |"
        rf"linear )?warm|\bspend (?:the first )?{_N} {_STEPS} (?:on )?(?:warm|ramp)|\bwarm-?[ ]?up (?:should |must |"
        rf"shall |will )?(?:last|take|run|span|cover|need)s? (?:for |the first )?{_N} {_STEPS}|"
        rf"\bwarm-?[ ]?up (?:should |must |can )?be (?:longer|shorter|extended|increased|reduced)\W{{1,3}}(?:to |at )?"
        rf"{_N} {_STEPS}|\b(?:a |an )?(?:short|brief|small|little|long|longer|shorter|more|less)(?: (?:lr|linear))? "
        rf"warm-?[ ]?up(?:,? please)?\s*(?:[:,(–—-]|of|for)\s*(?:just |only |about )?{_N} {_STEPS}(?! in total)|"
        rf"\bwarm-?[ ]?up(?: linearly)? from (?:0|zero) to \S+ (?:over|in|during|within) (?:the first )?{_N} {_STEPS}",
    ),
    _Phrase(
        "learning_rate",
        ("warm", "ramp"),
        r"\b(?:warm-?[ ]?up|warm(?:s|ed|ing)? up|ramp(?:s|ed)?(?: up)?)(?: linearly)?(?: from (?:0|zero|\S+e-\d+))? "
        r"to (?P<n>\d(?:\.\d+)?e-\d)",
        whole=False,
    ),
    _Phrase(
        "max_grad_norm",
        ("norm", "clip"),
        rf"\b(?:clip|limit|cap)\w* the norms? of (?:the |all )?gradients? (?:at|to) (?:at most )?{_N}|"
        rf"\bgradients? (?:above|over|beyond|larger than|exceeding) (?:an? )?(?:norm (?:of )?)?{_N} (?:are|is|get|"
        rf"should be|must be|will be) (?:clipped|scaled|cut)|\bclip(?:ping)?[^.;,\d]{{0,24}} threshold (?:of |at |is )?"
        rf"{_N}",
        whole=False,
    ),
    _Phrase(
        "weight_decay",
        ("decay", "l2", "regulari"),
        r"\bdecay (?:of )?(?P<n>0?\.\d+|\d(?:\.\d+)?e-\d) (?:for|on) (?:the |all )?weights|"
        r"\bl2[ -](?:regulari[sz]ation|penalty|decay) (?:with|of|at) (?P<n>0?\.\d+|\d(?:\.\d+)?e-\d)|"
        r"\b(?:lambda|λ)\s*=?\s*(?P<n>0?\.\d+|\d(?:\.\d+)?e-\d) for (?:the )?(?:weight[ -]?decay|l2)",
        whole=False,
    ),
    _Phrase(
        "max_length",
        ("token", "chunk", "block", "tok"),
        rf"\b(?:anything|everything|whatever is|all|what is) (?:beyond|above|past|longer than|after|over) {_N} "
        rf"(?:tok(?:en)?s?|word-?pieces) (?:is|are|gets?|should be|must be|will be|can be) (?:cut|dropped|truncated|"
        rf"removed|thrown)|\btokeni[sz]e\w*[^.;,\d]{{0,24}} (?:to|at|with) {_N} tok|\b(?:chunk|block|window)s? of {_N}"
        rf"(?: tok\w*)?\b(?! (?:min|sec|ms|hour|image|pixel|frame|sample))|\b(?:chunk|concatenate and chunk|split)\w*"
        rf"(?: \w+){{0,3}}? (?:in)?to (?:chunks of |blocks of )?{_N}(?: tok\w*)?\b(?=\s*(?:\Z|[,.;)]|tok))",
    ),
    _Phrase(
        "max_tokens",
        ("tok",),
        rf"\b(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)|completions?|outputs?|generations?|stories|story|"
        rf"captions?|translations?|explanations?) (?:of |with |may (?:have|be)|can (?:have|be)|should (?:have|be)|"
        rf"must (?:have|be)|get|have|has|are|up to|within|no longer than|not longer than|no more than|at most| )*"
        rf"(?:up to |at most |no longer than |no more than |about )?{_N} tok(?:en)?s?\b(?! (?:of|per) (?:the "
        rf")?(?:input|"
        rf"prompt|context))|\bstop\w* (?:the )?(?:generat\w+ |answer\w* |it )?(?:after|at) {_N} (?:new |output |"
        rf"generated )?tokens|\b(?:longer|shorter|more|allow)[^.;,\d]{{0,12}} (?:answers|outputs|replies|"
        rf"completions|responses)\W{{1,3}}(?:up to |to |of )?{_N} tok",
    ),
    _Phrase(
        "max_tokens",
        ("answer", "repl", "respon", "summar"),
        rf"\b(?:allow|give|permit|grant)\w*(?: (?:it|them|up to|for))* {_N} tok(?:en)?s?\b",
    ),
    _Phrase(
        "max_length",
        ("token",),
        rf"\b(?:sequences?|inputs?|examples?)\s*[:=]\s*(?:\w+,? ){{1,3}}{_N} tok(?:en)?s?\b",
    ),
    _Phrase(
        "max_length",
        ("headline", "summar", "target", "label", "title", "translation"),
        rf"\b(?:articles?|inputs?|sources?|documents?|texts?|prompts?|max\w* ?length|truncat\w+|cut)\b(?:[^.;]|"
        rf"\.(?=\d))*?\d"
        rf"(?:[^.;]|\.(?=\d))*?\b(?:headlines?|summar(?:y|ies)|targets?|labels?|titles?|translations?)(?: (?:are|is|"
        rf"should be|have|has|get|"
        rf"gets|cut|truncated|limited|length))* (?:at |to |after |max(?:imum)? |up to |of |with )?{_N}(?= ?tok| "
        rf"*(?:\Z|[,.;)]))|"
        rf"\b(?:max\w* ?length|tokens|truncat\w+|cut|source)\b(?:[^.;]|\.(?=\d))*?{_N} (?:tokens )?for (?:the "
        rf")?(?:headlines?|"
        rf"summar(?:y|ies)|targets?|labels?|titles?|translations?)\b",
        roles=("target",),
    ),
    _Phrase("max_length", ("target",), rf"\bmax[_ ]target[_ ]length\s*(?:[:=]|of|is)?\s*{_N}", roles=("target",)),
    _Phrase(
        "max_tokens",
        ("completion", "answer", "response", "output"),
        rf"\bprompts?\b[^.;\d]{{0,24}}\d[\d,]*k? ?(?:tok(?:en)?s?)?[^.;\d]{{1,8}}\b(?:completions?|answers?|"
        rf"responses?|outputs?)\b"
        rf"(?: (?:of|up to|at most|to|at|with|max))* {_N}(?= ?tok| *(?:\Z|[,.;)]))",
    ),
    _Phrase(
        "seed",
        ("seeded", "seed"),
        rf"\bseeded?(?:\s*[:=(]\s*|\s+(?:with|by|at|number|no\.?|nr\.?) |(?: (?:is|stays|remains))? (?:as|like) "
        rf"(?:always|usual|before|last time)[,:]? ){_N}",
    ),
    _Phrase(
        "tensor_parallel_size",
        ("split", "spread", "shard"),
        r"\b(?:model|weights|it|engine|llm) (?:is |are |gets |should be |must be |will be |to be )(?:split|spread|"
        r"sharded|distributed) (?:across|over|on|between) (?P<n>\d+|two|four|eight|both) (?:gpus?|cards|devices)|"
        r"\A\W*(?:split|shard) (?:across|over|between) (?P<n>\d+|two|four|eight|both) (?:of the |the )?(?:gpus?|cards|"
        r"devices)",
    ),
    _Phrase("lora_r", ("alpha",), rf"\br(?:ank)? (?:and|=|/) alpha(?: are| is| of| at|,)? ?(?:both |each |= ?)*{_N}"),
    _Phrase(
        "lora_alpha", ("alpha",), rf"\br(?:ank)? (?:and|=|/) alpha(?: are| is| of| at|,)? ?(?:both |each |= ?)*{_N}"
    ),
    _Phrase(
        "top_p", ("top",), r"\b(?:top[ -]?p|nucleus) sampling\s*\(?\s*(?:of |at |with )?(?P<n>0?\.\d+)", whole=False
    ),
)
_ALTERNATIVE = re.compile(r"\(\?P<n>")


@cache
def _patterns() -> tuple[tuple[_Phrase, re.Pattern[str]], ...]:
    """The phrases with their patterns, in which every alternative has a number of its own: `n0`, `n1`, ..."""
    compiled = []
    for phrase in _PHRASES:
        count = iter(range(99))
        words = _ALTERNATIVE.sub(lambda _, count=count: f"(?P<n{next(count)}>", phrase.pattern)  # type: ignore[misc]
        compiled.append((phrase, re.compile(words, re.IGNORECASE)))
    return tuple(compiled)


def phrased(text: str, question: bool, *, lora: bool) -> Iterator[Quantity]:
    """The numbers of such phrases in a sentence."""
    low = text.lower()
    asked = ""
    for phrase, pattern in _patterns():
        if not any(sign in low for sign in phrase.signs) or (phrase.field.startswith("lora") and not lora):
            continue
        asked = asked or without_negations(asked_part(text, question))
        for match in pattern.finditer(asked):
            group = next(g for g in match.groupdict() if match[g] is not None)
            said = match[group].strip()
            value = 2 if said.lower() == "both" else number(said, phrase.field in ("max_length", "max_tokens"))
            if (
                value is None
                or (value <= 0 and phrase.field != "seed")
                or (phrase.whole and not float(value).is_integer())
            ):
                continue
            kind: Kind = "one"
            for role in phrase.roles:
                values = (int(value) if phrase.whole else value,)
                yield Quantity(phrase.field, values, kind, said, match.start(group), match.end(), role, phrase.unit)
            break


def with_phrased(numbers: list[Quantity], found: list[Quantity]) -> list[Quantity]:
    """The `numbers` with those of phrases, which win over what is read at their place."""
    kept = [
        n
        for n in numbers
        if not any(f.start < n.end and n.start < f.end and (f.field, f.role) != (n.field, n.role) for f in found)
    ]
    return [
        *kept,
        *(
            f
            for f in found
            if not any(
                (f.field, f.role) == (n.field, n.role) and (f.unit == n.unit or (f.start < n.end and n.start < f.end))
                for n in kept
            )
        ),
    ]
