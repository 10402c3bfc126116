"""Things in one sentence: models, datasets, output folders, hardware, cadences, target modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dry_debug.spec.context import asked_part, without_replaced
from dry_debug.spec.hardware import Hardware, machines
from dry_debug.spec.instruction import Kind
from dry_debug.spec.models import Mention, Model, mentions, named
from dry_debug.spec.numbers import NUMBER, WORDS, number
from dry_debug.spec.quantities import role_near

__all__ = ["Cadence", "Hardware", "Thing", "things"]

_WORD = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Thing:
    """One of `values` for a field, at `start` to `end` of the sentence."""

    field: str
    values: tuple[Any, ...]
    kind: Kind
    written: str
    start: int
    end: int
    role: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often: every `every` steps or epochs, at the `end`, or `never`."""

    unit: str
    every: int | float | None = 1  # below one: a share of an epoch

    def __str__(self) -> str:
        if self.unit in ("end", "never"):
            return "at the end" if self.unit == "end" else "never"
        if self.every == 1:
            return f"every {self.unit}"
        if isinstance(self.every, float) and 0 < self.every < 1:
            return f"{1 / self.every:g} times an {self.unit}"
        return f"every {self.every} {self.unit}s" if self.every is not None else f"every so many {self.unit}s"


def things(sentence: str, question: bool = False, *, settings: bool = False) -> list[Thing]:
    """The things that a sentence asks for, in order."""
    asked = sentence if settings else asked_part(sentence, question)
    text = asked if settings else without_replaced(asked)
    datasets = list(_datasets(text))
    paths = list(_paths(text))
    found = [*datasets, *paths, *_hardware(text), *_cadences(text), *_modules(text)]
    taken = [(t.start, t.end) for t in (*datasets, *paths)]
    found.extend(_models(text, taken))
    return sorted(found, key=lambda t: t.start)


# -- models ------------------------------------------------------------------------------------------------------------

_NOT_MODEL = re.compile(
    r"\b(?:no|not|don'?t use|do not use|never use|avoid|without|never)\s+(?:use |a |an |the |any )*\Z", re.IGNORECASE
)
_MODEL_KEY = re.compile(
    r"^\W*(?:(?P<role>teacher|student|draft|judge|reward|reference|embedding|base|target|hf|llm)[ _-]*)?(?:model|"
    r"checkpoint|backbone|architecture|arch|llm)"
    r"(?:[ _](?:name(?:[ _]or[ _]path)?|id|path|checkpoint))*\s*(?:[:=]|\bis\b)\s*(?P<value>[\w./-]{3,})",
    re.IGNORECASE,
)


def _models(text: str, taken: list[tuple[int, int]]) -> Iterator[Thing]:
    found = [m for m in mentions(text) if not any(m.start < e and s < m.end for s, e in taken)]
    key = _MODEL_KEY.match(text)
    if key and not any(m.start < key.end("value") and key.start("value") < m.end for m in found):
        value = key["value"].rstrip(".,")
        if re.search(r"[\d/-]", value) and not re.fullmatch(r"[\d.]+[bm]?", value, re.I):
            found.insert(0, Mention(named(value, exact=True), key.start("value"), key.start("value") + len(value)))
    at = 0
    while at < len(found):
        one = found[at]
        kind: Kind = "not" if _NOT_MODEL.search(text[: one.start]) else "one"
        values: list[Model] = [one.model]
        end = one.end
        while at + 1 < len(found):
            between = text[end : found[at + 1].start]
            if not re.fullmatch(r"\s*(?:,|,?\s*or|/)\s*(?:a |an |the |any |similar )*", between, re.IGNORECASE):
                break
            at += 1
            values.append(found[at].model)
            end = found[at].end
        similar = re.match(
            r"\s*(?:,\s*)?or (?:a )?(?:similar|something (?:similar|like)|equivalent|comparable)",
            text[end:],
            re.IGNORECASE,
        )
        role = role_near(text, one.start, end, "model")
        role = "" if role in ("eval", "head", "backbone", "inference", "tokenizer", "pretrain", "stage2") else role
        if similar and kind == "one":
            values = [
                Model(v.written, instruct=v.instruct, size=None, family=v.family if v.is_vague else "") for v in values
            ]
        if not (kind == "one" and _template_only(text, one)):
            yield Thing("model", tuple(values), kind, one.model.written, one.start, end, role)
        at += 1


