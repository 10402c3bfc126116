"""What a module is called at a place, and the import that it needs if it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.lint.finding import Need, NeedImport

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_ALIAS = {"numpy": "np", "torch.distributed": "dist"}


def module_name(module: str, program: Program, scope: Scope | None = None) -> tuple[str | None, list[Need]]:
    """What `module` is called in `scope` (the module's own by default), and its import; (None, []) if the name is
    taken there."""
    scope = scope or program.index.module
    for name, bindings in program.index.module.bindings.items():
        # `import torch` and `import torch.nn.parallel` bind the same name to the same module.
        if all(b.kind in ("import", "from") and b.module == (module, 0) for b in bindings):
            found = program.names.lookup(name, scope)
            if found is not None and found[1] is bindings and bindings[0].stmt in program.tree.body:
                return name, []
    if module.startswith("torch.") and module_name("torch", program, scope)[1] == []:
        base, _ = module_name("torch", program, scope)
        if base is not None:
            return f"{base}{module[5:]}", []
    alias = _ALIAS.get(module)
    if program.names.lookup(alias or module, scope) is not None:
        return None, []
    return alias or module, [NeedImport(module, alias=alias)]
