"""One instruction against what the code does with its field."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Literal

from dry_debug.program.gpus import AMPERE, gpu_named
from dry_debug.records import dataclass
from dry_debug.spec.handed_over import hands_over
from dry_debug.spec.hardware import Hardware
from dry_debug.spec.instruction import Instruction
from dry_debug.spec.models import Model, is_it
from dry_debug.spec.observed import Observed
from dry_debug.spec.parsed_arguments import parsed_fields
from dry_debug.spec.sources import wants_several
from dry_debug.spec.thing import Cadence

if TYPE_CHECKING:
    from dry_debug.program.program import Program

Verdict = Literal["match", "deviation", "not_implemented", "cannot_tell"]
Judged = tuple[Verdict, Observed | None, str]

_NUMERIC = frozenset(
    "learning_rate epochs max_steps weight_decay gradient_accumulation_steps max_grad_norm max_length lora_r "
    "lora_alpha lora_dropout seed "
    "temperature top_p max_tokens tensor_parallel_size".split()
)
# What a role may be where the code has one model or run only.
_MAIN = frozenset(("", "student", "actor", "generator"))


@dataclass(frozen=True, slots=True)
class Setting:
    """What else has to be known: does the program train, who starts it, how many devices are asked for."""

    trains: bool
    generates: bool
    launched: bool  # by something that decides the number of processes: a Trainer, Accelerate, torchrun
    from_command_line: frozenset[str]  # the fields whose values may come from there
    devices: int | None  # asked for
    here: ast.AST
    several: bool = False  # the instructions ask for several processes, whatever hardware there is
    accumulates: bool = False  # the instructions ask for gradient accumulation beside the batch size
    alone: bool = False  # they ask for no accumulation, so that the batch size is that of a step
    handed_over: bool = False  # the training is started in a library or a process that nobody can see into

    @classmethod
    def of(cls, program: Program, instructions: list[Instruction]) -> Setting:
        """The setting of a program under its instructions."""
        from dry_debug.spec.kinds import kind_of_call

        names = {n for n, _ in program.qualified_calls()}
        kinds = {kind_of_call(n) for n in names}
        asked = [i.values[0].count for i in instructions if i.field == "hardware" and isinstance(i.values[0], Hardware)]
        generates = bool(program.method_calls("generate")) or "transformers.pipeline" in names or "engine" in kinds
        trains = program.training.is_training or program.training.starts_training
        handed = not trains and not generates and hands_over(program)
        return cls(
            trains,
            generates,
            bool(kinds & {"trainer", "accelerator", "fabric"}) or handed,
            parsed_fields(program),
            asked[-1] if asked else None,
            program.tree.body[0] if program.tree.body else program.tree,
            wants_several(program),
            any(i.field == "gradient_accumulation_steps" and i.values != (1,) for i in instructions),
            any(
                i.field == "gradient_accumulation_steps" and i.values == (1,) and i.kind == "one" for i in instructions
            ),
            handed,
        )


def judge(asked: Instruction, observed: list[Observed], setting: Setting) -> Judged:
    """The verdict, the value of the code that it rests on, and a remark."""
    strong = [o for o in observed if not o.weak]
    verdict = _judge(asked, strong, setting)
    weak = [o for o in observed if o.weak and o.field == asked.field]
    if (
        weak
        and verdict[0] == "cannot_tell"
        and asked.kind != "not"
        and not any(o.field == asked.field and o.known for o in strong)
    ):
        named = _judge(asked, weak, setting)
        return named if named[0] == "match" else verdict
    if not weak or asked.kind == "not" or verdict[0] in ("match", "cannot_tell"):
        unseen = verdict[0] == "not_implemented" and setting.handed_over and not _is_configured(observed)
        return ("cannot_tell", verdict[1], "") if unseen else verdict
    if verdict[0] == "deviation" and verdict[1] is not None and not verdict[1].implied:
        return verdict
    named = _judge(asked, [*(o for o in strong if not o.implied), *weak], setting)
    return named if named[0] == "match" else ("cannot_tell", weak[0], "")


def _is_configured(observed: list[Observed]) -> bool:
    """Whether a file of settings says how the training goes, so that what it leaves out is not set."""
    return len({o.field for o in observed if o.traced is not None and o.traced.changeable and not o.implied}) >= 6


def _judge(asked: Instruction, observed: list[Observed], setting: Setting) -> Judged:
    own = [o for o in observed if o.field == asked.field]
    if asked.field == "framework":
        return _framework(asked, own, observed, setting)
    if asked.field == "hardware":
        return _hardware(asked, own, observed, setting)
    if asked.field == "batch_size":
        return _batch(asked, own, observed, setting)
    if asked.field in ("warmup_steps", "warmup_ratio"):
        return _warm_up(asked, observed, setting)
    if asked.field == "logging" or asked.field.endswith("cadence"):
        return _cadence(asked, own, observed, setting)
    chosen, lost = _of_role(asked, own)
    if lost is not None:
        return lost
    if asked.field in _NUMERIC:
        return _number(asked, chosen, setting)
    return _choice(asked, chosen, setting)


def _of_role(asked: Instruction, own: list[Observed]) -> tuple[list[Observed], Judged | None]:
    """The values that an instruction is about, or the verdict where the roles do not tell."""
    if not asked.role:
        main = [o for o in own if o.role in _MAIN]
        if not main and own and not all(o.role == "eval" for o in own) and asked.field != "model":
            return own, None
        return main, None
    mine = [o for o in own if o.role == asked.role]
    if mine:
        return mine, None
    if asked.role == "student" or asked.role == "generator":
        return [o for o in own if o.role in _MAIN], None
    rest = [o for o in own if o.known]
    if any(_same(asked, o) for o in rest):
        return rest, None
    return own, ("cannot_tell", rest[0], "") if rest else ("not_implemented", None, "")


def _same(asked: Instruction, one: Observed) -> bool:
    if isinstance(one.value, int | float) and not isinstance(one.value, bool):
        return asked.allows(one.value)
    return _is_value(asked, one) is True


def _number(asked: Instruction, own: list[Observed], setting: Setting) -> Judged:
    numbers = [o for o in own if o.known and not o.implied]
    unknown = [o for o in own if not o.known]
    right = next((o for o in numbers if asked.allows(o.value)), None)
    if right is not None:
        return "match", right, ""
    if numbers:
        several = len({o.value for o in numbers}) > 1
        return ("cannot_tell" if several or unknown else "deviation"), numbers[0], ""
    if unknown:
        return "cannot_tell", unknown[0], ""
    if asked.field in setting.from_command_line:
        return "cannot_tell", None, ""
    implied = next((o for o in own if o.implied), None)
    if asked.field == "max_grad_norm" and asked.values == (0,) and implied is None and setting.trains:
        return "match", None, ""  # nothing clips
    if implied is not None and asked.kind != "any" and asked.allows(implied.value):
        return "match", implied, "the library's default"
    return "not_implemented", None, ""


def _choice(asked: Instruction, own: list[Observed], setting: Setting) -> Judged:
    known = [o for o in own if o.known]
    if asked.kind == "not":
        wrong = next((o for o in known if _is_value(asked, o)), None)
        return ("deviation", wrong, "") if wrong is not None else ("match", None, "")
    said = [o for o in known if not o.implied] or known
    verdicts = [(o, _is_value(asked, o)) for o in said]
    right = next((o for o, same in verdicts if same), None)
    if right is not None:
        return "match", right, "the library's default" if right.implied and asked.field != "method" else ""
    unsure = next((o for o, same in verdicts if same is None), None)
    lost = next((o for o in own if not o.known), None)
    if unsure is not None or (lost is not None and not any(not o.implied for o in known)):
        return "cannot_tell", unsure or lost, ""
    wrong = next((o for o, same in verdicts if same is False), None)
    if (
        asked.field == "model" and isinstance(asked.values[0], Model) and asked.values[0].family
    ):  # its encoder, not the whole
        alike = (o for o, _ in verdicts if isinstance(o.value, Model) and o.value.family == asked.values[0].family)
        wrong = next(alike, wrong)
    if wrong is not None and wrong.implied and better(asked, wrong):
        return "deviation", wrong, "the library's default"
    if wrong is None or (wrong.implied and asked.field not in ("method", "dataset")):
        own_network = asked.field in ("model", "dataset") and setting.trains and not own  # it has one that nobody sees
        return (
            ("cannot_tell" if asked.field in setting.from_command_line or own_network else "not_implemented"),
            None,
            "",
        )
    if lost is not None and asked.field != "model":
        return "cannot_tell", lost, ""
    return "deviation", wrong, ""


def _is_value(asked: Instruction, one: Observed) -> bool | None:
    """Whether a value of the code is one of those asked for; None where that cannot be seen."""
    answers = [_equal(asked.field, value, one.value) for value in asked.values]
    return True if True in answers else None if None in answers else False


def _equal(field: str, asked: Any, got: Any) -> bool | None:
    if isinstance(asked, Model) and isinstance(got, Model):
        return is_it(asked, got)
    if field == "precision":
        if asked == "tf32" and got in ("bf16", "fp16"):
            return None  # one goes with the other
        return bool(asked == got or (asked == "mixed" and got in ("bf16", "fp16")))
    if field == "optimizer":
        return bool(asked == got or (asked == "adamw" and got == "adamw_8bit"))
    if field == "scheduler":
        family = {"cosine": ("cosine", "cosine_with_restarts"), "constant": ("constant", "constant_with_warmup")}
        return bool(got in family.get(asked, (asked,)))
    if field == "method":
        return bool(asked == got or (asked == "lora" and got in ("qlora", "dora")))
    if field == "dataset":
        return same_data(str(asked), str(got))
    if field == "output_dir":
        return same_folder(str(asked), str(got))
    if field == "target_modules":
        return _same_modules(asked, got)
    return bool(asked == got)


# Modules of other architectures that do what those of LLaMA do.
_MODULES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("query q_lin wq to_q q".split(), ("q_proj",)),
    **dict.fromkeys("key k_lin wk to_k k".split(), ("k_proj",)),
    **dict.fromkeys("value v_lin wv to_v v".split(), ("v_proj",)),
    **dict.fromkeys("out_proj out_lin wo to_out to_out.0 o output_proj output".split(), ("o_proj",)),
    **dict.fromkeys("query_key_value c_attn wqkv qkv qkv_proj".split(), ("q_proj", "k_proj", "v_proj")),
}
_ALL_LINEAR = frozenset("q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split())


def _same_modules(asked: frozenset[str], got: frozenset[str]) -> bool:
    every = frozenset(("all-linear",))
    asked, got = (frozenset(n for name in names for n in _MODULES.get(name.lower(), (name,))) for names in (asked, got))
    return asked == got or (asked == every and got >= _ALL_LINEAR) or (got == every and asked >= _ALL_LINEAR)


def same_data(asked: str, got: str) -> bool | None:
    """Whether two names, ids or files are one dataset; None where a local file does not tell."""
    left, right = (re.sub(r"[^a-z0-9]", "", _versioned(_stem(text).lower())) for text in (asked, got))
    whole = re.sub(r"[^a-z0-9]", "", got.lower())
    files = all(re.search(r"\.\w{2,7}\Z", text) for text in (asked, got))
    if files and left != right and left.startswith(right) and re.fullmatch(r"v?\d+", left[len(right) :]):
        return False  # `load_2026.csv` is not `load.csv`
    if left == right or _within(left, right) or _within(left, whole) or _within(right, left):
        return True
    parts = [part for part in got.replace("\\", "/").split("/") if part][-4:]
    if any(_same_but_for_kind(_stem(asked), _stem(part)) for part in parts):
        return True
    if (
        got.partition("/")[0].lower() in _LOCAL
        and "/" in got
        and not asked.startswith((".", "/", "~"))
        and "/" not in asked
    ):
        return None  # a folder on the disk
    if re.search(r"\.\w{2,7}\Z", asked) or asked.startswith((".", "/", "~")):
        return False if re.search(r"\.\w{2,7}\Z", got) or "/" in got else None
    return (
        None
        if got.startswith((".", "/", "~", "{")) or re.search(r"\.(?:jsonl?|csv|tsv|parquet|txt|bin|arrow)\Z", got)
        else False
    )


_LOCAL = frozenset("data dataset datasets input inputs raw processed assets corpus corpora files".split())
# Words of a dataset's name that say how it was cut or made, not which one it is.
_OF_KIND = frozenset(
    "tiny mini small char chars word words raw clean cleaned filtered subset full train dataset data corpus v1 1k 2012 "
    "tokenized hf".split()
)


def _same_but_for_kind(asked: str, got: str) -> bool:
    """`tiny shakespeare` and `shakespeare_char`: one word that only few have, and beside it what was made of it."""
    left, right = ({w for w in re.split(r"[^a-z0-9]+", name.lower()) if w} for name in (asked, got))
    both = left & right
    return any(len(w) >= 6 and w not in _OF_KIND for w in both) and (left | right) - both <= _OF_KIND


def _versioned(name: str) -> str:
    """SQuAD 2.0 and `squad_v2` are one."""
    return re.sub(r"(?<=\d)\.0\b", "", re.sub(r"(?<![a-z])v(?=\d)", "", name))


def _within(part: str, whole: str) -> bool:
    """`alpaca` in `alpacacleaned`, but not `cifar10` in `cifar100`."""
    if len(part) < 4 or part.isdigit() or whole.removesuffix(part) in _OTHER_DATA:
        return False
    return re.search(re.escape(part) + (r"(?!\d)" if part[-1].isdigit() else ""), whole) is not None


# Before the name of one dataset they make that of another: Fashion-MNIST, SuperGLUE, CodeAlpaca.
_OTHER_DATA = frozenset("fashion k e q super code multi x medical math chinese german french".split())


def _stem(text: str) -> str:
    last = text.rstrip("/").replace("\\", "/").rpartition("/")[2]
    return re.sub(r"\.(?:jsonl?|csv|tsv|parquet|txt|bin|arrow|npy)\Z", "", last)


def same_folder(asked: str, got: str) -> bool | None:
    """Whether `got` is the folder `asked` or lies in it."""
    left, right = (
        re.sub(r"/+\Z", "", re.sub(r"^(?:\./)+", "", text.strip().replace("\\", "/"))) for text in (asked, got)
    )
    if left == right or right.startswith(left + "/") or right.endswith("/" + left):
        return True
    if "{}" in right:
        fixed = right.partition("{}")[0]
        return (
            None
            if not fixed
            or left.startswith(fixed.rstrip("/"))
            or ("/" not in right.partition("{}")[2] and fixed in ("", "/"))
            else False
        )
    return left.rpartition("/")[0] == right and bool(re.search(r"\.\w+\Z", left))


def better(asked: Instruction, got: Observed) -> str:
    """Why the code's choice is better than the asked one, in a sentence; "" if it is not."""
    if asked.field == "optimizer" and asked.values == ("adam",) and asked.kind == "one" and got.value == "adamw":
        return (
            "AdamW decouples weight decay from the gradient and is otherwise Adam: better than asked, recommend "
            "keeping it"
        )
    return ""


