"""The value of an expression at a use: demand-driven, remembered, bounded.

Binding first, usage second, name last. When the model does not know, the value is UNKNOWN and rules stay silent.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.program import calls as call_values
from dry_debug.program import expressions, launchers, probability, settings
from dry_debug.program.environment import Bound, Env, Environments
from dry_debug.program.host import NEVER
from dry_debug.program.knowledge import (
    DATASET_BASES,
    SAMPLER_BASES,
    Kind,
    kind_of_call,
)
from dry_debug.program.parts import element, given_to, unpack
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import LIBRARIES, Binding, Scope, dotted
from dry_debug.program.spelled import spells_choice
from dry_debug.program.tensor_values import arithmetic
from dry_debug.program.usage import Usage
from dry_debug.program.values import UNKNOWN, Ident, Value, join
from dry_debug.program.walks import ChainNode, FunctionNode

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_DEPTH = 90  # of nested questions; real code stays below 40, and Python allows some 150
MAX_CALLS = 8  # of user functions entered one from another


class Evaluator:
    """Values of one program's expressions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = program.index
        self.names = program.names
        self._memo: dict[ast.AST, Value] = {}
        self._bindings: dict[Binding, Value] = {}
        self._attributes: dict[tuple[Scope, str], Value] = {}
        self._usage = Usage(program.index, program.names)
        self.environments = Environments()
        self.run = program.host.evaluation

    def release(self) -> None:
        """Forget all answers: values, environments and what is still to be evaluated hold each other."""
        self.environments.release()
        self._memo.clear()
        self._bindings.clear()
        self._attributes.clear()
        self._usage.release()

    # -- expressions ---------------------------------------------------------------------------------------------

    def value(self, expr: ast.expr, scope: Scope, stmt: ast.stmt | None, env: Env | None = None) -> Value:
        """The value of `expr`, which stands in `stmt` of `scope`; `env` gives parameters known from a call."""
        memo = self._memo if env is None else env.values_of if env.__class__ is Bound else None
        if memo is not None:
            known = memo.get(expr)
            if known is not None:
                return known
        handler = _EXPRESSIONS.get(expr.__class__)
        if handler is None:
            return UNKNOWN
        run = self.run
        busy, stack = run.busy, run.stack
        level = busy.get(expr)
        if level is not None:
            run.cut(level)
            return UNKNOWN
        depth = len(stack)
        if not depth:
            run.share()
        if depth > MAX_DEPTH or run.fuel <= run.floor:
            run.cut()
            return UNKNOWN
        if run.provisional:
            provisional: Value | None = run.recall(memo, expr)
            if provisional is not None:
                return provisional
        run.fuel -= 1
        # `run.open` and `run.close`, written out: this is the innermost function of all.
        busy[expr] = depth
        stack.append(expr)
        outer, run.low = run.low, NEVER
        try:
            result: Value = handler(self, expr, scope, stmt, env)
        finally:
            stack.pop()
            del busy[expr]
            final = run.low >= depth
            if final:
                run.low = outer
                if not depth and run.provisional:
                    run.provisional.clear()
            elif outer < run.low:
                run.low = outer
        if memo is not None:
            if final or result.kind != "unknown":  # what is known in spite of a cut is not asked again
                memo[expr] = result
            else:
                run.remember(memo, expr, result)
        return result

    def _name(self, expr: ast.Name, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
        name = expr.id
        found = self.names.lookup(name, scope)
        if found is None:
            if self.index.module.imports_star:
                value = self._starred(name)
                if value.known:
                    return value
            full = self.names.qualified(expr, scope)
            return Value("library", type=full) if full is not None else UNKNOWN
        home, bindings = found
        if len(bindings) == 1:  # wherever it stands, there is no other
            result = self.binding(bindings[0], env)
        else:
            local = scope
            while local is not home and local.kind in ("comprehension", "lambda") and local.parent is not None:
                local = local.parent
            reach = reaching(self.index, bindings, stmt if local is home else None)
            result = self.joined(reach, ("var", home, name), env)
        if result.kind == "unknown":
            return self.by_use(home, name, name, expr)
        return result

    def _starred(self, name: str) -> Value:
        if not self.index.module.imports_star:
            return UNKNOWN
        key = (self, "*", name)
        level = self.run.busy.get(key)
        if level is not None:  # files that import everything from each other
            self.run.cut(level)
            return UNKNOWN
        outer = self.run.open(key)
        try:
            for module, level in reversed(self.index.module.imports_star):
                other = self.program.host.module(module, self.program.document.path, level)
                if other is not None and other.shares(name):
                    value = other.export(name)
                    if value.known:
                        return value
        finally:
            self.run.close(key, outer)
        return UNKNOWN

    def joined(self, bindings: list[Binding], place: Ident, env: Env | None = None) -> Value:
        """What several bindings give one name.

        `try: from mine import f` / `except ImportError: from theirs import f`: the one that the project holds speaks,
        where nothing is known of the other.
        """
        values = [self.binding(b, env) for b in bindings]
        if len(values) > 1 and any(b.kind in ("import", "from") for b in bindings):
            held = [v for v in values if v.kind not in ("library", "unknown")]
            if held and all(v.kind != "library" or kind_of_call(v.type or "") is None for v in values):
                values = held
        return join(values, place)

    def binding(self, b: Binding, env: Env | None = None) -> Value:
        """The value that one binding gives its name."""
        if env is not None and b.kind == "param" and (b.scope, b.name) in env:
            return env[(b.scope, b.name)]
        memo = self._bindings if env is None else env.bindings if env.__class__ is Bound else None
        if memo is not None:
            known = memo.get(b)
            if known is not None:
                return known
        run = self.run
        busy, stack = run.busy, run.stack
        level = busy.get(b)
        depth = len(stack)
        if level is not None or depth > MAX_DEPTH:
            run.cut(level or 0)
            return UNKNOWN
        if run.provisional:
            provisional: Value | None = run.recall(memo, b)
            if provisional is not None:
                return provisional
        busy[b] = depth  # `run.open` and `run.close`, written out
        stack.append(b)
        outer, run.low = run.low, NEVER
        try:
            result = self._binding(b, env)
        finally:
            stack.pop()
            del busy[b]
            final = run.low >= depth
            if final:
                run.low = outer
                if not depth and run.provisional:
                    run.provisional.clear()
            elif outer < run.low:
                run.low = outer
        if memo is not None:
            if final or result.kind != "unknown":  # what is known in spite of a cut is not asked again
                memo[b] = result
            else:
                run.remember(memo, b, result)
        return result

    def _binding(self, b: Binding, env: Env | None) -> Value:
        kind = b.kind
        if kind == "assign" or kind == "walrus":
            ready = launchers.prepared(self, b, env) if b.path and b.value.__class__ is ast.Call else None
            if ready is not None:
                return ready
            result = unpack(self.value(b.value, b.scope, b.stmt, env), b.path) if b.value is not None else UNKNOWN
            if result.kind == "unknown":
                annotation: ast.expr | None = getattr(b.stmt, "annotation", None)
                if annotation is not None:
                    return self.annotated(annotation, b.scope)
            return result
        if kind == "param":
            return self.parameter(b.scope, b.name, env)
        if kind in ("import", "from"):
            return self.imported(b)
        if kind == "def":
            return Value("function", scope=self.index.scopes[b.node], node=b.node, program=self.program,
                         ident=("def", b.node), env=env)  # fmt: skip
        if kind == "class":
            return Value("class", scope=self.index.scopes[b.node], node=b.node, program=self.program,
                         ident=("class", b.node))  # fmt: skip
        if kind in ("for", "comp") and b.value is not None:
            return unpack(element(self.value(b.value, b.scope, b.stmt, env)), b.path)
        if kind == "with" and b.value is not None:
            entered = self.value(b.value, b.scope, b.stmt, env)
            return entered if entered.kind in ("instance", "accelerator", "loader", "batch") else UNKNOWN
        if kind == "aug" and isinstance(b.stmt, ast.AugAssign) and isinstance(b.stmt.target, ast.Name):
            right = self.value(b.stmt.value, b.scope, b.stmt, env)
            left = self._name(ast.Name(b.name, ast.Load()), b.scope, b.stmt, env)
            return arithmetic(left, right)
        return UNKNOWN

    def _attribute(self, expr: ast.Attribute, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
        name = self.names.qualified(expr, scope)
        if name is not None and not name.startswith("."):
            found = self._in_project(expr, scope, stmt, env)
            return found if found is not None else Value("library", type=name)
        base = self.value(expr.value, scope, stmt, env)
        result = self.attribute_of(base, expr.attr)
        if result.kind == "unknown":
            path = dotted(expr)
            if path is not None:
                return self.by_use(scope.class_scope if path.startswith("self.") and scope.class_scope else scope,
                                   path, expr.attr, expr)  # fmt: skip
        return result

    def _in_project(self, expr: ast.Attribute, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value | None:
        """`utils.train` where `utils` is a module of the project."""
        if not isinstance(expr.value, ChainNode):
            return None
        base = self.value(expr.value, scope, stmt, env)
        if base.kind == "pymodule":
            found = self.member(base, expr.attr)
        elif (
            base.kind not in ("library", "unknown") and base.program is not None
        ):  # `from nets import Net`: `Net.build`
            found = self.attribute_of(base, expr.attr)
        else:
            return None
        return found if found.known else None

    def member(self, base: Value, attr: str) -> Value:
        """`base.attr` of a module of the project. A folder of modules without a file of its own has only its name."""
        if base.program is not None:
            return base.program.member(attr)
        if base.type is None or base.home is None:
            return UNKNOWN
        name = f"{base.type}.{attr}"
        other = base.home.host.module(name, base.home.document.path, 0)
        return _module_value(other) if other is not None else Value("pymodule", type=name, home=base.home)

    def attribute_of(self, base: Value, attr: str) -> Value:
        """The value of `base.attr`."""
        kind = base.kind
        if kind == "pymodule":
            return self.member(base, attr)
        if base.scope is not None and base.scope.kind == "class" and base.program is not None:
            result = base.program.evaluator.class_attribute(base.scope, attr, base)
            if result.kind == "const" and given_to(base, attr):
                return UNKNOWN
            if result.kind != "unknown" or kind == "instance":
                return result
        if kind == "module":
            if attr in ("module", "_orig_mod", "_fsdp_wrapped_module"):
                return base.wraps if base.wraps is not None else base
            if attr in ("training", "device", "config", "dtype"):
                return UNKNOWN
            return Value("module", ident=("part", base.base.ident, attr), confidence="medium", node=base.node,
                         program=base.program, via="part", wraps=None)  # fmt: skip
        if kind == "settings":
            return settings.part(self, base, attr, base.node)
        if kind == "container" and base.type == "tuple" and attr in ("values", "indices") and base.items:
            part: Value = base.items[0 if attr == "values" else -1]
            return part  # what `tensor.max(dim)` gives
        if kind == "distribution":
            return probability.part(base, attr)
        if kind in ("output", "tensor", "batch"):
            if attr == "data":
                return base.but(attached=False)
            if attr in ("grad", "shape", "device", "dtype", "grad_fn", "ndim", "requires_grad"):
                return UNKNOWN
            if kind == "output":
                return base.but(kind="tensor", via="loss" if attr.endswith("loss") else None)
            return base.but(via=None) if kind == "batch" else base
        if kind == "optimizer" and attr in ("optimizer", "_optimizer"):
            return base
        if kind == "ema" and attr in ("module", "model", "ema_model", "ema"):
            return Value("module", ident=("part", base.ident, attr), node=base.node, program=base.program, via="ema")
        return UNKNOWN

    def class_attribute(self, cls: Scope, attr: str, instance: Value | None = None) -> Value:
        """`self.attr`, class-wide: what any method assigns, class variables, methods, then the bases."""
        env = instance.env if instance is not None else None
        key = (cls, attr)
        memo = self._attributes if env is None else env.attributes if env.__class__ is Bound else None
        if memo is not None and key in memo:
            return memo[key]
        run = self.run
        busy = run.busy
        level = busy.get(key)
        if level is None:  # what is asked first may be the right side of an assignment of it
            level = next((busy[b.value] for b in cls.attributes.get(attr, ()) if b.value in busy), None)
        if level is not None or len(run.stack) > MAX_DEPTH:
            run.cut(level or 0)
            return self._before(cls, attr, env) if level is not None else UNKNOWN
        if run.provisional:
            provisional: Value | None = run.recall(memo, key)
            if provisional is not None:
                return provisional
        outer = run.open(key)
        final = False
        try:
            result = self._class_attribute(cls, attr, env)
        finally:
            final = run.close(key, outer)
        if memo is not None:
            if final or result.kind != "unknown":  # what is known in spite of a cut is not asked again
                memo[key] = result
            else:
                run.remember(memo, key, result)
        return result

    def _before(self, cls: Scope, attr: str, env: Env | None) -> Value:
        """`self.attr` on the right of `self.attr = DDP(self.attr)`: what the other assignments give it."""
        busy = self.run.busy
        others = [
            b for b in cls.attributes.get(attr, ()) if b.kind == "assign" and b not in busy and b.value not in busy
        ]
        if len(self.run.stack) > MAX_DEPTH or not others or len(others) == len(cls.attributes[attr]):
            return UNKNOWN  # nothing else, or it comes back to itself by way of something else
        return join([self.binding(b, env) for b in others], ("attr", cls, attr))

    def _class_attribute(self, cls: Scope, attr: str, env: Env | None) -> Value:
        assigned = [b for b in cls.attributes.get(attr, ()) if b.kind in ("assign", "for", "with")]
        inside = cls.bindings.get(attr, [])
        values = [self.binding(b, env) for b in assigned]
        values += [self.binding(b) for b in inside]
        if values:
            result = join(values, ("attr", cls, attr))
            if result.kind == "unknown":
                return self.by_use(cls, f"self.{attr}", attr, assigned[0].node if assigned else inside[0].node)
            if result.confidence == "low" and assigned:
                result = self._confirmed(result, cls, attr, assigned[0].node)
            if isinstance(inside[-1].node if inside else None, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in ("property", "cached_property")
                for d in inside[-1].node.decorator_list  # type: ignore[attr-defined]
            ):
                return call_values.returned(self, result, None, cls, None, env)
            return result
        for base in self.bases(cls):
            if base.kind == "class" and base.scope is not None and base.program is not None and base.scope is not cls:
                result = base.program.evaluator.class_attribute(base.scope, attr)
                if _vague(result):
                    result = self._through_hooks(cls, base, attr) or result
                if result.kind != "unknown":
                    return result
        return UNKNOWN

    def _confirmed(self, guess: Value, cls: Scope, attr: str, node: ast.AST) -> Value:
        """What is known of `self.attr` only by the name of what came in, and by what the class calls on it."""
        used = self.by_use(cls, f"self.{attr}", attr, node)
        return guess.but(confidence="medium") if used.kind == guess.kind and used.confidence == "medium" else guess

    def _through_hooks(self, cls: Scope, base: Value, attr: str) -> Value | None:
        """`self.attr` that a base class gets from a method which `cls` overrides: `self.workers = self._make()`."""
        assert base.scope is not None and base.program is not None
        inner = base.program.evaluator
        for b in base.scope.attributes.get(attr, ()):
            call = b.value
            func = call.func if isinstance(call, ast.Call) else None
            if not isinstance(call, ast.Call) or not isinstance(func, ast.Attribute):
                continue
            if isinstance(func.value, ast.Name) and func.value.id == b.scope.self_name:
                hook = self.class_attribute(cls, func.attr)
                if hook.kind == "function" and hook.scope is not None and hook.scope.parent is not base.scope:
                    value = call_values.returned(inner, hook, call, b.scope, b.stmt, None, self.instance_of(cls))
                    if value.known:
                        return unpack(value, b.path)
        return None

    def bases(self, cls: Scope) -> list[Value]:
        """The values of a class's base expressions: classes of the project or library names."""
        node = cls.node
        assert isinstance(node, ast.ClassDef)
        outer = cls.parent or self.index.module
        plain = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)  # `Sampler[int]`
        return [self.value(base, outer, node) for base in plain]

    # -- parameters and imports ------------------------------------------------------------------------------------

    def parameter(self, scope: Scope, name: str, env: Env | None = None) -> Value:
        """What a parameter holds: from the call sites, else its annotation, default, usage, name."""
        cls = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
        if cls is not None and name == scope.self_name and scope.kind == "function":
            if any(isinstance(d, ast.Name) and d.id == "classmethod" for d in scope.decorators):
                return Value("class", scope=cls, node=cls.node, program=self.program, ident=("class", cls.node))
            return self.instance_of(cls)
        node = scope.node
        arg = next((a for a in scope.parameters() if a.arg == name), None)
        if arg is None:
            return UNKNOWN
        if isinstance(node, FunctionNode) and arg in (node.args.vararg, node.args.kwarg):
            return UNKNOWN
        passed = [self.value(e, s, st) if p is self.program else p.evaluator.value(e, s, st)
                  for p, e, s, st in self.program.arguments_of(scope, name)]  # fmt: skip
        default = scope.default_of(name)
        if passed:
            result = join(passed, ("param", scope, name))
            if result.kind not in ("unknown", "const") and (
                result.confidence != "low" or not spells_choice(scope, name)
            ):
                return result
            if result.kind == "const":
                return result if len(passed) == 1 else UNKNOWN
        if arg.annotation is not None:
            annotated = self.annotated(arg.annotation, scope.parent or scope)
            if annotated.kind != "unknown":
                owner = annotated.program if annotated.scope is not None else self.program
                return annotated.but(ident=("param", scope, name), node=arg, program=owner, home=self.program)
            if _plain_type(arg.annotation):
                return UNKNOWN  # `noise_scheduler: str`
        if scope.decorators and not passed:
            configured = settings.of_parameter(self, scope, name)
            if configured is not None:
                return configured
        if default is not None and not passed:
            value = self.value(default, scope.parent or scope, scope.stmt)
            if value.kind not in ("unknown", "const") or (value.kind == "const" and value.const is not None):
                return value
        return self.by_use(scope, name, name, arg)

    def instance_of(self, cls: Scope) -> Value:
        """`self` inside the methods of `cls`."""
        return Value(self.class_kind(cls), scope=cls, program=self.program, ident=("self", cls), node=cls.node)

    def class_kind(self, cls: Scope) -> Kind:
        """What instances of a class of the project are, by its bases."""
        return self.program.class_kind(cls)

    def annotated(self, annotation: ast.expr, scope: Scope) -> Value:
        """The kind that an annotation promises."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except (SyntaxError, ValueError, RecursionError):
                return UNKNOWN
        if isinstance(annotation, ast.Subscript):
            outer = dotted(annotation.value) or ""
            if outer.rpartition(".")[2] == "Optional":
                return self.annotated(annotation.slice, scope)
            return UNKNOWN
        if isinstance(annotation, ast.BinOp):
            sides = [self.annotated(annotation.left, scope), self.annotated(annotation.right, scope)]
            known = [s for s in sides if s.known]
            return known[0] if len(known) == 1 else UNKNOWN
        name = self.names.qualified(annotation, scope)
        if name is not None and not name.startswith("."):
            if name in ("torch.Tensor", "torch.FloatTensor"):
                return Value("tensor")
            kind = kind_of_call(name)
            if kind is None and name.startswith("transformers.") and "Tokenizer" in name:
                kind = "tokenizer"
            if kind is None and name in DATASET_BASES | SAMPLER_BASES:
                kind = "dataset" if name in DATASET_BASES else "sampler"
            if kind is not None:
                return Value(kind, type=name)
        value = self.value(annotation, scope, None)
        if value.kind == "class" and value.scope is not None and value.program is not None:
            return value.program.evaluator.instance_of(value.scope)
        return UNKNOWN

    def imported(self, b: Binding) -> Value:
        """What an import binds: a module or member of the project through the host, else a library name."""
        assert b.module is not None
        full, level = b.module
        top = full.partition(".")[0]
        if level or top not in LIBRARIES:
            found = self._project_import(b, full, level)
            # A folder of data is often called like the library that reads it.
            if found is not None and (found.known or top != "datasets"):
                return found
        name = self.names.qualified(ast.Name(b.name, ast.Load()), b.scope) or self.names.of_import(b)
        return Value("library", type=name) if name is not None and not level else UNKNOWN

    def _project_import(self, b: Binding, full: str, level: int) -> Value | None:
        host, path = self.program.host, self.program.document.path
        if b.kind == "from":
            module, _, member = full.rpartition(".")
            if module or level:
                other = host.module(module, path, level)
                if other is not None and other is not self.program:
                    value = other.export(member)
                    submodule = host.module(full, path, level) if not value.known else None
                    return value if submodule is None else _module_value(submodule)
        other = host.module(full, path, level)
        if other is not None and other is not self.program:
            return _module_value(other)
        # `import folder.module`, where the folder has no `__init__.py`
        spelled = b.node.name if isinstance(b.node, ast.alias) else ""
        if b.kind == "import" and "." in spelled and host.module(spelled, path, 0) is not None:
            return Value("pymodule", type=full, home=self.program)
        return None

    # -- usage, then name; calls -----------------------------------------------------------------------------------

    def by_use(self, scope: Scope, path: str, name: str, node: ast.AST) -> Value:
        """What the methods called on it show, else what it is called. The identity is the variable itself."""
        found = self._usage.kind_of(scope, path, name)
        if found is None:
            return UNKNOWN
        kind, how = found
        return Value(
            kind,
            ident=("var", scope, path),
            confidence="medium" if how == "usage" else "low",
            node=node,
            program=self.program,
        )

    def _call(self, expr: ast.Call, scope: Scope, stmt: ast.stmt | None, env: Env | None) -> Value:
        return call_values.call(self, expr, scope, stmt, env)


def _vague(value: Value) -> bool:
    """What a hook that does nothing gives: nothing known, None, or an empty list."""
    if value.kind == "const":
        return value.const is None
    return value.kind == "unknown" or (value.kind == "container" and not value.items and value.thunk is None)


def _module_value(program: Program) -> Value:
    return Value("pymodule", program=program, ident=("pymodule", program.document.path))


def _plain_type(annotation: ast.expr) -> bool:
    """Whether an annotation promises text, a number, a flag or a dict, perhaps None."""
    if isinstance(annotation, ast.BinOp):
        return _plain_type(annotation.left) and _plain_type(annotation.right)
    if isinstance(annotation, ast.Subscript):
        inner = (dotted(annotation.value) or "").rpartition(".")[2]
        return inner in ("dict", "Dict") or (inner == "Optional" and _plain_type(annotation.slice))
    if isinstance(annotation, ast.Constant):
        return annotation.value is None
    return isinstance(annotation, ast.Name) and annotation.id in ("str", "int", "float", "bool", "dict")


# Handlers are typed by their own node class; the table cannot say so.
_EXPRESSIONS: dict[type, Any] = {
    **expressions.FORMS,
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
    ast.Call: Evaluator._call,
}
