"""Who may know what: the import rules of ARCHITECTURE.md, read from the source of every module."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"dry_debug": ROOT / "server" / "dry_debug", "dry_debug_rules": ROOT / "rules" / "dry_debug_rules"}
PURE = ("text", "program", "lint", "fixes", "spec", "triage", "rules")
# Layers that a layer may import: data flows one way.
MAY_IMPORT = {
    "text": set(),
    "program": {"text"},
    "lint": {"text", "program", "rules"},
    "fixes": {"text", "program", "lint"},
    "rules": {"text", "program", "lint", "fixes", "spec"},
    "spec": {"text", "program"},
    "triage": {"text", "program", "lint", "rules"},
    "render": {"text", "program", "lint", "rules", "spec", "triage"},
    "project": {"text", "program", "lint", "rules", "spec", "render"},  # what is cached is rendered records
    "lsp": {"text", "program", "lint", "fixes", "rules", "spec", "triage", "project", "render"},
    "cli": {"text", "program", "lint", "rules", "spec", "triage", "project", "render", "lsp"},
}
OUTSIDE = {
    "LSP": {"pygls", "lsprotocol"},
    "arguments and the terminal": {"argparse", "rich", "getopt", "optparse", "readline", "curses"},
    "the disk": {"os", "pathlib", "shutil", "tempfile", "glob", "fileinput", "mmap", "sqlite3", "pickle", "shelve"},
    "the clock": {"time", "datetime", "sched"},
    "the network and other processes": {
        *("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "subprocess", "multiprocessing"),
        *("threading", "concurrent", "requests", "httpx", "aiohttp"),
    },
    "the interpreter's own state": {"sys", "jedi", "ctypes", "signal"},
}
TELEMETRY = {"urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "sentry_sdk", "posthog"}


@dataclass(frozen=True)
class Module:
    """One module of ours: `layer` is its package below `dry_debug`, or "rules"."""

    path: Path
    layer: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text("utf-8"))


def modules() -> Iterator[Module]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).parts
            layer = "rules" if package == "dry_debug_rules" else parts[0] if len(parts) > 1 else "top"
            yield Module(path, layer)


MODULES = list(modules())


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(dotted module, line) of every import, those inside functions too; not those only for annotations.

    `importlib.resources`, by which the layers of the analysis read their own package's data, knows no path or disk.
    """
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        stack.extend(ast.iter_child_nodes(node))


def layer_of(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] == "dry_debug_rules":
        return "rules"
    return parts[1] if parts[0] == "dry_debug" and len(parts) > 1 and parts[1] in MAY_IMPORT else None


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_the_layers_are_those_of_the_design() -> None:
    assert {module.layer for module in MODULES} - {"top"} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_the_layers_below_it(module: Module) -> None:
    if module.layer == "top":
        return
    wrong = [
        f"{module}:{line} imports {name}"
        for name, line in imported(module.tree())
        if layer_of(name) not in (None, module.layer) and layer_of(name) not in MAY_IMPORT[module.layer]
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("module", [m for m in MODULES if m.layer in PURE], ids=str)
def test_the_analysis_knows_nothing_of_the_outside(module: Module) -> None:
    wrong = [
        f"{module}:{line} imports {name}, which knows {what}"
        for name, line in imported(module.tree())
        for what, names in OUTSIDE.items()
        if name.partition(".")[0] in names
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_language_server_knows_lsp(module: Module) -> None:
    if module.layer != "lsp":
        assert not [name for name, _ in imported(module.tree()) if name.partition(".")[0] in OUTSIDE["LSP"]]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_command_line_prints_and_exits(module: Module) -> None:
    if module.layer not in ("cli", "top"):
        forbidden = ("print", "sys.exit", "exit", "quit", "os._exit", "input", "breakpoint")
        assert not [(name, line) for name, line in calls(module.tree()) if name in forbidden]


@pytest.mark.parametrize("module", [m for m in MODULES if m.layer not in ("project", "cli", "top")], ids=str)
def test_only_the_project_layer_touches_the_disk(module: Module) -> None:
    methods = (".read_text", ".write_text", ".read_bytes", ".write_bytes", ".unlink", ".mkdir", ".iterdir", ".rglob")
    wrong = [
        f"{module}:{line} calls {name}"
        for name, line in calls(module.tree())
        if (name in ("open", "io.open", "os.open", "os.listdir", "os.walk", "os.scandir") or name.endswith(methods))
        and "resources.files" not in name
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_can_reach_the_network_or_run_foreign_code(module: Module) -> None:
    tree = module.tree()
    names = [name for name, _ in imported(tree) if not name.startswith("urllib.parse")]
    assert not [name for name in names if name.partition(".")[0] in TELEMETRY]
    if module.path.name == "records.py":  # compiles methods that it writes itself, from the fields of our own classes
        return
    assert not [(name, line) for name, line in calls(tree) if name in ("eval", "exec", "__import__", "runpy.run_path")]


HEAVY = {
    "pygls",
    "lsprotocol",
    "libcst",
    "jedi",
    "parso",
    "rich",
    "nbformat",
    "pathspec",
    "packaging",
    "yaml",
    "jsonschema",
}
CHECK = """
import sys
from dry_debug.lint.engine import analyse
from dry_debug.text.document import Document
result = analyse(Document.from_text("import torch\\nstate = torch.load(p)  # noqa: E501\\n"))
assert not result.problems, result.problems
print(*sys.modules)
"""
COMMAND = """
import sys
from dry_debug.cli.main import main
try:
    main(["check", "--no-cache", "--format", "concise", sys.argv[1]])
finally:
    print("modules", *sys.modules)
"""


def loaded(code: str, *arguments: str) -> set[str]:
    """The top-level modules that a new interpreter has loaded after `code`, which prints them as its last line."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(folder.parent) for folder in PACKAGES.values())},
    )
    assert done.stdout, done.stderr
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_an_analysis_loads_no_library_that_it_does_not_need() -> None:
    modules = loaded(CHECK)
    assert "dry_debug" in modules
    assert not modules & HEAVY


def test_the_check_command_loads_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import torch\nstate = torch.load(p)\n", "utf-8")
    modules = loaded(COMMAND, str(tmp_path / "main.py"))
    assert "dry_debug" in modules
    assert not modules & HEAVY