def _template_only(text: str, one: Mention) -> bool:
    """Whether no model is asked for: "the Llama-2 chat template", "GPT-2 tokenizer", "BERT-style"."""
    return bool(
        re.match(
            r"(?:'s)?[\s-]*(?:\w+ )?(?:tokeni[sz]er|template|prompt format|style|licen[cs]e|format|paper|like|"
            r"vocab\w*|recipe|architecture docs)\b",
            text[one.end :],
            re.IGNORECASE,
        )
    ) or bool(
        re.search(
            r"\b(?:tokeni[sz]er (?:of|from|for)|like|than|beats?|vs|unlike|outputs? (?:of|from)|generated (?:by|"
            r"with)|(?<!tokens )(?<!answers )"
            r"(?<!responses )(?<!completions )from)\s+\Z",
            text[: one.start],
            re.IGNORECASE,
        )
        and not re.search(
            r"\b(?:start|initiali[sz]ed?|init|load|begin|distil\w*|fine-?tune|weights|checkpoint)\s+(?:\w+ "
            r"){0,2}from\s+\Z",
            text[: one.start],
            re.IGNORECASE,
        )
    )


# -- datasets ----------------------------------------------------------------------------------------------------------

_KNOWN_DATA = (
    r"imdb|sst-?2|cifar-?100|cifar-?10|fashion[- ]?mnist|k?mnist|emnist|tiny-?imagenet|imagenet(?:-?(?:1k|100|v2|r))?|"
    r"wikitext(?:-?\d+)?(?:-raw)?(?:-v1)?|squad(?:[_ -]?v?2(?:\.0)?)?|glue|superglue|mrpc|mnli|qnli|xnli|snli|anli|"
    r"qqp|sts-?b|boolq|"
    r"alpaca(?:[-_ ](?:cleaned|gpt4))?|(?:databricks-)?dolly(?:-15k)?|oasst\d?|open-?orca|slim-?orca|the pile|"
    r"cnn[/_ ]?daily-?mail|"
    r"xsum|samsum|dialogsum|billsum|multi[_ ]news|ag[_ ]?news|yelp(?:[-_ ]\w+)?|dbpedia(?:_14)?|rotten[_ ]tomatoes|"
    r"tweet[_ ]eval|go[_ ]?emotions|"
    r"ms-?coco|coco|gsm8k|ultra-?chat(?:_200k)?|ultra-?feedback(?:_binarized)?|open-?web-?text|tiny[-_ ]?stories|"
    r"no[_ ]robots|open-?hermes|"
    r"tiny[-_ ]?shakespeare|metamath(?:qa)?|humaneval|mbpp|mmlu|truthfulqa|winogrande|hotpot_?qa|trivia_?qa|"
    r"natural[_ ]questions|all-nli|"
    r"librispeech|common[_ ]voice|fleurs|gtzan|speech[_ ]commands|superb|voxceleb|food-?101|conll(?:-?2003)?|20[ "
    r"_]?newsgroups|"
    r"oxford[- _]?(?:iiit[- _])?pets?|flowers-?102|stanford[- _]?cars|caltech-?\d+|eurosat|celeba|ffhq|ade20k|"
    r"cityscapes|pascal[- _]?voc|ucf-?101|"
    r"california[- _]housing|movielens|ogbn-\w+|qm9|bookcorpus|c4(?= (?:data|subset|corpus|split))|"
    r"wmt\d*|hh-rlhf|openassistant-guanaco|guanaco|fine-?web(?:-edu)?|red-?pajama|code-?alpaca|banking77|emotion"
    r"(?= dataset)|ms ?marco|"
    r"hellaswag|stl-?10|svhn"
)
_DATA_KEY = re.compile(
    r"^\W*(?:(?:train(?:ing)?|our|the)[ _-]*)?(?:data[ _-]?set|data|corpus|dataset_name|train_file|data_path)(?:[ "
    r"_](?:name|id|path|file|repo))?\s*(?:[:=]|\bis\b)\s*[\"'(]*"
    r"(?P<value>(?:\w{2,5}://)?[\w~./-]+(?:\[[^\]]*\])?)",
    re.IGNORECASE,
)
_DATA_ID = re.compile(r"(?<![\w./@-])(?P<value>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*[\w])(?![\w/])")
_DATA_FILE = re.compile(
    r"(?<![\w/])(?P<value>[~.]?/?(?:[\w.-]+/)*[\w-]+\.(?:jsonl?|csv|tsv|parquet|arrow|txt|bin|npy|h5))\b"
)
_DATA_NAMED = re.compile(
    rf"(?<![\w/-])(?P<value>{_KNOWN_DATA})\b|(?:on|use|using|with|from|load) (?:the |our "
    rf")?[\"']?(?P<own>[A-Za-z][\w-]+(?:/[\w.-]+)?)[\"']? (?:data ?set|corpus)\b",
    re.IGNORECASE,
)
# "Fine-tune Qwen2.5 on ": what follows is data
_NO_DATA_FILE = re.compile(
    r"(?:\A|/)(?:requirements|readme|robots|license|notes?|log|logs|out(?:put)?s?|answers?|predictions?|preds|"
    r"results?|metrics|scores|"
    r"responses|generations|completions)\w*(?:[-_]\w+)*\.\w+\Z",
    re.IGNORECASE,
)
# "the images are in data/flowers"
_DATA_FOLDER = re.compile(
    r"\b(?:images?|photos?|pictures?|texts?|articles?|documents?|recordings?|audio|clips|samples?|examples?|corpus|"
    r"data|data ?set|rows|"
    r"reviews|tickets|dialogues?|prompts?)\b(?:\s*(?=\()|(?: (?:is|are|lie[sd]?|live[sd]?|sits?|stored|found|kept|"
    r"located|can|be"
    r"|it|them|from))*"
    r" (?:in|under|from|at|inside))(?: the)?(?: folder|"
    r" directory)?\s*[\"'(]*(?P<value>[~.]{0,2}/?[\w-]+(?:/[\w.-]+)+/?)",
    re.IGNORECASE,
)
_TRAINED_ON = re.compile(
    r"\b(?:fine-?tun\w*|train\w*|tun(?:e|ing)|adapt\w*|evaluat\w*|sft|dpo|grpo|align\w*|distil\w*|run|lora|"
    r"qlora)\b(?:[^.;]|\.(?=\d))*\bon\s+"
    r"(?:the |our |a )?[\"'(]*\Z",
    re.IGNORECASE,
)
_PAIRS = re.compile(  # "train on the Quora pairs (org/name"
    r"\b(?:train\w*|tun\w*|evaluat\w*|data\w*)\b(?:[^.;]|\.(?=\d))*\b(?:pairs|triplets|questions|reviews|articles|"
    r"images|"
    r"dialogues|texts|rows|split|set|corpus|data|subset)\s*\(\s*[\"']?\Z",
    re.IGNORECASE,
)
_NO_NAME = (
    r"[\d.]+|is|the|an?|true|none|on|in|of|from|for|at|to|as|not|and|or|it|we|here|available|required|loaded|"
    r"used|https?|www"
)
_NO_DATASET = frozenset(
    "training train our own this that your validation eval test same whole full entire given provided custom "
    "internal new small large attached following dummy "
    "synthetic instruction chat text image preference local chosen cleaned above below right correct full-size "
    "original".split()
)


