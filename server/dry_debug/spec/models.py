"""Models as people name them ("Llama 2 7B chat", a hub id, "an instruct model") and whether one is the other."""

from __future__ import annotations

import re

from dry_debug.records import dataclass

# Family <- how it is written, after lower-casing and with one kind of hyphen. The first that matches wins.
_FAMILIES: tuple[tuple[str, str], ...] = tuple(
    (family, pattern)
    for family, pattern in {
        "tinyllama": r"tiny-?llama",
        "codellama": r"code-?llama",
        "llama": r"llama",
        "mixtral": r"mixtral",
        "mistral": r"mistral|ministral",
        "qwen-coder": r"qwen-?[\d.]*-?coder",
        "qwen": r"qwen",
        "deepseek-coder": r"deepseek-?coder",
        "deepseek": r"deepseek",
        "starcoder": r"star-?coder",
        "codegemma": r"code-?gemma",
        "gemma": r"gemma",
        "phi": r"phi(?=-?\d)",
        "smollm": r"smol-?lm",
        "falcon": r"falcon",
        "pythia": r"pythia",
        "gpt-neox": r"gpt-?neo-?x",
        "gpt-neo": r"gpt-?neo",
        "gpt-j": r"gpt-?j\b",
        "distilgpt2": r"distil-?gpt-?2",
        "dialogpt": r"dialo-?gpt",
        "gpt2": r"gpt-?2",
        "opt": r"opt(?=-?\d)",
        "bloom": r"bloom",
        "olmo": r"olmo",
        "mpt": r"mpt(?=-?\d)",
        "zephyr": r"zephyr",
        "vicuna": r"vicuna",
        "granite": r"granite",
        "nemotron": r"nemotron",
        "yi": r"yi(?=-\d)",
        "flan-t5": r"flan-?t5",
        "mt5": r"mt5",
        "codet5": r"codet5",
        "t5": r"\bt5",
        "distilbert": r"distil-?bert",
        "modernbert": r"modern-?bert",
        "deberta": r"(?:m)?deberta",
        "xlm-roberta": r"xlm-?r(?:oberta)?",
        "distilroberta": r"distil-?roberta",
        "roberta": r"roberta",
        "albert": r"albert",
        "electra": r"electra",
        "codebert": r"codebert",
        "minilm": r"minilm",
        "mpnet": r"mpnet",
        "bert": r"\bbert",
        "bart": r"\bbart",
        "pegasus": r"pegasus",
        "whisper": r"whisper",
        "wav2vec2": r"wav2vec-?2?|xls-?r\b",
        "hubert": r"hubert",
        "wavlm": r"wavlm",
        "seamless": r"seamless",
        "nllb": r"nllb",
        "m2m100": r"m2m-?100",
        "marian": r"opus-mt",
        "longformer": r"longformer",
        "bigbird": r"big-?bird",
        "xlnet": r"xlnet",
        "camembert": r"camembert",
        "layoutlm": r"layoutlm",
        "trocr": r"trocr",
        "gpt-oss": r"gpt-oss",
        "command-r": r"command-r",
        "internlm": r"internlm",
        "glm": r"(?:chat)?glm(?=-?\d)",
        "stablelm": r"stable-?lm",
        "paligemma": r"paligemma",
        "siglip": r"siglip",
        "segformer": r"segformer",
        "mask2former": r"mask2former",
        "detr": r"\bdetr",
        "beit": r"\bbeit",
        "regnet": r"regnet",
        "inception": r"inception",
        "maxvit": r"maxvit",
        "gte": r"\bgte\b",
        "nomic-embed": r"nomic-embed",
        "clip": r"\bclip\b",
        "sdxl": r"sdxl|stable-diffusion-xl",
        "stable-diffusion": r"stable-diffusion",
        "flux": r"flux\.?1",
        "blip": r"\bblip",
        "llava": r"llava",
        "e5": r"\be5\b",
        "bge": r"\bbge\b",
        "resnext": r"resnext",
        "wide-resnet": r"wide-?resnet",
        "resnet": r"resnet",
        "densenet": r"densenet",
        "efficientnet": r"efficientnet",
        "mobilenet": r"mobilenet",
        "convnext": r"convnext",
        "swin": r"\bswin",
        "deit": r"\bdeit",
        "dino": r"\bdino",
        "vit": r"\bvit\b",
        "vgg": r"\bvgg",
        "alexnet": r"alexnet",
        "unet": r"\bu-?net(?![a-z])",
        "yolo": r"\byolo",
    }.items()
)
_MARK = re.compile("|".join(f"(?P<f{i}>{pattern})" for i, (_, pattern) in enumerate(_FAMILIES)))
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)-?([bm])(?:illion)?(?![a-z])")
_INSTRUCT = re.compile(r"(?<![a-z])(?:instruct(?:ion)?(?:-tuned)?|chat|it|sft|dpo|assistant)(?![a-z])")
# Families whose every member follows instructions, and those that are code models.
_INSTRUCT_FAMILIES = frozenset("zephyr vicuna flan-t5 dialogpt llava".split())
CODE_FAMILIES = frozenset("codellama qwen-coder deepseek-coder starcoder codegemma codet5 codebert".split())
_NOISE = re.compile(
    r"(?:-(?:hf|bnb|4bit|8bit|unsloth|gptq|awq|gguf|int4|int8|fp8|w4a16|quantized|quantised|bf16|fp16|dynamic))+\Z"
)
_NAMED_SIZE = re.compile(r"(?<![a-z])(tiny|mini|small|base|medium|large|xl|xxl|huge|giant|nano|xlarge)(?![a-z])")
_LETTER = {"b": "base", "s": "small", "l": "large", "h": "huge"}  # ViT-B
# Parameters in millions of names that say no size.
_KNOWN_SIZE = {
    "gpt2": 124.0,
    "gpt2-medium": 355.0,
    "gpt2-large": 774.0,
    "gpt2-xl": 1558.0,
    "distilgpt2": 82.0,
}
# A family of encoders or image models: what "base" says there is the size.
_SIZED_BY_WORD = frozenset(
    "bert distilbert roberta distilroberta deberta xlm-roberta albert electra modernbert t5 flan-t5 mt5 codet5 bart "
    "pegasus whisper wav2vec2 vit swin deit dino convnext clip gpt2 e5 bge mobilenet blip codebert dialogpt "
    "hubert wavlm longformer bigbird xlnet camembert layoutlm trocr siglip beit maxvit gte".split()
)


