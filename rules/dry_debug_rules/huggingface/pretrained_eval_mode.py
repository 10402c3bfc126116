"""HF014: `from_pretrained` gives a model in eval mode, and nobody puts it into train mode before it is trained."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_lines import line_before
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.automata import collect
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.program.relations import covers, given_by_maker
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program
    from dry_debug.program.values import Ident, Value

# Architectures of transformers by the beginning of their classes: those that drop something by default, and those that
# do not (their configurations have every dropout at 0).
_DROPS = (
    "Bert", "Roberta", "DistilBert", "Electra", "Deberta", "XLMRoberta", "Camembert", "MPNet", "GPT2", "T5", "MT5",
    "Bart", "MBart", "Pegasus", "Marian", "Longformer", "BigBird", "OPT", "Wav2Vec2", "Hubert", "XLNet", "LED",
    "FlaubertModel", "OpenAIGPT", "Blenderbot", "Mobilebert", "LayoutLM",
)  # fmt: skip
_DROPS_NOTHING = (
    "Llama", "Mistral", "Mixtral", "Qwen", "Gemma", "Phi", "GPTNeo", "GPTJ", "Falcon", "Bloom", "ViT", "CLIP", "Albert",
    "Whisper", "Swin", "Dino", "DeiT", "Beit", "Siglip", "Cohere", "Olmo", "Mamba", "CodeGen",
)  # fmt: skip
# Libraries whose own loop puts the model into train mode.
_LOOPS = ("lightning", "deepspeed", "sentence_transformers", "ignite", "catalyst", "fastai", "composer", "skorch")


class PretrainedEvalMode(WholeRule):
    name = "pretrained-eval-mode"
    code = "HF014"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = ((".step(",),)
    why = (
        "`from_pretrained` returns the model in eval mode: gradients flow, but dropout is off in every layer of it, so "
        "it is fine-tuned without the regularization that it was configured with."
    )
    quotes = ("DRY-FOC-2",)
    instead = "Call `model.train()` at the beginning of each epoch."
    looks_at = "steps of optimizers that update a model of transformers"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for event in program.events.of_kind("optimizer_step"):
            yield event.node

    def check(self, program: Program) -> Iterator[Report]:
        if "from_pretrained" not in program.document.source and not program.imports_project:
            program.why(None, "no model is loaded by `from_pretrained`, here or in a file of the project")
            return
        steps = [event for event in program.events.of_kind("optimizer_step") if event.program is program]
        if not steps:
            return
        reason = self._settled(program)
        if reason is not None:
            for event in steps:
                program.why(event, *reason)
            return
        told: set[Ident] = set()
        seen: set[ast.AST] = set()
        for event, optimizer, _ in collect(program, "optimizer_step"):
            if event.program is not program:
                continue
            seen.add(event.node)
            for module in covers(optimizer, program):
                found = _pretrained(module, program)
                if found is None or found[0].base.ident in told:
                    continue
                told.add(found[0].base.ident)
                set_by = _set_elsewhere(program)
                if set_by is not None:
                    program.why(event, "what is called in another file may set the mode: {}", set_by)
                    continue
                report = self._judge(event, module, *found, program)
                if report is not None:
                    yield report
            if not any(_pretrained(m, program) for m in covers(optimizer, program)):
                program.why(event, "it is not known to update a model that `from_pretrained` has loaded")
        for event in steps:
            if event.node not in seen:
                program.why(event, "no way from the start of this file leads here")

    def _settled(self, program: Program) -> tuple[str, object] | tuple[str] | None:
        """Why the whole file is in order, if it is."""
        if program.is_test:
            return ("the file is a test",)
        for name, _ in program.qualified_calls():
            if name.partition(".")[0] in _LOOPS:
                return "a library runs the loop, or may: {}", name
        switch = _train_call(program)
        if switch is not None:
            return "a model is put into train mode: {}", switch
        if ".training = True" in program.document.source or "set_mode" in program.document.source:
            return ("the mode may be set by hand",)
        return None

    def _judge(self, event: Event, module: Value, loaded: Value, sure: Confidence, program: Program) -> Report | None:
        made, owner = loaded.base.args, loaded.base.origin
        if made is None or owner is None:
            return None
        if _evaluated_first(loaded, module, event, program):
            program.why(event, "the model is put into eval mode by hand, so it is meant to be trained in it")
            return None
        loop = _outer_loop(event.stmt, program)
        here: ast.AST = event.node
        if loop is None:  # a function that does one step: the loop around the call of it
            for here in program.call_sites(event.scope) if event.scope.kind == "function" else ():
                stmt = program.statement(here)
                loop = _outer_loop(stmt, program) if stmt is not None else None
                if loop is not None:
                    break
        if loop is None:
            program.why(event, "no loop is known to come here: it may be one step of somebody else's loop")
            return None
        name = _name_of(module, here, program)
        confidence = weakest(sure, module.confidence, loaded.confidence)
        shown = name or "the model"
        title = f"Put the model into train mode (`{shown[:40]}.train()`)"
        return Report(
            at=event.node,
            headline=f"`{shown[:32]}` is trained in the eval mode in which `from_pretrained` returns it",
            confidence=confidence,
            evidence=[
                Step(owner, made, "the model is loaded here, in eval mode"),
                Step(program, loop.iter if isinstance(loop, ast.For | ast.AsyncFor) else loop.test,
                     "nothing puts it into train mode before or in this loop"),
            ],
            links=lambda: [kind_link(program, module), Link("resolution", sure, _dropout(sure))],
            fix=(lambda: Fix(title, "unsafe", (line_before(program, loop.body[0], f"{name}.train()"),)))
            if name is not None
            else None,
            fix_title=title if name is not None else "",
        )  # fmt: skip


def _train_call(program: Program) -> ast.Call | None:
    """A call in the file that may put a model of this program into train mode."""
    for call in program.method_calls("train"):
        func = call.func
        if not isinstance(func, ast.Attribute) or _of_others(func.value, call, program):
            continue
        if program.value(func.value, call).kind != "trainer":
            return call
    return None


def _set_elsewhere(program: Program) -> ast.Call | None:
    """A call of a function of another file that may put models into train mode."""
    for call in program.index.calls if program.leaves_file else ():
        owner = program.target(call).program
        if owner is not None and owner is not program and ".train(" in owner.document.source:
            return call
    return None


def _of_others(expr: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether it is a parameter of a function that nothing in the file calls or hands on: a model of other files."""
    scope = program.scope(call)
    bindings = scope.bindings.get(expr.id, ()) if isinstance(expr, ast.Name) else ()
    if scope.kind != "function" or scope.parent is not program.index.module or not bindings:
        return False
    return all(b.kind == "param" for b in bindings) and not program.flow.reads(scope.name, program.index.module)


