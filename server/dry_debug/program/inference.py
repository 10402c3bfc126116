"""In which mode a model is where it is evaluated: the walk that the rules about evaluation share."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from dry_debug.program.automata import Automaton, Hit, collect, run
from dry_debug.program.events import function_of
from dry_debug.program.grad_modes import GradMode
from dry_debug.program.reaching import side
from dry_debug.program.relations import belongs_to, given_by_maker, made_by_branches, touches
from dry_debug.program.scopes import last_name
from dry_debug.program.values import Value
from dry_debug.program.walks import ChainNode, FunctionNode, LoopNode, names_in, nodes

if TYPE_CHECKING:
    from dry_debug.program.automata import Context
    from dry_debug.program.events import Event
    from dry_debug.program.paths import Occurrence
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.trees import CallTree

KINDS = frozenset(("train", "eval", "mode", "backward", "forward"))


def evaluated(program: Program) -> list[tuple[Event, Value]]:
    """The calls of models that the program comes to, with the models as the callers see them."""
    return [(event, obj) for event, obj, _ in collect(program, "forward") if obj.kind == "module"]


def modes(module: Value, program: Program) -> list[Hit]:
    """The calls of `module` that the program comes to in one certain mode, which is the label of the hit.

    `fresh` as it was made, `trained` behind `train()` and a backward pass, `eval`. Certainty as always: `must` when the
    mode is the same on all paths to the call.
    """
    known = program.events.modes.get(module.base.ident)
    if known is None:
        known = program.events.modes[module.base.ident] = run(Modes(module), program)
    return known


def asked_mode(event: Event, calls: tuple[CallTree, ...] = ()) -> str | None:
    """The mode (`train`, `eval`) in which alone the program comes to an event, by a test around it, or around the
    calls that lead to it: `if model.training:`."""
    for program, stmt in ((event.program, event.stmt), *((t.program, t.program.statement(t.call)) for t in calls)):
        if stmt is None or ".training" not in program.document.source:
            continue
        current: ast.AST = stmt
        for block in program.index.ancestors(stmt):
            if isinstance(block, FunctionNode):
                break
            trains = _asks_training(block.test) if isinstance(block, ast.If) else None
            if trains is not None:
                return "train" if trains is (side(block, current) == "body") else "eval"
            current = block
    return None


def _asks_training(test: ast.expr) -> bool | None:
    """Whether a test holds where a model trains (True), or where it does not (False); None: it asks something else."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        trains = _asks_training(test.operand)
        return None if trains is None else not trains
    return True if isinstance(test, ast.Attribute) and test.attr == "training" else None


class Modes(Automaton):
    """Of one module. A state is (mode, worked): `fresh`, `train`, `eval` or `unknown`; a backward pass since then."""

    kinds = KINDS
    start = ("fresh", False)
    seldom = False
    ways = True

    def __init__(self, module: Value) -> None:
        self.module = module

    def counts(self, state: Hashable, label: Hashable) -> bool:
        return state != ("train", False)  # a way past all training says nothing about the others

    def step(self, state: Hashable, event: Event, context: Context) -> tuple[Hashable, Hashable | None]:
        assert isinstance(state, tuple)
        mode, worked = state
        kind = event.kind
        if kind == "backward":
            return (mode, True), None
        obj = context.resolve(event.obj)
        if kind == "forward":
            if obj.base.ident != self.module.base.ident:
                return state, None
            label = mode if mode in ("fresh", "eval") else "trained" if mode == "train" and worked else None
            asked = asked_mode(event, context.calls) if label is not None else None
            return state, label if asked is None or asked == mode else None
        held = {holds(each, self.module) for each in made_by_branches(obj)}
        if belongs_to(self.module, obj) or held == {True} or context.same(obj, self.module.base.ident):
            return ("unknown" if kind == "mode" else kind, worked and kind == "eval"), None
        if True not in held and touches(obj, [self.module]) is False:
            return state, None
        return ("unknown", worked), None  # a part of it, or perhaps this very one


def may_be_put(module: Value, obj: Value) -> bool:
    """Whether switching the mode of `obj`, as a caller sees it, may switch that of `module` for certain."""
    mine, ident = obj.base.ident, module.base.ident
    if mine == ident or given_by_maker(mine, ident) or belongs_to(module, obj):
        return True
    return any(holds(each, module) for each in made_by_branches(obj))