@dataclass(frozen=True, slots=True)
class Model:
    """What a name says of a model: "" and None where it says nothing. `id` is the name itself where it is exact."""

    written: str
    id: str = ""
    family: str = ""
    version: str = ""
    size: float | None = None  # millions of parameters
    word: str = ""  # a size in words: base, large
    instruct: bool | None = None
    code: bool | None = None

    def __str__(self) -> str:
        return self.id or self.written

    @property
    def is_vague(self) -> bool:
        """Whether only a property is known ("an instruct model", "a 7B model")."""
        return not self.family and not self.id


def plain_name(name: str) -> str:
    """A name or hub id without its owner, in lower case, with one kind of separator, without how it is packed."""
    last = name.strip().rstrip("/").replace("\\", "/").rpartition("/")[2].lower()
    return _NOISE.sub("", re.sub(r"[\s_]+", "-", last))


def named(text: str, exact: bool = False) -> Model:
    """What `text`, a name or a hub id, says; `exact` if it is meant letter by letter."""
    whole = text.strip().rstrip("/").replace("\\", "/")
    owner_less = whole.rpartition("/")[2] if exact else re.sub(r"(?<=[a-zA-Z])/(?=\d)", "-", whole).rpartition("/")[2]
    low = re.sub(r"[\s_]+", "-", owner_less.lower())
    # "Meta-Llama-3-8B" and "Llama 3 8B" are one.
    low = re.sub(r"^(?:meta|google|openai|microsoft|facebook)-(?=[a-z])", "", low)
    match = _MARK.search(low)
    family = _FAMILIES[int((match.lastgroup or "f0")[1:])][0] if match else ""
    size = _SIZE.search(low)
    millions = float(size[1]) * (1000 if size[2] == "b" else 1) if size else _KNOWN_SIZE.get(plain_name(low))
    rest = low[match.end() :] if match else low
    if size:
        rest = _SIZE.sub("", rest)
    version = re.match(r"-?v?(\d+(?:\.\d+)*)(?!\w)", rest)
    later = re.search(r"(?<![a-z\d])v(\d+(?:\.\d+)*)", rest)
    if family == "resnet" or family in ("vgg", "densenet", "resnext", "wide-resnet", "yolo"):
        version = re.match(r"-?v?(\d+)", rest)
    which = (version or later)[1] if (version or later) else ""  # type: ignore[index]
    if family in ("vit", "swin", "deit", "clip"):
        rest = re.sub(r"(?<![a-z])([bslh])(?=[-/]?\d|-|\Z)", lambda m: _LETTER[m[1]], rest)
    word = _NAMED_SIZE.search(rest) if family in _SIZED_BY_WORD or not match else None
    instruct = bool(_INSTRUCT.search(rest)) or family in _INSTRUCT_FAMILIES
    if word is not None and not size and family == "gpt2":
        millions = _KNOWN_SIZE.get(f"gpt2-{word[1]}", millions)
    return Model(
        text.strip(),
        text.strip() if exact else "",
        family,
        which,
        millions,
        word[1] if word else "",
        instruct,
        family in CODE_FAMILIES or bool(re.search(r"(?<![a-z])(?:code|coder|coding)(?![a-z])", low)),
    )


