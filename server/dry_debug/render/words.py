"""Sentences that the terminal, the hover and the report share, so that they never say different things."""

from collections.abc import Sequence

from dry_debug.lint.finding import Applicability

# How much a fix is to be trusted, in words.
TRUST: dict[Applicability, str] = {
    "safe": "keeps the meaning",
    "unsafe": "look at it before you keep it",
    "display": "to be made by hand",
}


# What kinds of catalogue entries are excuses with their answers; the others that are quoted are red flags or facts.
_EXCUSES = ("rationalization", "gap", "resistance")


def quotations(rule: str, ids: Sequence[str], comments: str = "") -> list[tuple[str, str]]:
    """The red flag and then the rationalization that fit a finding of `rule`: pairs of a label (`red flag`, `excuse` or
    `heard before`) and one line of Markdown with its source.

    The one that `comments` (the words of the comments near the finding) echo stands first. Where the catalogue has
    neither for this mistake, the one passage that speaks of it; empty where there is none.

    `ids` are the finding's catalogue entries; one that the catalogue lacks is left out. What the comments say may call
    up further ones (`catalogue.excuses`).
    """
    from dry_debug.lint import manifest

    info = manifest.find(rule)
    if not ids and not comments:
        return []
    from dry_debug_rules.catalogue import answers, choose, echoed, load, quote  # only where a quotation is shown

    known = load()
    # A finding about a comment brings its answers along: they are those for the mistake beside it.
    called = answers(info.family, comments) if info is not None and info.shape != "comment" and comments else ()
    entries = [known[id_] for id_ in called if id_ in known]
    entries += [entry for entry in choose([id_ for id_ in ids if id_ in known], comments) if entry not in entries]
    flag = next((entry for entry in entries if entry.kind == "red_flag"), None)
    excuse = next((entry for entry in entries if entry.kind in _EXCUSES), None)
    found = [entry for entry in (flag, excuse) if entry is not None]
    found.sort(key=lambda entry: entry.id not in called and not echoed(entry, comments))
    labels = {"red_flag": "red flag"} | dict.fromkeys(_EXCUSES, "excuse")
    return [(labels.get(entry.kind, "heard before"), quote(entry)) for entry in (found or entries[:1])]