def names_data(text: str) -> bool:
    """Whether a title names a dataset that everybody knows."""
    return re.search(rf"(?<![\w/-])(?:{_KNOWN_DATA})\b", text, re.IGNORECASE) is not None


def _datasets(text: str) -> Iterator[Thing]:
    taken: list[tuple[int, int]] = []
    key = _DATA_KEY.match(text)
    known = re.compile(_KNOWN_DATA, re.IGNORECASE).match(text, key.start("value")) if key else None
    if key and known and known.end() > key.end("value"):
        key = None  # "tiny shakespeare": the name has two words
    if key and key["value"].lower() not in _NO_DATASET and not re.fullmatch(_NO_NAME, key["value"], re.I):
        taken.append(key.span("value"))
        yield Thing("dataset", (key["value"].rstrip("."),), "one", key["value"], *key.span("value"))
    for match in _DATA_FOLDER.finditer(text):
        if not re.search(
            r"\b(?:sav|writ|stor|output|log|put|dump|export|go(?:es)?)\w*\W[^.;]*\Z", text[: match.start("value")], re.I
        ):
            taken.append(match.span("value"))
            yield Thing("dataset", (match["value"].rstrip("."),), "one", match["value"], *match.span("value"))
    for pattern in (_DATA_ID, _DATA_FILE, _DATA_NAMED):
        for match in pattern.finditer(text):
            group = "value" if match["value"] else "own"
            value, (start, end) = match[group], match.span(group)
            if any(start < e and s < end for s, e in taken):
                continue
            if pattern is _DATA_NAMED and (
                value.lower() in _NO_DATASET
                or re.match(
                    r"[ -]*(?:format|style|schema|template|prompt|accuracy|score|pre-?trained|weights|stats|normali)",
                    text[end:],
                    re.I,
                )
            ):
                continue
            before = text[max(0, start - 60) : start].lower()
            if pattern is _DATA_NAMED and re.search(
                r"pre-?train\w*(?: weights)? (?:on|with|from|for)\s+\Z|weights (?:from|of)\s+\Z", before
            ):
                continue  # what the model has seen before
            if pattern is _DATA_ID:
                data = re.search(
                    r"(?:data ?sets?|corpus|data|split(?: of)?|pairs|preferences?|triplets|prompts|questions|train"
                    r"(?:ed|ing)? on|fine-?tun\w+ on|finetun\w+ on|evaluat\w+ "
                    r"on|load_dataset|sft on|trains? on)\W*(?:\w+\W+){0,3}\Z",
                    before,
                )
                data = data or re.match(r"\W*(?:data ?set|corpus|data\b)", text[end:], re.IGNORECASE)
                family = bool(named(value).family)
                on = None if family else _TRAINED_ON.search(text[:start]) or _PAIRS.search(text[:start])
                data = data or on
                path = re.search(
                    r"(?:save|write|output|dir|folder|path|to|into|under)\W*(?:\w+\W+){0,2}\Z", before
                ) and not re.search(r"data", before)
                beside = re.search(r"(?:data ?sets?|corpus|data)\W*\Z", before) or re.match(
                    r"\W*(?:data ?set|corpus)\b", text[end:], re.IGNORECASE
                )
                known = re.fullmatch(_KNOWN_DATA, value.rpartition("/")[2], re.IGNORECASE)
                if not (data or known) or path or (mentions(value) and family and not beside):
                    continue
                if mentions(value) and not (beside or on or known):
                    continue
            if pattern is _DATA_FILE and re.search(
                r"(?:save|write|log|dump|export|output|store|append)\w*\W+(?:\w+\W+){0,6}\Z", before
            ):
                continue
            if pattern is _DATA_FILE and _NO_DATA_FILE.search(value):
                continue
            if _NOT_MODEL.search(text[:start]):
                continue
            taken.append((start, end))
            role = (
                "eval"
                if re.search(
                    r"\b(?:eval\w*|validat\w*|test\w*|benchmark\w*|measure|report)\s+(?:\w+ ){0,3}(?:on|with|against|"
                    r"set|data|file|:|is)\W*(?:\w+\W+){0,2}\Z",
                    before,
                )
                or re.search(r"(?:^|[/_.-])(?:val|valid\w*|dev|test|eval)[_.-]\w*\Z", value)
                else ""
            )
            yield Thing("dataset", (value,), "one", value, start, end, role)