# -- batch size --------------------------------------------------------------------------------------------------------


def _batch(asked: Instruction, own: list[Observed], observed: list[Observed], setting: Setting) -> Judged:
    if asked.role:
        chosen, lost = _of_role(asked, own)
        return lost if lost is not None else _number(asked, chosen, setting)
    main = [o for o in own if o.role in _MAIN] or [o for o in own if not setting.trains]
    if asked.unit == "per_device":
        return _number(asked, [o for o in main if o.unit != "effective"] or main, setting)
    whole = [o for o in main if o.unit == "effective"]
    if asked.unit == "effective":
        if whole and any(o.known for o in whole):
            return _number(asked, whole, setting)
        return _effective(asked, main, observed, setting)
    plain = _number(asked, main, setting)
    if plain[0] == "deviation" and not setting.alone:
        verdict, got, note = _effective(asked, main, observed, setting)
        if verdict == "match":  # both are asked for: whether this is the one or the other stays open
            return "cannot_tell" if setting.accumulates else verdict, got, note
    return plain


def _effective(asked: Instruction, main: list[Observed], observed: list[Observed], setting: Setting) -> Judged:
    """Batch x accumulation x world size."""
    sizes = [o for o in main if o.known and not o.implied] or [o for o in main if o.known]
    if not sizes:
        return ("cannot_tell", main[0], "") if main else ("not_implemented", None, "")
    steps = [o for o in observed if o.field == "gradient_accumulation_steps"]
    said = [o for o in steps if not o.implied] or steps
    if any(not o.known for o in said) or len({o.value for o in sizes}) > 1:
        return "cannot_tell", sizes[0], ""
    times = said[0].value if said else 1
    world, certain = _world(observed, setting)
    total = sizes[0].value * times * world
    note = f"{sizes[0].value} x {times} accumulated" + (f" x {world} devices" if world > 1 else "") + f" = {total}"
    if asked.allows(total):
        return "match", sizes[0], note
    if not certain and isinstance(asked.values[0], int) and asked.values[0] % (sizes[0].value * times or 1) == 0:
        return "cannot_tell", sizes[0], note + ", times the number of devices"
    return "deviation", sizes[0], note


