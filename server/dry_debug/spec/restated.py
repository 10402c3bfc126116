""" "The script uses 1e-3 as lr, we agreed on 3e-4": what the code has stands first, what is asked for behind it."""

from __future__ import annotations

import re

from dry_debug.spec.numbers import NUMBER

_CODE = (
    r"(?:(?:the|this|our|your|my) )?(?:(?:current|existing|old|present|attached|training) )*(?:script|code|"
    r"config(?:uration)?|yaml|repo(?:sitory)?|notebook|file|draft|[\w/-]+\.(?:py|ya?ml|json|toml|ipynb))"
)
_STATE = re.compile(
    rf"\W*(?:at the moment |right now |currently )?{_CODE} (?:(?:still|now|currently|only|already) )?(?:uses?|has|"
    r"have|says?|sets?|runs?|trains?|goes|defaults? to|reads?|is (?:still |now )?(?:set to|at|on|using))\b"
    rf"|[^,;]{{0,60}}\b(?:is|are|=) [^,;]{{0,20}} (?:in|according to) {_CODE}\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"(?:,|;| [-–—]| but)\s*(?:but |and |so |however )?(?:(?:we|i|they|you)(?:'d| would| had)?(?: all| actually|"
    r" really)? (?:agreed(?: on)?|want(?:ed)?|need(?:ed)?|said|decided(?: on)?|settled on|asked for|like|prefer|"
    r"should (?:use|have)|must (?:use|have))|(?:(?:it|that|this) )?(?:should|must|needs to|has to|ought to) "
    r"(?:be|become|say|use|have)|(?:please )?(?:make (?:it|that)|change (?:it|that) to|set (?:it|that) to|use))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(NUMBER)
_WORD = re.compile(r"[A-Za-z]{2,}")
# Words that a wish has beside its number where it names nothing: what it is about stands before it.
_PLAIN = frozenset(
    "a an the of at it to for be here now please instead only just though there is in this one run".split()
)


def restated(text: str) -> str:
    """The sentence without what only the code has; as long as `text`.

    Where the wish is a number by itself it takes the place of the code's, so that its name still stands beside it.
    """
    wish = _WISH.search(text)
    state = _STATE.match(text) if wish is not None else None
    if wish is None or state is None or state.end() > wish.start():
        return text
    first, last = text[: wish.start()], text[wish.end() :]
    had, wanted = list(_NUMBER.finditer(first)), list(_NUMBER.finditer(last))
    rest = last if not wanted else last[: wanted[0].start()] + last[wanted[0].end() :]
    named = any(word.lower() not in _PLAIN for word in _WORD.findall(rest))
    if named or not wanted:
        return " " * wish.start() + text[wish.start() :]
    if len(had) != 1 or len(wanted) != 1:
        return " " * len(text)  # whose number it is stays open
    at = had[0]
    begins = state.end() if state.end() <= at.start() else 0
    whole = " " * begins + first[begins : at.start()] + wanted[0][0].strip() + first[at.end() :]
    return whole[: len(text)].ljust(len(text))