# -- paths -------------------------------------------------------------------------------------------------------------

_PATH = r"[\"'(]*(?P<path>(?:[~.]{1,2}/|/|(?:s3|gs|hdfs|az)://)?[\w.{}$-]+(?:/[\w.{}$-]+)*/?)"
_OUTPUT = re.compile(
    r"(?:\b(?:sav\w+|back-?ups?|writ\w+|stor\w+|put|dump\w*|export\w*|output\w*|checkpoint\w*|snapshots?|go(?:es)?|"
    r"land|keep|"
    r"push)\b(?:[^.;:,/]|, ?(?=then)|,(?=\d)){0,60}?\b(?:to|in|into|under|at|inside)\b\s*"
    r"(?:the |a |directory |folder |dir |path |called |named |: ?)*|\b(?:output|save|checkpoint|ckpt|out|target|"
    r"destination|results?|"
    r"artifacts?|run|work(?:ing)?|exp(?:eriment)?|model|weights|ckpts?|checkpoints?|"
    r"logging)[ _-]?(?:dir(?:ectory)?|path|folder|location)\b"
    r"(?: for (?:the )?\w+)?\s*(?:[:=|]|is|to|should be|at|\s)*\s*|\b(?:folder|directory|dir|path|place) (?:for|"
    r"of) (?:the |all )?"
    r"(?:\w+ )?(?:checkpoints?|weights|outputs?|results?|models?|adapters?|artifacts?)\b\s*(?:[:=|]|is|should be|\s)+|"
    rf"(?:^|[,;(]\s)\W*(?:outputs?|out|checkpoints?|ckpts?|artifacts?|results?|where(?: to(?: save)?)?|save(?: to)?"
    rf"|saved (?:to"
    rf"|in))\s*[:=]\s*|"
    rf"\b(?:results?|adapters?|checkpoints?|weights|models?|outputs?|artifacts?|everything|stuff)(?: (?:are|is|"
    rf"should be|shall be|"
    rf"will be|must be|go(?:es)?|lands?|lives?|ends? up|belongs?))?\s+(?:to|in|into|under|at)\s+(?:the )?|"
    rf"\b(?:sav|stor|writ|keep|export|dump)\w*\b[^.;:,/]{{0,40}}?\bas\s+|\b(?:final|best|last|trained|finished) "
    rf"(?:weights?|model|adapters?|"
    rf"checkpoints?)\s*:\s*|\boutputs?\s+(?=[./~\w-]+/\w)|^\W*(?:in)?to\s+(?=[./~\w-]+/\w)|\b(?:model|weights|"
    rf"adapters?|checkpoints?)\b"
    rf"[^.;:,/]{{0,30}}\b(?:in)?to\s+(?=[./~\w-]+/\w)|\b(?:weights?|checkpoints?|"
    rf"ckpts?|"
    rf"model|outputs?|results?|artifacts?|adapters?|everything)\s*(?:->|→|=>|➜)\s*){_PATH}",
    re.IGNORECASE,
)


