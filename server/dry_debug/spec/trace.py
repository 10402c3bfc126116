"""Where the value of an expression comes from: the literal, the option, the field or the line of a configuration."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.program.literals import arithmetic
from dry_debug.program.scopes import dotted
from dry_debug.program.settings import Option
from dry_debug.program.walks import is_name
from dry_debug.records import dataclass
from dry_debug.spec.namespaces import MAKERS, handed_with, put_value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_DEPTH = 12
_CASTS = frozenset(
    "builtins.int builtins.float builtins.str builtins.bool pathlib.Path builtins.round os.fspath builtins.list "
    "builtins.tuple builtins.set builtins.frozenset builtins.sorted".split()
)
_ENVIRONMENT = ("os.environ.get", "os.getenv")


@dataclass(frozen=True, slots=True)
class Traced:
    """A value and its place: `node` in `program`, or line `line` (one-based) of the configuration file `file`.

    `known` is False where something gives the value that cannot be seen: an option without default, a call.
    """

    known: bool
    value: Any
    program: Program
    node: ast.AST
    file: str | None = None
    line: int | None = None
    changeable: bool = False  # by a command line or a configuration at the next start
    computed: bool = False

    @property
    def path(self) -> str:
        return self.file if self.file is not None else self.program.document.path

    @property
    def row(self) -> int:
        """The one-based line."""
        return self.line if self.line is not None else self.program.line(self.node)


def trace(program: Program, expr: ast.expr, at: ast.AST | None = None, depth: int = 0) -> Traced:
    """The value of `expr`, which stands in the call or statement `at`."""
    lost = Traced(False, None, program, expr)
    if depth > MAX_DEPTH:
        return lost
    if isinstance(expr, ast.Constant):
        return Traced(True, expr.value, program, expr)
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        inner = trace(program, expr.operand, at, depth + 1)
        known = inner.known and isinstance(inner.value, int | float)
        return Traced(True, -inner.value, program, expr) if known else lost
    if isinstance(expr, ast.List | ast.Tuple | ast.Set) and len(expr.elts) <= 32:
        parts = [trace(program, e, at, depth + 1) for e in expr.elts]
        return Traced(True, [p.value for p in parts], program, expr) if all(p.known for p in parts) else lost
    if isinstance(expr, ast.BinOp):
        return _computed(program, expr, at, depth) or lost
    if isinstance(expr, ast.BoolOp) and isinstance(expr.op, ast.Or):  # `args.lr or 2e-4`
        parts = [trace(program, e, at, depth + 1) for e in expr.values]
        return next((p for p in parts if p.known and p.value), parts[-1])
    if isinstance(expr, ast.JoinedStr):
        return _joined(program, expr, at, depth) or lost
    if isinstance(expr, ast.Call):
        return _call(program, expr, at, depth) or _value(program, expr, at, depth) or lost
    return _value(program, expr, at, depth) or _assigned(program, expr, at, depth) or lost


def _computed(program: Program, expr: ast.BinOp, at: ast.AST | None, depth: int) -> Traced | None:
    left, right = (trace(program, e, at, depth + 1) for e in (expr.left, expr.right))
    if not (left.known and right.known):
        return None
    if isinstance(left.value, str) and isinstance(right.value, str) and isinstance(expr.op, ast.Add):
        return Traced(True, left.value + right.value, program, expr, computed=True)
    if isinstance(left.value, str) and isinstance(right.value, str) and isinstance(expr.op, ast.Div):
        return Traced(True, f"{left.value.rstrip('/')}/{right.value}", program, expr, computed=True)
    if not all(isinstance(v, int | float) for v in (left.value, right.value)):
        return None
    known, value = arithmetic(expr.op, left.value, right.value)
    changeable = left.changeable or right.changeable
    return Traced(True, value, program, expr, changeable=changeable, computed=True) if known else None


def _joined(program: Program, expr: ast.JoinedStr, at: ast.AST | None, depth: int) -> Traced | None:
    text = ""
    for part in expr.values[:16]:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            inner = trace(program, part.value, at, depth + 1)
            text += str(inner.value) if inner.known else "{}"
    return Traced(True, text, program, expr, computed=True)


def _call(program: Program, expr: ast.Call, at: ast.AST | None, depth: int) -> Traced | None:
    name = program.qualified(expr) if expr in program.index.scope_of else None
    if (
        name is None
        and isinstance(expr.func, ast.Name)
        and expr.func.id == "Path"
        and program.index.module.imports_star
    ):
        name = "pathlib.Path"  # that a star brings along
    if name in _CASTS and len(expr.args) == 1:
        inner = trace(program, expr.args[0], expr, depth + 1)
        if inner.known and name in ("builtins.int", "builtins.float", "builtins.round"):
            return _converted(inner, name)
        return inner
    if name in _ENVIRONMENT and len(expr.args) == 2:
        inner = trace(program, expr.args[1], expr, depth + 1)
        return Traced(inner.known, inner.value, inner.program, inner.node, changeable=True)
    if name == "os.path.join" and expr.args:
        parts = [trace(program, a, expr, depth + 1) for a in expr.args]
        text = "/".join(str(p.value) if p.known else "{}" for p in parts)
        return Traced(parts[0].known, text, program, expr, computed=True)
    if isinstance(expr.func, ast.Attribute) and expr.func.attr == "get" and expr.args:
        return _read(program, expr.func.value, expr.args[0], expr, depth) or (
            trace(program, expr.args[1], expr, depth + 1) if len(expr.args) == 2 else None
        )
    return None


def _converted(inner: Traced, name: str | None) -> Traced | None:
    try:
        value = (
            int(inner.value)
            if name == "builtins.int"
            else round(inner.value)
            if name == "builtins.round"
            else float(inner.value)
        )
    except (TypeError, ValueError, OverflowError):
        return None
    return Traced(True, value, inner.program, inner.node, inner.file, inner.line, inner.changeable, inner.computed)


def _value(program: Program, expr: ast.expr, at: ast.AST | None, depth: int) -> Traced | None:
    """What the model's evaluator says."""
    value = program.value(expr, at)
    if value.kind == "const":
        node = value.node if value.node is not None else expr
        owner = value.origin if value.origin is not None and value.node is not None else program
        return Traced(True, value.const, owner, node)
    if value.kind == "settings":
        held = value.items
        if isinstance(held, Option):
            given = value_node(held.node) if not held.known else held.node
            if given is not held.node and isinstance(given, ast.Call) and depth < MAX_DEPTH:  # `default=os.getenv(...)`
                found = trace(held.program, given, held.node, depth + 1)
                if found.known:
                    return Traced(True, found.value, found.program, found.node, changeable=True)
            return Traced(
                held.known and held.default is not None, held.default, held.program, held.node, changeable=True
            )
        if held is not None and getattr(held, "is_leaf", False):
            return Traced(True, held.value, program, expr, held.file, held.line, changeable=True)
        plain = getattr(held, "plain", None)
        if plain is not None and getattr(held, "items", None) is not None:
            return Traced(True, held.plain(), program, expr, held.file, held.line, changeable=True)
    if isinstance(expr, ast.Attribute):
        held = _put_on(program, expr, at, depth) or _in_namespace(program, expr, at, depth)
        held = held or _hyperparameter(program, expr, at, depth)
        if held is not None:
            return held
        owner_value = program.value(expr.value, at)
        made = owner_value.args
        if owner_value.kind == "instance" and made is not None and owner_value.origin is not None:
            passed = next((k.value for k in made.keywords if k.arg == expr.attr), None)
            if passed is not None:
                return trace(owner_value.origin, passed, made, depth + 1)
    if isinstance(expr, ast.Subscript):
        return _read(program, expr.value, expr.slice, at, depth) or _put_on(program, expr, at, depth)
    return None


