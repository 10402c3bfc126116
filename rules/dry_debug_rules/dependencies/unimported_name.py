"""DEP002: a name of torch, Transformers, NumPy or the standard library is used and never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, NeedImport
from dry_debug.lint.needs import import_statement
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.comes_first import ComesFirst
from dry_debug.program.evidence import Step
from dry_debug.program.guarded import caught
from dry_debug.program.links import Link
from dry_debug.program.mentions import names
from dry_debug.program.unbound import asks_if_loaded, called, loose, may_bind_unseen, unbound

if TYPE_CHECKING:
    from dry_debug.program.mentions import Mention
    from dry_debug.program.program import Program

_STANDARD = (
    "argparse collections copy csv functools gc glob inspect itertools json logging math os pickle random re shutil "
    "subprocess sys time traceback warnings"
).split()
# What everybody calls a module; it is imported where an attribute of it is used.
_MODULES: dict[str, NeedImport] = {
    **{name: NeedImport(name) for name in _STANDARD},
    **{name: NeedImport(name) for name in ("torch", "torchvision", "torchaudio", "transformers", "wandb", "einops")},
    **{name: NeedImport(name) for name in ("accelerate", "peft", "trl", "vllm", "deepspeed", "torchmetrics")},
    "nn": NeedImport("torch", "nn"),
    "F": NeedImport("torch.nn.functional", None, "F"),
    "optim": NeedImport("torch", "optim"),
    "dist": NeedImport("torch.distributed", None, "dist"),
    "lr_scheduler": NeedImport("torch.optim", "lr_scheduler"),
    "transforms": NeedImport("torchvision", "transforms"),
    "np": NeedImport("numpy", None, "np"),
    "pd": NeedImport("pandas", None, "pd"),
    "plt": NeedImport("matplotlib.pyplot", None, "plt"),
    "pl": NeedImport("pytorch_lightning", None, "pl"),
}
_OF = {
    "torch": "Tensor",
    "torch.autograd": "Variable",
    "torch.utils.data": "DataLoader TensorDataset ConcatDataset WeightedRandomSampler DistributedSampler random_split",
    "transformers": "AutoTokenizer AutoModel AutoModelForCausalLM AutoModelForSequenceClassification AutoConfig "
    "AutoModelForSeq2SeqLM AutoProcessor TrainingArguments BitsAndBytesConfig DataCollatorForLanguageModeling "
    "DataCollatorWithPadding get_linear_schedule_with_warmup get_cosine_schedule_with_warmup",
    "datasets": "load_dataset load_from_disk",
    "peft": "LoraConfig get_peft_model PeftModel prepare_model_for_kbit_training",
    "trl": "SFTTrainer SFTConfig DPOTrainer DPOConfig",
    "accelerate": "Accelerator",
    "vllm": "SamplingParams",
    "torch.utils.tensorboard": "SummaryWriter",
    "tqdm": "tqdm",
    "collections": "defaultdict OrderedDict",
    "copy": "deepcopy",
    "pathlib": "Path",
    "functools": "partial",
    "typing": "Any Callable Dict Iterable Iterator List Optional Sequence Tuple Union",
}
_MEMBERS = {name: NeedImport(module, name) for module, names in _OF.items() for name in names.split()}
_MEMBERS["DDP"] = NeedImport("torch.nn.parallel", "DistributedDataParallel", "DDP")
_KNOWN = frozenset((*_MODULES, *_MEMBERS))
_TYPES = frozenset(("Tensor", "np", "torch", "nn", *_OF["typing"].split()))  # what stands in annotations
# The same name is often something else: the import is offered, and has to be looked at.
_DOUBTFUL = frozenset("F dist transforms pl DataLoader optim lr_scheduler random_split SummaryWriter".split())


class UnimportedName(SiteRule):
    name = "unimported-name"
    code = "DEP002"
    severity = "critical"
    fix_kind = "safe"
    triggers = (("torch", "transformers", "numpy", "np.", "vllm", "tensorflow", "sklearn"),)
    depends_on_names = True
    why = "Python raises `NameError` when the line runs, which may be long after the start."
    instead = "Import what the name stands for at the top of the file."
    quotes = ("DRY-FOC-5",)
    looks_at = "names of well-known libraries that the file does not bind at its top level"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        seen: set[str] = set()
        for mention in names(program, called(program, _KNOWN)):
            if isinstance(mention.node, ast.Name) and mention.node.id not in seen:
                seen.add(mention.node.id)
                yield mention.node

    def check(self, program: Program) -> Iterator[Report]:
        why = program.why
        wanted = loose(program, _KNOWN, _TYPES)
        if not wanted and not why.listens:
            return  # as in most files
        missing = unbound(program, wanted) if wanted and (why.listens or not may_bind_unseen(program)) else {}
        if why.listens:
            for node in self.subjects(program):
                if isinstance(node, ast.Name) and node.id not in missing:
                    why(node, f"`{node.id}` is bound where Python finds it")
        if missing and may_bind_unseen(program):
            for mentions in missing.values():
                why(mentions[0].node, "a star import, `exec` or a cell that is no Python may bind it")
            return
        order = ComesFirst(program)
        for name, mentions in sorted(missing.items()):
            certain = [m for m in mentions if not caught(program, m.stmt, ("NameError",))]
            certain.sort(key=lambda m: order(m.stmt))  # the first one is where Python raises
            need = _need(name, certain, program) if certain else None
            if asks_if_loaded(program, name):
                why(mentions[0].node, f"the file asks whether `{name}` has been loaded, and does without it")
            elif not certain:
                why(mentions[0].node, "the `NameError` is caught")
            elif need is None:
                why(mentions[0].node, f"nothing shows which `{name}` is meant")
            else:
                yield _report(name, certain, need, program)


def _report(name: str, mentions: list[Mention], need: NeedImport, program: Program) -> Report:
    elsewhere = _bound_inside(name, program)
    title = f"Import it: `{import_statement(need)}`"
    more = f", and in {len(mentions) - 1} other places" if len(mentions) > 2 else ""
    where = f": the import stands inside `{elsewhere[0]}` only" if elsewhere is not None else more
    headline = f"`{name}` is used here and never imported{where}"
    evidence = [Step(program, elsewhere[1], "it is imported for this function only")] if elsewhere is not None else []
    return Report(
        at=mentions[0].node,
        headline=headline if len(headline) <= 100 else f"`{name}` is used here and never imported",
        confidence="high",
        evidence=evidence + [Step(program, one.node, "used here, too") for one in mentions[1:4]],
        links=lambda: [Link("resolution", "high", f"no scope around it binds `{name}`, and nothing else can")],
        fix=lambda: Fix(title, "unsafe" if name in _DOUBTFUL else "safe", (), (need,)),
        fix_title=title,
    )


def _need(name: str, mentions: list[Mention], program: Program) -> NeedImport | None:
    """What is meant: a module where attributes of it are used, else one of its members."""
    source = program.document.source
    dotted = all(source[program.span(m.node).end :].lstrip().startswith(".") for m in mentions)
    if name == "tqdm" and dotted:
        return NeedImport("tqdm")
    if name in _MODULES:
        return _MODULES[name] if dotted else None
    return _MEMBERS[name]


def _bound_inside(name: str, program: Program) -> tuple[str, ast.stmt] | None:
    """The function or class that imports the name for itself, and the import."""
    for scope in (*program.index.functions, *program.index.classes):
        for binding in scope.bindings.get(name, ()):
            if binding.kind in ("import", "from") and binding.stmt is not None:
                return scope.name, binding.stmt
    return None