_AS_OUTPUT = re.compile(
    r"(?<![\w/.])(?P<path>(?:[~.]{1,2}/|/)?[\w.-]+(?:/[\w.-]+)+/?)[\"')]?\s+(?:as|is|for|will be) (?:the |our |"
    r"your |an? )?"
    r"(?:output|save|checkpoint|result|run)s?\b[ _-]?(?:dir\w*|folder|path|location)?",
    re.IGNORECASE,
)


_PUT_AT = re.compile(  # "checkpoints every 10 epochs → work/run", "put it beside the others: /a/b", "folder a/b"
    r"(?:\b(?:sav\w+|backups?|ckpts?|checkpoints?|weights|snapshots?|outputs?|results?|adapters?|model|put|stor\w+|"
    r"writ\w+|"
    r"dump\w*)\b"
    r"(?:[^.;/]|(?<=\d)\.(?=\d)){0,80}?(?:→|->|=>|,\s*(?:all )?(?:in|into|under)\b|:(?=\s*[~./\w-]*/))|(?:\A|"
    r"[,;(]\s*)(?:output |save |target )?(?:folder|directory|"
    r"dir)\b[:=]?)\s*"
    r"[\"'(]*(?P<path>[~.]{0,2}/?[\w.-]+(?:/[\w.-]+)+/?)",
    re.IGNORECASE,
)


_WHERE = re.compile(  # "in runs/a, where the weights go as well"
    r"\b(?:in|to|under|into)\s+[\"'(]*(?P<path>[~.]{0,2}/?[\w.-]+(?:/[\w.-]+)*/?)[\"')]*\s*,? where (?:the |all |"
    r"our )?(?:model )?"
    r"(?:weights|checkpoints?|models?|results?|outputs?|everything|adapters?)\b",
    re.IGNORECASE,
)