def gradients_at(place: Occurrence) -> GradMode:
    """Whether autograd records at an event, seen through the calls that the walk came by."""
    outer = place.event.program.grad_mode(place.event.node)
    if not place.calls or outer == "off":
        return outer
    mode = place.event.program.own_grad_mode(place.event.node)
    for tree in reversed(place.calls):
        if mode is not None:
            return mode
        outer, mode = tree.program.grad_mode(tree.call), tree.program.own_grad_mode(tree.call)
    return mode if mode is not None else outer


def data_loop(place: Occurrence) -> tuple[Program, LoopNode | ast.comprehension] | None:
    """The innermost loop around an event, here or in a caller, if what it goes through is given to the model.

    None for a loop that computes gradients, too.
    """
    spots = [(place.event.program, place.event.node), *((tree.program, tree.call) for tree in reversed(place.calls))]
    for program, node in spots:
        scope, stmt = program.scope(node), program.statement(node)
        if stmt is None:
            return None
        if scope.kind == "comprehension":
            part: ast.comprehension = scope.node.generators[0]  # type: ignore[union-attr]
            around = scope.parent
            data = around is not None and program.training.loops.gives_data(part.iter, around, stmt)
            return (program, part) if data and _given(node, names_in(part.target)) else None
        for block in program.index.ancestors(stmt):
            if isinstance(block, LoopNode):
                return (program, block) if _evaluates(block, node, scope, program) else None
            if isinstance(block, FunctionNode):
                break
    return None


def _evaluates(loop: LoopNode, call: ast.AST, scope: Scope, program: Program) -> bool:
    """Whether the loop computes no gradients and gives `call` something new in each iteration."""
    loops = program.training.loops
    if not loops.goes_over_data(loop) or loops.steps_in(loop):
        return False
    end = loop.body[-1]
    while isinstance(end, ast.With | ast.AsyncWith | ast.Try):
        end = end.body[-1]
    if isinstance(end, ast.Break):
        return False  # one batch, for a look
    names = set() if isinstance(loop, ast.While) else names_in(loop.target)
    first, last = loop.lineno, loop.end_lineno or loop.lineno
    for name, bindings in scope.bindings.items():
        if any(b.kind != "param" and b.stmt is not None and first < b.stmt.lineno <= last for b in bindings):
            names.add(name)
    return _given(call, names)


def _given(call: ast.AST, names: set[str]) -> bool:
    """Whether an argument of the call reads one of the names."""
    if not isinstance(call, ast.Call):
        return False
    values = (*call.args, *(k.value for k in call.keywords))
    return any(isinstance(n, ast.Name) and n.id in names for value in values for n in nodes(value))


def scored(place: Occurrence) -> bool:
    """Whether the loop over data around an event only compares predictions with labels: nothing in it trains."""
    around = data_loop(place)
    if around is None or _says_training(around[1], around[0]):
        return False
    return _predicts(place.event) or _compares(*around, _picks(place.event)) or scores(place.event)


def may_score(event: Event) -> bool:
    """Whether the loop around a call compares predictions with labels, or its function predicts: asks for no walk."""
    program = event.program
    blocks = (b for b in program.index.ancestors(event.stmt) if isinstance(b, LoopNode))
    loop = next(blocks, None)
    if loop is None:
        return _picks(event)
    own = event.scope.kind != "comprehension" and program.scope(loop) is event.scope
    if own and not program.events.trains_nothing and _says_training(loop, program):
        return False  # whatever calls a walk comes by, `scored` asks this loop
    return _picks(event) or _compares(program, loop, False)


def in_own_loop(event: Event) -> bool:
    """Whether the innermost loop around a call is one of its own function: then no caller's loop is asked."""
    if event.scope.kind == "comprehension":
        return True
    program = event.program
    loop = next((b for b in program.index.ancestors(event.stmt) if isinstance(b, LoopNode)), None)
    return loop is not None and program.scope(loop) is event.scope


def _predicts(event: Event) -> bool:
    """Whether the classes are picked out of what the model gives, in the function of the call: no loss needs that."""
    function, stmt = function_of(event.scope), event.stmt
    if function is None:
        return False
    names = {n for target in stmt.targets for n in names_in(target)} if isinstance(stmt, ast.Assign) else set[str]()
    for call in function.calls:
        if last_name(call.func) in ("argmax", "topk") or (last_name(call.func) == "max" and len(call.args) > 0):
            given = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            for node in (n for expr in (*given, *call.args) for n in nodes(expr)):
                if node is event.node or (isinstance(node, ast.Name) and node.id in names):
                    return True
    return False


def _picks(event: Event) -> bool:
    """Whether the function of a call goes from scores to classes."""
    function = function_of(event.scope)
    return function is not None and any(last_name(call.func) in _CLASSES for call in function.calls)