def _world(observed: list[Observed], setting: Setting) -> tuple[int, bool]:
    """(number of processes, whether it is certain)."""
    counts = [
        o.value.count for o in observed if o.field == "hardware" and isinstance(o.value, Hardware) and not o.implied
    ]
    known = [c for c in counts if c is not None and c > 0]
    if known:
        return known[0], True
    several = any(c == -1 for c in counts)
    if setting.devices is not None and setting.devices > 0 and (several or setting.launched or setting.devices == 1):
        return setting.devices, True
    return 1, not (several or setting.launched)


# -- warm-up -----------------------------------------------------------------------------------------------------------


def _warm_up(asked: Instruction, observed: list[Observed], setting: Setting) -> Judged:
    own = [o for o in observed if o.field == asked.field and o.role in _MAIN]
    epochs = [o for o in own if o.unit == "epochs" and asked.unit != "epochs"]
    own = [o for o in own if o not in epochs]
    if epochs and not [o for o in own if not o.implied] and asked.kind != "any" and asked.values[0] != 0:
        return "cannot_tell", epochs[0], ""
    verdict = _number(asked, own or epochs, setting)
    other = "warmup_ratio" if asked.field == "warmup_steps" else "warmup_steps"
    rest = [o for o in observed if o.field == other and o.known and not o.implied]
    if asked.unit == "epochs":
        counted = [o for o in own if o.unit == "epochs" and o.known]
        if counted:
            return _number(asked, counted, setting)
        own = [o for o in own if not o.implied]
        return ("cannot_tell", (own or rest)[0], "") if own or rest else ("not_implemented", None, "")
    if (verdict[0] == "match" and verdict[1] is not None and not verdict[1].implied) or not rest:
        return verdict
    if asked.values[0] == 0 or rest[0].value == 0:
        return ("match" if asked.allows(rest[0].value) else "deviation"), rest[0], ""
    total = next((o.value for o in observed if o.field == "max_steps" and o.known), None)
    if total is None:
        return "cannot_tell", rest[0], ""
    slack = 1e-3 * total if other == "warmup_ratio" else 1e-3  # what rounding to whole steps leaves
    steps = rest[0].value * total if other == "warmup_ratio" else rest[0].value / total
    return (
        ("match" if asked.allows(steps) or abs(steps - asked.values[0]) <= slack else "deviation"),
        rest[0],
        "",
    )


