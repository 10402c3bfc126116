"""The devices that a sentence speaks of: "a single A100 40GB", "8xH100", "two nodes with 4 GPUs each", "my 4090"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dry_debug.records import dataclass
from dry_debug.spec.numbers import WORDS, number


@dataclass(frozen=True, slots=True)
class Hardware:
    """The devices that are meant: how many (None: not said; -1: several), their name, the memory of each in GB."""

    count: int | None
    name: str = ""
    memory: int | None = None
    device: str = "gpu"

    def __str__(self) -> str:
        if self.device == "cpu":
            return "CPU only"
        what = " ".join(filter(None, (self.name, f"{self.memory} GB" if self.memory else "")))
        if self.count is None:
            return what or "a CUDA GPU"
        if self.count < 0:
            return "several GPUs"
        kind = what or ("GPU" if self.count == 1 else "GPUs")
        return f"one {kind}" if self.count == 1 else f"{self.count} {kind}"


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware in a sentence, from `start` to `end`."""

    hardware: Hardware
    start: int
    end: int


_WORD = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))
_GROUPS = {"dual": 2, "twin": 2, "both": 2, "a pair of": 2, "pair of": 2, "quad": 4, "octo": 8}
_COUNT = rf"(?:\d{{1,3}}+(?! ?G[Bi])|(?i:{_WORD}|{'|'.join(_GROUPS)}))"
_MEMORY = r"\d{1,3}\s?-?(?:GB?|GiB|gb|Gb)"
_MAKER = r"(?:(?:NVIDIA|Nvidia|nvidia|GeForce|geforce|Tesla|tesla|Quadro|AMD|Instinct)[ -]+)*"
_CARD = (
    rf"{_MAKER}(?P<card>(?:RTX|rtx|GTX|gtx)[ -]?(?:(?:PRO|Pro) )?(?:[1-5]0[5-9]0(?:[ -]?(?:Ti|ti|TI|Super|SUPER))?|"
    r"A?[2-6][05]00)(?:[ -]Ada)?|[1-5]0[5-9]0(?:[ -]?(?:Ti|ti|TI))?|(?:[Aa](?:10G?|16|30|40|100|800)|[Hh](?:20|100|"
    r"200|800)|[Bb](?:100|200|300)|[Vv]100|[Pp](?:4|40|100))|"
    r"A[2456]000|"
    r"[Tt]4|[Ll]40[sS]?|[Ll]4|[Kk]80|GH200|GB200|B200|MI\d{3}[XxAa]?|(?i:titan (?:rtx|v|x|xp)))"
    rf"(?:-(?:SXM\d?|PCIe?|PCIE|NVL))?(?P<plural>s)?(?![\w]|\s*(?:steps|iter|tokens|samples|examples|images|epochs|"
    rf"rows))(?:[ -]*(?:[(,]|with\b|of\b|à)?[ ]?(?P<m2>{_MEMORY}|(?<=-)\d{{2,3}}(?![\w%.]))\b\)?)?"
)
_KIND = r"(?P<kind>(?i:gpus?|cuda devices?|(?:graphics |gpu )?cards?|accelerators?))\b"
_MACHINES = re.compile(
    rf"(?P<nodes>\b{_COUNT})\s*(?:nodes?|machines?|servers?|hosts?)\s*(?:x|×|\*|with|of|à|a|,|each with|having|@)?\s*"
    rf"(?P<each>\b{_COUNT})\s*(?:x|×)?\s*(?:{_MAKER}(?P<of>(?i:[ahbvl]\d{{1,3}}))s?|(?i:gpus?|cards?))\b(?:\s*each)?"
    rf"|(?:(?P<n1>\b{_COUNT})[ -]*(?:x |× |[x×*](?=\S))?\s*(?:of (?:the|our|my) )?)?(?:\b(?P<one1>(?i:my|our|the|a|"
    rf"an|one|single|this|"
    rf"that))\s+)?(?:(?:single|local|spare|lone)\s+)?(?:(?P<m1>\b{_MEMORY})\s+|(?P<m1b>(?<=[x×])\s?{_MEMORY})\s*)?"
    rf"(?<![A-Za-wyz0-9/_-]){_CARD}(?:\s*(?i:gpus?|cards?))?(?:\s*[x×]\s*(?P<n2>\d{{1,2}})\b)?"
    rf"|(?P<n3>\b{_COUNT})[ -]*(?:x |× )?(?:(?P<m3>{_MEMORY})\s+)?(?:(?:nvidia|local|available|cuda|consumer|visible|"
    rf"free|"
    rf"identical|big|small|data ?cent(?:er|re))\s+)*{_KIND}(?:\s*(?:,|\(|with|of|"
    rf"à)?\s*(?P<m4>{_MEMORY})\b(?:\s*each)?\)?)?"
    rf"|(?P<n4>\b\d{{1,2}})\s?[x×]\s?(?P<m5>\d{{2,3}}\s?GB)\b"
    rf"|\b(?P<one2>(?i:my|our|a|the|an|one|this))\s+(?P<m6>{_MEMORY})\s+(?i:gpu|card)\b"
    rf"|\b(?P<one3>(?i:my|our|the|this))\s+(?i:gpu|card)\s+(?:(?:only|just)\s+)?(?:has|have|with|is|offers)\s+"
    rf"(?:(?:only|just|about)\s+)?(?P<m8>{_MEMORY})\b"
    rf"|(?P<m7>\b{_MEMORY})\s+(?:of )?(?i:vram|gpu (?:memory|ram|mem)|video memory|graphics memory)\b"
    r"|(?P<multi>(?i:\bmulti-?\s?gpus?\b|\bseveral (?:gpus|cards)\b|\bmultiple (?:gpus|cards)\b|"
    r"\ball (?:of )?(?:the |our |my )?(?:available )?gpus\b))"
    r"|(?P<cpu>(?i:\bcpu[ -]?only\b|\bonly (?:on )?(?:the |a )?cpu\b|\bon (?:the |a |my )?cpu\b|\bno gpus?\b(?! is|"
    r" are|-hours)|"
    r"\bwithout (?:a |any )?gpus?\b|device\W{1,3}cpu\b|\bhardware\W{1,3}cpu\b|\bcpu is (?:fine|enough)))"
    r"|(?P<first>(?i:\b(?:on|only|just) (?:gpu |cuda:?)0\b|\bcuda:0 only\b))"
    r"|(?P<mygpu>(?i:\b(?:on|have|got|using|just|only) (?:my|a|one|the|this) (?:gpu|card)\b))",
)
_COUNTED = re.compile(
    r"\W*(?:(?:hardware|compute|trainer|training|launch|"
    r"distributed)[ _]+)?(?:n(?:um(?:ber)?)?[ _]?(?:of[ _])?)?(?:nproc[ _]per[ _]node|"
    r"processes|gpus?|devices|gpus? count|world[ _]size)\s*[:=|]\s*(?P<n>\d{1,3})\s*(?!\s*[x×*]|\w)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:number|no\.?|num|count) of (?:gpus?|devices|cards)\s*(?:[:=|]|is\b|should "
    r"be\b)?\s*(?P<n>\d{1,3})(?!\s*[x×*]|\w)",
    re.IGNORECASE,
)
_ONE_KEY = re.compile(
    r"\b(?:gpu|card|accelerator|colab|kaggle|runpod)(?: (?:type|model|with|has|"
    r"notebook))?\W{0,4}(?:an? )?\Z",
    re.IGNORECASE,
)
_SINGLE = re.compile(r"\b(?:my|an?|one|single|the|this|that|our)\s+\Z", re.IGNORECASE)
# "our A100 nodes", "the A100 cluster" are several of them.
_MANY = re.compile(r"\s+(?:nodes|machines|servers|hosts|boxes|instances|pods|cluster|fleet|farm|partition|queue)\b")
# "one GPU per node" says nothing of the whole.
_EACH = re.compile(r"\s*(?:per|each|/|on each|on every|in each) ?(?:node|machine|host|server|process|worker|rank|job)")