def is_it(asked: Model, got: Model) -> bool | None:
    """Whether the model `got` of the code is the one that was asked for; None where the names do not tell."""
    if asked.id:
        if plain_name(asked.id) == plain_name(got.id or got.written):
            return True
        if asked.family and asked.family == got.family and "/" not in asked.id and _fits(asked, got):
            left, right = plain_name(asked.id), plain_name(got.id or got.written)
            if asked.size is not None or re.match(re.escape(left) + r"(?![a-z0-9])", right):
                return True  # "llama-7b", "bert-base"
        if not got.family and _is_path(got.written):
            return None  # a folder: nobody can see what lies in it
        return _other(asked, got)
    if not asked.family:
        return _has_properties(asked, got)
    if not got.family:
        return None if _is_path(got.written) else False
    return asked.family == got.family and _fits(asked, got)


def says_less(later: Model, earlier: Model) -> bool:
    """Whether a mention only takes up again what was named more exactly: "the Gemma notebook" after gemma-2-2b-it."""
    if not later.family or later.id or not (earlier.id or earlier.size or earlier.word or earlier.version):
        return False
    if later.family != earlier.family and not (later.family == "t5" and earlier.family in ("flan-t5", "mt5", "codet5")):
        return False
    pairs = ((later.size, earlier.size), (later.version, earlier.version), (later.word, earlier.word))
    return all(not said or said == known for said, known in pairs) and not (later.instruct and not earlier.instruct)


def _other(asked: Model, got: Model) -> bool | None:
    """Ids that differ: another spelling of one model, or another model."""
    left, right = (re.sub(r"[-.]", "", plain_name(name.id or name.written)) for name in (asked, got))
    left, right = (re.sub(r"^(?:meta|google|facebook)", "", text) for text in (left, right))
    return left == right


def _has_properties(asked: Model, got: Model) -> bool | None:
    if asked.instruct and not got.instruct:
        return False if got.family else None
    if asked.instruct is False and got.instruct:
        return False
    if asked.code and not got.code:
        return False if got.family else None
    if asked.size is not None:
        if got.size is None:
            return None
        return _near(asked.size, got.size)
    return True


