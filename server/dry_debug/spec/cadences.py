"""How often something is evaluated, saved or logged, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.numbers import NUMBER, WORD, number
from dry_debug.spec.thing import Cadence, Thing

_WHAT = (
    (
        "eval_cadence",
        r"\b(?:dev|development|test|validation) (?:set|accuracy|loss|split|score)s?\b|(?<!the )\btest(?:s|ed|"
        r"ing)?\b(?! (?:set|"
        r"split|data|file|batch))|"
        r"\b(?:compute|measure|check|report)s? (?:the )?(?:\w+ )?(?:wer|cer|bleu|rouge|accuracy|f1|perplexity|"
        r"metrics?|score)\b|"
        r"\beval(?:uat\w*|s|_steps|[ _]strategy|uation_strategy)?\b|\bvalidat\w*|\bval\b",
    ),
    (
        "save_cadence",
        r"\bsav(?:e[sd]?|ing)\b(?! (?:an?|the|some|all|its?)? ?(?:\w+ )?(?:pictures?|images?|plots?|figures?|samples?|"
        r"reconstructions?|predictions?|results?|metrics?|logs?|grids?|curves?|examples?)\b)|\bstor(?:e[sd]?|ing) "
        r"(?:the |all )?(?:weights|model|adapters?)\b|\bsnapshots?\b|"
        r"\b(?:model|weights|adapters?|network) (?:is|are|gets?) (?:written|stored|dumped|exported)\b|\b(?:writ|dump|"
        r"export|back up|persist)(?:e|es|ing|s)? (?:out |down )?(?:the |all )?"
        r"(?:weights|model|adapters?|state|pipeline|network|checkpoint)\b|"
        r"\bcheckpoint\w*|\bckpts?\b|\bsave_steps\b|\bback-?ups?\b",
    ),
    (
        "logging",
        r"\blog(?:s|ged|ging)?\b|\bprint(?:s|ed)?\b|\breport(?:s|ing)? (?:the )?(?:loss|metrics)\b|\b(?:loss|"
        r"metric) (?:values?|curves?)\b|\b(?:train(?:ing)? )?loss(?:es)?(?= (?:every|each) )|"
        r"\b(?:wandb|w&b|weights (?:&|and) biases|tensor-?board|tb|mlflow|comet|neptune)\b[^.;]{0,16}\Z",
    ),
)


_ORDINALS = {"other": 2, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10, "hundredth": 100}


_NTH = "|".join(_ORDINALS)


_EVERY = re.compile(
    rf"\b(?:(?:at the )?end of )?(?:every|each|per|once (?:per|an|a|every)|after (?:every|each)|an?\b(?= "
    rf"epoch))\s*(?P<n>\d{{1,6}}(?:st|nd|rd|th)\b|{NUMBER}|(?:{WORD})\b|other\b|{_NTH}\b)?[ -]*(?:training |"
    rf"optimi[sz]er |"
    rf"global )?(?:(?P<unit>epochs?|"
    rf"eps?|steps?|iterations?|iters?|its|(?<=\d )it|batches|updates?)\b|(?<=\d(?:st|nd|rd|th))(?=\s*(?:\Z|"
    rf"[,.;)/|]))|(?<=\d)(?=\s*(?:\Z|[,.;)/|]|and\b|too\b|as well\b|"
    rf"to\b))|(?<=\d[kK])"
    rf"(?=\s*(?:\Z|[,.;)]|and\b|too\b|to\b)))",
    re.IGNORECASE,
)


_KEYED = re.compile(
    rf"^\W*(?:\w+ )*?(?P<what>eval(?:uation)?|save|saving|checkpoint(?:ing)?|logging|log|validation)[ _](?:every(?:[ "
    rf"_]n)?[ _]?)?(?:(?:model|models|checkpoints?|ckpts?|weights|state)[ _])?(?P<unit>steps|epochs?|interval|"
    rf"strategy|every|frequency|freq|cadence|every_n_steps|"
    rf"every_n_epochs)\s*[:=]?\s+"
    rf"(?:every )?(?P<n>{NUMBER}|epochs?|steps|no\b|never|per epoch|each epoch)(?:\s*(?P<unit2>epochs?|steps?))?",
    re.IGNORECASE,
)


_PER_EPOCH_KEY = re.compile(
    rf"\W*(?:\w+ )*?(?P<what>evals?|saves?|validations?|checkpoints?)[ _]per[ _]epoch\s*[:=]\s*(?P<n>{NUMBER})\W*",
    re.IGNORECASE,
)
_LIGHTNING_KEY = re.compile(
    rf"\W*(?:\w+ )*?(?:check[ _]val[ _]every[ _]n[ _](?P<epoch>epoch)|val[ _]check[ _]interval|"
    rf"(?P<save>(?:save|checkpoint|ckpt)[ _](?:every|interval|freq\w*|period))|(?P<log>log[ _]every(?:[ _]n)?(?:[ "
    rf"_]steps)?)|"
    rf"(?:eval|val|valid|validate|validation|test)[ _](?:every|interval|freq\w*))\s*[:=]\s*(?P<n>{NUMBER})(?: steps| "
    rf"iters)?\W*",
    re.IGNORECASE,
)
_BARE_LOGGING = re.compile(
    rf"\W*log(?:ging)?(?:[ _](?:interval|every|freq\w*|steps))?\s*[:=]\s*(?P<n>{NUMBER})(?: steps)?\W*", re.IGNORECASE
)


_AT_END = re.compile(
    r"\b(?:only )?(?:save|store|checkpoint|evaluate|eval|keep|export)\b(?:[^.;]|\.(?=\w)){0,40}?\b(?:only )?(?:at "
    r"the (?:very "
    r")?end\b(?! of (?:each|every|an|the) epoch)|once(?: only)?,? (?:at the end|after (?:the )?training)|only the "
    r"final (?:model|checkpoint|weights|adapter)|"
    r"after training)|\b(?:the )?(?:final|last) (?:model|checkpoint|weights|adapter) (?:is|are|will be) (?:enough|"
    r"sufficient|fine|ok)\b|\bonly (?:save )?the (?:final|last|finished) (?:model|checkpoint|weights|"
    r"adapters?)(?! (?:on|"
    r"for)\b)",
    re.I,
)


_NO_CADENCE = re.compile(
    r"\b(?:do not|don'?t|never|no need to|(?:do not|don'?t) (?:need|have) to) (?:evaluate|validate)(?: (?:during|"
    r"while) training)?(?=\s*(?:\Z|[,.;)]))|"
    r"\b(?:no|without(?: any)?|skip(?: the)?|don'?t (?:do|run|need)(?: any)?)\s+(?:intermediate |model |"
    r"mid-run )?(?:eval(?:uations?|s)?|"
    r"validation|checkpoints?|checkpointing|saving)\b(?! (?:data|set|split|script|loop|at the end|in|on|from|needed))",
    re.IGNORECASE,
)


# "evaluate every 500 steps and checkpoint at the same time"
_LIKEWISE = re.compile(
    r"\s*,? (?:with|and) (?:an? )?(?P<each>checkpoints?|evaluation|validation|snapshot)(?: is (?:saved|written|"
    r"made))? (?:each|every) time\b|"
    r"\s*[,;(]?\s*(?:and|with|plus)?\s*(?:also )?(?P<what>(?:the )?(?:model )?(?:sav(?:e|es|ed|ing)|checkpoint\w*|"
    r"evaluat\w*|validat\w*|store)"
    r"(?: (?:the model|it|a checkpoint|checkpoints?|weights|the weights))?)"
    r"(?: (?:is|are) (?:done|made|written|saved))? (?:at the same (?:time|times|steps?|points?|interval|cadence|"
    r"frequency|rate|rhythm)|too\b|as well|"
    r"likewise|(?:just )?as often|with it|alongside|then\b)(?! as\b)",
    re.IGNORECASE,
)


def _just_before(near: str) -> list[str]:
    """The fields whose word stands last, with those joined to it: "evaluate and save every"."""
    hits = sorted(
        (hit.start(), hit.end(), field) for field, words in _WHAT for hit in re.finditer(words, near, re.IGNORECASE)
    )
    kept: list[str] = []
    start = len(near)
    for first, end, field in reversed(hits):
        if kept and not re.fullmatch(
            r"[\s,]*(?:and|&|\+|/|,|at the same (?:time|steps?|points?|cadence) as|together with|along with|"
            r"as well as)?"
            r"\s*(?:the |a )?(?:model |checkpoints? )?",
            near[end:start],
            re.I,
        ):
            break
        if field not in kept:
            kept.append(field)
        start = min(start, first)
    return kept


_WISE = re.compile(r"\b(?:epoch-?wise|per-epoch|each-epoch|every-epoch|epochal)\b", re.IGNORECASE)


_TIMES_AN_EPOCH = re.compile(
    rf"\b(?P<n>twice|thrice|(?:{NUMBER}|(?:{WORD}))\s?(?:times|x|×))\s+(?:per|an?|each|every|in an?)\s+epoch\b|"
    rf"\b(?P<n2>{NUMBER}|(?:{WORD}))\s+(?P<what>eval(?:uation)?s?|validations?|checkpoints?|saves?|snapshots?)\s+"
    r"(?:per|an?|each|every|in an?)\s+epoch\b|"
    r"\b(?:every|each) (?P<part>half|quarter|third|1/2|1/3|1/4|1/5|1/10|0?\.5|0?\.25|0?\.2|0?\.1)(?: of)?(?: an?)?[ "
    r"-]epochs?\b",
    re.IGNORECASE,
)


def _shares(text: str) -> Iterator[Thing]:
    """ "Validate twice per epoch"."""
    for match in _TIMES_AN_EPOCH.finditer(text):
        said = (match["n"] or match["n2"] or match["part"]).lower()
        known = {"twice": 2, "thrice": 3, "half": 2, "third": 3, "quarter": 4}
        share = re.fullmatch(r"1/(\d+)", said) if match["part"] else None
        if share is not None:
            said = share[1]
        elif match["part"] and "." in said:
            said = f"{1 / float(said):g}"
        times = known.get(said) or number(re.sub(r"\s?(?:times|x|×)\Z", "", said))
        if times is None or times < (1 if match["what"] else 2):
            continue
        own = ["eval_cadence" if match["what"][0].lower() in "ev" else "save_cadence"] if match["what"] else []
        for field in own or _just_before(text[: match.start()]):
            if field != "logging":
                yield Thing(
                    field,
                    (Cadence("epoch", 1 if times == 1 else 1 / times),),
                    "one",
                    match[0],
                    match.start(),
                    match.end(),
                )


def _counted(unit: str, every: int, match: re.Match[str]) -> tuple[Cadence, ...]:
    """Steps or epochs; both where "save every 10" leaves it open and so few may be either."""
    if match["unit"] is None and unit == "step" and match["n"] and 1 < every <= 50:
        return (Cadence("step", every), Cadence("epoch", every))
    return (Cadence(unit, every),)


# "checkpoint every (steps): 500"
_EVERY_KEY = re.compile(
    rf"\b(?:every|interval|frequency|freq)\s*[(\[]?(?P<unit>steps?|epochs?|iterations?|updates?|"
    rf"batches)?[)\]]?\s*[:=|]\s*(?P<n>{NUMBER})\s*(?P<own>steps?|"
    rf"epochs?|iterations?|updates?)?",
    re.IGNORECASE,
)


def _every_of_key(match: re.Match[str]) -> str:
    unit = match["own"] or match["unit"]
    return f"every {match['n'].strip()} {unit}" if unit else match[0]


def cadences(text: str) -> Iterator[Thing]:
    if ":" in text or "=" in text or "|" in text:
        text = _EVERY_KEY.sub(_every_of_key, text)
    yield from _shares(text)
    text = _WISE.sub(lambda m: "per epoch".ljust(len(m[0]))[: len(m[0])], text)
    text = _TIMES_AN_EPOCH.sub(lambda m: " " * len(m[0]), text)
    bare = _BARE_LOGGING.fullmatch(text)
    if bare is not None and (steps := number(bare["n"])) is not None and steps >= 1:
        yield Thing("logging", (Cadence("step", int(steps)),), "one", bare["n"], 0, len(text), "", "every")
        return
    per_epoch = _PER_EPOCH_KEY.fullmatch(text)
    if per_epoch is not None and (times := number(per_epoch["n"])) is not None and times > 0:
        field = "eval_cadence" if per_epoch["what"][0].lower() in "ev" else "save_cadence"
        yield Thing(field, (Cadence("epoch", 1 if times == 1 else 1 / times),), "one", per_epoch["n"], 0, len(text))
        return
    lightning = _LIGHTNING_KEY.fullmatch(text)
    if lightning is not None and (times := number(lightning["n"])) is not None and times > 0:
        unit = "epoch" if lightning["epoch"] or (times < 1 or "." in lightning["n"]) else "step"
        spacing = int(times) if float(times).is_integer() else times
        field = "logging" if lightning["log"] else "save_cadence" if lightning["save"] else "eval_cadence"
        open_unit = unit == "step" and not re.search(r"steps|iters|check[ _]val", lightning[0]) and 1 < times <= 50
        yield Thing(
            field,
            (Cadence(unit, spacing), Cadence("epoch", spacing))
            if open_unit and field != "logging"
            else (Cadence(unit, spacing),),
            "one",
            lightning["n"],
            0,
            len(text),
            "",
            "every" if field == "logging" else "",
        )
        return
    keyed = _KEYED.match(re.sub(r"[:=]\s?", ": ", text))
    if keyed and not _EVERY.search(text):
        what = keyed["what"].lower()
        field = (
            "eval_cadence"
            if what.startswith(("eval", "val"))
            else "logging"
            if what.startswith("log")
            else "save_cadence"
        )
        value = keyed["n"].lower()
        unit = (
            "epoch"
            if "epoch" in value or "epoch" in (keyed["unit2"] or "") or "epoch" in keyed["unit"].lower()
            else "step"
        )
        count = number(value)
        if value in ("no", "never"):
            yield Thing(
                field, (Cadence("never"),), "one", value, 0, len(text), "", "every" if field == "logging" else ""
            )
        elif value != "steps":
            every = int(count) if count is not None else 1
            yield Thing(
                field,
                (Cadence(unit, every),),
                "one",
                keyed["n"],
                0,
                len(text),
                "",
                "every" if field == "logging" else "",
            )
        return
    used = 0  # up to where words for what is done have been given to a number before them
    for match in _EVERY.finditer(text):
        if re.match(r"\s*(?:of )?(?:accum|warm)", text[match.end() :], re.I) or re.search(
            r"accumulat\w*(?: gradients| grads)?\s*\Z", text[: match.start()], re.I
        ):
            continue
        raw = match["n"]
        if match[0].lower().startswith("per") and raw:
            continue
        raw = re.sub(r"(?<=\d)(?:st|nd|rd|th)\Z", "", raw) if raw else raw
        times = (_ORDINALS.get(raw.lower()) or number(raw)) if raw else 1
        if times is None or not float(times).is_integer() or times < 1:
            continue
        every = int(times)
        unit = "epoch" if (match["unit"] or "").lower().startswith("ep") else "step"
        if match["unit"] is None and re.search(
            r"\d(?:st|nd|rd|th)\Z", match[0].strip()
        ):  # "every 2nd epoch, save every 10th"
            unit = "epoch" if re.search(r"\bep(?:och)?s?\b", text[: match.start()], re.I) else unit
        often = re.search(
            r"\b(?:at least|at minimum|no (?:less|"
            r"rarer) (?:often )?than)\s*\Z",
            text[: match.start()],
            re.I,
        )
        cut = max(
            (
                m.end()
                for m in re.finditer(
                    r"[;.]|,(?! ?(?:and )?(?:save|eval|checkpoint|log|valid))|\bbut\b", text[: match.start()]
                )
            ),
            default=0,
        )
        before = text[max(cut, used) : match.start()]
        near = (
            re.split(r"\bevery\b|\beach\b|\bper\b", before)[-1] if re.search(r"\bevery\b|\beach\b", before) else before
        )
        fields = _just_before(near)
        if not fields:
            stop = re.search(r"[;.]|\bevery\b|\beach\b|\bper\b", text[match.end() :])
            after = text[match.end() : match.end() + (stop.start() if stop else 60)][:60]
            ahead = [(f, hit.end()) for f, words in _WHAT if (hit := re.search(words, after, re.IGNORECASE))][:2]
            fields = [f for f, _ in ahead]
            used = match.end() + max((end for _, end in ahead), default=-match.end())
        fields = fields or _just_before(text[: match.start()])  # "Logging: TensorBoard, every 20 steps"
        if "save_cadence" in fields and "logging" in fields:
            fields.remove("logging") if re.search(r"\blogs?\b", near) is None else None
        likewise = _LIKEWISE.match(text, match.end()) if len(fields) == 1 else None
        if likewise is not None:
            fields = [*fields, *(f for f in _just_before(likewise["what"] or likewise["each"]) if f not in fields)]
            used = max(used, likewise.end())
        for field in fields:
            yield Thing(
                field,
                _counted(unit, every, match) if field != "logging" else (Cadence(unit, every),),
                "most" if often else "one",
                match[0].strip(),
                match.start(),
                match.end(),
                "",
                "every" if field == "logging" else "",
            )
    for match in _NO_CADENCE.finditer(text):
        field = "save_cadence" if "sav" in match[0].lower() or "check" in match[0].lower() else "eval_cadence"
        yield Thing(field, (Cadence("never"),), "one", match[0].strip(), match.start(), match.end())
    for match in _AT_END.finditer(text):
        field = "eval_cadence" if re.search(r"\beval", match[0], re.I) else "save_cadence"
        yield Thing(field, (Cadence("end"),), "one", match[0].strip(), match.start(), match.end())