def machines(text: str) -> list[Machine]:
    """The hardware that an asked part of a sentence names, what is said of one machine together."""
    found: list[Machine] = []
    start = 0
    counted = _COUNTED.match(text)
    if counted and 0 < int(counted["n"]) < 512:  # "GPUs: 4", "nproc_per_node: 4"
        found.append(Machine(Hardware(int(counted["n"])), *counted.span("n")))
        start = counted.end()
    else:
        numbered = _NUMBERED.search(text)
        if numbered and 0 < int(numbered["n"]) < 512:
            found.append(Machine(Hardware(int(numbered["n"])), *numbered.span("n")))
    for match in _MACHINES.finditer(text, start):
        value = _value(match, text)
        if value is not None:
            found.append(Machine(value, match.start(), match.end()))
    return list(_one_machine(found, text))


def _value(match: re.Match[str], text: str) -> Hardware | None:
    groups = match.groupdict()
    before = text[: match.start()]
    if groups["cpu"]:
        return Hardware(None, device="cpu")
    if re.search(
        r"\b(?:no|not|nothing|none|never|without|don'?t|doesn'?t)(?: (?:need|use|have|want|require|on|a|"
        r"any))?\s+\Z",
        before,
        re.IGNORECASE,
    ):
        return Hardware(1) if groups["multi"] else None
    if re.search(r"\d\s?[-–]\s?\Z", before) and not groups["card"]:
        return None  # "1-2 GPUs"
    after = text[match.end() : match.end() + 20].lower()
    if (
        re.match(r"\s*-?(?:hours?|h\b|days?|utili[sz]ation)|\s+memory (?:util|usage|use|alloc)", after)
        and not groups["card"]
    ):
        return None
    if re.search(r"\b(?:per|each|every)\s*\Z|/\s*\Z", before, re.IGNORECASE) or match[0].lower().startswith("per "):
        return None
    if _EACH.match(after) or (after.startswith(" each") and re.search(r"\d(?: \w+)?,? (?:with|having)\s*\Z", before)):
        return None  # "8 workers with one GPU each"
    if groups["multi"]:
        return Hardware(-1)
    if groups["first"] or groups["mygpu"]:
        return Hardware(1)
    memory = next((int(m[0]) for k in ("m1", "m1b", "m2", "m3", "m4", "m5", "m6", "m7", "m8") if groups[k]
                   and (m := re.search(r"\d+", groups[k]))), None)  # fmt: skip
    if groups["nodes"]:
        nodes, each = _count(groups["nodes"]), _count(groups["each"])
        return Hardware(nodes * each, _name(groups["of"] or "")) if nodes and each else None
    raw = next((groups[k] for k in ("n1", "n3", "n4", "n2") if groups[k]), None)
    count = _count(raw) if raw else None
    if raw and count is None:
        return None
    card = _name(groups["card"] or "")
    if (
        count is None
        and (groups["one1"] or groups["one2"] or groups["one3"] or (card and _SINGLE.search(before)))
        and not groups["plural"]
        and not _MANY.match(after)
    ):
        count = 1
    if count is None and card and not groups["plural"] and _ONE_KEY.search(before):
        count = 1  # "GPU: RTX 4090"
    return Hardware(count, card, memory if memory is None or memory > 1 else None)