def _fits(asked: Model, got: Model) -> bool:
    if asked.size is not None and (got.size is None or not _near(asked.size, got.size)):
        return False
    if asked.version and asked.version != got.version:
        return False
    if asked.word and got.word and asked.word != got.word:
        return False
    if asked.word in ("large", "xl", "medium", "small", "tiny", "mini") and not got.word:
        return False
    if asked.code and not got.code:
        return False
    return not (asked.instruct and not got.instruct)


def _near(left: float, right: float) -> bool:
    """7B and 6.7B are one size, 7B and 8B are not."""
    return abs(left - right) <= 0.07 * max(left, right)


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "checkpoint" in name.lower()


# -- in a sentence -----------------------------------------------------------------------------------------------------

_ID = r"(?<![\w./@-])[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*[A-Za-z0-9](?![\w/])"
_NAME = re.compile(
    rf"(?P<id>{_ID})|(?P<name>(?<![\w./-])(?:tf_(?:efficientnet|mobilenet)\w*(?:\.\w+)?|(?:(?:meta|google|openai|"
    rf"microsoft|facebook|ms)[ -])?"
    r"(?:tiny-?llama|code-?llama|llama|mixtral|mistral|ministral|qwen|deepseek|star-?coder|code-?gemma|gemma|"
    r"phi(?=[ -]?\d)|smol-?lm|falcon|pythia|gpt-?neo-?x|gpt-?neo|gpt-?j\b|distil-?gpt-?2|dialo-?gpt|gpt-?2|"
    r"opt(?=-\d)|bloom|olmo|mpt(?=-\d)|zephyr|vicuna|granite|nemotron|flan-?t5|mt5|codet5|t5|distil-?bert|modern-?bert|"
    r"m?deberta|xls-?r\b|xlm-?r(?:oberta)?|distil-?roberta|roberta|albert|electra|codebert|bert|bart|pegasus|"
    r"whisper|wav2vec2?|"
    r"clip(?=[ -]vit)|sdxl|stable[ -]diffusion|blip|llava|resnext|wide-?resnet|resnet|densenet|efficientnet|mobilenet|"
    r"convnext|swin|deit|hubert|wavlm|seamless|nllb|m2m-?100|opus-mt|longformer|big-?bird|xlnet|camembert|"
    r"layoutlm(?:v\d)?|trocr|gpt-oss|"
    r"command-r|internlm|chatglm|stable-?lm|paligemma|siglip|segformer|mask2former|detr|beit|regnet|inception|maxvit|"
    r"vit|vgg|alexnet|u-?net|yolo|all-minilm|all-mpnet|bge|minilm)"
    r"(?:[ _-]?(?:v?\d+(?:\.\d+)*[bm]?(?![\w%])|\d+x\d+[bm]|[a-z]\d+(?:e\d+)?(?!\w)|(?:xl|xxl|tiny|mini|small|base|"
    r"medium|"
    r"large|huge)(?![a-z])|chat|instruct(?:ion)?(?:[ -]tuned)?|(?<=-)it(?= |$|[,.;)`])|it(?=$|[,.;)`])(?! is)|"
    r"coder|code|uncased|cased|hf|turbo|vit|"
    r"[bls][/_]\d+|patch\d+|window\d+|v\d+(?:\.\d+)*|l\d+|distill?|preview|math|vl|nano|micro|super|diffusion|"
    r"xl(?![a-z])|neo|a\d+b))*"
    r"(?:-[a-z0-9.]+)*(?:\.(?:\w*in\d+k\w*|fb_\w+|\w*augreg\w*|openai|laion\w*|lvd\w*)(?!\w))?))",
    re.IGNORECASE,
)
# "an instruction-tuned model", "a 7B chat model", "some code model"
_KIND = re.compile(
    r"\b(?P<what>(?:(?:\d+(?:\.\d+)?\s?[bB]|instruct(?:ion)?(?:[ -](?:tuned|following))?|chat|code|coding|base|small|"
    r"conversational|pre-?trained)[ -]+){1,3})(?:llm|lm|(?:language )?model|checkpoint|variant)\b",
    re.IGNORECASE,
)
# "a model for customer service chat", "a chatbot"
_PURPOSE = re.compile(
    r"\b(?:model|llm|checkpoint)\s+(?:\w+\s+)?(?:for|to (?:do|handle|answer|"
    r"power))\s+(?:[\w-]+\s+){0,4}?(?P<what>chat(?:bots?|ting)?|conversations?|"
    r"dialogues?|assistants?|customer (?:service|support)(?: chats?)?|support (?:chat|tickets|agents?)|instruction[ "
    r"-]following|"
    r"question answering|q&a|"
    r"code (?:generation|completion|review)|coding|programming)\b|\b(?:chat ?bot|chat assistant|customer service bot|"
    r"support bot|coding assistant)\b",
    re.IGNORECASE,
)
_ORGS = frozenset(
    "meta-llama mistralai google qwen openai openai-community google-bert google-t5 facebookai facebook microsoft "
    "deepseek-ai eleutherai bigscience bigcode tiiuae unsloth nousresearch thebloke huggingfaceh4 huggingfacetb "
    "tinyllama lmsys stabilityai runwayml sentence-transformers baai intfloat allenai databricks mosaicml nvidia "
    "ibm-granite distilbert teknium 01-ai cohereforai codellama black-forest-labs answerdotai salesforce".split()
)


