"""Which ML frameworks a file imports, and which published models it loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.literals import literal
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_FRAMEWORKS = (
    "torch", "transformers", "accelerate", "lightning", "pytorch_lightning", "vllm", "sglang", "trl", "peft",
    "deepspeed", "datasets", "diffusers", "timm", "torchvision", "torch_geometric", "jax", "tensorflow",
    "sentence_transformers", "bitsandbytes", "unsloth", "torchaudio", "torchtext",
)  # fmt: skip
_HUBS = frozenset(("transformers", "diffusers", "peft", "trl", "sentence_transformers", "timm", "open_clip", "optimum"))


def imported_frameworks(program: Program) -> list[str]:
    """The ML frameworks that the file imports."""
    tops: set[str] = set()
    names: set[str] = set()
    module = program.index.module
    for scope in (module, *module.below()):
        for bindings in scope.bindings.values():
            for b in bindings:
                if b.kind in ("import", "from") and b.module is not None and b.module[1] == 0:
                    tops.add(b.module[0].partition(".")[0])
                    names.add(b.module[0])
        tops.update(m.partition(".")[0] for m, level in scope.imports_star if level == 0)
    if program.index.module.imports_star:
        tops.update(_through_stars(program))
    if "datasets" in tops and any(_own_module(program, n) for n in names if n.partition(".")[0] == "datasets"):
        tops.discard("datasets")  # a package of the project
    return [f for f in _FRAMEWORKS if f in tops]


def _through_stars(program: Program) -> Iterator[str]:
    """The top packages of what is called by a name that only a star import can have brought."""
    names = program.names
    for call in program.index.calls:
        path, scope = dotted(call.func), program.scope(call)
        if path is not None and names.lookup(path.partition(".")[0], scope) is None:
            yield (names.qualified(call.func, scope) or "").partition(".")[0]


def _own_module(program: Program, name: str) -> bool:
    """Whether an imported name is a module of the project, or comes from one."""
    host, path = program.host, program.document.path
    return any(host.module(module, path) is not None for module in (name, name.rpartition(".")[0]))


def loaded_models(program: Program) -> list[tuple[str, ast.AST]]:
    """Hub ids and local names of models that are loaded, with the place."""
    found: list[tuple[str, ast.AST]] = []
    for name, call in program.qualified_calls():
        expr: ast.expr | None = None
        if name.endswith(".from_pretrained") and name.partition(".")[0] in _HUBS:
            expr = call.args[0] if call.args else _keyword(call, "pretrained_model_name_or_path")
        elif name == "vllm.LLM":
            expr = call.args[0] if call.args else _keyword(call, "model")
        elif name in ("timm.create_model", "timm.models.create_model", "sentence_transformers.SentenceTransformer"):
            expr = call.args[0] if call.args else None
        if expr is not None:
            known, value = literal(program, expr, call)
            if not known:
                value = program.training.hyper.default_of(expr, call)
            if isinstance(value, str):
                found.append((value, call))
    found.sort(key=lambda row: row[1].lineno)  # type: ignore[attr-defined]
    return found


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)