# -- framework, hardware, cadence --------------------------------------------------------------------------------------

_NEEDS_OTHER = {
    # what is asked for -> what stands in its place where it is missing
    "vllm": ("transformers", "sglang", "tgi"),
    "sglang": ("transformers", "vllm"),
    "lightning": ("trainer", "pytorch"),
    "trainer": ("lightning", "pytorch"),
}


def _framework(asked: Instruction, own: list[Observed], observed: list[Observed], setting: Setting) -> Judged:
    there = {o.value: o for o in own}
    if asked.kind == "not":
        wrong = next((there[v] for v in asked.values if v in there), None)
        if wrong is not None and wrong.value == "transformers" and {"vllm", "sglang"} & there.keys():
            return "match", None, ""
        return ("deviation", wrong, "") if wrong is not None else ("match", None, "")
    for value in asked.values:
        if value == "pytorch":
            other = next((there[v] for v in ("lightning", "trainer") if v in there), None)
            if other is not None and len(asked.values) == 1:
                return "deviation", other, ""
            if "pytorch" in there and other is None:
                return "match", there["pytorch"], ""
        elif value in there:
            return "match", there[value], ""
    first = asked.values[0]
    if first in ("vllm", "sglang") and not setting.generates:
        return "not_implemented", None, ""
    if first in ("trainer", "lightning") and not setting.trains:
        return "not_implemented", None, ""
    one_device = any(
        o.field == "hardware" and o.known and not o.implied and isinstance(o.value, Hardware) and o.value.count == 1
        for o in observed
    )
    if first in ("deepspeed", "fsdp", "ddp", "accelerate") and setting.launched and not (first == "ddp" and one_device):
        return "cannot_tell", None, ""
    stand_in = next((there[v] for v in _NEEDS_OTHER.get(first, ()) if v in there), None)
    return ("deviation", stand_in, "") if stand_in is not None else ("not_implemented", None, "")


