"""Numbers as people write them: 2e-4, 0.0002, 2 × 10⁻⁴, 16k, 1,024, three, a single."""

import re

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
WORDS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "sixteen": 16,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "a hundred": 100,
    "one hundred": 100,
    "thirty-two": 32,
    "sixty-four": 64,
    "a single": 1,
    "single": 1,
    "a couple of": 2,
    "a couple": 2,
    "half a": 0.5,
    "half an": 0.5,
}
WORD = "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True))  # one of them, as a pattern
# A text that writes 0,001 writes all its numbers so, and 1.000 for a thousand.
_COMMA = re.compile(r"(?<![\d.,])(?:0,\d+|\d,\d+[eE]-?\d+)(?![\d,])")
_POINT = re.compile(r"(?<![\d.,])0?\.\d")
# One number; a grouped one has its commas between three digits. The unit k stands alone or right before a word end.
NUMBER = (
    r"(?<![\w.])(?<!\d[eE][-+])[-+]?(?:\d{1,3}(?:[,_]\d{3})+|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+−–]?\d+)?"
    r"(?:\s*[×x*·]\s*10\s*(?:\^|\*\*)?\s*[{(]?[-+−⁻⁺]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+[)}]?|(?<=(?<!\d)10)\s?(?:\^|\*\*)\s?"
    r"[{(]?[-+−]?\d+[)}]?|(?<=(?<!\d)10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?:\s?[kK]\b|"
    r"\s?[mM]\b(?= (?:\w+ ){0,2}(?:time)?steps))?(?![\w]|\.\d)"
)
_PARTS = re.compile(
    r"(?P<mantissa>[-+]?[\d.,_]+(?:[eE][-+]?\d+)?)"
    r"(?:\s*[×x*·]\s*10\s*(?:\^|\*\*)?\s*[{(]?(?P<power>[-+⁻⁺]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)[)}]?)?(?:\s?(?P<thousand>[kKmM]))?\Z"
)


def with_points(text: str) -> str:
    """The text with decimal points where it has decimal commas (0,001); every character in its place."""
    if not _COMMA.search(text) or _POINT.search(text):
        return text
    text = re.sub(r"(?<![\d.,])([1-9]\d{0,2})\.(?=\d{3}(?![\d,]))", r"\1,", text)  # 1.000 steps
    return re.sub(r"(?<![\d.,])(0|\d+(?=,\d)(?!,\d{3}(?!\d))),(?=\d)", r"\1.", text)


def number(text: str, tokens: bool = False) -> float | int | None:
    """The value of one number as `NUMBER` matches it or of a word for one; an int where it is whole and written
    without a point. `tokens` says that it counts tokens or the like, of which 4k are 4096."""
    text = text.strip().lower().replace("−", "-").replace("–", "-")
    if text in WORDS:
        return WORDS[text]
    power = re.fullmatch(r"10\s?(?:(?:\^|\*\*)\s?[{(]?([-+]?\d+)[)}]?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))", text)
    if power is not None:
        value = float(f"1e{(power[1] or power[2]).translate(_SUPERSCRIPT)}")
        return value if value != float("inf") else None
    match = _PARTS.match(text)
    if match is None:
        return None
    digits = match["mantissa"].replace(",", "").replace("_", "")
    try:
        value = float(digits)
        if match["power"]:
            value = float(f"{digits}e{int(match['power'].translate(_SUPERSCRIPT))}") if "e" not in digits else value
    except (ValueError, OverflowError):
        return None
    if match["thousand"] in ("m", "M"):
        value *= 1_000_000
    elif match["thousand"]:
        value *= 1024 if tokens and value in (1, 2, 4, 8, 16, 32, 64, 128) else 1000
    if value != value or value in (float("inf"), float("-inf")):
        return None
    if value.is_integer() and not re.search(r"[.e]", digits) and not match["power"]:
        return int(value)
    return value