def _put_on(program: Program, expr: ast.expr, at: ast.AST | None, depth: int) -> Traced | None:
    """`config.optim.lr`, put on an object for settings by one statement."""
    found = put_value(program, expr, at)
    if found is None or depth >= MAX_DEPTH:
        return None
    owner, value, stmt = found
    inner = trace(owner, value, stmt, depth + 1)
    if not inner.known:
        return None
    return Traced(True, inner.value, inner.program, inner.node, inner.file, inner.line, True)


def _hyperparameter(program: Program, expr: ast.Attribute, at: ast.AST | None, depth: int) -> Traced | None:
    """`self.hparams.batch_size` in a class whose `__init__` has the parameter: its default, where nobody passes it."""
    if dotted(expr.value) != "self.hparams" or at is None or not hasattr(at, "lineno"):
        return None
    stmt = program.statement(at)
    around = [n for n in program.index.ancestors(stmt) if isinstance(n, ast.ClassDef)] if stmt is not None else []
    init = next((f for c in around for f in c.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
    if init is None:
        return None
    made = [c for c in program.index.calls if dotted(c.func) == around[0].name]
    for call in made:
        given = next((k.value for k in call.keywords if k.arg == expr.attr), None)
        if given is not None:
            return trace(program, given, call, depth + 1)
    if any(c.args or any(k.arg is None for k in c.keywords) for c in made):
        return None
    names = [*init.args.posonlyargs, *init.args.args]
    pairs = [*zip(reversed(names), reversed(init.args.defaults), strict=False),
             *zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)]  # fmt: skip
    default = next((value for name, value in pairs if name.arg == expr.attr), None)
    found = trace(program, default, None, depth + 1) if default is not None else None
    return Traced(found.known, found.value, found.program, found.node, changeable=True) if found is not None else None


def _in_namespace(program: Program, expr: ast.Attribute, at: ast.AST | None, depth: int) -> Traced | None:
    """`cfg.rank` of `cfg = SimpleNamespace(rank=8)`, made once and of literals."""
    if not isinstance(expr.value, ast.Name):
        return None
    home = program.names.lookup(expr.value.id, program.scope(at) if at is not None else program.index.module)
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    made = one.value if one is not None and one.kind == "assign" and not one.path else None
    if not isinstance(made, ast.Call) or program.qualified(made) not in MAKERS or one is None:
        return None
    given: ast.expr | None = next((k.value for k in made.keywords if k.arg == expr.attr), None)
    first = made.args[0] if made.args else None
    if given is None and isinstance(first, ast.Dict):
        pairs = zip(first.keys, first.values, strict=True)
        given = next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == expr.attr), None)
    return trace(program, given, one.stmt, depth + 1) if given is not None else None


