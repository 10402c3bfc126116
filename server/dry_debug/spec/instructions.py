"""Instructions -> what they ask for. Parsing only; no language model.

Prose, lists, tables, settings in YAML, JSON, TOML and command lines, chat. Sentences about the past, about others,
conditions, questions and results ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from dry_debug.records import replace
from dry_debug.spec.choices import Choice, choices
from dry_debug.spec.context import asks_nothing
from dry_debug.spec.counted import counted
from dry_debug.spec.hardware import Hardware, together
from dry_debug.spec.instruction import FIELDS, Instruction, Source
from dry_debug.spec.models import says_less
from dry_debug.spec.numbers import NUMBER, number, with_points
from dry_debug.spec.phrased import phrased, with_phrased
from dry_debug.spec.products import products
from dry_debug.spec.quantities import quantities
from dry_debug.spec.quantity import Quantity
from dry_debug.spec.restated import restated
from dry_debug.spec.spelled import spelled
from dry_debug.spec.spoken import Conversation
from dry_debug.spec.structure import Sentence, sentences
from dry_debug.spec.thing import Thing
from dry_debug.spec.things import things
from dry_debug.spec.vocabulary import ANY_FIELD, ROLE

__all__ = ["Instruction", "Source", "merged", "parse", "read"]


MOST = 500  # sentences of one source that are read


def parse(text: str, path: str) -> list[Instruction]:
    """What the explicit instructions `text` ask for, by line; a later line about the same wins over an earlier one."""
    return list(read(Source(path, text)))


@lru_cache(maxsize=64)
def read(source: Source) -> tuple[Instruction, ...]:
    """What a source asks for, by line."""
    found: list[Instruction] = []
    lora = bool(
        re.search(
            r"\b(?:q?lora|peft|adapter|low[ -]rank)|"
            r"\br(?:ank)?\b[^\n]{0,40}\balpha\b|\brank (?:[48]|16|32|64|128|256)\b(?!\s*(?:of|out|gpu|node))",
            source.text,
            re.I,
        )
    )
    said = Conversation()
    commas = with_points(source.text) != source.text
    for sentence in islice(sentences(source), MOST):
        if commas:
            sentence = replace(sentence, text=with_points(f"{sentence.text}\n0,1")[: len(sentence.text)])
        open_question = said.question
        if not sentence.pair:
            sentence = replace(sentence, text=restated(spelled(sentence.text)))
        question = said.answered(sentence)
        if open_question is not None and said.tells_of_others(open_question, sentence):
            said.hear(sentence.text, [])
            continue
        no = said.refused(sentence, open_question)
        if no is not None:
            found.extend(_of_sentence(no, source, lora, said))
        if question is not None:
            said.agreed = True
            found.extend(_of_sentence(replace(question, question=False), source, lora, said))
            said.agreed = False
        for part in _parts(sentence):
            found.extend(_of_sentence(part, source, lora, said))
    found.extend(_alpha_by_rank(source, found))
    found = _without_lone_roles(found, source.text)
    if _GENERATES.search(source.text) and not _TRAINS.search(source.text):  # "128 tokens max" are those of the answer
        lines = ["", *source.text.splitlines(), ""]
        found = [
            i.at(field="max_tokens")
            if i.field == "max_length"
            and i.kind != "range"
            and not _OF_INPUTS.search(f"{i.text} {lines[min(max(i.line - source.first_line + 1, 0), len(lines) - 1)]}")
            else i
            for i in found
        ]
    return merged([_with_totals(found)])


# Of these there are two or none: "a headline generator" is no part of a GAN.
_PAIRED = {
    "generator": re.compile(r"\b(?:discriminators?|critics?|gans?)\b|\bnetd\b|(?-i:\(D\))", re.IGNORECASE),
    "actor": re.compile(r"\bcritics?\b|\bq[ -]?(?:net\w*|functions?)|\bqf?[ _](?:lr|learning)", re.IGNORECASE),
    "student": re.compile(r"\bteachers?\b|\bdistil", re.IGNORECASE),
}


def _without_lone_roles(found: list[Instruction], text: str) -> list[Instruction]:
    """What is for one of a pair where the text knows no other, as for the model; a length of prompts where no other
    length is asked for, as that of sequences."""
    lone = {role for role, other in _PAIRED.items() if other.search(text) is None}
    if not any(i.field == "max_length" and not i.role for i in found):
        lone.add("prompt")
    return [i.at(role="") if i.role in lone else i for i in found]


def _with_totals(found: list[Instruction]) -> list[Instruction]:
    """ "8 per device ... a batch has 64": beside a size per device, a multiple of it is that of all."""
    each = [
        i.values[0] for i in found if i.field == "batch_size" and i.unit == "per_device" and not i.role and i.single
    ]
    if len(set(each)) != 1 or not isinstance(each[0], int) or each[0] <= 0:
        return found
    return [
        i.at(unit="effective")
        if i.field == "batch_size" and not i.unit and not i.role and i.single
        and i.values[0] > each[0] and i.values[0] % each[0] == 0
        else i
        for i in found
    ]  # fmt: skip


_OF_INPUTS = re.compile(r"context|ctx|len|window|truncat|seq|prompt|input", re.IGNORECASE)
_GENERATES = re.compile(
    r"\b(?:generat\w+|sampl\w+|temp(?:erature)?|answers?|responses?|decod\w+|completions?|inference|top[ _-]?p)\b",
    re.IGNORECASE,
)
_TRAINS = re.compile(r"\b(?:train\w*|fine-?tun\w*|finetun\w*|epochs?|learning rate|lr|lora)\b", re.IGNORECASE)


def merged(groups: Iterable[Iterable[Instruction]]) -> tuple[Instruction, ...]:
    """What counts: of one thing the last line of the first group that speaks of it. In the order of the fields."""
    kept: dict[tuple[str, ...], Instruction] = {}
    for group in groups:
        own: dict[tuple[str, ...], Instruction] = {}
        for one in group:
            if _says_less(one, own):
                continue
            known = own.get(one.key)
            own[one.key] = _completed(known, one)
            if known is not None and (known.values != one.values or not known.agreed):
                own[one.key] = own[one.key].at(agreed=False)
            if one.field == "framework":
                own = _without_contradicted(own, one)
        for key, one in own.items():
            if key not in kept and not (one.field == "warmup_steps" and _has(kept, own, "warmup_ratio", one)):
                kept.setdefault(key, one)
    return tuple(sorted(kept.values(), key=lambda i: (FIELDS.index(i.field), i.line)))


def _says_less(one: Instruction, own: dict[tuple[str, ...], Instruction]) -> bool:
    """Whether a line only repeats a part of what is asked for: "mixed precision" after bf16."""
    earlier = own.get(one.key)
    if earlier is None or one.kind != "one" or earlier.kind != "one":
        return False
    if one.field == "model" and len(one.values) == len(earlier.values) == 1:
        return says_less(one.values[0], earlier.values[0])
    if one.field == "method":
        return one.values == ("lora",) and earlier.values in (("qlora",), ("dora",))
    return one.values in (("mixed",), ("tf32",)) and set(earlier.values) <= {"bf16", "fp16"}


def _completed(earlier: Instruction | None, one: Instruction) -> Instruction:
    """A later line about the hardware leaves what it does not speak of: "one GPU", then "a 3090"."""
    old, new = earlier.values[0] if earlier is not None else None, one.values[0]
    if isinstance(old, Hardware) and isinstance(new, Hardware) and new.count is None:
        both = together(old, new)
        return one.at(values=(both,)) if both is not None else one
    return one


def _has(
    kept: dict[tuple[str, ...], Instruction], own: dict[tuple[str, ...], Instruction], field: str, one: Instruction
) -> bool:
    """Whether the other way to say the same is said later, or nearer."""
    other = (field, one.role, one.unit)
    return other in kept or (other in own and own[other].line > one.line)


def _without_contradicted(
    own: dict[tuple[str, ...], Instruction], last: Instruction
) -> dict[tuple[str, ...], Instruction]:
    return {
        k: v
        for k, v in own.items()
        if v is last or v.field != "framework" or v.kind == last.kind or not set(v.values) & set(last.values)
    }


def _of_sentence(sentence: Sentence, source: Source, lora: bool, said: Conversation) -> Iterator[Instruction]:
    if sentence.lead and asks_nothing(sentence.lead):
        return
    text = _TIMES.sub(" x", _GLUED.sub(r"\1 \2", sentence.text))
    text = _AT_STEP.sub(r"\1 every \2", _GLUED_BEHIND.sub(r"\1 \2", text))
    if "every" not in text and len(_OFTEN.findall(text)) > 1:
        text = _OFTEN.sub(r"\1 every \2", text)
    if sentence.quoted:
        said.hear(text, [])
        return
    if sentence.pair:
        text = _as_setting(spelled(text))
    about = _role_of(f"{sentence.heading} / {sentence.lead}")
    near_lora = lora or bool(re.search(r"\blora\b|adapter|peft", f"{sentence.heading} {sentence.lead} {text}", re.I))
    found: list[Quantity | Choice | Thing] = []
    settings = sentence.pair
    numbers = quantities(text, sentence.question, lora=near_lora, settings=settings)
    if not settings:
        later = said.elliptic(text, sentence.question, numbers)
        numbers = _corrected(text, numbers, later)
        known = {n.field for n in numbers}
        numbers.extend(
            e
            for e in later
            if e.field not in known and not any(e.start < n.end and n.start < e.end for n in numbers)
        )  # fmt: skip
    numbers = _made_of(text, numbers, source.text)
    if not settings:
        numbers = products(text, sentence.question, numbers)
        numbers = with_phrased(numbers, list(phrased(text, sentence.question, lora=near_lora)))
    numbers.extend(_product(text, numbers))
    found.extend(numbers)
    found.extend(counted(text, sentence.question, numbers) if not settings else ())
    switched = list(_switch(text)) if settings or _SWITCHED.fullmatch(text) else []
    found.extend(switched)
    taken = [(n.start, n.end, n.field) for n in numbers]
    off = {c.field for c in switched}
    found.extend(c for c in choices(text, sentence.question, settings=settings) if c.field not in off)
    found.extend(
        t
        for t in things(text, sentence.question, settings=settings)
        if t.field != "hardware"
        or not any(
            t.start < end and start < t.end and not (field == "tensor_parallel_size" and t.values[0].name)
            for start, end, field in taken
        )
    )
    said.hear(text, numbers)
    if _REFUSED.match(text) or _REFUSED.match(sentence.lead):
        found = [replace(c, kind="not") for c in found if isinstance(c, Choice)]
    for one in found:
        role = getattr(one, "role", "") or (
            about
            if one.field in ("batch_size", "learning_rate", "model", "epochs", "max_steps", "precision", "max_length")
            else ""
        )
        if about == "eval" and one.field not in ("batch_size",):
            role = getattr(one, "role", "")
        yield Instruction(
            one.field,
            one.values,
            one.kind,
            sentence.line_at(one.start),
            sentence.original,
            source.path,
            one.written,
            role,
            one.unit,
            source.explicit,
        )


_KEY = re.compile(r"(?P<key>[^:=|]{3,60}?)\s*(?P<sign>[:=|])\s*(?P<value>\S.*)\Z")
_PAIRED_ROLES = re.compile(
    r"(?P<left>train\w*|gen\w*|student|actor|encoder|backbone)\s*(?:/|&|and|,|\+)\s*(?P<right>eval\w*|val\w*|test\w*|"
    r"dis\w*|"
    r"teacher|critic|head|classifier)\s+(?P<rest>\S.*)",
    re.IGNORECASE,
)


_ROLES_BEHIND = re.compile(  # "Batch size (train / eval)"
    r"\A(?P<what>[\w -]{2,40}?)\s*[(\[]\s*(?P<roles>[a-z]+\s*(?:/|&|and|,|\+)\s*[a-z]+)\s*[)\]]\Z", re.IGNORECASE
)


# "TrainingArguments(learning_rate=2e-5, num_train_epochs=3)"
_CALL = re.compile(
    r"\b(?:[A-Z]\w*(?:Arguments|Args|Config|Params|Trainer)|dict|LLM|Trainer)\((?P<given>[^()]*=[^()]*)\)?"
)
_GIVEN = re.compile(r"(?P<key>\w+)\s*=\s*(?P<value>\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^\s,]+)")


def _parts(sentence: Sentence) -> Iterator[Sentence]:
    """One setting each of "LR / WD: 1e-5 / 0.02", "train/eval batch size: 16/64" and a call with named arguments."""
    call = _CALL.search(sentence.text) if "(" in sentence.text and "=" in sentence.text else None
    if call is not None and not sentence.question:
        given = list(_GIVEN.finditer(call["given"]))
        rest = sentence.text[: call.start("given") - 1] + sentence.text[call.end() :]
        yield replace(sentence, text=rest, starts=())
        for one in given:
            yield replace(sentence, text=f"{one['key']}: {one['value'].strip(chr(34) + chr(39))}", pair=True, starts=())
        return
    match = _KEY.match(sentence.text) if len(sentence.text) < 160 else None
    if match is None or re.search(r"[:=|]", match["value"]):
        yield sentence
        return
    key = _ROLES_BEHIND.sub(r"\g<roles> \g<what>", match["key"].strip())
    roles = _PAIRED_ROLES.fullmatch(key)
    keys = [f"{roles['left']} {roles['rest']}", f"{roles['right']} {roles['rest']}"] if roles else [
        k.strip() for k in re.split(r"\s*/\s*|\s*,\s*|\s+(?:and|&|\+)\s+", match["key"])
    ]  # fmt: skip
    values = [v.strip() for v in re.split(r"\s*/\s*|\s*,\s+|\s+(?:and|&|\+|\|)\s+", match["value"])]
    if len(keys) in (2, 3) and " " in keys[-1]:  # "input/output length: 512/64"
        suffix = keys[-1].partition(" ")[2]
        keys = [k if " " in k or ANY_FIELD.search(f"{k}: 1") else f"{k} {suffix}" for k in keys]
    if len(keys) < 2 or len(keys) != len(values) or not all(ANY_FIELD.search(f"{k}: 1") for k in keys):
        yield sentence
        return
    for key, value in zip(keys, values, strict=True):
        yield replace(sentence, text=f"{key}{match['sign']} {value}", starts=())


_MAKES = re.compile(
    rf"(?:=+>|(?<![a-zA-Z_])=+|-+>|→|⇒|≙|\b(?:i\.e\.|so|that'?s|makes?|making|gives?|giving|for|means|"
    rf"meaning|"
    rf"to get))[\s:]*(?:an? )?(?:total |effective |global )?"
    rf"(?:batch(?:[ -]size)? )?(?:of |is )?(?P<n>{NUMBER})(?=\s*(?:\Z|[),.;]|in total|effective|total|altogether|"
    rf"samples|"
    rf"sequences|global|overall))",
    re.IGNORECASE,
)


_ALPHA = re.compile(
    r"\balpha\b[\s:=]*(?:is |should be |set to |at )?(?:(?P<twice>twice|double|2\s?[x×*·]?)|(?:equal to|same as|"
    r"=))\s*(?:the |as the )?"
    r"(?:lora )?(?:rank|r)\b",
    re.IGNORECASE,
)


def _alpha_by_rank(source: Source, found: list[Instruction]) -> Iterator[Instruction]:
    """ "Rank 16, alpha twice the rank"."""
    match = _ALPHA.search(source.text)
    rank = next((i for i in reversed(found) if i.field == "lora_r" and i.single), None)
    if match is not None and rank is not None:
        found[:] = [i for i in found if i.field != "lora_alpha" or i.values != (2,)]
    if match is not None and rank is not None and not any(i.field == "lora_alpha" for i in found):
        line = source.first_line + source.text.count("\n", 0, match.start())
        value = rank.values[0] * (2 if match["twice"] else 1)
        yield rank.at(field="lora_alpha", values=(value,), written=str(value), line=line,
                      text=source.text.splitlines()[line - source.first_line].strip())  # fmt: skip


_UP_TO = re.compile(
    rf"\baccumul\w*[^.;]{{0,40}}?\b(?:to|to (?:get|reach)(?: to)?|(?:end|come|get)s? (?:up )?(?:with|at|to)|up to|"
    rf"until)\s+"
    rf"(?:an? )?(?:effective |total |global )?(?:batch (?:size )?)?(?:of )?(?P<n>{NUMBER})(?!\s*(?:steps?|batches|"
    rf"times|x\b))",
    re.IGNORECASE,
)


def _product(text: str, numbers: list[Quantity]) -> Iterator[Quantity]:
    """The effective batch size of "bs 32, 4 accumulation steps => 128"."""
    steps = next((n for n in numbers if n.field == "gradient_accumulation_steps"), None)
    sizes = [n for n in numbers if n.field == "batch_size"]
    if any(n.unit == "effective" for n in sizes):
        return
    up_to = _UP_TO.search(text) if steps is None else None
    if up_to is not None and isinstance(total := number(up_to["n"]), int):
        yield Quantity("batch_size", (total,), "one", up_to["n"], up_to.start("n"), up_to.end("n"), "", "effective")
    if steps is None or len(sizes) != 1:
        return
    match = _MAKES.search(text, max(steps.end, sizes[0].end) - 1)
    total = number(match["n"]) if match else None
    each = steps.values[0] * sizes[0].values[0]
    ahead = re.search(rf"(?P<n>{NUMBER})\s*=\s*\Z", text[: min(steps.start, sizes[0].start)])
    if ahead is not None and number(ahead["n"]) == each and each > 0:  # "64 = 8 per device x 8 steps"
        yield Quantity("batch_size", (int(each),), "one", ahead["n"], ahead.start("n"), ahead.end("n"), "", "effective")
        return
    if match is not None and isinstance(total, int) and each > 0 and total >= each and total % each == 0:
        yield Quantity("batch_size", (total,), "one", match["n"], match.start("n"), match.end("n"), "", "effective")


# "effective batch size 64 (8 x 8)", "4 x 4 = 16 sequences per update"
_FACTORS = re.compile(
    r"\b(?:(?:effective|total|global|overall) )?batch(?:[ -]?size)?(?: "
    r"of)?\W{0,3}(?P<t1>\d+)\s*[(=]\s*(?P<a1>\d+)\s*[x×*]"
    r"\s*(?P<b1>\d+)\s*(?=[),.;]|\Z)|(?<![\w.×x*] "
    r")(?<![\w.])(?P<a2>\d+)\s*[x×*]\s*(?P<b2>\d+)\s*=\s*(?P<t2>\d+)\s+(?:\w+ )?"
    r"(?:per|an?|for each|in each) (?:optimi[sz]er |weight |gradient )?(?:step|update|batch)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?:=|\bi\.e\.|\bthat is|\bso)\s*\Z", re.IGNORECASE)


def _made_of(text: str, numbers: list[Quantity], whole: str) -> list[Quantity]:
    """The numbers with the size and the steps of accumulation that a total is made of, and the total as that of all."""
    steps = next((n for n in numbers if n.field == "gradient_accumulation_steps" and len(n.values) == 1), None)
    if steps is not None:  # "2 per device, 8 accumulation steps (= 16 per GPU)"
        first = next((n for n in numbers if n.field == "batch_size" and not n.role and n.unit != "effective"), None)
        return [
            replace(n, unit="effective")
            if first is not None and n is not first and n.field == "batch_size" and not n.role
            and n.values[0] == first.values[0] * steps.values[0] and _EQUALS.search(text[: n.start])
            else n
            for n in numbers
        ]  # fmt: skip
    match = _FACTORS.search(text) if any(n.field == "batch_size" for n in numbers) or "=" in text else None
    if match is None:
        return numbers
    which = "1" if match["t1"] else "2"
    size, times, total = (int(match[f"{g}{which}"]) for g in "abt")
    if size * times != total or not 0 < size < 10_000 or (which == "2" and size != times):
        return numbers  # of "4 x 8 = 32 per step" nobody knows which is which
    if re.search(
        rf"\b{times}\s*x?\s*(?:[\w-]+\s+){{0,2}}(?:gpus?|cards|devices|[ahlv]\d{{2,3}}s?)\b", whole, re.IGNORECASE
    ):
        return numbers  # the other factor may be the number of devices
    rest = [n for n in numbers if n.field != "batch_size" or n.role]
    return [
        *rest,
        *(
            Quantity(field, (value,), "one", match[f"{g}{which}"], *match.span(f"{g}{which}"), "", unit)
            for field, g, value, unit in (
                ("batch_size", "a", size, "per_device"),
                ("gradient_accumulation_steps", "b", times, ""),
                ("batch_size", "t", total, "effective"),
            )
        ),
    ]


# "bs16, lr2e-5, ep3"
_GLUED = re.compile(
    r"(?<![\w/.-])(bsz?|lr|ep|epochs?|wd|seed|tp|rank|r(?=(?:4|8|16|32|64|128|"
    r"256)\b))(\d[\d.]*(?:e-?\d+)?k?)(?![\w/-])",
    re.IGNORECASE,
)


# "Not needed: W&B, DDP"
_REFUSED = re.compile(
    r"\W*(?:(?:it is |is |are )?not (?:needed|wanted|required|necessary|allowed)|don'?ts?|avoid|without|skip|"
    r"excluded?|forbidden|"
    r"leave out|no need for|gone|removed|dropped|won'?t(?: have)?)\W{0,4}:",
    re.IGNORECASE,
)
_GLUED_BEHIND = re.compile(r"(?<![\w.])(\d+k?)(ep|epochs?|steps?|iters?)\b", re.IGNORECASE)  # "2ep"
_AT_STEP = re.compile(r"\b(eval|val|ckpt|checkpoint|save|log)\s*@\s*(?=\d)(\d)", re.IGNORECASE)  # "eval@250"
_OFTEN = re.compile(  # "eval 500 / save 1000 / log 50"
    r"\b(eval|val|save|ckpt|checkpoint|log(?:ging)?)\s*[:=]?\s*(\d+k?)\b(?=\s*(?:[/,;|]|steps\b|\Z))", re.IGNORECASE
)
_TIMES = re.compile(r"(?<=\d)[x×](?=\s*(?:\Z|[,.;)]|grad|accum))")  # "accumulate 4x"


def _role_of(around: str) -> str:
    """Who the section or list is about."""
    found = ""
    for name, pattern in ROLE:
        if name in ("tokenizer", "head", "inference", "embedding", "backbone", "reference"):
            continue
        hits = [m.end() for m in pattern.finditer(around)]
        if hits and not re.search(
            r"train\w* (?:and|&|/) eval|train/eval|model (?:and|&)|checkpoint", around, re.IGNORECASE
        ):
            found = name
    return found


_SWITCHES = {
    "bf16": ("precision", "bf16"),
    "fp16": ("precision", "fp16"),
    "tf32": ("precision", "tf32"),
    "fp32": ("precision", "fp32"),
    "use lora": ("method", "lora"),
    "lora": ("method", "lora"),
    "use peft": ("method", "lora"),
    "qlora": ("method", "qlora"),
    "use wandb": ("logging", "wandb"),
    "wandb": ("logging", "wandb"),
}


_CORRECTS = re.compile(
    r"\b(?:hmm+|let'?s go for|no,? wait|wait|sorry|scratch that|make (?:that|it)|rather|correction|actually|oops|i "
    r"mean(?:t)?|or "
    r"better)\b",
    re.IGNORECASE,
)


_BUT = re.compile(r"\b(?:but|though)\b", re.IGNORECASE)
_WILL_DO = re.compile(
    r"\s*(?:is|are|will|would|should)(?: be)? (?:already )?(?:enough|plenty|sufficient|fine|ok|okay|do)\b",
    re.IGNORECASE,
)


def _corrected(text: str, numbers: list[Quantity], later: list[Quantity]) -> list[Quantity]:
    """The numbers with what takes one of them back in the same sentence: "5 epochs, no wait, 3"."""
    for one in later:
        first = next((n for n in numbers if n.field == one.field and n.end <= one.start), None)
        between = text[first.end : one.start] if first is not None else ""
        if first is not None and (
            _CORRECTS.search(between) or (_BUT.search(between) and _WILL_DO.match(text, one.end))
        ):
            return [replace(one, role=n.role, unit=n.unit) if n is first else n for n in numbers]
    return numbers


_SWITCHED = re.compile(r"\W*[\w -]{2,30}:\s*(?:false|no|off)\W*", re.IGNORECASE)


def _as_setting(text: str) -> str:
    """A setting ("training per_device_train_batch_size: 8") in words that the extractors know."""
    key, colon, value = text.partition(":")
    if not colon:
        return text
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).replace("_", " ").replace("-", " ")
    if re.search(r"\blora r\b|\br\b$", words) and re.search(r"lora|peft|\br$", words):
        words = "lora rank"
    if re.search(r"\b(?:batch size|learning rate|lr|epochs|seed)\b", words, re.I):
        words = re.sub(
            r"^(?:training|train|trainer|optim(?:izer)?|hyperparameters|hparams|config|args|data|model|sampling|"
            r"params|run|experiment)\s+(?=\w)",
            "",
            words,
            flags=re.I,
        )
    if value.strip().lower() in ("true", "yes", "on", "false", "no", "off"):
        return f"{words}: {value.strip().lower()}"
    return f"{words}: {value.strip()}"


def _switch(text: str) -> Iterator[Choice]:
    """What a setting switches off: "bf16: false"."""
    key, _, value = text.partition(":")
    words = key.strip().lower().split()
    known = next((k for n in (2, 1) if (k := _SWITCHES.get(" ".join(words[-n:]))) is not None), None)
    if known is not None and value.strip().lower() in ("false", "no", "off"):
        yield Choice(known[0], (known[1],), "not", known[1], 0, len(text), unit="tool" if known[0] == "logging" else "")