def _paths(text: str) -> Iterator[Thing]:
    where = _WHERE.search(text) if " where " in text else None
    if where is not None:
        yield Thing("output_dir", (where["path"],), "one", where["path"], *where.span("path"))
        return
    put = _PUT_AT.search(text) if "/" in text else None
    if put is not None and not re.search(
        r"\bdata|\bimages|\bmodel\W{0,3}\Z|\bstart|\bbase\b", put[0][: put.start("path") - put.start()], re.I
    ):
        path = put["path"].rstrip(".")
        called = re.search(r"(?:folder|directory|dir)[:=]?\W*\Z", text[: put.start("path")], re.IGNORECASE)
        is_path = (
            called or path.startswith(("/", "~", ".")) or re.search(r"(?:→|->|=>)\W*\Z", text[: put.start("path")])
        )
        if not re.search(r"\.(?:py|ipynb|md|jsonl?|csv|tsv|parquet)\Z", path) and (is_path or not named(path).family):
            yield Thing("output_dir", (path,), "one", path, put.start("path"), put.start("path") + len(path))
            return
    for match in _AS_OUTPUT.finditer(text):
        if not _NOT_MODEL.search(text[: match.start()]):
            yield Thing("output_dir", (match["path"],), "one", match["path"], *match.span("path"))
    for match in _OUTPUT.finditer(text):
        path = match["path"].rstrip(".,;:)")
        start = match.start("path")
        quoted = text[max(0, start - 1) : start] in ("'", '"')
        explicit = re.search(
            r"(?:dir(?:ectory)?|path|folder|location|called|named)\W*(?:\w+\W+){0,2}\Z|^\W*(?:outputs?|out|"
            r"checkpoints?|"
            r"ckpts?|artifacts?|results?|where(?: to(?: save)?)?|save to|saved (?:to|in))\s*[:=]\s*\Z",
            text[:start],
            re.IGNORECASE,
        )
        plain = re.fullmatch(r"[A-Za-z]\w*[_-]\w+|ckpts?|checkpoints|outputs?|results|runs|weights", path) and re.match(
            r"\s*(?:\Z|[.,;)])", text[start + len(path) :]
        )
        if not path or not ("/" in path or quoted or explicit or plain):
            continue
        if re.fullmatch(
            r"(?:the|a|an|and|or|is|it|only|best|last|all|never|none|yes|no|at|once|after|best/last|last/best|disk|"
            r"hub|wandb|tensorboard|s3|\d[\d.]*|and/or|bf16|fp16|safetensors|every|"
            r"each|epochs?|steps?)",
            path,
            re.I,
        ):
            continue
        if re.match(r"\W*checkpoint\s*[:=]", match[0], re.I) and path.count("/") == 1 and named(path).family:
            continue  # the one to start from
        if _NOT_MODEL.search(text[: match.start()]) or re.search(r"\.(?:py|ipynb|md)\Z", path):
            continue
        if re.search(
            r"\b(?:log|logs|logging|tensorboard|tokenizer|predictions?|metrics|responses|generations|completions)\b",
            re.split(r"[.,;]", text[max(0, match.start() - 24) : start])[-1],
            re.I,
        ) and not re.search(r"model|adapter|checkpoint|weights|output", match[0][: start - match.start()], re.I):
            unit = "other"
        else:
            unit = ""
        if unit:
            continue
        yield Thing("output_dir", (path,), "one", path, start, start + len(path))


# -- hardware ----------------------------------------------------------------------------------------------------------


def _hardware(text: str) -> Iterator[Thing]:
    for one in machines(text):
        alone = one.hardware.count is None and one.hardware.memory is None and text[: one.start].rstrip().endswith("(")
        if alone and text[one.end :].lstrip().startswith(")"):
            continue  # "bf16 (A100)" gives a reason
        yield Thing("hardware", (one.hardware,), "one", text[one.start : one.end].strip(), one.start, one.end)


# -- cadences ----------------------------------------------------------------------------------------------------------

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
        r"\bsav(?:e[sd]?|ing)\b|\bstor(?:e[sd]?|ing) (?:the |all )?(?:weights|model|adapters?)\b|\bsnapshots?\b|"
        r"\bcheckpoint\w*|\bckpts?\b|\bsave_steps\b|\bback-?ups?\b",
    ),
    (
        "logging",
        r"\blog(?:s|ged|ging)?\b|\bprint(?:s|ed)?\b|\breport(?:s|ing)? (?:the )?(?:loss|metrics)\b|\b(?:loss|"
        r"metric) (?:values?|curves?)\b|"
        r"\b(?:wandb|w&b|weights (?:&|and) biases|tensor-?board|tb|mlflow|comet|neptune)\b[^.;]{0,16}\Z",
    ),
)
_ORDINALS = {"other": 2, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10, "hundredth": 100}
_NTH = "|".join(_ORDINALS)
_EVERY = re.compile(
    rf"\b(?:(?:at the )?end of )?(?:every|each|per|once (?:per|an|a|every)|after (?:every|each)|an?\b(?= "
    rf"epoch))\s*(?P<n>\d{{1,6}}(?:st|nd|rd|th)\b|{NUMBER}|(?:{_WORD})\b|other\b|{_NTH}\b)?[ -]*(?:training |"
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
    rf"_]n)?[ _]?)?(?P<unit>steps|epochs?|interval|strategy|every|frequency|freq|cadence|every_n_steps|"
    rf"every_n_epochs)\s*[:=]?\s+"
    rf"(?:every )?(?P<n>{NUMBER}|epochs?|steps|no\b|never|per epoch|each epoch)(?:\s*(?P<unit2>epochs?|steps?))?",
    re.IGNORECASE,
)
_BARE_LOGGING = re.compile(
    rf"\W*log(?:ging)?(?:[ _](?:interval|every|freq\w*|steps))?\s*[:=]\s*(?P<n>{NUMBER})(?: steps)?\W*", re.IGNORECASE
)
_AT_END = re.compile(
    r"\b(?:only )?(?:save|checkpoint|evaluate|eval|keep|export)\b[^.;]{0,40}?\b(?:only )?(?:at the (?:very "
    r")?end\b(?! of (?:each|every|an|the) epoch)|once(?: only)?,? (?:at the end|after (?:the )?training)|only the "
    r"final (?:model|checkpoint|weights|adapter)|"
    r"after training)|\b(?:the )?(?:final|last) (?:model|checkpoint|weights|adapter) (?:is|are|will be) (?:enough|"
    r"sufficient|fine|ok)\b|\bonly (?:save )?the (?:final|last|finished) (?:model|checkpoint|weights|"
    r"adapters?)(?! (?:on|"
    r"for)\b)",
    re.I,
)


