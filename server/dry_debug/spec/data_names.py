"""Datasets in one sentence: hub ids, files, folders, names that everybody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.models import mentions, named
from dry_debug.spec.thing import REFUSED, Thing

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
    r"hellaswag|stl-?10|svhn|esc-?50|urban-?sound-?8k|audio-?set|gtsrb|mvtec(?:[- ]ad)?|enwik8|text8|lambada|food-?11|"
    r"plant-?village|cub-?200(?:-?2011)?|dialog-?sum|flickr-?(?:8|30)k|pubmed[_ -]?qa|sci-?q|race(?= dataset)|"
    r"ptb-?xl|cifar(?=[ -](?:data|set|run|training|images|experiments?|baseline|classifier)\b)"
)


_DATA_KEY = re.compile(
    r"^\W*(?:(?:train(?:ing)?|our|the)[ _-]*)?(?:data[ _-]?set|data|corpus|dataset_name|train_file|data_path)(?:[ "
    r"_](?:name|id|path|file|repo|root|dir|folder))?\s*(?:[:=]|\bis\b)\s*[\"'(]*"
    r"(?P<value>(?:\w{2,5}://)?[\w~./-]+(?:\[[^\]]*\])?)",
    re.IGNORECASE,
)


_DATA_ID = re.compile(r"(?<![\w./@-])(?P<value>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*[\w])(?![\w/])")


_DATA_FILE = re.compile(
    r"(?<![\w/])(?P<value>[~.]?/?(?:[\w.-]+/)*[\w-]+\.(?:jsonl?|csv|tsv|parquet|arrow|txt|bin|npy|h5))\b"
)


_DATA_NAMED = re.compile(
    rf"(?<![\w/-])(?P<value>{_KNOWN_DATA})\b|\bdata ?set:? [\"']?(?P<behind>[A-Za-z]\w*(?:[-_]\w+)+|[A-Za-z]\w*\d\w*)\b"
    rf"(?=[\"']?\s*(?:[,.;)(]|\Z|(?:and|with|for|from|in)\b))|(?:on|use|using|with|from|load) (?:the |our "
    rf")?[\"']?(?P<own>(?!(?:the|our|an?|this)\b)[A-Za-z][\w-]+(?:/[\w.-]+)?)[\"']? (?:data ?set|corpus)\b",
    re.IGNORECASE,
)


# "Fine-tune Qwen2.5 on ": what follows is data
_NO_DATA_FILE = re.compile(
    r"(?:\A|/)(?:out(?:put)?s?|results?|predictions?|preds|generations|completions)/(?:[\w.-]+/)*[\w.-]+\Z|"
    r"(?:\A|/)(?:requirements|readme|robots|license|notes?|log|logs|out(?:put)?s?|answers?|predictions?|preds|"
    r"results?|metrics|scores|"
    r"responses|generations|completions)\w*(?:[-_]\w+)*\.\w+\Z",
    re.IGNORECASE,
)


# "the images are in data/flowers"
_DATA_FOLDER = re.compile(
    r"\b(?:images?|photos?|pictures?|texts?|articles?|documents?|recordings?|audio|clips|samples?|examples?|corpus|"
    r"data|data ?set|rows|"
    r"reviews|tickets|dialogues?|prompts?)\b(?:\s*(?=\()|(?:[^.;:,()]{0,30}, (?:they|these|which|it|all of them))?(?: "
    r"(?:is|are|"
    r"lie[sd]?|live[sd]?|sits?|stored|found|kept|"
    r"located|can|be"
    r"|it|them|from))*"
    r" (?:in|under|from|at|inside))(?: the)?(?: folder|"
    r" directory)?\s*[\"'(]*(?P<value>[~.]{0,2}/?[\w-]+(?:/[\w.-]+)+/?)",
    re.IGNORECASE,
)


_FOLDER_GIVEN = re.compile(
    r"\b(?:given|with|using|use|from|read|load|take)\s+[\"'(]*(?P<value>(?:data|"
    r"datasets?)/[\w.-]+(?:/[\w.-]+)*/?)(?![\w/])",
    re.IGNORECASE,
)


_FOLDER_TRAINED_ON = re.compile(  # "train on ./data/a, validate on ./data/b"
    r"\b(?P<what>train|fine-?tun|learn|evaluat|validat|test|benchmark)(?:e|ed|ing|s)?(?: it| the model| the "
    r"network)? (?:on|with|from)\s+"
    r"[\"'(]*(?P<value>(?:[~.]{1,2}/|/|data/|datasets?/)[\w.-]+(?:/[\w.-]+)*/?)(?![\w/])",
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


_OUTPUTS = frozenset(
    "result results out output outputs run runs exp exps adapters weights artifacts log logs ckpt ckpts checkpoint "
    "checkpoints save saved".split()
)


_NO_NAME = (
    r"[\d.]+|is|the|an?|true|none|on|in|of|from|for|at|to|as|not|and|or|it|we|here|available|required|loaded|"
    r"used|https?|www"
)


_NO_DATASET = frozenset(
    "training train our own this that your validation eval test same whole full entire given provided custom "
    "internal new small large attached following dummy the a an "
    "synthetic instruction chat text image preference local chosen cleaned above below right correct full-size "
    "original".split()
)


# "fine-tune it on ESC-50": a name of capitals or with a number that is no device, no platform and no model
_NAMED_BY_CASE = re.compile(
    r"\b(?:[Ff]ine-?tun|(?<!-)[Tt]rain|[Ee]valuat|[Dd]istil)\w*\b[^.;]{0,60}?\bon (?:the "
    r")?(?P<value>[A-Z][A-Za-z]*(?:-?\d|[A-Z])[\w-]*)"
    r"(?![\w/.]|-)(?! (?:gpus?|cards?|nodes?|machines?|cluster|server|GPUs?|instances?|hardware))"
)
_NO_DATA_NAME = re.compile(
    r"(?:[AHVLBPTK]|MI|GH|GB|RTX|GTX|DGX|TPU|Titan)-?\d.*|(?:RTX|GTX|DGX|[CGT]PUs?|VMs?|AWS|GCP|EC2|HPC|SLURM|LUMI|"
    r"CUDA|ROCm|MPS|MPI|JAX|DDP|FSDP|"
    r"PyTorch|SageMaker|RunPod|HuggingFace|TensorFlow|ImageNet21k|LLMs?|SFT|QA|NER|NLI|Vertex\w*|LoRA|QLoRA|WSL|OS|"
    r"CI|AMD|NVIDIA)",
)


def names_data(text: str) -> bool:
    """Whether a title names a dataset that everybody knows."""
    return re.search(rf"(?<![\w/-])(?:{_KNOWN_DATA})\b", text, re.IGNORECASE) is not None


def datasets(text: str) -> Iterator[Thing]:
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
    for match in _FOLDER_TRAINED_ON.finditer(text):
        start, end = match.span("value")
        if not any(start < e and s < end for s, e in taken) and not REFUSED.search(text[: match.start()]):
            taken.append((start, end))
            role = "eval" if match["what"][0].lower() in "evb" or match["what"].lower() == "test" else ""
            yield Thing("dataset", (match["value"].rstrip("."),), "one", match["value"], start, end, role)
    for match in _FOLDER_GIVEN.finditer(text) if not taken else ():
        if not REFUSED.search(text[: match.start()]):
            taken.append(match.span("value"))
            yield Thing("dataset", (match["value"].rstrip("."),), "one", match["value"], *match.span("value"))
    for pattern in (_DATA_ID, _DATA_FILE, _DATA_NAMED):
        for match in pattern.finditer(text):
            group = next(g for g in ("value", "behind", "own") if match.groupdict().get(g))
            value, (start, end) = match[group], match.span(group)
            if any(start < e and s < end for s, e in taken):
                continue
            if pattern is _DATA_NAMED and (
                value.lower() in _NO_DATASET
                or re.match(
                    r"[ -]*(?:only\b|format|style|schema|template|prompt|accuracy|score|pre-?trained|weights|stats|"
                    r"normali)",
                    text[end:],
                    re.I,
                )
            ):
                continue
            if re.fullmatch(r"[\d./-]+", value):
                continue  # "80/20"
            if pattern is _DATA_ID and value.partition("/")[0].lower() in _OUTPUTS:
                continue  # "results/cifar100"
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
                r"(?:save|write|log|dump|export|output|store|append)\w*\W+(?!(?:a|the|me a) (?:\w+ )?(?:script|"
                r"program|code|function)\b)(?:\w+\W+){0,6}\Z",
                before,
            ):
                continue
            if (
                pattern is _DATA_FILE
                and re.search(
                    r"\b(?:chang|edit|updat|adjust|modif|adapt|amend)\w*(?: (?:the|our|my))?(?: \w+)? \Z", before
                )
                and value.endswith(".json")
            ):
                continue  # a file of settings
            if pattern is _DATA_FILE and _NO_DATA_FILE.search(value):
                continue
            if REFUSED.search(text[:start]):
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
    if not taken:
        for match in _NAMED_BY_CASE.finditer(text):
            if not _NO_DATA_NAME.fullmatch(match["value"]) and not named(match["value"]).family:
                yield Thing("dataset", (match["value"],), "one", match["value"], *match.span("value"))