def _read(program: Program, holder: ast.expr, key: ast.expr, at: ast.AST | None, depth: int) -> Traced | None:
    """`config["lr"]` of a dict literal, whose values may be constants by name."""
    held = program.value(holder, at)
    if held.kind != "dict" and isinstance(key, ast.Constant) and isinstance(holder, ast.Name):
        passed = handed_with(program, holder, at)
        if passed is not None:
            pairs = zip(passed.keys, passed.values, strict=True)
            given = next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == key.value), None)
            return trace(program, given, program.index.stmt_of.get(passed), depth + 1) if given is not None else None
    if held.kind != "dict" or not isinstance(key, ast.Constant) or not isinstance(held.node, ast.Dict):
        return None
    for name, value in zip(held.node.keys, held.node.values, strict=True):
        if isinstance(name, ast.Constant) and name.value == key.value:
            owner = held.origin or program
            return trace(owner, value, owner.index.stmt_of.get(held.node), depth + 1)
    return None


def _assigned(program: Program, expr: ast.expr, at: ast.AST | None, depth: int) -> Traced | None:
    """A name that is bound once: `effective = args.batch * 4`; a parameter with a default that nobody passes."""
    if not isinstance(expr, ast.Name):
        own = _of_self(program, expr, at, depth) if isinstance(expr, ast.Attribute) else None
        own = own if own is not None and own.known else _of_module(program, expr, at, depth)
        return own if own is not None and own.known else _by_field(program, expr, depth)
    home = program.names.lookup(expr.id, program.scope(at) if at is not None else program.index.module)
    bindings = home[1] if home is not None else []
    if len(bindings) != 1:
        return None
    one = bindings[0]
    if one.kind == "from":
        return _of_module(program, expr, at, depth)
    if one.kind == "assign" and not one.path and one.value is not None and one.stmt is not None:
        return trace(program, one.value, one.stmt, depth + 1)
    if one.kind == "param":
        return _parameter(program, one.scope, one.name, depth)
    return None


def _of_module(program: Program, expr: ast.expr, at: ast.AST | None, depth: int) -> Traced | None:
    """`settings.OUT`, and `OUT` of `from settings import OUT`: what a module of the project assigns once."""
    base = expr.value if isinstance(expr, ast.Attribute) else expr
    if not isinstance(base, ast.Name):
        return None
    home = program.names.lookup(base.id, program.scope(at) if at is not None else program.index.module)
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    if one is None or one.module is None or one.kind != ("import" if base is not expr else "from"):
        return None
    module, level = one.module
    name = expr.attr if isinstance(expr, ast.Attribute) else ""
    if not name:
        module, _, name = module.rpartition(".")
    owner = program.host.module(module, program.document.path, level) if module and name else None
    bound = owner.index.module.bindings.get(name, []) if owner is not None and owner is not program else []
    if owner is None or len(bound) != 1 or bound[0].kind != "assign" or bound[0].path or bound[0].value is None:
        return None
    return trace(owner, bound[0].value, bound[0].stmt, depth + 1)