def _count(text: str) -> int | None:
    value = _GROUPS.get(text.lower(), number(text))
    return int(value) if value is not None and float(value).is_integer() and 0 < value < 1000 else None


def _name(card: str) -> str:
    """The card as its maker writes it: `rtx 4090` is the 4090, `a100` the A100."""
    name = re.sub(r"\A(?:RTX|GTX)[ -]?(?=[1-5]0[5-9]0)", "", card.strip(), flags=re.IGNORECASE)
    return name.upper() if re.fullmatch(r"[a-z]\d+[a-z]?", name) else name


def _one_machine(found: list[Machine], text: str) -> Iterator[Machine]:
    """ "One GPU is free (the 24 GB 3090)" is about one machine."""
    kept: list[Machine] = []
    for one in found:
        last = kept[-1] if kept else None
        if last is not None and not re.search(r"\bor\b|\bnot\b|;|\binstead\b", text[last.end : one.start]):
            both = together(last.hardware, one.hardware)
            if both is not None:
                kept[-1] = Machine(both, last.start, one.end)
                continue
        kept.append(one)
    yield from kept


def together(first: Hardware, second: Hardware) -> Hardware | None:
    """What both say of one machine; None where they say different things."""
    pairs = ((first.count, second.count), (first.name, second.name), (first.memory, second.memory))
    if first.device != second.device or any(a and b and a != b for a, b in pairs):
        return None
    return Hardware(first.count or second.count, first.name or second.name, first.memory or second.memory, first.device)