_NO_CADENCE = re.compile(
    r"\b(?:no|without(?: any)?|skip(?: the)?|don'?t (?:do|run|need)(?: any)?)\s+(?:intermediate |model |"
    r"mid-run )?(?:eval(?:uations?|s)?|"
    r"validation|checkpoints?|checkpointing|saving)\b(?! (?:data|set|split|script|loop|at the end|in|on|from|needed))",
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
    rf"\b(?P<n>twice|thrice|(?:{NUMBER}|(?:{_WORD}))\s?(?:times|x|×))\s+(?:per|an?|each|every|in an?)\s+epoch\b|"
    rf"\b(?P<n2>{NUMBER}|(?:{_WORD}))\s+(?P<what>eval(?:uation)?s?|validations?|checkpoints?|saves?|snapshots?)\s+"
    r"(?:per|an?|each|every|in an?)\s+epoch\b|"
    r"\b(?:every|each) (?P<part>half|quarter|third)(?: of)?(?: an?)?[ -]epoch\b",
    re.IGNORECASE,
)


def _shares(text: str) -> Iterator[Thing]:
    """ "Validate twice per epoch"."""
    for match in _TIMES_AN_EPOCH.finditer(text):
        said = (match["n"] or match["n2"] or match["part"]).lower()
        known = {"twice": 2, "thrice": 3, "half": 2, "third": 3, "quarter": 4}
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


