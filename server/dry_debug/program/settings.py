"""Settings: what a configuration file, a command line or a composed configuration gives the program, as values.

A value of kind "settings" holds an `Entry` of a configuration file, an `Options` (the namespace that a parser of the
command line fills) or an `Option` (one value in it) in `items`. It is no constant: a user may give another value at the
next start, so rules do not see numbers here; the facts say them with their place.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.program.config_tree import Entry
from dry_debug.program.scopes import dotted
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.environment import Env
    from dry_debug.program.evaluate import Evaluator
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

Stmt = ast.stmt | None

# What reads a configuration out of an open file or a text, and what takes the path.
FROM_FILE = frozenset(
    (
        "yaml.safe_load yaml.load yaml.full_load yaml.unsafe_load json.load json.loads toml.load toml.loads "
        "tomllib.load tomllib.loads tomli.load tomli.loads rtoml.load hjson.load commentjson.load "
        "ruamel_yaml.load ruamel_yaml.safe_load ruyaml.load "
        "ruamel.yaml.safe_load ruamel.yaml.load oyaml.safe_load oyaml.load"
    ).split()
)
FROM_PATH = frozenset(
    (
        "omegaconf.OmegaConf.load mlconfig.load toml.load rtoml.load anyconfig.load mmcv.Config.fromfile "
        "mmengine.Config.fromfile mmengine.config.Config.fromfile lightning.pytorch.core.saving.load_hparams_from_yaml "
        "pytorch_lightning.core.saving.load_hparams_from_yaml"
    ).split()
)
# What gives the same settings in another shape.
SAME = frozenset(
    (
        "omegaconf.OmegaConf.create omegaconf.OmegaConf.merge omegaconf.OmegaConf.to_container "
        "omegaconf.OmegaConf.structured "
        "easydict.EasyDict argparse.Namespace types.SimpleNamespace builtins.dict builtins.vars munch.munchify "
        "munch.Munch munch.Munch.fromDict munch.DefaultMunch.fromDict box.Box dotmap.DotMap addict.Dict "
        "attrdict.AttrDict ml_collections.ConfigDict ml_collections.config_dict.ConfigDict "
        "ml_collections.FrozenConfigDict copy.deepcopy copy.copy collections.OrderedDict"
    ).split()
)
PARSERS = frozenset(
    (
        "argparse.ArgumentParser configargparse.ArgumentParser configargparse.ArgParser jsonargparse.ArgumentParser "
        "tap.Tap"
    ).split()
)
INSTANTIATE = ("hydra.utils.instantiate", "hydra.utils.call")
SOURCES = FROM_FILE | FROM_PATH | {"hydra.compose", *INSTANTIATE}
_CARRIERS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)  # what an expression that gives settings can be
_MAPPINGS = frozenset(
    "dict Namespace SimpleNamespace UserDict OrderedDict EasyDict Munch BaseModel BaseSettings".split()
)
PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args")
MAX_DEPTH = 12  # of a path that is put together


@dataclass(frozen=True)
class Options:
    """The namespace that a parser of `program` fills."""

    program: Program


@dataclass(frozen=True)
class Option:
    """One option: where it is declared, and its default (`known` says whether that was found out)."""

    program: Program
    node: ast.Call
    known: bool
    default: Any


def of_library(ev: Evaluator, name: str, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The settings that calling the library's `name`, one of `SOURCES`, gives."""
    if name == "hydra.compose":
        return composed(ev, node, scope, stmt, env)
    if not node.args:
        return UNKNOWN
    if name in INSTANTIATE:
        return instantiated(ev, ev.value(node.args[0], scope, stmt, env), node, scope, stmt, env)
    path = path_of_file(ev, node.args[0], scope, stmt, env) if name in FROM_FILE else None
    if path is None and name in FROM_PATH:
        path = text_of(ev, node.args[0], scope, stmt, env)
    return from_path(ev.program, path, node) if path is not None else UNKNOWN


