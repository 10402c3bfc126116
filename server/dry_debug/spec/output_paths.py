"""Where results go, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.spec.models import named
from dry_debug.spec.thing import REFUSED, Thing

_PATH = r"[\"'(]*(?P<path>(?:[~.]{1,2}/|/|(?:s3|gs|hdfs|az)://)?[\w.{}$-]+(?:/[\w.{}$-]+)*/?)"


_OUTPUT = re.compile(
    r"(?:\b(?:sav\w+|back-?ups?|writ\w+|stor\w+|put|dump\w*|export\w*|output\w*|checkpoint\w*|ckpts?|snapshots?|"
    r"go(?:es)?|"
    r"land|end(?:s|ed)? up|keep|"
    r"push)\b(?:[^.;:,/]|, ?(?=then)|,(?=\d)){0,60}?\b(?:to|in|into|under|at|inside|below|beneath|underneath|"
    r"within)\b\s*"
    r"(?:the |a |directory |folder |dir |path |called |named |: ?)*|\b(?:output|save|checkpoint|ckpt|out|target|"
    r"destination|results?|"
    r"artifacts?|run|work(?:ing)?|exp(?:eriment)?|model|weights|ckpts?|checkpoints?|"
    r"logging)[ _-]?(?:dir(?:ectory)?|path|folder|location)\b"
    r"(?: for (?:the )?\w+)?\s*(?:[:=|]|is|to|(?:(?:should|can|may|must|will|shall) )?(?:be|remain|stay)\b|remains|"
    r"stays|at|\s)*\s*|\b(?:folder|directory|dir|path|place) (?:for|"
    r"of) (?:the |all )?"
    r"(?:\w+ )?(?:checkpoints?|weights|outputs?|results?|models?|adapters?|artifacts?)\b\s*(?:[:=|]|is|should be|\s)+|"
    rf"(?:^|[,;(]\s)\W*(?:outputs?|out|checkpoints?|ckpts?|artifacts?|results?|where(?: to(?: save)?)?|save(?: to)?"
    rf"|saved (?:to"
    rf"|in))\s*[:=]\s*|"
    rf"\b(?:results?|adapters?|checkpoints?|weights|models?(?: and (?:the )?logs)?|outputs?|artifacts?|everything|"
    rf"stuff)(?: (?:are|is|"
    rf"should be|shall be|"
    rf"will be|must be|go(?:es)?|lands?|lives?|ends? up|belongs?))?(?: as (?:\w+ ){{1,3}}?)?\s*(?:to|in|into|under|"
    rf"at)\s+"
    rf"(?:the |a )?(?:(?:folder|directory|dir)\s+)?|\b(?:results?|adapters?|checkpoints?|weights|models?|outputs?|"
    rf"artifacts?|everything)\b[^.;:,/]{{0,30}}\b(?:in)?to "
    rf"(?:the |a )?(?:folder|directory|dir)\s+|\A\W*(?:->|→|=>|➜)\s*(?=[./~\w-]+/\w)|"
    rf"\b(?:sav|stor|writ|keep|export|dump)\w*\b[^.;:,/]{{0,40}}?\bas\s+|\b(?:final|best|last|trained|finished) "
    rf"(?:weights?|model|adapters?|"
    rf"checkpoints?)\s*:\s*|\boutputs?\s+(?=[./~\w-]+/\w)|(?:\A|"
    rf"[,;(])\s*outputs?\s+(?=[A-Za-z]\w*(?:[_-]\w+)+\s*(?:\Z|[,.;)]))|^\W*(?:in)?to\s+(?=[./~\w-]+/\w)|\b(?:model|"
    rf"weights|"
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
    r"(?:[^.;/]|(?<=\d)\.(?=\d)){0,80}?(?:→|->|=>|,\s*(?:all )?(?:in|into|under)\b|"
    r",(?=\s*[\w.-]+(?:/[\w.-]+)+/?\s*\Z)|:(?=\s*[~./\w-]*/))|(?:\A|"
    r"[,;(]\s*)(?:output |save |target |new |a new |other |another )?(?:folder|directory|"
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


_BARE = re.compile(  # "lr 2e-5; fp16; out/x; seed 1"
    r"\W*?(?P<path>(?:out|outputs?|runs?|results?|ckpts?|checkpoints?|exps?|experiments?|"
    r"saves?)/[\w-]+(?:/[\w-]+)*/?)[\s.]*",
    re.IGNORECASE,
)
_WRITES_CODE = re.compile(
    r"(?:writ\w+|put|output) (?:me )?(?:an?|the|some|this|our) (?:[\w-]+ ){0,2}?(?:script|program|code|function|"
    r"notebook|tool|"
    r"pipeline|loop|job)\b",
    re.IGNORECASE,
)


def paths(text: str) -> Iterator[Thing]:
    bare = _BARE.fullmatch(text)
    if bare is not None:
        yield Thing("output_dir", (bare["path"],), "one", bare["path"], *bare.span("path"))
        return
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
        if not REFUSED.search(text[: match.start()]):
            yield Thing("output_dir", (match["path"],), "one", match["path"], *match.span("path"))
    for match in _OUTPUT.finditer(text):
        if _WRITES_CODE.match(match[0]):
            continue  # "write a script that sums up the texts in a/b.jsonl"
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
        plain = re.fullmatch(
            r"[A-Za-z]\w*(?:[_-]\w+)+|[\w-]+\.(?:pt|pth|ckpt|safetensors)|ckpts?|checkpoints|"
            r"outputs?|results|runs|weights",
            path,
        ) and re.match(
            r"\s*(?:\Z|[.,;)]|at the end\b|after training\b|when (?:it is )?done\b)", text[start + len(path) :]
        )
        if path in ("str", "int", "float", "bool", "list", "dict", "string", "None", "Optional"):
            continue  # of what kind an argument is
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
        if REFUSED.search(text[: match.start()]) or re.search(r"\.(?:py|ipynb|md)\Z", path):
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