def _hardware(asked: Instruction, own: list[Observed], observed: list[Observed], setting: Setting) -> Judged:
    value = asked.values[0]
    assert isinstance(value, Hardware)
    missing = _needed(value, own)
    if missing is not None:
        return "deviation", missing, ""
    own = [o for o in own if o.unit not in ("index", "generation")]
    known = [o for o in own if o.known and isinstance(o.value, Hardware)]
    if any(not o.known for o in own):
        return "cannot_tell", own[0], ""
    optional = next((o for o in known if o.unit == "optional"), None)
    if optional is not None and value.count is not None:
        return "match", optional, ""
    got = max(known, key=lambda o: 99 if o.value.count == -1 else o.value.count or 0, default=None)
    if value.device == "cpu":
        cpu = next((o for o in known if o.value.device == "cpu"), None)
        gpu = next((o for o in known if o.value.device == "gpu" and not o.implied), None)
        return (
            ("match", cpu, "")
            if cpu is not None
            else ("deviation", gpu, "")
            if gpu is not None
            else ("cannot_tell", None, "")
        )
    if got is not None and got.value.device == "cpu":
        return "deviation", got, ""
    count = got.value.count if got is not None else None
    if value.count is None:
        return "cannot_tell", got, ""
    if value.count == 1:
        if count is not None and count != 1 and not (count == -1 and setting.several):
            return "deviation", got, ""
        return "match", got or Observed("hardware", Hardware(1), setting.here, implied=True), ""
    if count is None:
        return ("cannot_tell" if setting.launched else "not_implemented"), got, ""
    if count == -1 or count == value.count or (value.count == -1 and count > 1):
        return "match", got, ""
    if got is not None and got.implied:
        return "not_implemented", None, ""
    return "deviation", got, ""