def _dropout(sure: Confidence) -> str:
    if sure == "high":
        return "models of this architecture have dropout by default"
    return "which model is loaded is not known: most have dropout, and some do not"


def _pretrained(module: Value, program: Program) -> tuple[Value, Confidence] | None:
    """The model of transformers that a module is, or holds, and how sure it is that its mode matters."""
    base, wrapper = module.base, module
    while wrapper.wraps is not None and wrapper.via != "peft":
        wrapper = wrapper.wraps
    if base.type == "peft.PeftModel.from_pretrained" or wrapper.via == "peft":
        return None  # its adapters are made in train mode, and the rest is frozen
    own = _loaded(base, program)
    if own is not None:
        return (base, own) if own != "low" else None
    cls, home = base.scope, base.program
    if cls is None or home is None or cls.kind != "class" or "train" in cls.bindings:
        return None
    if "requires_grad" in home.document.source or _train_call(home) is not None:
        return None
    for attribute in cls.attributes:
        value = home.evaluator.class_attribute(cls, attribute)
        if value.kind == "module":
            held = _loaded(value.base, program)
            if held is not None and held != "low":
                return value, held
    return None


def _loaded(base: Value, program: Program) -> Confidence | None:
    """How sure it is that the mode of a model that `from_pretrained` loads matters; "low": it does not; None: other."""
    name = base.type or ""
    if base.kind != "module" or not name.startswith("transformers.") or not name.endswith(".from_pretrained"):
        return None
    family = program.tokenization.family(base)
    if family is not None and family[0].dropout is not None:
        return family[2] if family[0].dropout else "low"
    cls = name.split(".")[-2]
    if cls.startswith(_DROPS):
        return "high"
    return "low" if cls.startswith(_DROPS_NOTHING) or family is not None or _large(base, program) else "medium"


def _large(base: Value, program: Program) -> bool:
    """A model that is loaded by a literal id that is not listed: whether it drops anything is not known."""
    found = program.tokenization.model_id(base)
    return found is not None and not any(word in found[0].lower() for word in ("bert", "gpt2", "t5", "bart"))


def _evaluated_first(loaded: Value, module: Value, event: Event, program: Program) -> bool:
    """Whether somebody calls `.eval()` on the model outside of any loop: then eval mode is meant."""
    idents = {loaded.base.ident, module.base.ident}
    for call in program.method_calls("eval"):
        func = call.func
        assert isinstance(func, ast.Attribute)
        value, ident = program.value(func.value, call), program.value(func.value, call).base.ident
        mine = ident in idents or any(given_by_maker(ident, one) for one in idents)
        if value.kind not in ("module", "unknown") or not (mine or value.kind == "unknown"):
            continue
        made_in = loaded.base.origin.scope(loaded.base.args) if loaded.base.origin and loaded.base.args else None
        function = program.scope(call)
        for place in (call, *(program.call_sites(function) if function.kind == "function" else ())):
            stmt, scope = program.statement(place), program.scope(place)
            around = program.index.ancestors(stmt) if stmt is not None else ()
            if scope is event.scope and not any(isinstance(b, LoopNode) for b in around):
                return True
            apart = place is not call and any(isinstance(b, LoopNode) for b in around)  # evaluates between the epochs
            if not apart and (scope.kind == "module" or scope.name == "__init__" or scope is made_in):
                return True
    return False


def _outer_loop(stmt: ast.stmt, program: Program) -> LoopNode | None:
    found = None
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            break
        if isinstance(block, LoopNode):
            found = block
    return found


def _name_of(module: Value, here: ast.AST, program: Program) -> str | None:
    """What the module is called where the loop stands (`here` is a call in it)."""
    for call in program.index.calls:
        if program.scope(call) is not program.scope(here):
            continue
        for expr in (call.func, getattr(call.func, "value", None)):
            path = dotted(expr) if isinstance(expr, ast.Name | ast.Attribute) else None
            if path is None or expr is None:
                continue
            value = program.value(expr, call)
            if value.kind == "module" and value.base.ident == module.base.ident:
                return path
    return None
