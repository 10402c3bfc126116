"""What a conversation has come to: numbers without a word for them, questions that are answered with yes."""

from __future__ import annotations

import re

from dry_debug.records import replace
from dry_debug.spec.context import asked_part
from dry_debug.spec.instruction import Kind
from dry_debug.spec.numbers import NUMBER, number
from dry_debug.spec.quantity import Quantity
from dry_debug.spec.structure import Sentence
from dry_debug.spec.vocabulary import NUMERIC
from dry_debug.spec.whose import role_near

BACK = 6  # sentences in which what is meant may have been named
_ELLIPSIS = re.compile(
    rf"\b(?:please )?(?:(?:go|come|move|bump|drop|back) (?:it )?(?:back )?(?:down |up )?to|use|set (?:it|this|that)? "
    rf"?(?:to)?|make (?:it|that|this)|go (?:with|for|to|back to)|"
    rf"(?:change|switch|drop|lower|raise|bump|reduce|increase) (?:it|that|this)?\s*(?:down |up )?to|"
    rf"(?:cap|limit|keep|hold|put|leave|clip|cut) (?:it|this|that|them) (?:at|to)|keep|take|"
    rf"(?:it|this|that) (?:should|must|needs to) be|(?:should|must) be|let'?s (?:use|say|do|go with|try|make it|keep)|"
    rf"(?:start|begin|stay|stick|settle|"
    rf"live) (?:with|at|to|on)|keep the(?= \d)|(?:i|we)(?:'d| would| will|'ll) (?:rather |really |actually |also "
    rf")?(?:like "
    rf"(?:it |this |that )?(?:to (?:be|have|use|see) )?|have|see|use|take|prefer|go (?:with|for)|do|say|try)|prefer|we "
    rf"(?:want|need)|i want|(?:we |they )?(?:agreed|settled|decided|compromised) (?:on|for)|"
    rf"(?:ours|mine|this one|the (?:real|new|next|final|actual|full) (?:run|one|job)) (?:(?:should|must|needs to|has "
    rf"to|will) "
    rf"(?:have|use|be|get|run(?: for)?|take)|gets|has|uses|takes|runs(?: for)?)|(?:for now|this time|for this (?:run|"
    rf"one)|instead)(?:,| use| just| "
    rf"only| take| do| "
    rf"make it| it'?s)*|i meant?|scratch that|ok(?:ay)?[,:]?|fine[,:]?|alright,?|no[,:]|nope[,:]?|actually|"
    rf"correction:?|sorry,?|rather|oops,?|wait,?|"
    rf"(?:outdated|obsolete|wrong|stale)[:,]|"
    rf"y(?:es|ep|eah|up)[,:]?|try|or better|->|→)[\s,]*(?:use |make it |make that |it'?s |do |go with |i meant? )?"
    rf"(?P<low>{NUMBER})(?=\s*(?:$|[,.;)!]|tok(?:ens?)?\b|now\b|instead|this time|here|please|for|to be\b|so\b|"
    rf"but\b|since\b|"
    rf"because\b|tonight|tomorrow|there\b|everywhere|from now|\(|rather|"
    rf"then\b|"
    rf"not\b|pls\b|sorry\b|as\b))",
    re.IGNORECASE,
)
_ENOUGH = re.compile(
    rf"(?P<low>{NUMBER})(?P<steps> steps| iterations| updates)?\s+(?:it (?:is|shall be)|(?:is|are|should be|would "
    rf"be|will be|will|should) (?:enough|plenty"
    rf"|fine|better|ok|okay|"
    rf"sufficient|do))\b",
    re.I,
)
# "more epochs!! 20 at least"
_AT_LEAST = re.compile(
    rf"\W*(?:and |so |make it |maybe )?(?P<low>{NUMBER})\s*,?\s*(?:(?P<least>at (?:the very )?least|or more|"
    rf"min(?:imum)?\b)|"
    rf"at (?:the very )?most|tops|max(?:imum)?\b)\W*",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    rf"(?P<low>{NUMBER})\s+(?:is|are|would be) (?:our|the|my|about the|already the)? ?(?:absolute |upper |hard "
    rf")?(?:limit|max(?:imum)?|cap|ceiling|bound|most)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    rf"\s*(?:(?:->|→|=>|[-–:])\s*)?(?:(?:keep|use|make it|still|same|the same|stay (?:at|with)|stick (?:to|with)|"
    rf"leave it at|as before|"
    rf"let'?s (?:keep|say|do|take)|too (?:much|many|high|low|big|small|long|short|large)|no(?:pe)?|nah|rather|"
    rf"better|hm+|lower|higher|"
    rf"(?:the )?same(?: as (?:always|before|last time|ever|usual))?|as (?:always|usual))[,:.]?\s+(?:rather |better "
    rf"|make it |use |take |only |just )?)?"
    rf"(?P<low>{NUMBER})(?=\s*(?:tok(?:ens?)?\s*\Z|\Z|[,.;(!-]|\b(?:like|as|is|should|would|works?|please|pls|for|"
    rf"again|i|we|ok|fine|max|at|then|always|now|today|with|yes|yep|yeah|right|correct)\b))",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\W*(?:no(?:ne|pe)?|nah|nein|not (?:needed|this time|for now)|skip it|without)\b(?! (?:idea|clue|matter))",
    re.IGNORECASE,
)
_ONLY_NO = re.compile(r"\W*(?:no|nope|nah|not quite|rather not)\W*", re.IGNORECASE)
_ABOUT = re.compile(
    r"\A\W*(?:(?:and|so|ok|but|also|do (?:we|i|you) (?:need|want|use|have)|should (?:i|we) (?:use|do|add|log to)|"
    r"with|any|use|an?|the)\s+)*",
    re.IGNORECASE,
)
_WONDERS = re.compile(
    r"\W*(?:and |so |ok,? |but )*(?:which|what|how (?:many|long|big|large|often|much))\b", re.IGNORECASE
)
_THEIRS = re.compile(
    r"\b(?:they|he|she|the (?:paper|authors?|others|baseline|original|other (?:team|group))|their)\b|\bdid you "
    r"(?:have|use|run|take|train|go with)\b|did (?:you|"
    r"we|i)\b.*\b(?:last|before|"
    r"previously|back then|earlier)\b",
    re.IGNORECASE,
)
_OURS = re.compile(
    r"\b(?:use|take|let'?s|go (?:with|for)|set|we(?:'ll| will| should| need| want)?|i(?:'d| would)|please|pls|make "
    r"it|keep|now|same)\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(rf"(?:\A\W*|[,:]\s*|\b(?:or|maybe|about|with)\s+)(?P<low>{NUMBER})\s*\Z", re.IGNORECASE)
_CORRECTS = re.compile(
    rf"\s*\*?(?!\+)(?P<low>{NUMBER})\*?\s*(?:\(?(?:sorry|typo|i mean|correction)\b.*)?\Z", re.IGNORECASE
)
_AGREES = re.compile(
    r"\W*(?:y(?:es|ep|eah|up|ess)|sure|ok(?:ay|i)?|correct|right|exactly|sounds (?:good|fine|right)|perfect|"
    r"works for me|"
    r"please do|do (?:that|it)|go ahead|agreed|fine(?: by| with)?(?: me)?|lgtm|\+1|jep|ja|👍)\b(?! (?:but|no\b|not))|"
    r"\W*(?:\+1|👍)",
    re.IGNORECASE,
)


class Conversation:
    """What was said so far, as far as what comes next may lean on it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.numbers: list[Quantity] = []
        self.question: Sentence | None = None
        self.agreed = False  # whether what comes next is a question that was answered with yes
        self.answers = False  # whether what comes next answers a question

    def hear(self, text: str, numbers: list[Quantity]) -> None:
        """Remember a sentence and the numbers that it asks for."""
        if len(text) < 300:
            self.texts = [*self.texts[1 - BACK :], text]
        self.numbers = [*self.numbers, *numbers][-64:]

    def answered(self, sentence: Sentence) -> Sentence | None:
        """The question that a sentence says yes to."""
        told = re.search(r"\d|:\s*\Z", sentence.text)  # "What we agreed on:"
        wonders = sentence.question or bool(_WONDERS.match(sentence.text) and not told)
        if self.question is not None and not wonders and _ONLY_NO.fullmatch(sentence.text):
            self.answers = True
            return None  # the answer may follow: "No. 1e-5."
        asked, self.question = self.question, sentence if wonders else None
        self.answers = asked is not None and not sentence.question
        agrees = asked is not None and not sentence.question and _AGREES.match(sentence.text)
        return asked if agrees else None

    def tells_of_others(self, asked: Sentence, sentence: Sentence) -> bool:
        """Whether a sentence only answers what somebody else does: "what do they use?", "lr 1e-4, batch 48"."""
        last = re.split(r"[.!]\s+", asked.text)[-1]  # "also ok. which lr did you have?"
        told = not sentence.question and _WONDERS.match(last) and _THEIRS.search(last)
        return bool(told and not _OURS.search(sentence.text))

    def refused(self, sentence: Sentence, asked: Sentence | None) -> Sentence | None:
        """ "warm-up?", "no": a question of a word or two that is answered with no, as a refusal."""
        if asked is None or sentence.question or not _REFUSES.match(sentence.text):
            return None
        what = _ABOUT.sub("", asked.text).strip()
        return (
            replace(asked, text=f"no {what}", question=False) if re.fullmatch(r"[^\d\s]+(?: [^\d\s]+)?", what) else None
        )

    def elliptic(self, text: str, question: bool, own: list[Quantity] | None = None) -> list[Quantity]:
        """A number alone is for the field that was spoken of last: "we used lr 1e-3 last week, use 2e-4 now".

        `own` are the numbers that the sentence asks for by name: "4k context, no, make that 8k".
        """
        asked = asked_part(text, question)
        bound = _AT_LEAST.fullmatch(asked)
        match = (
            bound
            or _ELLIPSIS.search(asked)
            or _ENOUGH.search(asked)
            or _LIMIT.search(asked)
            or _CORRECTS.fullmatch(asked)
            or self._answer(asked)
        )
        value = number(match["low"]) if match else None
        if match is None or value is None:
            return []
        if match.re is _ENOUGH and re.search(r"\b(?:every|each|per) \Z", asked[: match.start()], re.IGNORECASE):
            return []  # "eval every 750 steps is fine"
        steps = bool(match.groupdict().get("steps"))
        for back, part in enumerate((text[: match.start()], *reversed(self.texts))):
            field, role, unit = self._meant(part, value)
            before = [n for n in own or () if not back and n.end <= match.start() and _may_be(n.field, value)]
            if not field and before:
                field, role, unit = before[-1].field, before[-1].role, before[-1].unit
            if steps and not field.endswith("_steps"):
                field = ""
            if field:
                tokens = number(match["low"], field in ("max_length", "max_tokens", "batch_size"))
                values = (tokens if tokens is not None else value,)
                kind: Kind = (
                    "most" if match.re is _LIMIT else "one" if bound is None else "least" if bound["least"] else "most"
                )
                return [Quantity(field, values, kind, match["low"], match.start("low"), match.end("low"), role, unit)]
            same = any(number(m[0]) == value for m in re.finditer(NUMBER, part))
            if part.strip() and back and not same and not self._is_talk(part):
                break
        if not steps and 0 < value <= 0.01 and re.search(r"[eE]-\d", match["low"]):  # so only rates are written
            return [Quantity("learning_rate", (value,), "one", match["low"], match.start("low"), match.end("low"))]
        return []

    def _answer(self, asked: str) -> re.Match[str] | None:
        """A number alone, as the answer to a question, or in a question that was agreed to."""
        if self.agreed:
            return _OFFERS.search(asked)
        return _ANSWERS.match(asked) if self.answers else None

    def _meant(self, part: str, value: float) -> tuple[str, str, str]:
        """(field, role, unit) of what a sentence speaks of last: by its word, else by a number asked for before."""
        last: tuple[int, str] | None = None
        for field, words in NUMERIC:
            for hit in re.finditer(rf"(?<![\w-])(?:{words})(?![a-z])", part, re.IGNORECASE):
                if (last is None or hit.start() > last[0]) and _may_be(field, value):
                    last = (hit.start(), field)
        topic = next((f for f, words in _TOPICS if words.search(part)), None) if last is None else None
        if topic is not None and _may_be(topic, value):
            return topic, "", ""
        if last is not None:
            whole = last[1] == "batch_size" and re.search(r"\b(?:effective|total|global)\b", part, re.IGNORECASE)
            return last[1], role_near(part, last[0], len(part)), "effective" if whole else ""
        said = [n for m in re.finditer(NUMBER, part) if (n := number(m[0])) is not None]
        for one in reversed(self.numbers):
            if one.values[0] in said and _may_be(one.field, value):
                return one.field, one.role, one.unit
        return "", "", ""

    @staticmethod
    def _is_talk(part: str) -> bool:
        """Whether a sentence speaks of no setting at all, so that what was meant was said before it."""
        return len(part) < 120 and not re.search(NUMBER, part)


# What a question is about that names no setting: "how long may answers be?", "context?"
_TOPICS = (
    (
        "max_tokens",
        re.compile(r"\bhow long\b.*\b(?:answers?|outputs?|replies|responses?|summaries|completions?)\b", re.I),
    ),
    (
        "max_length",
        re.compile(
            r"\A\W*(?:and )?(?:the )?(?:(?:max(?:imum|imal)? )?length|context|ctx|window|seq)\W*\Z", re.IGNORECASE
        ),
    ),
    ("epochs", re.compile(r"\bhow (?:long|many times|often)\b.*\btrain\b", re.IGNORECASE)),
)
_FRACTIONS = frozenset("learning_rate weight_decay lora_dropout warmup_ratio top_p".split())
_COUNTS = frozenset(
    "batch_size gradient_accumulation_steps epochs max_steps lora_r lora_alpha max_length max_tokens seed "
    "tensor_parallel_size warmup_steps".split()
)


def _may_be(field: str, value: float) -> bool:
    """Whether a number can be a value of a field at all: no learning rate of 16, no batch size of 2e-4."""
    if field in _FRACTIONS:
        return 0 <= value <= 1
    if field == "tensor_parallel_size" and value > 64:
        return False
    return field not in _COUNTS or (float(value).is_integer() and value >= 0)
