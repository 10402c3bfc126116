"""A model that is saved inside of a wrapper: DDP puts `module.` before the names of its entries, `torch.compile` puts
`_orig_mod.` there, and a file with such names loads into a model that is wrapped alike and into no other.

Where the program itself reads the entry, both ends change together, and what loads takes files from before the change
as well. Where nobody can see who reads the file, its names stay: another program may count on them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.fixes.at_hand import at_top
from dry_debug.fixes.layout import indent_of, lines_before, quote_of
from dry_debug.lint.finding import NeedImport
from dry_debug.program.payload import literal_entries
from dry_debug.program.reaching import reaching
from dry_debug.program.restored import Loaded
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.checkpoints import LoadSite
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run
    from dry_debug.program.scopes import Binding
    from dry_debug.program.values import Value

_ATTRIBUTES = {"ddp": "module", "dp": "module", "compile": "_orig_mod"}
_STRIP = "consume_prefix_in_state_dict_if_present"
_Layers = tuple[str, ...]  # the wrappers from the outermost on, as the attributes under which they have what they wrap


@dataclass(frozen=True, slots=True)
class Bare:
    """A wrapped model: `text` is the model inside, as code, and `prefixes` what its wrappers put before its names."""

    text: str
    prefixes: _Layers


@dataclass(frozen=True, slots=True)
class _Restore:
    owner: Program
    call: ast.Call  # x.load_state_dict(state)
    state: ast.expr
    model: str  # x without its wrappers, as code


@dataclass(frozen=True, slots=True)
class Unwrapping:
    """One entry whose model is saved without its wrappers: `value` is its `x.state_dict()`; where it is put back."""

    key: str
    value: ast.Call
    bare: Bare
    restores: tuple[_Restore, ...]


def bare(expr: ast.expr, at: ast.AST, program: Program) -> Bare | None:
    """The model inside of the wrappers that `expr` has at `at`; None where it has none, or nobody knows which."""
    text = dotted(expr)
    options = _options(expr, at, program) if text is not None else None
    if text is None or not options or options == {()}:
        return None
    layers = max(options, key=len)
    return Bare(_inside(text, layers, options == {layers}, program), tuple(f"{a}." for a in layers))


def _inside(text: str, layers: _Layers, certain: bool, program: Program) -> str:
    if certain:
        return ".".join((text, *layers))
    mark = quote_of(program)
    return f"getattr({text}, {mark}{layers[0]}{mark}, {text})"


def _options(expr: ast.expr, at: ast.AST, program: Program) -> set[_Layers] | None:
    """The wrappers that a model may have at `at`: on some ways it may have none; None: nobody knows."""
    layers = _layers(program.value(expr, at))
    if layers is None:
        return None
    if not layers:
        return {()}
    options: set[_Layers] = set()
    made = _reach(expr, at, program)
    if any(b.value is not None and _takes_off(b.value, layers) for b in made):
        return {()}
    for b in made:
        of_this = _layers(program.evaluator.binding(b)) if b.kind != "param" else layers
        if of_this is None:
            return None
        options.add(of_this)
        if of_this and not _wraps_here(b, program):
            options.add(())
    whole = options - {()}
    if len(whole) != 1 or (() in options and len(next(iter(whole))) > 1):
        return None
    return options


def _layers(value: Value) -> _Layers | None:
    """The wrappers of a value; None where one of them keeps its model in another way."""
    found: list[str] = []
    while value.wraps is not None and len(found) < 4:
        attribute = _ATTRIBUTES.get(value.via or "")
        if attribute is None:
            return None
        found.append(attribute)
        value = value.wraps
    own = value.scope.attributes if value.scope is not None and value.scope.kind == "class" else {}
    return None if any(a in own for a in found) else tuple(found)


def _reach(expr: ast.expr, at: ast.AST, program: Program) -> list[Binding]:
    """What may have given the variable or attribute its value."""
    scope, stmt = program.scope(at), program.statement(at)
    if isinstance(expr, ast.Name):
        found = program.names.lookup(expr.id, scope)
        if found is None:
            return []
        home, bindings = found
        if home is scope:
            return reaching(program.index, bindings, stmt)
    else:
        text, cls = dotted(expr) or "", scope.class_scope
        if cls is None or text.count(".") != 1 or text.partition(".")[0] != scope.self_name:
            return []
        bindings = cls.attributes.get(text.partition(".")[2], [])
        if any(b.scope is not bindings[0].scope for b in bindings):
            return bindings
        home = bindings[0].scope if bindings else scope
    latest = [i for i, b in enumerate(bindings) if at_top(program, b.stmt, home)]
    return bindings[latest[-1] :] if latest else bindings


def _takes_off(value: ast.expr, layers: _Layers) -> bool:
    """`model.module if hasattr(model, "module") else model`: the program does it itself."""
    return any(isinstance(n, ast.Attribute) and n.attr in layers for n in nodes(value))


def _wraps_here(b: Binding, program: Program) -> bool:
    """Whether the binding puts the wrapper on, whatever else is the case: `model = DDP(model)`, also with `.cuda()`."""
    made = b.value
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and isinstance(made.func.value, ast.Call):
        made = made.func.value
    return isinstance(made, ast.Call) and not b.path and program.value(made).via in _ATTRIBUTES


def saved_wrapped(run: Run, program: Program) -> list[tuple[str, ast.Call, Bare]]:
    """(key, `x.state_dict()`, x without its wrappers) of the models that `run` saves inside of their wrappers."""
    site = run.site
    if site.dict_node is None or site.owner is not program:
        return []
    found = []
    for key, value in literal_entries(site.dict_node):
        if key is None:
            continue
        model = bare(value.func.value, site.node, program) if is_state(value) else None  # type: ignore[attr-defined]
        if model is not None:
            found.append((key, value, model))
    return found  # type: ignore[return-value]


def is_state(value: ast.expr) -> bool:
    """Whether it is `x.state_dict()`."""
    plain = isinstance(value, ast.Call) and not value.args and not value.keywords
    return plain and isinstance(value.func, ast.Attribute) and value.func.attr == "state_dict"  # type: ignore[attr-defined]


def unwrappings(
    run: Run, loads: Iterator[tuple[Program, LoadSite]], program: Program
) -> tuple[list[Unwrapping], list[tuple[str, Bare]]]:
    """(the entries that can be saved without wrappers since every load of them is known, key and model of those that
    stay as they are)."""
    known = list(loads)
    found, kept = [], []
    for key, value, model in saved_wrapped(run, program):
        restores = _restores(key, model, known, program)
        if restores:
            found.append(Unwrapping(key, value, model, tuple(restores)))
        else:
            kept.append((key, model))
    return found, kept


def _restores(key: str, model: Bare, loads: list[tuple[Program, LoadSite]], program: Program) -> list[_Restore] | None:
    """Where the entry `key` is put back; None where one place does with it what is not understood."""
    found: dict[ast.Call, _Restore] = {}
    for owner, load in loads:
        if key not in load.keys:
            continue
        loaded = owner.training.checkpoints.loaded(load.node)
        uses: set[ast.AST] = set()
        for state, part, value, call in loaded.restores:
            if part != key:
                continue
            stmt, receiver = owner.statement(call), call.func.value if isinstance(call.func, ast.Attribute) else None
            entry = _entry(state, key, call, owner)
            if entry is None or receiver is None or stmt is None or indent_of(owner, stmt) is None:
                return None
            text = _receiver(receiver, call, value, model, owner, program)
            if text is None:
                return None
            uses.add(entry)
            found[call] = _Restore(owner, call, state, text)
        if not uses or _other_uses(key, loaded, uses, owner):
            return None
    return list(found.values())


def _receiver(
    expr: ast.expr, call: ast.Call, value: Value, model: Bare, owner: Program, program: Program
) -> str | None:
    """What the state goes into without its wrappers, as code."""
    text = dotted(expr)
    if text is None:
        return None
    if owner is program:
        options = _options(expr, call, owner)
        if options is not None:
            known = bare(expr, call, owner)
            return known.text if known is not None else text if value.kind == "module" else None
    elif isinstance(expr, ast.Name) and len(model.prefixes) == 1:
        return _inside(text, (model.prefixes[0][:-1],), False, owner)  # other callers may pass it unwrapped
    return None


def _entry(state: ast.expr, key: str, at: ast.Call, owner: Program) -> ast.AST | None:
    """The `checkpoint[key]` that `state` is, in its place or as the one value of a variable."""
    if isinstance(state, ast.Name):
        found = owner.names.lookup(state.id, owner.scope(at))
        held = found[1] if found is not None else []
        state = held[0].value if len(held) == 1 and held[0].value is not None and not held[0].path else state
    if not isinstance(state, ast.Subscript) or not isinstance(state.value, ast.Name):
        return None
    return state if isinstance(state.slice, ast.Constant) and state.slice.value == key else None


def _other_uses(key: str, loaded: Loaded, uses: set[ast.AST], owner: Program) -> bool:
    """Whether the entry is also looked at in other ways: its names may be changed there."""
    for one in loaded.all():
        for node in nodes(one.scope.node):
            if not isinstance(node, ast.Constant) or node.value != key:
                continue
            parent = next((n for n in nodes(one.scope.node) if isinstance(n, ast.Subscript) and n.slice is node), None)
            if parent is None or parent in uses or not isinstance(parent.value, ast.Name):
                continue
            if parent.value.id in one.direct and isinstance(parent.ctx, ast.Load):
                return True
    return False


def put_back(changes: Changes, unwrapping: list[Unwrapping]) -> bool:
    """Restores the entries into the models themselves, files from before the change included."""
    stripped: set[tuple[int, str]] = set()
    for one in unwrapping:
        for place in one.restores:
            owner, call = place.owner, place.call
            assert isinstance(call.func, ast.Attribute)
            stmt, state = owner.statement(call), owner.text(place.state)
            if stmt is None:
                return False
            if owner.text(call.func.value) != place.model:
                changes.replace(owner.span(call.func.value), place.model, owner)
            at = (id(owner.scope(call)), state)
            if at in stripped:
                continue
            stripped.add(at)
            mark = quote_of(owner)
            lines = [f"{_STRIP}({state}, {mark}{prefix}{mark})" for prefix in one.bare.prefixes]
            if not lines_before(changes, stmt, lines, owner):
                return False
            changes.need(NeedImport("torch.nn.modules.utils", _STRIP), program=owner)
    return True


def new_texts(unwrapping: list[Unwrapping]) -> dict[ast.expr, str]:
    """What is saved instead, by the value in the dict."""
    return {one.value: f"{one.bare.text}.state_dict()" for one in unwrapping}