def _says_training(loop: ast.AST, program: Program) -> bool:
    text = program.text(loop)
    return any(word in text for word in _TRAINS)


def _compares(program: Program, loop: ast.AST, picks: bool) -> bool:
    """Whether a loop goes from scores to classes, unless that is known to happen elsewhere, and compares them."""
    known = program.events.comparing.get(loop)
    if known is None:
        inside = list(nodes(loop)) if isinstance(loop, LoopNode) else []
        picked = any(isinstance(n, ast.Call) and last_name(n.func) in _CLASSES for n in inside)
        known = program.events.comparing[loop] = picked, any(map(_equates, inside))
    return (picks or known[0]) and known[1]


def _equates(node: ast.AST) -> bool:
    """`predicted == labels`, `predicted.eq(labels)`: of two values, neither of which is written out."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
        sides = (node.left, node.comparators[0])
        return not any(isinstance(side, ast.Constant) or _remainder(side) for side in sides)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "eq"


def _remainder(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)


_TRAINS = ("optim", "backward", "scaler", "zero_grad", ".step(", "autograd.grad", "requires_grad")


def never_trains(*programs: Program) -> bool:
    """Whether no line of the files speaks of gradients or of an optimizer: they only run models."""
    return all(p.events.trains_nothing for p in programs)


def scores(event: Event) -> bool:
    """Whether the function of the event only compares predictions with labels: it computes no gradients."""
    program, function = event.program, function_of(event.scope)
    if function is None or function.kind != "function" or program.training.loops.function_trains(function):
        return False
    classes = any(last_name(call.func) in _CLASSES for call in function.calls)
    return classes and any(isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Eq) for n in nodes(function.node))


_CLASSES = frozenset(("argmax", "max", "topk", "round", "sort"))  # from scores to classes


def root_of(hit: Hit) -> Scope | None:
    """The function, or the module, that the walk to a hit began in."""
    if hit.calls:
        return function_of(hit.calls[0].program.scope(hit.calls[0].call))
    return function_of(hit.event.scope)


def unknown_switches(program: Program) -> Iterator[ast.Call]:
    """Calls in one file that may put any model into evaluation mode: `.eval()` of what nobody knows."""
    for call in program.method_calls("eval"):
        assert isinstance(call.func, ast.Attribute)
        if not call.args and program.value(call.func.value, call).kind in ("unknown", "output"):
            yield call
    for call in program.method_calls("train"):
        assert isinstance(call.func, ast.Attribute)
        if (call.args or call.keywords) and program.value(call.func.value, call).kind == "unknown":
            yield call


def switched(module: Value, program: Program) -> Event | None:
    """A switch of the mode in this file that may be one of `module`, wherever it stands."""
    for event in program.events.of_kind("train", "eval", "mode"):
        whole = made_by_branches(event.obj)
        if touches(event.obj, [module]) is not False or any(holds(each, module) for each in whole):
            return event
    return None


def holds(whole: Value, module: Value) -> bool:
    """Whether `whole` was made of `module`: `nn.Sequential(encoder, head)`, `Wrapper(encoder)`."""
    call, owner = whole.base.args, whole.base.origin
    if call is None or owner is None or call not in owner.index.scope_of:
        return False
    for expr in nodes(call):
        if isinstance(expr, ChainNode) and owner.value(expr, call).base.ident == module.base.ident:
            return True
    return False


def set_above(event: Event) -> bool:
    """Whether the last switch above a call in its own block, or in one around it, is to evaluation mode."""
    program = event.program
    blocks = {program.index.parent.get(event.stmt), *map(program.index.parent.get, program.index.ancestors(event.stmt))}
    found = False
    for switch in program.events.of_kind("train", "eval", "mode"):
        if switch.scope is event.scope and switch.stmt.lineno < event.stmt.lineno:
            certain = program.index.parent.get(switch.stmt) in blocks
            same = switch.obj.base.ident is not None and switch.obj.base.ident == event.obj.base.ident
            if switch.kind == "eval":
                found = found or (certain and same)
            elif same or switch.obj.base.ident is None:
                found = False
    return found


def own_switch(module: Value) -> bool:
    """Whether the class of a module has a `train` or `eval` of its own: nobody follows what it does."""
    base = module.base
    if base.kind == "module" and base.items:  # made in one of several branches
        return any(map(own_switch, base.items))
    if base.scope is None or base.program is None or base.scope.kind != "class":
        return False
    ev = base.program.evaluator
    return any(ev.class_attribute(base.scope, name).kind == "function" for name in ("train", "eval"))
