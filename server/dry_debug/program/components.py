"""The components that a file builds: models, optimizers, schedulers, scalers, loaders, ... with the names they have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.once import cached_property
from dry_debug.program import knowledge as know
from dry_debug.program import lightning, trainers
from dry_debug.program.class_kinds import inner_optimizer, is_scaler
from dry_debug.program.parts import held
from dry_debug.program.scopes import Binding, Scope, dotted
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import ChainNode, RowNode, nodes
from dry_debug.program.wrappers import DEVICE_WRAPPERS, Wrapped, puts_on, wrapped_parts
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program

ComponentKind = Literal[
    "model",
    "optimizer",
    "scheduler",
    "scaler",
    "loader",
    "dataset",
    "sampler",
    "loss",
    "ema",
    "tokenizer",
    "trainer",
    "peft",
    "engine",
    "early_stopping",
]  # fmt: skip
Role = Literal["train", "eval", "test"]

_KINDS: dict[know.Kind, ComponentKind] = {
    "module": "model",
    "optimizer": "optimizer",
    "scheduler": "scheduler",
    "scaler": "scaler",
    "loader": "loader",
    "dataset": "dataset",
    "sampler": "sampler",
    "loss": "loss",
    "ema": "ema",
    "tokenizer": "tokenizer",
    "trainer": "trainer",
    "peft": "peft",
    "engine": "engine",
    "early_stopping": "early_stopping",
}


_AROUND = ast.Await | ast.NamedExpr
_NO_MAKERS = frozenset((ast.Name, ast.Constant, ast.Attribute, ast.BinOp, ast.Compare, ast.JoinedStr))
# Classes of the project that inherit from nothing: what they are called like.
_LOSSES = frozenset(("criterion", "loss_fn", "loss_func", "loss_function"))
_BY_CLASS: dict[str, ComponentKind] = {"Tokenizer": "tokenizer", "Dataset": "dataset"}
_NOT_LAYERS = ("opt", "sched")  # what a module may have besides its layers, by what it is called
_HAS_STATE = frozenset(("parameters", "named_parameters", "state_dict", "load_state_dict"))


@dataclass(eq=False)
class Component:
    """One object of the training program under the name that the code gives it (`self.optimizer`), "" for none."""

    kind: ComponentKind
    name: str
    value: Value
    node: ast.AST  # where it is defined in this file
    scope: Scope
    parameter: bool = False
    role: Role | None = None
    covers: list[str] = field(default_factory=list)
    wraps: list[str] = field(default_factory=list)
    drives: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    others: set[object] = field(default_factory=set)  # what other assignments put under this name

    @cached_property
    def ident(self) -> object:
        return self.value.base.ident

    @property
    def type(self) -> str | None:
        return self.value.type


class Components:
    """All components of one program, in source order."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.all: list[Component] = []
        self._wrapped: list[Wrapped] = []
        self._seen: set[tuple[object, str]] = set()
        self._outside: dict[Scope, bool] = {}  # of functions: whether their parameters come from elsewhere
        self._trained_parts: dict[Scope, set[str]] = {}  # attributes whose parameters a class gives to optimizers
        for binding in self._bindings():
            self._add(binding)
        self._stored()
        self._unnamed()
        self.all.sort(key=lambda c: getattr(c.node, "lineno", 0))

    @cached_property
    def wrappers(self) -> list[Wrapped]:
        """Where models are wrapped for several devices, in source order."""
        parts = wrapped_parts(self.program, {node for _, _, node in self._wrapped})
        return sorted([*self._wrapped, *parts], key=lambda row: getattr(row[2], "lineno", 0))

    @cached_property
    def related(self) -> list[Component]:
        """All of them, each with what it covers, wraps, drives and reads, and its role: rules about names need none."""
        from dry_debug.program.component_relations import relate

        relate(self)
        return self.all

    def of(self, *kinds: ComponentKind) -> list[Component]:
        """The components of these kinds."""
        return [c for c in self.all if c.kind in kinds]

    def named(self, value: Value) -> Component | None:
        """The component that `value` is, or that holds it as a part."""
        ident: object = value.base.ident
        for _ in range(8):
            variable = isinstance(ident, tuple) and len(ident) == 3 and ident[0] in ("var", "attr")
            for component in self.all:
                if component.ident == ident or ident in component.others:
                    return component
                if variable and _same_variable(component, *ident):  # type: ignore[misc]
                    return component
            if isinstance(ident, tuple) and ident and ident[0] == "part":
                ident = ident[1]
            else:
                break
        return None

    def name_at(self, value: Value, scope: Scope) -> str | None:
        """The name under which code of `scope` can use `value`: a variable, a parameter, an attribute of `self`."""
        held = self.named(value)
        idents = {value.base.ident} if held is None else {value.base.ident, held.ident, *held.others}
        current: Scope | None = scope
        while current is not None:
            if current.kind != "class":
                for component in self.all:
                    if (
                        component.scope is current
                        and component.name
                        and "." not in component.name
                        and (component is held or component.ident in idents)
                    ):
                        return component.name
                for name, bindings in current.bindings.items():
                    one = bindings[0] if len(bindings) == 1 else None
                    if one is None or not (one.kind == "param" or _renames(one)):
                        continue
                    if self.program.evaluator.binding(one).base.ident in idents:
                        return name
            current = current.parent
        cls = scope.class_scope
        if cls is not None and scope.self_name is not None:
            for component in self.all:
                if (
                    "." in component.name
                    and component.scope.class_scope is cls
                    and (component is held or component.ident in idents)
                ):
                    return f"{scope.self_name}.{component.name.partition('.')[2]}"
        return None

    # -- collecting --------------------------------------------------------------------------------------------------

    def _bindings(self) -> Iterator[Binding]:
        index = self.program.index
        for scope in index.scopes.values():
            if scope.kind in ("comprehension", "lambda"):
                continue
            for bindings in scope.bindings.values():
                yield from bindings
            for bindings in scope.attributes.values():
                yield from bindings

    def _stored(self) -> None:
        """`self.optimizers[name] = torch.optim.Adam(...)`: what is put under a key, by the name as written."""
        for assignment in self.program.index.assignments:
            value = assignment.value
            target = assignment.targets[0] if isinstance(assignment, ast.Assign) else None
            if not isinstance(target, ast.Subscript) or not isinstance(value, ast.Call) or dotted(target.value) is None:
                continue
            made = self.program.value(value)
            kind = _KINDS.get(made.kind)
            if kind is None or made.confidence == "low" or made.via == "part" or self._passes_on(value, made, None):
                continue
            if isinstance(made.ident, tuple) and made.ident[0] == "part":
                continue  # `data[split] = data[split].map(f)`
            scope = self.program.scope(assignment)
            self._put(Component(kind, self.program.short(target), made, target, scope))

    def _add(self, b: Binding) -> None:
        if b.kind == "param":
            self._add_parameter(b)
            return
        if b.kind not in ("assign", "walrus", "with") or b.value is None or not _makes(b.value):
            return
        part = self._is_module_part(b)
        if part and not (isinstance(b.value, ast.Call) and any(word in b.name.lower() for word in _NOT_LAYERS)):
            return
        value = self.program.evaluator.binding(b)
        handed = UNKNOWN if value.known else self._handed_in(b)
        value = handed if handed.known else value
        value = value if value.known or part else self._by_its_use(b)
        kind = _KINDS.get(value.kind)
        if value.kind in ("container", "dict") and not part and not b.path:
            self._add_several(b, value)
        if kind is None and value.kind == "instance":
            kind = next((k for word, k in _BY_CLASS.items() if (value.type or "").endswith(word)), None)
            kind = None if "collat" in (value.type or "").lower() else kind  # `CollatorForMyDataset`
            kind = "scaler" if is_scaler(value) else "optimizer" if inner_optimizer(value) is not None else kind
        if value.kind in ("function", "choice") and isinstance(b.value, ast.Call) and b.name in _LOSSES:
            kind = "loss"  # a factory of loss functions
        if kind is None or value.via == "part" or (part and kind not in ("optimizer", "scheduler")):
            return
        name = self._name(b)
        if value.via in DEVICE_WRAPPERS and puts_on(self.program, b.value, value):
            self._wrapped.append((value.via, name, b.node))
        made = _part(b)
        if isinstance(made, ast.Call) and self._passes_on(made, value, b):
            return
        if value.confidence == "low":
            return
        if isinstance(b.value, ast.Subscript) and kind != "dataset" and not handed.known:
            return
        self._put(Component(kind, name, value, b.node, b.scope, parameter=handed.known))

    def _put(self, component: Component) -> None:
        key = (component.ident, component.name)
        if key in self._seen:
            return
        self._seen.add(key)
        for known in self.all if component.name else ():
            if known.name == component.name and _one_variable(known, component):
                known.others.add(component.ident)
                return
        self.all.append(component)

    def _is_module_part(self, b: Binding) -> bool:
        """`self.conv = nn.Conv2d(...)` in a module's class is a layer, not a component of the program.

        Neither is what a method of such a class puts into a variable of its own.
        """
        cls = b.scope.class_scope
        return (
            cls is not None
            and self.program.class_kind(cls) in ("module", "dataset", "loss", "optimizer", "scheduler", "sampler")
            and not lightning.trained_by_trainer(cls)
            and not self._is_trained_part(b, cls)
        )

    def _is_trained_part(self, b: Binding, cls: Scope) -> bool:
        """`self.generator` of a module that has an optimizer for `self.generator.parameters()`: it is a trainer.

        What such a class puts into variables of its own is of the training program, too.
        """
        if cls not in self._trained_parts:
            parts: set[str] = set()
            if any(
                know.kind_of_call(self.program.qualified(call) or "") == "optimizer"
                for method in cls.children for call in method.calls
            ):  # fmt: skip
                parts = {
                    path for method in cls.children for path, methods in method.receivers.items()
                    if "parameters" in methods and path.startswith("self.")
                }  # fmt: skip
            self._trained_parts[cls] = parts
        parts = self._trained_parts[cls]
        return f"self.{b.name}" in parts if isinstance(b.node, ast.Attribute) else bool(parts)

    def _unnamed(self) -> None:
        """What a Lightning trainer is given without a name: returned by a hook, or passed to `trainer.fit`."""
        for cls in self.program.index.classes:
            for function in cls.children:
                if function.name == "configure_optimizers":
                    self._made_in_hook(function, ("optimizer", "scheduler"), "", None)
                elif function.name in lightning.LOADERS:
                    self._made_in_hook(function, ("loader",), function.name, lightning.LOADERS[function.name])
        for method, call in trainers.started(self.program):
            for expr, role in trainers.passed_to(method, call):
                value = self.program.value(expr, call)
                if isinstance(expr, ast.Call) and value.kind == "loader":
                    self._put(Component("loader", "", value, expr, self.program.scope(call), role=role))

    def _made_in_hook(self, function: Scope, kinds: tuple[str, ...], name: str, role: Role | None) -> None:
        bound = {b.value for bindings in function.bindings.values() for b in bindings}
        for call in function.calls:
            if call in bound or not isinstance(self.program.statement(call), ast.Return | ast.Assign):
                continue
            value = self.program.value(call)
            kind = _KINDS.get(value.kind)
            if (
                name
                and value.kind == "unknown"
                and value.type is not None
                and any(r.value is call for r in function.returns)
            ):
                kind, value = "loader", value.but(kind="loader", confidence="medium", args=call, ident=("alloc", call))
            if kind in kinds and value.args is not None and not self._passes_on(call, value, None):
                self._put(Component(kind, name, value, call, function, role=role))

    def _passes_on(self, call: ast.Call, value: Value, b: Binding | None) -> bool:
        """`model = model.to(device)`: the object is not made here."""
        made, ident = value.base.node, value.ident
        called = self.program.qualified(call)
        if called in know.PASS_THROUGH and called not in know.COPIES:
            return True  # `bar = tqdm(loader)`
        if made is None or made is call or not isinstance(ident, tuple):
            return False
        if ident[0] == "attr" and len(ident) == 3 and not _is_attribute(b, ident[2]):
            return True  # `plain = accelerator.unwrap_model(self.model)`
        if ident[0] in ("var", "param") and b is not None and ident[1] is not b.scope and not _is_attribute(b, b.name):
            return True  # the same, where the attribute holds what came in
        if ident[0] != "alloc":
            return False
        # An object that comes out of a called function was made by that call, wherever its class is called.
        inside = set(nodes(call))
        return made not in inside and ident[1] not in inside

    def _name(self, b: Binding) -> str:
        if isinstance(b.node, ast.Attribute):
            return f"{b.scope.self_name or 'self'}.{b.name}"
        return b.name

    def _is_callback(self, cls: Scope) -> bool:
        """Whether a class is one of a trainer's callbacks, whose methods the trainer calls."""
        return any((base.type or "").endswith("Callback") for base in self.program.evaluator.bases(cls))

    def _add_parameter(self, b: Binding) -> None:
        scope = b.scope
        if not self._called_from_outside(scope) or b.name == scope.self_name:
            return
        value = self.program.evaluator.binding(b)
        kind = _KINDS.get(value.kind)
        if kind is None or value.kind == "tensor" or (isinstance(value.ident, tuple) and value.ident[0] == "self"):
            return
        cls = scope.class_scope
        trained = lightning.trained_by_trainer(cls)
        if cls is not None and (self.program.class_kind(cls) == "trainer" or self._is_callback(cls)):
            return  # `compute_loss(self, model, inputs)`: the trainer passes its own
        inside = cls is not None and self.program.class_kind(cls) != "instance"
        if inside and not trained and scope.name in ("forward", "__init__"):
            return
        self.all.append(Component(kind, b.name, value, b.node, scope, parameter=True))

    def _called_from_outside(self, scope: Scope) -> bool:
        """Whether it is a function that nobody in this file calls or hands on, as far as can be seen."""
        known = self._outside.get(scope)
        if known is None:
            known = self._outside[scope] = not (
                scope.kind != "function"
                or self.program.call_sites(scope)
                or (scope.class_scope is None and self._may_hand_on(scope.name) and scope.name in self._handed_on)
            )
        return known

    def _may_hand_on(self, name: str) -> bool:
        """Whether a name stands anywhere but in its definition: of most functions that nobody calls it does not."""
        return self.program.document.source.count(name) > 1

    @cached_property
    def _handed_on(self) -> set[str]:
        """The names that are passed to something: `train_model(model, decay_rate)`."""
        return {
            expr.id for call in self.program.index.calls for expr in (*call.args, *(k.value for k in call.keywords))
            if isinstance(expr, ast.Name)
        }  # fmt: skip

    def _by_its_use(self, b: Binding) -> Value:
        """`self.actor = instantiate(config)`: a model where its parameters are taken, whatever library made it."""
        cls = b.scope.class_scope
        if cls is None or not isinstance(b.node, ast.Attribute) or not isinstance(b.value, ast.Call):
            return UNKNOWN
        path = f"{b.scope.self_name}.{b.name}"
        if not any(_HAS_STATE & method.receivers.get(path, frozenset()) for method in cls.children):
            return UNKNOWN
        value = self.program.evaluator.class_attribute(cls, b.name)
        return value if value.kind == "module" and value.confidence == "medium" else UNKNOWN

    def _handed_in(self, b: Binding) -> Value:
        """`self.model = kwargs["model"].to(device)`: what the class does with it tells what it is."""
        cls = b.scope.class_scope if isinstance(b.node, ast.Attribute) else None
        if cls is None:
            return UNKNOWN
        expr: ast.AST | None = b.value
        while isinstance(expr, ast.Call | ast.Attribute | ast.Subscript):
            expr = expr.func if isinstance(expr, ast.Call) else expr.value
        if not isinstance(expr, ast.Name):
            return UNKNOWN
        bindings = b.scope.bindings.get(expr.id, [])
        if expr.id != b.scope.rest or len(bindings) != 1:
            return UNKNOWN
        return self.program.evaluator.class_attribute(cls, b.name)

    def _add_several(self, b: Binding, value: Value) -> None:
        """`optimizers = {"g": Adam(...), "d": Adam(...)}`: one component, under the name of the collection."""
        if not isinstance(b.value, ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.DictComp):
            return
        one = held(value)
        if one.kind in ("optimizer", "scheduler", "loader", "dataset") and one.confidence != "low":
            self._put(Component(_KINDS[one.kind], self._name(b), one.but(ident=value.ident), b.node, b.scope))


