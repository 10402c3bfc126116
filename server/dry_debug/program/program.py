"""Program: what one document means, for the rules. The facade over names, values, events and the training program.

Rules ask this class; they do not resolve names, order events or trace values by themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dry_debug.once import cached_property
from dry_debug.program import grad_modes
from dry_debug.program import knowledge as know
from dry_debug.program.arguments import given
from dry_debug.program.class_kinds import kind_of
from dry_debug.program.evaluate import Evaluator
from dry_debug.program.grad_modes import GradMode
from dry_debug.program.host import Host
from dry_debug.program.imported_files import imports_a_file
from dry_debug.program.names import Names
from dry_debug.program.registered import Registries
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import LIBRARIES, Scope, last_name
from dry_debug.program.targets import calls_to, find_targets
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import DefinitionNode, LoopNode, RowNode, nodes
from dry_debug.program.why import NOBODY, Why
from dry_debug.text.document import Document, Problem
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.program.callers import Callers
    from dry_debug.program.events import EventIndex
    from dry_debug.program.flagged import Condition
    from dry_debug.program.flow import Flow
    from dry_debug.program.mentions import Imported
    from dry_debug.program.randomness import Randomness
    from dry_debug.program.tokenization import Tokenization
    from dry_debug.program.training import TrainingProgram
    from dry_debug.spec.instruction import Source

MAX_BASES = 100  # a class whose base's base's ... base lies deeper is of no known kind

_BREAKS = re.compile(r"(?<=[(\[{])\s*\n\s*|,?[ \t]*\n\s*(?=[)\]}])")  # behind and before a bracket: no space is due


class Program:
    """The model of one file."""

    why: Why = NOBODY  # is told why a rule says nothing

    def __init__(self, document: Document, tree: ast.Module, host: Host, index: ScopeIndex | None = None) -> None:
        """`index` is that of `tree`, where it is there already."""
        self.document = document
        self.tree = tree
        self.host = host
        self.problems: list[Problem] = []
        self.spec: str | None = None  # the file of instructions that the settings name
        self._grad: dict[object, GradMode] = {}
        self._decorated: dict[object, GradMode | None] = {}
        self._class_kinds: dict[Scope, know.Kind] = {}
        self._starring: set[str] = set()
        self.call_names: dict[ast.Call, str | None] = {}  # of the calls that were looked at
        self._sites: dict[Scope, list[ast.Call]] = {}
        self._known_targets: dict[ast.Call, tuple[Value, Value | None]] = {}
        self.flag_conditions: dict[Scope, list[list[Condition]]] = {}  # of `flagged`
        if index is not None:
            self.__dict__["index"] = index

    # Built when a rule first asks: most files of a large project give no rule a reason to.

    @cached_property
    def registries(self) -> Registries:
        """What it holds of registries of classes and functions."""
        return Registries(self)

    @cached_property
    def index(self) -> ScopeIndex:
        """Scopes, bindings, calls, and which statement holds what."""
        return ScopeIndex(self.tree)

    @cached_property
    def names(self) -> Names:
        """Qualified names."""
        return Names(self.index, self._library_through_star, self._library_through_import)

    def _library_through_import(self, full: str, level: int) -> str | None:
        """`from utils import dist`, where the project's utils has `import torch.distributed as dist`."""
        module, _, name = full.rpartition(".")
        top = full.partition(".")[0]
        key = f"{level}:{full}"
        if not (module or level) or (not level and top in LIBRARIES) or key in self._starring:
            return None
        self._starring.add(key)  # files that import from each other
        try:
            other = self.host.module(module, self.document.path, level)
            found = other.names.exported(name) if other is not None and other is not self else None
        finally:
            self._starring.discard(key)
        return found if found is not None and found.partition(".")[0] in LIBRARIES else None

    def _library_through_star(self, name: str) -> str | None:
        """What a star import of a file of the project binds `name` to, if that file has it from a library."""
        if name.startswith("_") or name in self._starring:
            return None
        self._starring.add(name)  # files that import everything from each other
        try:
            for module, level in reversed(self.index.module.imports_star):
                other = self.host.module(module, self.document.path, level)
                if other is None or other is self or not other.shares(name):
                    continue
                found = other.names.exported(name)
                if found is not None:
                    return found
        finally:
            self._starring.discard(name)
        return None

    @cached_property
    def evaluator(self) -> Evaluator:
        """The values of expressions."""
        return Evaluator(self)

    @cached_property
    def imported(self) -> Sequence[Imported]:
        """What the file imports by absolute names, in any scope, in no promised order."""
        from dry_debug.program.mentions import imports

        return imports(self)

    def release(self) -> None:
        """Take the model apart; it answers nothing any more.

        Its parts hold each other, so without this their memory, some 20 times that of the text, is free only when the
        cycle collector has gone through everything that is alive. Only for a program that nobody else has.
        """
        if "index" in self.__dict__:
            self.index.release()
        if "evaluator" in self.__dict__:
            self.evaluator.release()
        if "events" in self.__dict__:
            self.events.release()
        self.__dict__.clear()

    def version(self, package: str) -> str | None:
        """The version of `package` that is declared or installed for this file; a condition (`>=2.0`) as written.

        What a notebook installs itself is what it runs with.
        """
        if self.document.is_notebook:
            from dry_debug.program.pip_cells import installed

            own = installed(self.document, package)
            if own is not None:
                return own or None
        return self.host.version(package, self.document.path)

    # -- text --------------------------------------------------------------------------------------------------------

    @cached_property
    def is_test(self) -> bool:
        """Whether the file is there to be collected by a test runner, or to help such files."""
        path = self.document.path.replace("\\", "/")
        name = path.rpartition("/")[2]
        if name.startswith(("test_", "conftest")) or "/tests/" in f"/{path}":
            return True
        if any(_is_test_case(c.node) for c in self.index.classes):
            return True  # what the tests of a library, and of those who extend it, derive from
        # Where scripts are called `mnist_test.py`, only what a runner would collect makes a test of the file.
        return name.endswith("_test.py") and any(f.name.startswith("test_") for f in self.index.functions)

    def in_test(self, node: ast.AST) -> bool:
        """Whether a call or statement is there to be run by a test runner: also a test function in another file."""
        if self.is_test:
            return True
        stmt = self.statement(node)
        for block in self.index.ancestors(stmt) if stmt is not None else ():
            if isinstance(block, ast.FunctionDef) and block.name.startswith("test_"):
                function = self.index.scopes[block]
                if not function.returns and not self.call_sites(function):
                    return any(isinstance(inner, ast.Assert) for inner in nodes(block))
        return False

    def span(self, node: ast.AST) -> Span:
        """The span of a node of this tree."""
        lines = self.document.lines
        if not hasattr(node, "lineno"):
            return Span(0, 0)
        start = lines.offset_of_ast(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end_line, end_column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
        if end_line is None or end_column is None:
            return Span(start, start)
        return Span(start, lines.offset_of_ast(end_line, end_column))

    def text(self, node: ast.AST) -> str:
        """The source text of a node."""
        span = self.span(node)
        return self.document.source[span.start : span.end]

    def line(self, node: ast.AST) -> int:
        """The one-based line of a node, inside its cell."""
        return self.document.position(self.span(node).start).line + 1

    def short(self, node: ast.AST, limit: int = 40) -> str:
        """The text of a node on one line, for a message."""
        text = self.text(node)
        text = " ".join((_BREAKS.sub("", text) if "\n" in text else text).split())
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def end_of_arguments(self, call: ast.Call) -> int:
        """Offset behind the last argument of a call that has one, before a trailing comma or comment."""
        ends = [self.span(node).end for node in (*call.args, *(k.value for k in call.keywords))]
        at = end = max(ends)
        source, stop = self.document.source, self.span(call).end - 1
        while at < stop:  # parentheses around the argument itself belong to it
            if source[at] == "#":
                while at < stop and source[at] not in "\r\n":
                    at += 1
                continue
            at += 1
            if source[at - 1] == ")":
                end = at
        return end

    # -- names and calls ---------------------------------------------------------------------------------------------

    @cached_property
    def _calls_by_name(self) -> dict[str, list[ast.Call]]:
        result: dict[str, list[ast.Call]] = {}
        qualified, scope_of, names = self.names.qualified, self.index.scope_of, self.call_names
        for call in self.index.calls:
            name = names[call] = qualified(call.func, scope_of[call])
            if name is not None:
                result.setdefault(name, []).append(call)
        return result

    @cached_property
    def _calls_by_last(self) -> dict[str, list[ast.Call]]:
        result: dict[str, list[ast.Call]] = {}
        for call in self.index.calls:
            func = call.func
            if func.__class__ is ast.Attribute:
                result.setdefault(func.attr, []).append(call)
            elif func.__class__ is ast.Name:
                result.setdefault(func.id, []).append(call)
        return result

    def last_names_called(self) -> Mapping[str, Sequence[ast.Call]]:
        """The last names that are called, `save` of `torch.save`, each with its calls."""
        return self._calls_by_last

    def calls_by_last_name(self, name: str) -> list[ast.Call]:
        """The calls `name(...)` and `<anything>.name(...)`."""
        return self._calls_by_last.get(name, [])

    def calls_of(self, name: str) -> list[ast.Call]:
        """The calls of the canonical qualified `name` (`torch.load`), in source order."""
        calls = self._calls_by_name.get(name, [])
        return sorted(calls, key=lambda c: (c.lineno, c.col_offset)) if len(calls) > 1 else calls

    def names_called(self) -> Mapping[str, Sequence[ast.Call]]:
        """The qualified names that are called, each with its calls."""
        return self._calls_by_name

    def qualified_calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with a qualified name."""
        for name, calls in self._calls_by_name.items():
            for call in calls:
                yield name, call

    def method_calls(self, name: str) -> list[ast.Call]:
        """The calls `<anything>.name(...)`."""
        return [c for c in self._calls_by_last.get(name, []) if isinstance(c.func, ast.Attribute)]

    @cached_property
    def options_by_attribute(self) -> dict[str, list[ast.Call]]:
        """The `add_argument` calls of this file, by the attribute that each fills."""
        from dry_debug.program.settings import names_of

        found: dict[str, list[ast.Call]] = {}
        for call in self.method_calls("add_argument"):
            _, attribute = names_of(call)
            if attribute is not None:
                found.setdefault(attribute, []).append(call)
        return found

    def qualified(self, call: ast.Call) -> str | None:
        """The canonical qualified name of what is called."""
        known = self.call_names.get(call, "")
        if known == "":
            known = self.call_names[call] = self.names.qualified(call.func, self.scope(call))
        return known

    def scope(self, node: ast.AST) -> Scope:
        """The scope that a call or statement stands in."""
        return self.index.scope_of.get(node, self.index.module)

    def statement(self, call: ast.AST) -> ast.stmt | None:
        """The statement that holds a call; a statement itself."""
        found = self.index.stmt_of.get(call)
        return call if found is None and isinstance(call, ast.stmt) else found

    def loop_around(self, node: ast.AST) -> LoopNode | None:
        """The innermost loop of its own function around a call or statement."""
        stmt = self.statement(node)
        for block in self.index.ancestors(stmt) if stmt is not None else ():
            if isinstance(block, LoopNode):
                return block
            if isinstance(block, DefinitionNode):
                return None
        return None

    # -- values ------------------------------------------------------------------------------------------------------

    def value(self, expr: ast.expr, at: ast.AST | None = None) -> Value:
        """The value of `expr`, which stands in the call or statement `at` (itself, if it is a call)."""
        at = at if at is not None else expr
        scope = self.index.scope_of.get(at)
        if scope is None:
            known = self.evaluator._memo.get(expr)
            return known if known is not None else UNKNOWN
        return self.evaluator.value(expr, scope, self.statement(at))

    def export(self, name: str) -> Value:
        """What `from this_module import name` gives."""
        bindings = self.index.module.bindings.get(name)
        if bindings:
            return self.evaluator.joined(bindings, ("var", self.index.module, name))
        return self.evaluator._starred(name)

    def member(self, name: str) -> Value:
        """`this_module.name`: what the module binds, else the module of that name in the package that it is."""
        found = self.export(name)
        if not found.known and self.document.path.replace("\\", "/").endswith("/__init__.py"):
            other = self.host.module(name, self.document.path, 1)
            if other is not None and other is not self:
                return Value("pymodule", program=other, ident=("pymodule", other.document.path))
        return found

    def shares(self, name: str) -> bool:
        """Whether `from this_module import *` brings `name`, if the module binds it."""
        return not name.startswith("_") if self._all is None else name in self._all

    @cached_property
    def _all(self) -> frozenset[str] | None:
        """What `__all__` lists; None where there is none, or it is computed."""
        names: set[str] = set()
        bindings = self.index.module.bindings.get("__all__", [])
        for binding in bindings:
            if not isinstance(binding.value, RowNode) or binding.kind not in ("assign", "aug"):
                return None
            for element in binding.value.elts:
                if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
                    return None
                names.add(element.value)
        return frozenset(names) if bindings else None

    def class_kind(self, cls: Scope, depth: int = 0) -> know.Kind:
        """What instances of a class are, by its bases and by what it defines."""
        known = self._class_kinds.get(cls)
        if known is not None:
            return known
        if depth > MAX_BASES:
            return "instance"
        self._class_kinds[cls] = "instance"  # a class that inherits from itself
        kind = self._class_kinds[cls] = kind_of(self, cls, depth)
        return kind

    # -- calls of functions --------------------------------------------------------------------------------------------

    @cached_property
    def imports_project(self) -> bool:
        """Whether an import leads to another file of the project; without one few objects come from there."""
        return imports_a_file(self)

    @cached_property
    def leaves_file(self) -> bool:
        """Whether a call in it may lead to another file: without an import also by a module's name, as text."""
        source = self.document.source
        return self.imports_project or "import_module" in source or "hydra" in source or "instantiate" in source

    @cached_property
    def own_attributes(self) -> frozenset[str] | None:
        """The attributes of the file's classes, where calls lead to no other file: `x.step()` runs a function of the
        project only if `step` is one of them. None: calls may lead elsewhere."""
        if self.leaves_file:
            return None
        return frozenset(name for cls in self.index.classes for name in (*cls.bindings, *cls.attributes))

    def target(self, call: ast.Call) -> Value:
        """The function of the project that `call` calls (with its class bound), or UNKNOWN."""
        return self._targets(call)[0]

    def _targets(self, call: ast.Call) -> tuple[Value, Value | None]:
        known = self._known_targets.get(call)
        if known is None:
            known = find_targets(self, call)
            run = self.host.evaluation  # inside of another question the answer may be provisional
            if not run.stack and run.fuel > 0:
                self._known_targets[call] = known
        return known

    def call_sites(self, function: Scope) -> list[ast.Call]:
        """The calls in this file that lead to `function` (a method: through an instance, or making one)."""
        known = self._sites.get(function)
        if known is None:
            self._sites[function] = []  # a function that its own arguments lead to
            known = self._sites[function] = calls_to(self, function)
        return known

    def arguments_of(self, function: Scope, name: str) -> list[tuple[Program, ast.expr, Scope, ast.stmt | None]]:
        """What the calls in this file pass for parameter `name`: (program, expression, scope, statement)."""
        result: list[tuple[Program, ast.expr, Scope, ast.stmt | None]] = []
        for call in self.call_sites(function):
            expr = given(call, function, name)
            if expr is not None:
                result.append((self, expr, self.scope(call), self.statement(call)))
        return result

    # -- modes -------------------------------------------------------------------------------------------------------

    # Asked for nearly every tensor: a method that only calls the function would cost as much again.
    grad_mode = grad_modes.grad_mode
    own_grad_mode = grad_modes.own_grad_mode
    no_grad_around = grad_modes.no_grad_around
    with_mode = grad_modes.with_mode
    decorated_no_grad = grad_modes.decorated_no_grad

    # -- instructions ------------------------------------------------------------------------------------------------

    @property
    def instructions(self) -> list[Source]:
        """The files that may hold instructions for this one, the nearest first."""
        return self.host.instructions(self.document.path, self.spec)

    def comment_at(self, node: ast.AST) -> str:
        """The text of the comment on the node's line, else of the one that stands alone on the line above; or ""."""
        index = self.document.lines
        line = index.line_of(self.span(node).start)
        last = index.line_of(self.span(node).end)
        own = index.text[self.span(node).end : index.line_end(last)]
        hash_at = own.find("#")
        if hash_at >= 0 and not any(quote in own[:hash_at] for quote in "\"'"):
            return own[hash_at:].strip("# \t")
        above = index.line_text(line - 1).strip() if line > 0 else ""
        return above.strip("# \t") if above.startswith("#") else ""

    # -- events and the training program -----------------------------------------------------------------------------

    @cached_property
    def events(self) -> EventIndex:
        """The events of this file (backward, step, eval, ...) and the event trees of its functions."""
        from dry_debug.program.events import EventIndex

        return EventIndex(self)

    @cached_property
    def flow(self) -> Flow:
        """Where values go."""
        from dry_debug.program.flow import Flow

        return Flow(self)

    @cached_property
    def callers(self) -> Callers:
        """Calls of this file's functions in other files."""
        from dry_debug.program.callers import Callers

        return Callers(self)

    @cached_property
    def randomness(self) -> Randomness:
        """What is seeded and what is drawn."""
        from dry_debug.program.randomness import Randomness

        return Randomness(self)

    @cached_property
    def tokenization(self) -> Tokenization:
        """Tokenizers, and where they pad."""
        from dry_debug.program.tokenization import Tokenization

        return Tokenization(self)

    @cached_property
    def training(self) -> TrainingProgram:
        """What the file is as a training program."""
        from dry_debug.program.training import TrainingProgram

        return TrainingProgram(self)


def _is_test_case(node: ast.AST) -> bool:
    """`class NetTestCase(ToolTestCase)`; a `TestCase` that holds data (a prompt and its answer) has no such base."""
    return isinstance(node, ast.ClassDef) and any(last_name(base).endswith("TestCase") for base in node.bases)