def _parameter(program: Program, scope: Any, name: str, depth: int) -> Traced | None:
    from dry_debug.program.hyper_defaults import defaults

    passed = program.arguments_of(scope, name)
    if len(passed) == 1:
        owner, expr, _, stmt = passed[0]
        return trace(owner, expr, stmt, depth + 1)
    if passed:
        return None
    default = next((expr for arg, expr in defaults(scope) if arg.arg == name), None)
    if default is None:
        return None
    found = trace(program, default, scope.stmt or scope.node, depth + 1)
    return Traced(found.known, found.value, found.program, found.node, changeable=True)


def _of_self(program: Program, expr: ast.Attribute, at: ast.AST | None, depth: int) -> Traced | None:
    """`self.folder`, which one statement of the class's `__init__` takes from a parameter."""
    if dotted(expr.value) != "self" or at is None or not hasattr(at, "lineno"):
        return None
    cls = program.scope(at).class_scope
    bound = cls.attributes.get(expr.attr, []) if cls is not None else []
    one = bound[0] if len(bound) == 1 else None
    if one is None or one.kind != "assign" or one.path or not isinstance(one.value, ast.Name | ast.Attribute):
        return None
    return trace(program, one.value, one.stmt, depth + 1)


def _of_parsed_file(program: Program, name: str) -> Traced | None:
    """`args.lr` where `parser.parse_json_file("run.json")` fills the classes: what the file says before any default."""
    if "parse_json_file" not in program.document.source and "parse_yaml_file" not in program.document.source:
        return None
    for method in ("parse_json_file", "parse_yaml_file"):
        for call in program.method_calls(method):
            for node in ast.walk(call):
                text = node.value if isinstance(node, ast.Constant) else None
                if not isinstance(text, str) or not text.endswith((".json", ".yaml", ".yml")):
                    continue
                entry = program.host.config(text, program.document.path)
                held = (entry.children or {}).get(name) if entry is not None else None
                if held is not None and held.is_leaf:
                    return Traced(True, held.value, program, call, held.file, held.line, True)
    return None


def _by_field(program: Program, expr: ast.expr, depth: int) -> Traced | None:
    """`cfg.lr` of a configuration that comes in by a way that is not seen: the one field of that name in the file."""
    if not isinstance(expr, ast.Attribute) or dotted(expr) is None:
        return None
    from dry_debug.program.hyper import WITH_DEFAULTS
    from dry_debug.program.hyper_fields import canonical_field

    parsed = _of_parsed_file(program, expr.attr)
    if parsed is not None:
        return parsed
    hyper = program.training.hyper
    rows = [(h, program) for h in hyper.with_defaults]
    rows += [(row.found, row.owner) for row in hyper.elsewhere if row.found.origin in WITH_DEFAULTS]
    named = [(h, owner) for h, owner in rows if _own_name(h.node) == expr.attr]
    if not named:
        named = [(h, owner) for h, owner in rows if h.name == canonical_field(expr.attr)]
    if len(named) != 1:
        return _field_default(program, expr, depth)
    hyper_one, owner = named[0]
    return Traced(hyper_one.value is not None, hyper_one.value, owner, value_node(hyper_one.node), changeable=True)


def _field_default(program: Program, expr: ast.Attribute, depth: int) -> Traced | None:
    """`cfg.out` of a class of the project: what its one declaration gives, `out: Path = Path("runs/a")`."""
    held = program.value(expr.value)
    cls = held.scope if held.kind == "instance" else None
    owner = held.program or program
    body = cls.node.body if cls is not None and isinstance(cls.node, ast.ClassDef) else []
    fields = [s for s in body if isinstance(s, ast.AnnAssign) and is_name(s.target, expr.attr)]
    if len(fields) != 1 or fields[0].value is None:
        return None
    value = fields[0].value
    if isinstance(value, ast.Call) and (dotted(value.func) or "").rpartition(".")[2] in ("field", "Field"):
        default = next((k.value for k in value.keywords if k.arg == "default"), None)
        if default is None:
            return None
        value = default
    found = trace(owner, value, fields[0], depth + 1)
    return Traced(found.known, found.value, found.program, found.node, changeable=True)


def _own_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Call):
        flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        longest = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
        return longest.lstrip("-").replace("-", "_")
    return node.arg if isinstance(node, ast.arg) else None


def value_node(node: ast.AST) -> ast.AST:
    """The expression that holds a value: the default of an option or field, the right side of an assignment."""
    if isinstance(node, ast.Call):
        return next((k.value for k in node.keywords if k.arg == "default"), node)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        value = node.value
        if isinstance(value, ast.Call):
            return next((k.value for k in value.keywords if k.arg == "default"), value.args[0] if value.args else value)
        return value
    return node