def _one_variable(a: Component, b: Component) -> bool:
    """Whether two components of one name are one variable: of one scope, or one attribute of a class. A variable that
    gets something else after all (`data = DataLoader(data)`, `ema = EMAModel(ema.parameters())`) is two."""
    if a.kind != b.kind:
        return False
    if a.scope is b.scope:
        return True
    return "." in a.name and a.scope.class_scope is not None and a.scope.class_scope is b.scope.class_scope


def _renames(binding: Binding) -> bool:
    """`opt = self.optimizer`."""
    return binding.kind == "assign" and not binding.path and isinstance(binding.value, ChainNode)


def _same_variable(component: Component, kind: str, scope: object, name: str) -> bool:
    """Several assignments give one variable its object: the variable is the identity, the first one the component."""
    if kind == "var":
        return component.name == name and component.scope is scope
    return component.name.partition(".")[2] == name and component.scope.class_scope is scope


def _part(b: Binding) -> ast.expr | None:
    """What is assigned to one of several names: `0` and `tqdm(loader)` in `count, bar = 0, tqdm(loader)`."""
    expr = b.value
    for index in b.path:
        if not isinstance(expr, RowNode) or index is None or index >= len(expr.elts):
            return b.value
        expr = expr.elts[index]
    return expr


def _is_attribute(b: Binding | None, name: object) -> bool:
    return b is not None and isinstance(b.node, ast.Attribute) and b.name == name


def _makes(expr: ast.expr) -> bool:
    """Whether an assigned expression can make an object (a plain name only passes one on)."""
    if expr.__class__ in _NO_MAKERS:
        return False
    while isinstance(expr, _AROUND):
        expr = expr.value
    if isinstance(expr, ast.Call):
        return True
    if isinstance(expr, ast.IfExp):  # `plain = model.module if wrapped else model` is no second model
        return _makes(expr.body) or _makes(expr.orelse)
    if isinstance(expr, ast.BoolOp):
        return any(_makes(value) for value in expr.values)
    if isinstance(expr, ast.ListComp | ast.DictComp):
        return isinstance(expr.elt if isinstance(expr, ast.ListComp) else expr.value, ast.Call)
    if isinstance(expr, ast.List | ast.Dict):
        held = expr.elts if isinstance(expr, ast.List) else expr.values
        return 0 < len(held) <= 16 and all(isinstance(e, ast.Call) for e in held)
    if isinstance(expr, ast.Subscript):  # `splits["train"]`
        key = expr.slice
        return isinstance(key, ast.Attribute) or (isinstance(key, ast.Constant) and isinstance(key.value, str))
    return isinstance(expr, ast.Tuple) and any(isinstance(e, ast.Call) for e in expr.elts)