def passed_on(ev: Evaluator, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value | None:
    """The settings that a call puts into another shape: `Namespace(**settings)`, `EasyDict(settings)`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "merge":  # the file, and what a command line changes
        held = [ev.value(a, scope, stmt, env) for a in node.args if isinstance(a, _CARRIERS)]
        settings = [v for v in held if v.kind == "settings"]
        return settings[0] if len(settings) == 1 else None
    double = next((k.value for k in node.keywords if k.arg is None), None)
    expr = double if double is not None else node.args[0] if node.args else None
    value = ev.value(expr, scope, stmt, env) if isinstance(expr, _CARRIERS) else UNKNOWN
    return value if value.kind == "settings" else None


def holds_settings(cls: Scope) -> bool:
    """Whether a class of the project is a mapping, or takes over what it is given as its attributes."""
    if any("self.__dict__" in child.receivers or "self.__dict__" in child.bindings for child in cls.children):
        return True
    bases = cls.node.bases if isinstance(cls.node, ast.ClassDef) else []
    return any((dotted(base) or "").rpartition(".")[2] in _MAPPINGS for base in bases)


def instantiated(ev: Evaluator, held: Value, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """What Hydra makes of settings that name their class: `_target_: torch.optim.Adam`."""
    from dry_debug.program import calls
    from dry_debug.program.knowledge import canonical, kind_of_call

    entry = held.items.at(("_target_",)) if isinstance(held.items, Entry) else None
    partial = held.items.at(("_partial_",)) if isinstance(held.items, Entry) else None
    if entry is None or not isinstance(entry.value, str) or (partial is not None and partial.value is True):
        return UNKNOWN
    module, _, member = entry.value.rpartition(".")
    other = ev.program.host.module(module, ev.program.document.path) if module else None
    if other is not None:
        target = other.export(member)
        return calls.instantiate(ev, target, node, scope, stmt, env) if target.kind == "class" else UNKNOWN
    name = canonical(entry.value)
    kind = kind_of_call(name)
    if kind is None:
        return UNKNOWN
    return Value(kind, type=name, node=node, program=ev.program, ident=("alloc", node), args=node, env=env)


def from_path(program: Program, path: str, node: ast.AST) -> Value:
    """The settings of the file at `path`, as `program` finds it."""
    entry = program.host.config(path, program.document.path)
    return of_entry(entry, program, node) if entry is not None else UNKNOWN


def of_entry(entry: Entry, program: Program | None, node: ast.AST | None) -> Value:
    return Value("settings", items=entry, node=node, program=program, ident=("settings", entry.file, id(entry)))


def of_method(ev: Evaluator, base: Value, attr: str, node: ast.Call) -> Value:
    """The value of `settings.attr(...)`, and of `parser.parse_args()`."""
    if base.kind != "settings":
        if attr in PARSING and (base.type in PARSERS or ev.program.method_calls("add_argument")):
            value = Value("settings", items=Options(ev.program), node=node, program=ev.program,
                          ident=("settings", ev.program.document.path))  # fmt: skip
            if attr == "parse_known_args":
                return Value("container", items=[value, UNKNOWN], type="tuple", node=node, program=ev.program,
                             ident=("alloc", node))  # fmt: skip
            return value
        return UNKNOWN
    if attr in ("get", "pop", "setdefault", "__getitem__") and node.args and isinstance(node.args[0], ast.Constant):
        return part(ev, base, node.args[0].value, node)
    if attr in ("copy", "to_dict", "as_dict", "toDict", "__dict__"):
        return base
    return UNKNOWN


def part(ev: Evaluator, base: Value, key: object, node: ast.AST | None) -> Value:
    """`settings.key` and `settings["key"]`."""
    held = base.items
    if isinstance(held, Options):
        found = option(held.program, str(key))
        if found is None:
            return UNKNOWN
        return Value("settings", items=found, node=node, program=ev.program, ident=("option", found.node))
    if not isinstance(held, Entry):
        return UNKNOWN
    below: Entry | None = None
    if isinstance(key, int) and held.items is not None:
        below = held.items[key] if -len(held.items) <= key < len(held.items) else None
    elif held.children is not None:
        below = held.children.get(str(key))
    return of_entry(below, ev.program, node) if below is not None else UNKNOWN


def plain(value: Value) -> tuple[bool, Any]:
    """(whether it is known, what a setting is unless the user says something else)."""
    held = value.items if value.kind == "settings" else None
    if isinstance(held, Option):
        return held.known, held.default
    if isinstance(held, Entry) and held.children is None:
        found = held.plain()
        return not (isinstance(found, str) and "${" in found), found
    return False, None


def number_of(program: Program, expr: ast.expr, at: ast.AST, depth: int = 0) -> tuple[bool, Any]:
    """(whether it is known, the value) of arithmetic on numbers and settings, by their defaults."""
    from dry_debug.program.literals import arithmetic, literal

    if isinstance(expr, ast.BinOp) and depth < MAX_DEPTH:
        left, right = number_of(program, expr.left, at, depth + 1), number_of(program, expr.right, at, depth + 1)
        if not (left[0] and right[0]):
            return False, None
        numbers = isinstance(left[1], int | float) and isinstance(right[1], int | float)
        return arithmetic(expr.op, left[1], right[1]) if numbers else (False, None)
    if isinstance(expr, ast.Call) and len(expr.args) == 1 and program.qualified(expr) in _TO_NUMBER:
        known, value = number_of(program, expr.args[0], at, depth + 1)
        if not known or not isinstance(value, int | float) or value != value or abs(value) > 1e300:
            return False, None
        return True, int(value) if program.qualified(expr) == "builtins.int" else float(value)
    known, value = literal(program, expr, at)
    return (known, value) if known else plain(program.value(expr, at))


_TO_NUMBER = ("builtins.int", "builtins.float")


# -- the command line ------------------------------------------------------------------------------------------------


def names_of(call: ast.Call) -> tuple[str | None, str | None]:
    """(the name that an `add_argument` or `click.option` call declares, the attribute that it fills), or None twice."""
    given = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    flags = [f.partition("/")[0].rstrip() for f in given]  # click: `--fast/--slow`
    name = next((f for f in flags if f.startswith("--")), flags[0] if flags else None)
    dest = next((k.value for k in call.keywords if k.arg == "dest"), None)
    if isinstance(dest, ast.Constant) and isinstance(dest.value, str):
        return dest.value, dest.value
    if name is None:
        return None, None
    own = next((f for f in flags if not f.startswith("-")), None)
    if own is not None and len(flags) > 1:
        return own, own  # click's way to name the parameter
    return name, name.lstrip("-").replace("-", "_")


def option(program: Program, attribute: str) -> Option | None:
    """The one option of `program` that fills `attribute`."""
    found = program.options_by_attribute.get(attribute, ())
    if len(found) != 1:
        return None
    known, default = default_of(program, found[0])
    if not known:
        over = program.training.hyper.overridden.get(attribute)
        if over is not None:
            return Option(program, found[0], True, over.value)
    return Option(program, found[0], known, default)


def default_of(program: Program, call: ast.Call) -> tuple[bool, Any]:
    """(whether it is known, the default) of an `add_argument` call."""
    from dry_debug.program.literals import literal

    values = {k.arg: k.value for k in call.keywords}
    default, action = values.get("default"), values.get("action")
    if default is not None:
        return literal(program, default, call)
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return True, action.value == "store_false"
    return False, None


# -- paths -----------------------------------------------------------------------------------------------------------


def path_of_file(ev: Evaluator, expr: ast.expr, scope: Scope, stmt: Stmt, env: Env | None) -> str | None:
    """The path of the file that `expr` reads from: an `open(...)`, a variable that holds one, or what it reads."""
    for _ in range(MAX_DEPTH):
        if isinstance(expr, ast.Name):
            found = ev.names.lookup(expr.id, scope)
            bindings = [b for b in found[1] if b.kind in ("with", "assign")] if found is not None else []
            near = [b for b in bindings if b.stmt is not None and stmt is not None and _holds(b.stmt, stmt)]
            bindings = near[-1:] or bindings
            if len(bindings) != 1 or bindings[0].value is None or bindings[0].path:
                return None
            expr, scope, stmt = bindings[0].value, bindings[0].scope, bindings[0].stmt
            continue
        if not isinstance(expr, ast.Call):
            return None
        name = ev.names.qualified(expr.func, scope)
        if name in ("builtins.open", "io.open", "codecs.open"):
            return text_of(ev, expr.args[0], scope, stmt, env) if expr.args else None
        if not isinstance(expr.func, ast.Attribute):
            return None
        if expr.func.attr in ("open", "read_text", "read_bytes"):
            return text_of(ev, expr.func.value, scope, stmt, env)
        if expr.func.attr != "read":
            return None
        expr = expr.func.value
    return None


def _holds(outer: ast.stmt, inner: ast.stmt) -> bool:
    return outer.lineno <= inner.lineno <= (outer.end_lineno or outer.lineno)


def text_of(ev: Evaluator, expr: ast.expr, scope: Scope, stmt: Stmt, env: Env | None, depth: int = 0) -> str | None:
    """The text that `expr` is by default: a path in literals, constants, defaults, and what joins them."""

    def inner(part: ast.expr) -> str | None:
        return text_of(ev, part, scope, stmt, env, depth + 1)

    if depth > MAX_DEPTH:
        return None
    if isinstance(expr, ast.Constant):
        return expr.value if isinstance(expr.value, str) else None
    if isinstance(expr, ast.JoinedStr):
        parts = [inner(v.value) if isinstance(v, ast.FormattedValue) else inner(v) for v in expr.values[:MAX_DEPTH]]
        return None if None in parts else "".join(p for p in parts if p is not None)
    if isinstance(expr, ast.BinOp) and isinstance(expr.op, ast.Add | ast.Div):
        left, right = inner(expr.left), inner(expr.right)
        if left is None or right is None:
            return None
        return left + right if isinstance(expr.op, ast.Add) else _joined([left, right])
    if isinstance(expr, ast.Attribute) and expr.attr == "parent":
        whole = inner(expr.value)
        return _folder(whole) if whole is not None else None
    if isinstance(expr, ast.Name) and expr.id == "__file__" and ev.names.lookup("__file__", scope) is None:
        return ev.program.document.path
    if isinstance(expr, ast.Call):
        return _text_of_call(ev, expr, scope, inner)
    if not isinstance(expr, ast.Name | ast.Attribute | ast.Subscript | ast.IfExp):
        return None
    value = ev.value(expr, scope, stmt, env)
    if value.kind == "const":
        return value.const if isinstance(value.const, str) else None
    known, found = plain(value)
    if known:
        return found if isinstance(found, str) else None
    if isinstance(expr, ast.Name):  # a path that is put together in an assignment
        place = ev.names.lookup(expr.id, scope)
        bindings = place[1] if place is not None else []
        one = bindings[0] if len(bindings) == 1 else None
        if one is not None and one.kind == "assign" and not one.path and one.value is not None:
            return text_of(ev, one.value, one.scope, one.stmt, env, depth + 1)
        if one is not None and one.kind == "param" and (one.scope, one.name) not in (env or {}):
            default = one.scope.default_of(one.name)  # `def load(path=HERE / "config.yaml")`, which nobody overrides
            if default is not None and not ev.program.arguments_of(one.scope, one.name):
                return text_of(ev, default, one.scope.parent or one.scope, one.scope.stmt, None, depth + 1)
    return None


def _text_of_call(ev: Evaluator, expr: ast.Call, scope: Scope, inner: Any) -> str | None:
    name = ev.names.qualified(expr.func, scope) or ""
    last = name.rpartition(".")[2]
    arguments = [a for a in expr.args if not isinstance(a, ast.Starred)]
    if name == "os.path.join" or name in ("pathlib.Path", "pathlib.PurePath"):
        parts = [inner(a) for a in arguments]
        return _joined(parts) if parts and len(parts) == len(expr.args) and None not in parts else None
    if name in ("os.path.dirname", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser",
                "builtins.str", "os.fspath", "hydra.utils.to_absolute_path") and arguments:  # fmt: skip
        whole = inner(arguments[0])
        if last == "dirname" and whole is not None:
            return _folder(whole)
        return whole if isinstance(whole, str) else None
    if isinstance(expr.func, ast.Attribute) and expr.func.attr in ("resolve", "absolute", "expanduser", "as_posix"):
        whole = inner(expr.func.value)
        return whole if isinstance(whole, str) else None
    if isinstance(expr.func, ast.Attribute) and expr.func.attr in ("with_name", "joinpath") and arguments:
        whole, parts = inner(expr.func.value), [inner(a) for a in arguments]
        if whole is None or None in parts:
            return None
        return _joined([_folder(whole) if expr.func.attr == "with_name" else whole, *parts])
    return None


def _joined(parts: list[str | None]) -> str:
    whole = ""
    for each in parts:
        text = each or ""
        whole = text if text.startswith("/") or not whole else whole.rstrip("/") + "/" + text
    return whole


def _folder(path: str) -> str:
    folder = path.replace("\\", "/").rpartition("/")[0]
    return folder or "."


# -- Hydra -----------------------------------------------------------------------------------------------------------


def of_parameter(ev: Evaluator, scope: Scope, name: str) -> Value | None:
    """What a decorator hands to a parameter: Hydra's composed configuration, an option of click."""
    for decorator in scope.decorators:
        if not isinstance(decorator, ast.Call):
            continue
        called = ev.names.qualified(decorator.func, scope.parent or ev.index.module) or ""
        if called in ("hydra.main", "hydra.core.hydra_config.main"):
            parameters = scope.parameters()
            if parameters and parameters[0].arg == name:
                return composed(ev, decorator, scope.parent or ev.index.module, scope.stmt, None)
        elif called.startswith("click.") and called.endswith((".option", ".argument")):
            _, filled = names_of(decorator)
            if filled == name:
                known, default = default_of(ev.program, decorator)
                held = Option(ev.program, decorator, known, default)
                return Value("settings", items=held, node=decorator, program=ev.program, ident=("option", decorator))
    return None


def composed(ev: Evaluator, node: ast.Call, scope: Scope, stmt: Stmt, env: Env | None) -> Value:
    """The configuration that `hydra.main(config_path=..., config_name=...)` or `compose` puts together."""
    from dry_debug.program.hydra import compose

    given = {k.arg: text_of(ev, k.value, scope, stmt, env) for k in node.keywords if k.arg is not None}
    positional = [text_of(ev, a, scope, stmt, env) for a in node.args[:2]]
    called = ev.names.qualified(node.func, scope) or ""
    if called.endswith(".compose"):
        name, folder = given.get("config_name") or (positional[0] if positional else None), _initialised(ev)
    else:
        folder = given.get("config_path") or (positional[0] if positional else None)
        name = given.get("config_name") or (positional[1] if len(positional) > 1 else None)
    if name is None:
        return UNKNOWN
    entry = compose(ev.program, folder or ".", name)
    return of_entry(entry, ev.program, node) if entry is not None else UNKNOWN


def _initialised(ev: Evaluator) -> str | None:
    """The folder that `hydra.initialize(config_path=...)` names."""
    for name in ("hydra.initialize", "hydra.initialize_config_dir"):
        for call in ev.program.calls_of(name):
            scope, stmt = ev.program.scope(call), ev.program.statement(call)
            expr = next((k.value for k in call.keywords if k.arg in ("config_path", "config_dir")), None)
            expr = expr if expr is not None else call.args[0] if call.args else None
            if expr is not None:
                return text_of(ev, expr, scope, stmt, None)
    return None