def _cadences(text: str) -> Iterator[Thing]:
    yield from _shares(text)
    text = _WISE.sub(lambda m: "per epoch".ljust(len(m[0]))[: len(m[0])], text)
    text = _TIMES_AN_EPOCH.sub(lambda m: " " * len(m[0]), text)
    bare = _BARE_LOGGING.fullmatch(text)
    if bare is not None and (steps := number(bare["n"])) is not None and steps >= 1:
        yield Thing("logging", (Cadence("step", int(steps)),), "one", bare["n"], 0, len(text), "", "every")
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
        for field in fields:
            yield Thing(
                field,
                (Cadence(unit, every),),
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


# -- LoRA's modules ----------------------------------------------------------------------------------------------------

_MODULE = (
    r"(?:[qkvo]_proj|(?:gate|up|down)_proj|qkv_proj|query_key_value|c_attn|c_proj|c_fc|query|key|value|"
    r"dense(?:_\w+)?|fc[12]|out_proj|in_proj|wq|wk|wv|wo|w[123]|Wqkv|lm_head|embed_tokens|to_[qkv]|"
    r"to_out(?:\.0)?)"
)
_LISTED = re.compile(rf"(?:\b{_MODULE}\b[\"'\]\s]*(?:,|and|&|/|\+|\s)*[\"'\[\s]*)+", re.IGNORECASE)
_ALL_LINEAR = re.compile(
    r"\ball[ -]linear\b(?: layers| modules)?|\b(?:every|all) (?:the )?linear (?:layers?|modules?)\b", re.IGNORECASE
)
_LETTERS = re.compile(
    r"\b(?P<list>(?:[qkvo](?:\s*(?:,|and|/|&|\+|\s)\s*)?){1,4})[ -]*proj(?:ection)?s?\b(?!_)|\b(?P<qv>(?:q(?:uery)?|"
    r"k(?:ey)?|v(?:alue)?)(?:\s*(?:,|and|/|&)\s*(?:q(?:uery)?|k(?:ey)?|v(?:alue)?|o(?:utput)?))+)\b(?= projections?| "
    r"layers| modules| only)|"
    r"(?P<plain>(?<![\w-])[qkvo]\b(?:\s*(?:,|/|and|&|\+)\s*(?:and )?\b[qkvo]\b)+(?![\w-])|(?<![\w-])(?:qkvo?|qv|qk)\b)",
    re.I,
)


_ATTENTION_AND_MLP = re.compile(
    r"\b(?:all |the |both )*att(?:entio)?n\b[^.;]{0,24}?(?:\b(?:and|plus|as well as)|\+|&)\s*(?:the |all )?(?:mlps?"
    r"|ffn|"
    r"feed[ -]?forward)\b"
    r"(?: (?:layers|projections?|blocks|modules))?",
    re.IGNORECASE,
)
_ATTENTION = re.compile(
    r"\b(?:all |the )*attention (?:projections?|layers|modules|matrices|blocks|weights|only|linears?)\b(?: "
    r"only)?(?:\W{1,3}(?P<list>[qkvo](?:\W{1,3}(?:and )?[qkvo])+)\b)?",
    re.IGNORECASE,
)


_MLP = ("gate_proj", "up_proj", "down_proj")
# "the query, value and output projections as well as the MLP"
_SPELLED = re.compile(
    r"\b(?P<list>(?:query|key|value|output)(?:\s*(?:,|and|/|&|\+|,\s*and)\s*(?:the )?(?:query|key|value|output))+)"
    r"[ -](?:projections?|matrices|layers|weights)\b"
    r"(?P<mlp>[^.;]{0,24}?(?:\band|\bplus|\bas well as|\+|&)\s*(?:in(?:to)? )?(?:the |all )?(?:mlps?|ffns?|"
    r"feed[ -]?forward)\b)?",
    re.IGNORECASE,
)


def _letters(match: re.Match[str]) -> str:
    return (match["list"] or match["qv"] or match["plain"] or "").lower()


def _modules(text: str) -> Iterator[Thing]:
    hinted = re.search(r"target|lora|adapt|module|proj|layers", text, re.IGNORECASE)
    if not hinted:
        return
    every = _ALL_LINEAR.search(text) or _ATTENTION_AND_MLP.search(text)
    if every:
        yield Thing("target_modules", (frozenset(("all-linear",)),), "one", every[0], every.start(), every.end())
        return
    spelled = _SPELLED.search(text)
    if spelled:
        parts = {w[0] for w in re.findall(r"[a-z]+", spelled["list"].lower()) if w not in ("and", "or")}
        found = {f"{c}_proj" for c in parts} | (set(_MLP) if spelled["mlp"] else set())
        yield Thing("target_modules", (frozenset(found),), "one", spelled[0].strip(), spelled.start(), spelled.end())
        return
    for match in _LISTED.finditer(text):
        names = re.findall(_MODULE, match[0], re.IGNORECASE)
        if len(names) == 1 and not re.search(
            r"_proj|_attn|_key_value|target[ _]modules?", match[0] + text[: match.start()]
        ):
            continue
        yield Thing("target_modules", (frozenset(names),), "one", match[0].strip(" ,"), match.start(), match.end())
        return
    whole = _ATTENTION.search(text)
    if whole:
        letters = set(re.findall(r"\b[qkvo]\b", whole["list"] or "q k v o"))
        names2 = frozenset(f"{c}_proj" for c in letters)
        yield Thing("target_modules", (names2,), "one", whole[0].strip(), whole.start(), whole.end())
        return
    match2 = _LETTERS.search(text)
    if match2:
        letters = {
            w[0].lower()
            for w in re.findall(
                r"[a-z]+", re.sub(r"\b[qkvo]{2,4}\b", lambda m: " ".join(m[0]), _letters(match2)), flags=re.I
            )
            if w.lower() not in ("and",)
        }
        if letters:
            yield Thing(
                "target_modules",
                (frozenset(f"{c}_proj" for c in letters),),
                "one",
                match2[0],
                match2.start(),
                match2.end(),
            )