# What no owner on the hub is called: folders that runs are written to.
_FOLDERS = frozenset(
    "log logs run runs out output outputs save saves saved ckpt ckpts checkpoint checkpoints result results exp exps "
    "experiment experiments work work_dirs tmp scratch data datasets tb tensorboard wandb artifacts weights".split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A model in a sentence: from `start` to `end`."""

    model: Model
    start: int
    end: int


_OF_A_FILE = re.compile(r"[\w.-]*\.(?:py|ya?ml|json|ipynb|toml|sh|md|txt|log)\b", re.IGNORECASE)


def mentions(sentence: str) -> list[Mention]:
    """The models that a sentence names, in order; ids of unknown owners and families only beside a word for a model."""
    found: list[Mention] = []
    for match in _NAME.finditer(sentence):
        text = match[0].rstrip("-. ")
        if match["id"] is not None and not re.search(r"/\d+\Z", text):  # "ViT-B/16" is a name
            owner = text.partition("/")[0].lower()
            if owner in _FOLDERS:
                continue
            known = owner in _ORGS or bool(_MARK.search(text.partition("/")[2].lower()))
            if not known and (re.fullmatch(r"[a-z]+/[a-z]+", text) or not _beside_model(sentence, match.start())):
                continue  # "weights for each step/word"
            if re.search(r"\.(?:py|json|jsonl|csv|ya?ml|txt|md|parquet|sh|pt|pth|ipynb)\Z", text):
                continue
            found.append(Mention(named(text, exact=True), match.start(), match.start() + len(text)))
            continue
        if _OF_A_FILE.match(sentence, match.start() + len(text)):
            continue  # "whisper_welsh.py"
        model = named(text, exact=_is_exact(text))
        if model.family:
            found.append(
                Mention(
                    _with_kind(model, sentence, match.start() + len(text)), match.start(), match.start() + len(text)
                )
            )
    for match in _KIND.finditer(sentence):
        if any(m.start < match.end() and match.start() < m.end + 2 for m in found):
            continue
        what = match["what"].lower()
        size = _SIZE.search(what)
        instruct = True if re.search(r"instruct|chat|conversational", what) else None
        code = True if re.search(r"\bcod", what) else None
        base = re.search(r"\bbase\b|pre-?trained", what)
        if instruct is None and code is None and size is None:
            if not base or re.search(r"pre-?trained|small", what):
                continue
            instruct = False
            if not re.search(r"\b(?:a|any|some|use)\s+\Z", sentence[: match.start()], re.IGNORECASE):
                continue  # "the base model is frozen" names a part
        model = Model(
            match[0].strip(),
            instruct=instruct,
            code=code,
            size=float(size[1]) * 1000 if size and size[2] == "b" else None,
        )
        found.append(Mention(model, match.start(), match.end()))
    purpose = _PURPOSE.search(sentence) if not found else None
    if purpose is not None:
        code = True if re.search(r"cod|programming", purpose[0], re.IGNORECASE) else None
        asked = Model(
            purpose[0].strip(), instruct=None if code and "assistant" not in purpose[0].lower() else True, code=code
        )
        found.append(Mention(asked, purpose.start(), purpose.end()))
    return sorted(found, key=lambda m: m.start)


_BILLIONS_BEFORE = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s?([bm])(?:illion)?(?:[ -]param\w*)?(?: (?:version|variant|model|size|"
    r"checkpoint))?(?: of)?(?: the)?\s+\Z",
    re.IGNORECASE,
)
_BILLIONS_BEHIND = re.compile(
    r"\s*[,(]?\s*(?:the )?(\d+(?:\.\d+)?)\s?([bm])(?:illion)?(?![\w.])(?!\s*tokens)", re.IGNORECASE
)
_SIZE_BEFORE = re.compile(
    r"\b(tiny|mini|small|base|medium|large|xl|xxl|huge)(?:[ -]sized?)?(?: (?:variant|version|size|checkpoint|"
    r"one) of)?(?: the)?\s+\Z",
    re.IGNORECASE,
)
_SIZE_BEHIND = re.compile(
    r"\s*[,(]\s*(?:the )?(tiny|mini|small|base|medium|large|xl|xxl|huge)(?: (?:one|variant|version|model|"
    r"size))?\s*(?:\)|,|\Z)",
    re.IGNORECASE,
)


def _is_exact(text: str) -> bool:
    """`bert-base-uncased`, `gpt2-medium`: a hub id without owner, written as one word in lower case."""
    return text == text.lower() and " " not in text and bool(re.fullmatch(r"[a-z0-9.]+(?:[-_][a-z0-9.]+)+|gpt2", text))


def _with_kind(model: Model, sentence: str, end: int) -> Model:
    """The model with what is said behind its name: "Llama-7B for instruction following"."""
    from dry_debug.records import replace

    after = sentence[end : end + 60]
    if not model.word and not model.size and model.family in _SIZED_BY_WORD:
        sized = _SIZE_BEFORE.search(sentence[: end - len(model.written)]) or _SIZE_BEHIND.match(after)
        model = replace(model, word=sized[1].lower()) if sized is not None else model
    if model.size is None and not model.word and model.family:
        size = _BILLIONS_BEFORE.search(sentence[: end - len(model.written)]) or _BILLIONS_BEHIND.match(after)
        model = (
            replace(model, size=float(size[1]) * (1000 if size[2].lower() == "b" else 1)) if size is not None else model
        )
    said = re.match(
        r"[\s,(]*(?:the |for |model for )*(?:instruct(?:ion)?(?:[ -](?:following|tuned|tuning|version|variant))?|chat)"
        r"\b(?! data| template| format| set| pairs| tuning| fine)",
        after,
        re.IGNORECASE,
    )
    return replace(model, instruct=True, id="") if said and not model.instruct else model


def _beside_model(sentence: str, start: int) -> bool:
    before = sentence[max(0, start - 40) : start].lower()
    return bool(
        re.search(
            r"(?:model|checkpoint|base|backbone|fine-?tune|finetune|load|serve|weights)\W*(?:\w+\W+){0,2}\Z", before
        )
    )
