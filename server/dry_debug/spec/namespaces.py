"""Values put on an object for settings piece by piece: `config.optim.lr = 1e-3`, read as `opt.lr` elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What makes an object that settings are put on.
MAKERS = frozenset(
    "types.SimpleNamespace argparse.Namespace easydict.EasyDict ml_collections.ConfigDict munch.Munch box.Box "
    "addict.Dict dotmap.DotMap ml_collections.config_dict.ConfigDict omegaconf.OmegaConf.create yacs.config.CfgNode "
    "fvcore.common.config.CfgNode ml_collections.config_dict.create builtins.dict".split()
)
_MOST_ALIASES = 4

Path = tuple[str, ...]


def put_value(program: Program, expr: ast.expr, at: ast.AST | None) -> tuple[Program, ast.expr, ast.stmt] | None:
    """The one expression that is put on the place that `expr` reads, with its program and statement."""
    root, path = place(expr)
    if root is None or not path:
        return None
    prefix = _prefix(program, root, at)
    for owner in (program, *_configs_of(program)):
        found = _index(owner).get(prefix + path) or []
        if len(found) == 1 and found[0].value is not None:
            return owner, found[0].value, found[0]
    return None


def handed_with(program: Program, variable: ast.Name, at: ast.AST | None) -> ast.Dict | None:
    """The settings that a library hands to a function that it gets: `Trainer(loop, train_loop_config={"lr": 0.1})`."""
    if at is None or not hasattr(at, "lineno"):
        return None
    home = program.names.lookup(variable.id, program.scope(at))
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    if one is None or one.kind != "param" or one.scope.class_scope is not None or program.call_sites(one.scope):
        return None
    for call in program.index.calls:
        exprs = [*call.args, *(k.value for k in call.keywords)]
        if any(isinstance(e, ast.Name) and e.id == one.scope.name for e in exprs):
            found = [k.value for k in call.keywords if k.arg is not None and k.arg.endswith(("config", "space"))]
            dicts = [e for e in found if isinstance(e, ast.Dict)]
            if len(dicts) == 1:
                return dicts[0]
    return None


def place(expr: ast.AST) -> tuple[ast.Name | None, Path]:
    """(the variable at the root, the names behind it) of `cfg.a.b` and `cfg["a"]["b"]`."""
    names: list[str] = []
    node = expr
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            names.append(node.slice.value)
        else:
            return None, ()
        node = node.value
    if isinstance(node, ast.Name) and node.id == "self" and names:  # `self.cfg.lr`
        return ast.Name(names[-1], node.ctx), tuple(reversed(names[:-1]))
    return (node, tuple(reversed(names))) if isinstance(node, ast.Name) else (None, ())


def _prefix(program: Program, root: ast.Name, at: ast.AST | None) -> Path:
    """The names that a variable stands for: `opt = config.optim` is ("optim",)."""
    found: Path = ()
    scope = program.scope(at) if at is not None else program.index.module
    for _ in range(_MOST_ALIASES):
        home = program.names.lookup(root.id, scope)
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        if one is None or one.kind != "assign" or one.path or not isinstance(one.value, ast.Attribute | ast.Subscript):
            return found
        above, path = place(one.value)
        if above is None:
            return found
        found, root, scope = path + found, above, one.scope
    return found


def _index(program: Program) -> dict[Path, list[ast.Assign]]:
    """The assignments to places on objects for settings, by path."""
    known = program.__dict__.get("_put_on_namespaces")
    if isinstance(known, dict):
        return known
    found: dict[Path, list[ast.Assign]] = {}
    program.__dict__["_put_on_namespaces"] = found
    for assignment in program.index.assignments:
        if not isinstance(assignment, ast.Assign) or len(assignment.targets) != 1:
            continue
        target = assignment.targets[0]
        if not isinstance(target, ast.Attribute | ast.Subscript):
            continue
        root, path = place(target)
        if root is not None and _holds_settings(program, root, assignment):
            found.setdefault(path, []).append(assignment)
    return found


def _holds_settings(program: Program, root: ast.Name, at: ast.stmt) -> bool:
    home = program.names.lookup(root.id, program.scope(at))
    made = home[1][0].value if home is not None and home[1] else None
    if isinstance(made, ast.Dict) and not made.keys:
        return True
    return isinstance(made, ast.Call) and (
        program.qualified(made) in MAKERS or (dotted(made.func) or "").rpartition(".")[2] in ("ConfigDict", "CfgNode")
    )


def _configs_of(program: Program) -> Iterator[Program]:
    """The modules of the project that names for a configuration are imported from."""
    seen: set[int] = set()
    for name, bindings in program.index.module.bindings.items():
        if "conf" not in name.lower() and "cfg" not in name.lower():
            continue
        for binding in bindings:
            if binding.module is None:
                continue
            full, level = binding.module
            path = program.document.path
            for module in (full, full.rpartition(".")[0]):
                other = program.host.module(module, path, level) if module or level else None
                if other is not None and id(other) not in seen:
                    seen.add(id(other))
                    yield other