def _needed(stated: Hardware, own: list[Observed]) -> Observed | None:
    """What the code needs and the stated hardware has not: a device of that number, a generation of GPUs."""
    for one in own:
        if not isinstance(one.value, Hardware):
            continue
        if one.unit == "index" and stated.count is not None and 0 < stated.count < (one.value.count or 0):
            return one
        gpu = gpu_named(stated.name) if one.unit == "generation" and stated.name else None
        if gpu is not None and gpu.capability < AMPERE:
            return one
    return None


def _cadence(asked: Instruction, own: list[Observed], observed: list[Observed], setting: Setting) -> Judged:
    chosen = [o for o in own if o.unit == asked.unit] if asked.field == "logging" else own
    known = [o for o in chosen if o.known and not o.implied]
    default = next((o for o in chosen if o.implied and o.value in asked.values), None)
    if default is not None and not known and asked.kind != "not":
        return "match", default, "the library's default"
    if asked.field == "logging" and asked.unit == "tool":
        none = "none" in asked.values
        if asked.kind == "not" or none:
            wrong = next((o for o in known if (o.value in asked.values) != none), None)
            return ("deviation", wrong, "") if wrong is not None else ("match", known[0] if known else None, "")
    right = next((o for o in known if o.value in asked.values), None)
    value = asked.values[0]
    if right is None and asked.kind == "most" and isinstance(value, Cadence):  # "at least every 2000 steps"
        right = next((o for o in known if _as_often(o.value, value)), None)
    if right is not None:
        return "match", right, ""
    if isinstance(value, Cadence) and value.unit in ("end", "never"):
        if known:
            return "deviation", known[0], ""
        saved = next((o for o in observed if o.field == "output_dir" and o.known), None)
        return ("match", saved, "") if saved is not None or value.unit == "never" else ("not_implemented", None, "")
    lost = next((o for o in chosen if not o.known), None)
    either = next((o for o in known if _may_count(o, value)), None)
    if either is not None:
        return "match", either, ""
    if known:
        return ("cannot_tell", lost, "") if lost is not None else ("deviation", known[0], "")
    if lost is not None or asked.field in setting.from_command_line:
        return "cannot_tell", lost, ""
    return "not_implemented", None, ""


def _may_count(one: Observed, asked: object) -> bool:
    """Whether a setting has the asked number and no word for what it counts: `val_interval: 10`."""
    if not (isinstance(one.value, Cadence) and isinstance(asked, Cadence) and one.value.every == asked.every != 1):
        return False
    traced = one.traced
    number = getattr(traced.node, "lineno", None) if traced is not None and traced.file is None else None
    if traced is None or number is None or one.unit == "epoch":
        return False
    lines = traced.program.document.source.split("\n")
    line = lines[number - 1] if number <= len(lines) else ""
    return re.search(r"step|iter|batch|ep(?:och|\b)", line, re.IGNORECASE) is None and "interval" in line.lower()


def _as_often(got: object, asked: Cadence) -> bool:
    return (
        isinstance(got, Cadence)
        and got.unit == asked.unit
        and got.every is not None
        and asked.every is not None
        and got.every <= asked.every
    )
