"""Hyperparameters of one file and where their values come from: options, fields, constants, arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.once import cached_property
from dry_debug.program import settings
from dry_debug.program.hyper_defaults import (
    command_line_functions,
    configured_functions,
    defaults,
    is_dataclass,
    keeps_its_parameters,
)
from dry_debug.program.hyper_fields import CANONICAL, CONFIG_WORDS, Hyperparameter, Origin, canonical_field
from dry_debug.program.knowledge import kind_of_call
from dry_debug.program.literals import literal
from dry_debug.program.scopes import Scope, dotted

if TYPE_CHECKING:
    from dry_debug.program.hyper_config import Configured
    from dry_debug.program.hyper_elsewhere import Row
    from dry_debug.program.program import Program

# Keyword arguments that are hyperparameters wherever these kinds are made.
_KEYWORDS = frozenset(
    (
        "lr weight_decay momentum batch_size num_workers max_tokens temperature top_p r lora_alpha "
        "lora_dropout max_new_tokens tensor_parallel_size betas eps mixed_precision"
    ).split()
)
# Arguments of trainers and their configurations that are hyperparameters, though they are no numbers.
_CHOICES = frozenset(
    "bf16 fp16 tf32 gradient_checkpointing group_by_length packing loss_type use_lora use_peft load_in_4bit "
    "load_in_8bit".split()
)
_SET_UP = frozenset("optimizer scheduler loader engine sampling trainer_args peft trainer accelerator fabric".split())
# What a script counts and keeps while it runs.
_PROGRESS = ("best", "start", "epoch", "step", "global", "iter", "total", "count", "last", "min_loss", "use_cuda")
WITH_DEFAULTS = ("argparse", "dataclass")  # the origins of what `args.lr` reads
_FIELD_MAKERS = ("dataclass", "attr.s", "attr.attrs", "attrs", "define", "frozen", "attr.ib")
_FIELD_BASES = frozenset("NamedTuple BaseModel BaseSettings Tap TypedArgs Serializable".split())


def has_fields(cls: Scope) -> bool:
    """Whether the annotated assignments in a class are fields: dataclasses, attrs, pydantic, named tuples, Tap."""
    if any((dotted(d.func if isinstance(d, ast.Call) else d) or "").endswith(_FIELD_MAKERS) for d in cls.decorators):
        return True
    bases = cls.node.bases if isinstance(cls.node, ast.ClassDef) else []
    return any((dotted(base) or "").rpartition(".")[2] in _FIELD_BASES for base in bases)


def _field_default(call: ast.Call) -> ast.expr:
    """The default that `field(default=...)`, `Field(0.1)` or `field(default_factory=lambda: [...])` gives; the call."""
    for keyword in call.keywords:
        if keyword.arg == "default":
            return keyword.value
        if keyword.arg in ("default_factory", "factory") and isinstance(keyword.value, ast.Lambda):
            return keyword.value.body
    named = (dotted(call.func) or "").rpartition(".")[2]
    return call.args[0] if call.args and named in ("Field", "ib", "attrib", "field") else call


def _must_be_given(call: ast.Call) -> bool:
    """`field(metadata={"help": ...})` of a dataclass for the command line: an option without default."""
    return (dotted(call.func) or "").rpartition(".")[2] == "field" and [k.arg for k in call.keywords] == ["metadata"]


class Hyperparameters:
    """The hyperparameters of one program, from argparse, dataclasses, constants and literal arguments."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._runs: dict[Scope, bool] = {}

    @cached_property
    def all(self) -> list[Hyperparameter]:
        """In source order."""
        found = [*self.argparse, *self.dataclasses, *self._constants(), *self._configs(), *self._defaults(),
                 *self._options(), *self._passed(), *self._class_constants(), *self._arguments()]  # fmt: skip
        found.extend(self._named_constants(found))
        found.extend(self._used_constants(found))
        found.extend(self._declared(found))
        found.sort(key=lambda h: (getattr(h.node, "lineno", 0), getattr(h.node, "col_offset", 0)))
        return found

    def _declared(self, listed: list[Hyperparameter]) -> list[Hyperparameter]:
        """What stands on objects, less what is listed already."""
        from dry_debug.program.hyper_declared import computed_from_settings, declared

        seen = {(id(h.node), h.name) for h in listed}
        # A default that is set for an option stands with the option.
        moved = {id(v) for k, v in self.overridden.items() if any(h.name == canonical_field(k) for h in self.argparse)}
        found = []
        for one in declared(self.program):
            if id(one.node) in moved:
                continue
            if (id(one.node), one.name) not in seen:
                seen.add((id(one.node), one.name))
                found.append(one)
        for node, name, value in computed_from_settings(self.program):
            found.append(Hyperparameter(canonical_field(name), value, node, "computed"))
        return found

    def default_of(self, expr: ast.expr, at: ast.AST | None = None) -> Any:
        """The default or configured value behind `args.lr` or `cfg["lr"]`; None if there is none, or more than one.

        `at` is the call or statement that `expr` stands in.
        """
        known, value = settings.plain(self.program.value(expr, at)) if at is not None else (False, None)
        if known:
            return value
        if not isinstance(expr, ast.Attribute):
            return None
        wanted = canonical_field(expr.attr)
        found = [h.value for h in self.with_defaults if h.name == wanted] or [
            row.found.value for row in self.elsewhere if row.found.name == wanted and row.found.origin in WITH_DEFAULTS
        ]
        return found[0] if len(found) == 1 else None

    @cached_property
    def with_defaults(self) -> list[Hyperparameter]:
        """The options of the command line and the fields of dataclasses; most files need not list all for them."""
        from dry_debug.program.hyper_declared import declares_options

        if declares_options(self.program):
            return [h for h in self.all if h.origin in WITH_DEFAULTS]
        return [*self.argparse, *self.dataclasses, *self._command_lines()]

    @cached_property
    def elsewhere(self) -> list[Row]:
        """Those that stand in other files of the project, each with its file's program."""
        from dry_debug.program.hyper_elsewhere import Elsewhere

        return Elsewhere(self.program).all

    @cached_property
    def configured(self) -> list[Configured]:
        """Those of the configuration files that the program loads."""
        from dry_debug.program.hyper_config import configured

        return configured(self.program)

    @cached_property
    def argparse(self) -> list[Hyperparameter]:
        """The options that calls of `add_argument` in this file declare."""
        found = []
        for call in self.program.method_calls("add_argument"):
            flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            name = next((f for f in flags if f.startswith("--")), flags[0] if flags else None)
            if name is None:
                continue
            values = {k.arg: k.value for k in call.keywords}
            dest = values.get("dest")
            if isinstance(dest, ast.Constant) and isinstance(dest.value, str):
                name = dest.value
            default = values.get("default")
            action = values.get("action")
            value: Any = None
            if default is not None:
                known, value = self._literal(default, call)
                value = _parsed(value, values.get("type")) if known else None
            elif isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
                value = action.value == "store_false"
            over = self.overridden.get(name.lstrip("-").replace("-", "_"))
            if over is not None:
                value = over.value
            found.append(Hyperparameter(canonical_field(name), value, call, "argparse"))
        return found

    @cached_property
    def overridden(self) -> dict[str, ast.Constant]:
        """`parser.set_defaults(pin_mem=True)` in a file with one parser: stronger than the option's own default."""
        found: dict[str, ast.Constant] = {}
        calls = self.program.method_calls("set_defaults")
        holders = {dotted(call.func) for call in calls}
        for keyword in (k for call in calls for k in call.keywords) if len(holders) == 1 else ():
            if keyword.arg is not None and isinstance(keyword.value, ast.Constant):
                found[keyword.arg] = keyword.value
        return found

    @cached_property
    def dataclasses(self) -> list[Hyperparameter]:
        """The fields with a default of this file's dataclasses."""
        found = []
        for cls in self.program.index.classes:
            if not has_fields(cls) or not isinstance(cls.node, ast.ClassDef):
                continue
            for stmt in cls.node.body:
                if isinstance(stmt, ast.AnnAssign) and stmt.value is not None and isinstance(stmt.target, ast.Name):
                    expr = stmt.value
                    if isinstance(expr, ast.Call):
                        if _must_be_given(expr):
                            found.append(Hyperparameter(canonical_field(stmt.target.id), None, stmt, "dataclass"))
                            continue
                        expr = _field_default(expr)
                    known, value = self._literal(expr, stmt)
                    if known:
                        found.append(Hyperparameter(canonical_field(stmt.target.id), value, stmt, "dataclass"))
        return found

    def _constants(self) -> list[Hyperparameter]:
        """`batch_size = 64` at the top of a script (or in its main function)."""
        found = []
        for assignment in self.program.index.assignments:
            target = assignment.targets[0] if isinstance(assignment, ast.Assign) else assignment.target
            if not isinstance(target, ast.Name) or assignment.value is None:
                continue
            if target.id.lower() not in CANONICAL:
                if assignment in self._flags and isinstance(assignment.value, ast.Constant | ast.BinOp | ast.UnaryOp):
                    known, value = self._literal(assignment.value, assignment)
                    if known:
                        origin: Origin = "computed" if isinstance(assignment.value, ast.BinOp) else "literal"
                        found.append(Hyperparameter(target.id, value, assignment, origin))
                continue
            scope = self.program.scope(assignment)
            if scope.kind not in ("module", "function"):
                continue
            if isinstance(assignment.value, ast.Constant) and isinstance(assignment.value.value, int | float | str):
                value = assignment.value.value
                if isinstance(value, bool) or (value == 0 and canonical_field(target.id) in ("max_steps", "epochs")):
                    continue  # `num_steps = 0` begins to count
                found.append(Hyperparameter(canonical_field(target.id), value, assignment, "literal"))
            elif isinstance(assignment.value, ast.BinOp):
                known, value = self._literal(assignment.value, assignment)
                if known:
                    found.append(Hyperparameter(canonical_field(target.id), value, assignment, "computed"))
        return found

    def _configs(self) -> list[Hyperparameter]:
        """`config = {"lr": 2e-5, "epochs": 3}`: a dict that is called a configuration, or is mostly fields of one."""
        found = []
        for assignment in self.program.index.assignments:
            target = assignment.targets[0] if isinstance(assignment, ast.Assign) else assignment.target
            pairs = self._pairs(assignment.value)
            if not isinstance(target, ast.Name) or not pairs:
                continue
            names = [name for name, _, _ in pairs]
            if not any(n.lower() in CANONICAL for n in names):
                continue
            # `{"model": model, "optimizer": optimizer, "step": 0}` is the state of a run.
            fields = sum(name.lower() in CANONICAL and not isinstance(v, ast.Name) for name, _, v in pairs)
            if not target.id.lower().endswith((*CONFIG_WORDS, "defaults", "default")) and 2 * fields < len(names):
                continue
            for name, key, expr in pairs:
                if isinstance(expr, ast.Constant | ast.UnaryOp):
                    known, value = self._literal(expr, assignment)
                    if known and isinstance(value, bool | int | float | str):
                        found.append(Hyperparameter(canonical_field(name), value, key, "literal"))
        return found

    def _pairs(self, expr: ast.expr | None) -> list[tuple[str, ast.AST, ast.expr]]:
        """(name, where it stands, value) of `{"lr": 0.1}` and `dict(lr=0.1)`; none where a name is not a literal."""
        if isinstance(expr, ast.Dict):
            pairs = zip(expr.keys, expr.values, strict=True)
            found = [(k.value, k, v) for k, v in pairs if isinstance(k, ast.Constant) and isinstance(k.value, str)]
            return found if len(found) == len(expr.keys) else []  # type: ignore[return-value]
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.func.id == "dict" and not expr.args:
            return [(k.arg, k, k.value) for k in expr.keywords if k.arg is not None]
        return []

    def _defaults(self) -> list[Hyperparameter]:
        """`def __init__(self, discount=0.99)` of a class that makes an optimizer, and canonical fields in `train`."""
        found = []
        for function in self.program.index.functions:
            node = function.node
            if not isinstance(node, ast.FunctionDef):
                continue
            # What makes or steps the optimizer is where its numbers are; a layer's sizes are not hyperparameters here.
            if function.name == "__init__":
                if keeps_its_parameters(function):
                    found.extend(self._all_defaults(function, "literal"))
                    continue
                if not self._makes_or_steps(function):
                    continue
            elif function in self._configured or not (
                self._steps_in(function) or self._starts_run(function) or self._is_run(function)
            ):
                continue
            parameters = [*node.args.posonlyargs, *node.args.args]
            pairs = [*zip(reversed(parameters), reversed(node.args.defaults), strict=False),
                     *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]  # fmt: skip
            for parameter, default in pairs:
                own = parameter.arg.lower() not in CANONICAL
                if function.name != "__init__" and own and not self._is_run(function):
                    continue
                if function.class_scope is None and self._always_given(function, parameter.arg):
                    continue
                if isinstance(default, ast.Constant | ast.UnaryOp | ast.Tuple):
                    known, value = self._literal(default, node)
                    plain = isinstance(value, int | float | list) and not isinstance(value, bool)
                    if known and (plain or (isinstance(value, str) and function.name != "__init__" and not own)):
                        found.append(Hyperparameter(canonical_field(parameter.arg), value, parameter, "literal"))
        return found

    def _is_run(self, function: Scope) -> bool:
        """Whether a function is a whole run, `def fit(data, rounds=3)`: it makes its optimizer and has the loop."""
        if function not in self._runs:
            self._runs[function] = bool(function.loops) and any(
                kind_of_call(self.program.qualified(call) or "") == "optimizer" for call in function.calls
            )
        return self._runs[function]

    def _steps_in(self, function: Scope) -> bool:
        return function in self._stepping

    @cached_property
    def _stepping(self) -> set[Scope]:
        return {event.scope for event in self.program.events.of_kind("optimizer_step")}

    def _starts_run(self, function: Scope) -> bool:
        """Whether a function that nothing in this file calls sets a run up: it makes the launcher or the trainer."""
        if function.class_scope is not None or function.name in self._called:
            return False
        if function in command_line_functions(self.program):
            return False  # all its parameters are options
        return any(self.program.value(call).kind in ("fabric", "accelerator", "trainer") for call in function.calls)

    @cached_property
    def _called(self) -> set[str]:
        return {call.func.id for call in self.program.index.calls if isinstance(call.func, ast.Name)}

    def _makes_or_steps(self, init: Scope) -> bool:
        """Whether an `__init__` makes an optimizer, or a method beside it steps one."""
        if any(self.program.value(c).kind == "optimizer" for c in init.calls):
            return True
        return init.class_scope in self._stepping_classes

    @cached_property
    def _stepping_classes(self) -> set[Scope]:
        """The classes, other than modules, whose methods step an optimizer."""
        classes = {e.scope.class_scope for e in self.program.events.of_kind("optimizer_step")}
        return {c for c in classes if c is not None and self.program.class_kind(c) == "instance"}

    def _class_constants(self) -> list[Hyperparameter]:
        """`class Agent: clip_param = 0.2`: numbers in the body of a class that steps an optimizer."""
        found = []
        for cls in self._stepping_classes:
            for stmt in getattr(cls.node, "body", ()):
                target = stmt.targets[0] if isinstance(stmt, ast.Assign) else None
                if isinstance(target, ast.Name) and isinstance(stmt, ast.Assign) and _number(stmt.value):
                    known, value = self._literal(stmt.value, stmt)
                    if known:
                        found.append(Hyperparameter(canonical_field(target.id), value, stmt, "literal"))
        return found

    def _always_given(self, function: Scope, name: str) -> bool:
        """Whether every call in this file passes the parameter, so that its default is nobody's value."""
        sites = self.program.call_sites(function)
        return bool(sites) and len(self.program.arguments_of(function, name)) == len(sites)

    def _passed(self) -> list[Hyperparameter]:
        """`train(model, epochs=20)`: numbers under a canonical name for a function of the project that trains."""
        found = []
        for function in self.program.index.functions:
            if function.kind != "function" or not self.program.call_sites(function):
                continue
            for call in self.program.call_sites(function):
                for keyword in call.keywords:
                    if keyword.arg is None or keyword.arg not in CANONICAL:
                        continue
                    if not isinstance(keyword.value, ast.Constant) or isinstance(keyword.value.value, bool | str):
                        continue
                    if keyword.value.value is not None and self.program.training.loops.function_trains(function):
                        found.append(
                            Hyperparameter(canonical_field(keyword.arg), keyword.value.value, keyword.value, "literal")
                        )
        return found

    def _options(self) -> list[Hyperparameter]:
        """`fire.Fire(train)`, `CLI(main)`: the defaults of the function's parameters."""
        return [*self._command_lines(), *(h for f in self._configured for h in self._all_defaults(f, "literal"))]

    def _command_lines(self) -> list[Hyperparameter]:
        return [h for f in command_line_functions(self.program) for h in self._all_defaults(f, "argparse")]

    @cached_property
    def _configured(self) -> list[Scope]:
        """`main(**yaml.safe_load(file))`: all its parameters are settings."""
        return [f for f in configured_functions(self.program) if sum(p.arg in CANONICAL for p, _ in defaults(f)) >= 2]

    def _all_defaults(self, function: Scope, origin: Origin) -> list[Hyperparameter]:
        found = []
        for parameter, default in defaults(function):
            known, value = self._literal(default, function.stmt or function.node)
            if known and isinstance(value, bool | int | float | str | list | None):
                found.append(Hyperparameter(canonical_field(parameter.arg), value, parameter, origin))
        return found

    @cached_property
    def _flags(self) -> set[ast.stmt]:
        """The constants at the top of a script, line by line, that canonical fields are among.

        Five of those make all of them settings. With fewer the numbers beside them are, in a block of at least three.
        """
        body = getattr(self.program.index.module.node, "body", [])
        blocks: list[list[ast.Assign]] = [[]]
        for stmt in body:
            value = stmt.value if isinstance(stmt, ast.Assign) and isinstance(stmt.targets[0], ast.Name) else None
            if isinstance(value, ast.Constant | ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Name):
                blocks[-1].append(stmt)
            elif blocks[-1]:
                blocks.append([])
        flags: set[ast.stmt] = set()
        for block in blocks:
            known = sum(s.targets[0].id.lower() in CANONICAL for s in block if isinstance(s.targets[0], ast.Name))
            for stmt in block:
                name = stmt.targets[0].id.lower() if isinstance(stmt.targets[0], ast.Name) else ""
                number = isinstance(stmt.value, ast.BinOp) or (
                    isinstance(stmt.value, ast.Constant) and isinstance(stmt.value.value, int | float)
                )
                if known >= 5 or (known and len(block) >= 3 and number and not name.startswith(_PROGRESS)):
                    flags.add(stmt)
        return flags

    def _arguments(self) -> list[Hyperparameter]:
        """Literal keyword arguments of optimizers, loaders, engines, training arguments."""
        found = self._by_place()
        for call in self.program.index.calls:
            if not call.keywords:
                continue
            for keyword in self._settings(call):
                expr = keyword.value
                several = expr.elts if isinstance(expr, ast.Tuple | ast.List) and keyword.arg == "betas" else [expr]
                if all(isinstance(each, ast.Constant | ast.UnaryOp) for each in several):
                    known, literal = self._literal(expr, call)
                    if known and literal is not None:
                        found.append(Hyperparameter(_field_of(keyword), literal, expr, "literal"))
        return found

    def _by_place(self) -> list[Hyperparameter]:
        """`Adam(net.parameters(), 1e-3)`, `DataLoader(data, 64)`."""
        found = []
        for name, call in self.program.qualified_calls():
            if len(call.args) < 2 or not _number(call.args[1]):
                continue
            kind = kind_of_call(name)
            if kind == "optimizer" or name == "torch.utils.data.DataLoader":
                known, value = self._literal(call.args[1], call)
                if known:
                    field = "learning_rate" if kind == "optimizer" else "batch_size"
                    found.append(Hyperparameter(field, value, call.args[1], "literal"))
        return found

    def _settings(self, call: ast.Call) -> list[ast.keyword]:
        """The keyword arguments of a call that are hyperparameters, if it sets a part of the training up."""
        known = self._set_up.get(call)
        if known is None:
            known = [k for k in call.keywords if k.arg in _KEYWORDS or k.arg in CANONICAL]
            name = (dotted(call.func) or "").rpartition(".")[2]
            arguments = name.endswith(("Arguments", "Args", "Config", "Trainer"))
            made = self.program.value(call) if known or arguments else None
            kind = made.kind if made is not None else "unknown"
            if made is not None and kind == "container" and any(one.kind == "loader" for one in made.items or ()):
                kind = "loader"  # `train, test = make_loaders(batch_size=16)`
            if kind == "instance" and arguments and made is not None and is_dataclass(made.scope):
                known = [k for k in call.keywords if k in known or _numeric(k.value)]
            elif kind not in _SET_UP:
                known = []
            elif kind == "trainer_args" or (kind == "trainer" and len(name) > len("Trainer")):
                known = [k for k in call.keywords if k in known or _numeric(k.value) or k.arg in _CHOICES]
            self._set_up[call] = known
        return known

    @cached_property
    def _set_up(self) -> dict[ast.Call, list[ast.keyword]]:
        return {}

    def _named_constants(self, listed: list[Hyperparameter]) -> list[Hyperparameter]:
        """`MICRO_BATCH = 4 ... TrainingArguments(per_device_train_batch_size=MICRO_BATCH)`: constants by their use."""
        seen = {h.node for h in listed}
        found = []
        for call in self.program.index.calls:
            for keyword in self._settings(call) if call.keywords else ():
                if not isinstance(keyword.value, ast.Name):
                    continue
                home = self.program.names.lookup(keyword.value.id, self.program.scope(call))
                one = home[1][0] if home is not None and len(home[1]) == 1 else None
                if one is None or one.stmt in seen or not isinstance(one.stmt, ast.Assign) or one.path:
                    continue
                if not isinstance(one.value, ast.Constant | ast.UnaryOp | ast.BinOp):
                    continue
                known, value = self._literal(one.value, one.stmt)
                if known and isinstance(value, bool | int | float | str):
                    seen.add(one.stmt)
                    origin: Origin = "computed" if isinstance(one.value, ast.BinOp) else "literal"
                    found.append(Hyperparameter(canonical_field(one.name), value, one.stmt, origin))
        return found

    def _used_constants(self, listed: list[Hyperparameter]) -> list[Hyperparameter]:
        from dry_debug.program.hyper_constants import used_as_settings

        seen = {h.node for h in listed}
        used = used_as_settings(self.program, _PROGRESS)
        return [Hyperparameter(canonical_field(name), value, node, "literal")
                for node, name, value in used if node not in seen]  # fmt: skip

    @cached_property
    def models(self) -> list[tuple[str, ast.AST]]:
        """Hub ids and local names of models that are loaded, with the place."""
        from dry_debug.program.frameworks import loaded_models

        return loaded_models(self.program)

    @cached_property
    def frameworks(self) -> list[str]:
        """The ML frameworks that the file imports."""
        from dry_debug.program.frameworks import imported_frameworks

        return imported_frameworks(self.program)

    def _literal(self, expr: ast.expr, at: ast.AST) -> tuple[bool, Any]:
        """(whether it is known, the value) of a literal, a constant name, or arithmetic on them."""
        return literal(self.program, expr, at)


def _parsed(value: Any, kind: ast.expr | None) -> Any:
    """What argparse makes of a default that is a text: `type=int, default="200"` is 200."""
    if isinstance(value, str) and isinstance(kind, ast.Name) and kind.id in ("int", "float"):
        try:
            return int(value) if kind.id == "int" else float(value)
        except ValueError:
            pass
    return value


def _field_of(keyword: ast.keyword) -> str:
    assert keyword.arg is not None
    return {"r": "lora_r"}.get(keyword.arg, canonical_field(keyword.arg))


def _number(expr: ast.expr) -> bool:
    """Whether an expression is a number as it stands."""
    expr = expr.operand if isinstance(expr, ast.UnaryOp) else expr
    return isinstance(expr, ast.Constant) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool)


def _numeric(expr: ast.expr) -> bool:
    """Whether an expression is a number, or a name or attribute that may hold one."""
    if isinstance(expr, ast.UnaryOp):
        expr = expr.operand
    if isinstance(expr, ast.Constant):
        return isinstance(expr.value, int | float) and not isinstance(expr.value, bool)
    return isinstance(expr, ast.Name)
