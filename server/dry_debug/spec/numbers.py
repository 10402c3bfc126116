"""Numbers as people write them: 2e-4, 0.0002, 2 × 10⁻⁴, 16k, 1,024."""

import re

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
# One number; a grouped one has its commas between three digits. The unit k stands alone or right before a word end.
NUMBER = (
    r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    r"(?:\s*[×x*]\s*10\s*(?:\^|\*\*)?\s*[{(]?[-+⁻⁺]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+[)}]?)?(?:\s?[kK]\b)?(?![\w]|\.\d)"
)
_PARTS = re.compile(
    r"(?P<mantissa>[-+]?[\d.,]+(?:[eE][-+]?\d+)?)"
    r"(?:\s*[×x*]\s*10\s*(?:\^|\*\*)?\s*[{(]?(?P<power>[-+⁻⁺]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)[)}]?)?(?:\s?(?P<thousand>[kK]))?\Z"
)


def number(text: str) -> float | int | None:
    """The value of one number as `NUMBER` matches it, an int where it is whole and written without a point."""
    match = _PARTS.match(text.strip())
    if match is None:
        return None
    digits = match["mantissa"].replace(",", "")
    try:
        value = float(digits)
        if match["power"]:
            value *= 10.0 ** int(match["power"].translate(_SUPERSCRIPT))
    except (ValueError, OverflowError):
        return None
    if match["thousand"]:
        value *= 1024 if value in (1, 2, 4, 8, 16, 32, 64, 128) else 1000
    if value.is_integer() and not re.search(r"[.eE]", digits) and not match["power"]:
        return int(value)
    return value
