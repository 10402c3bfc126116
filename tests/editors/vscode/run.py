"""Tests the VS Code extension in a real VS Code: `python tests/editors/vscode/run.py`.

Installs what it needs into `.editors/` (see tools.py), makes the .vsix unless one is given, installs it into a
code-server of its own, and drives that through Chromium. One line a check; exit status 0 when all hold, 1 otherwise.
Screenshots and logs are left in the output folder. The checks come in four parts, each in an editor of its own:

- `api`: findings, fixes, settings, seen through the API of VS Code
- `ui`: the same as a user sees it
- `asked`: instructions, the report, "Where Do I Look?"
- `undo`: one undo takes back a whole fix

What they open stands in `workspace/` (the mistakes of train.py and notebook.ipynb are there on purpose, and resume.py
has none), `asked/` and `undo/` (again with mistakes).
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tools

if TYPE_CHECKING:
    from code_server import CodeServer
    from report import Report
    from workbench import Workbench

HERE = Path(__file__).resolve().parent
# The parts of the test, and what each opens.
FOLDERS = {"api": "workspace", "ui": "workspace", "asked": "asked", "undo": "undo"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vsix", type=Path, help="test this file instead of making one")
    parser.add_argument("--out", type=Path, default=tools.TOOLS / "out", help="folder for screenshots and logs")
    parser.add_argument("--only", choices=tuple(FOLDERS), nargs="+", default=[*FOLDERS], help="leave the rest out")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="only take the picture of the README")
    parser.add_argument("--hovers", type=Path, metavar="FOLDER", help="only take pictures of five hovers in examples/")
    options = parser.parse_args()
    tools.install_python()
    if Path(sys.prefix).resolve() != (tools.TOOLS / "py").resolve():
        os.execv(tools.PYTHON, [str(tools.PYTHON), *sys.argv])
    tools.install_editor()
    vsix = options.vsix.resolve() if options.vsix else make_vsix()
    if options.picture:
        return picture(vsix, options.picture.resolve())
    if options.hovers:
        return hovers(vsix, options.hovers.resolve())
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    return test(vsix, options.out.resolve(), options.only)


def none_left(server: "CodeServer") -> None:
    from report import wait_for

    wait_for("the servers to end", lambda: not server.language_servers(), timeout=10)


def picture(vsix: Path, file: Path) -> int:
    """Takes the picture of the README: a file with findings, the pointer on one of them."""
    from code_server import CodeServer
    from workbench import GROUP, Workbench, chromium_page

    with tempfile.TemporaryDirectory(prefix="dry-debug-picture-") as folder:
        workspace = Path(folder) / "classifier"
        shutil.copytree(HERE / "workspace", workspace)
        settings = {"breadcrumbs.enabled": False, "editor.fontSize": 15, "editor.hover.above": False}
        server = CodeServer(Path(folder) / "home", workspace, vsix, settings)
        with server, chromium_page(tools.chromium()) as page:
            bench = Workbench(page)
            bench.open(server.host, workspace)
            bench.open_file("train.py")
            bench.wait("squiggles", bench.squiggles)
            errors = page.locator(f"{GROUP} .squiggly-error")
            bench.wait("an error", errors.count)
            # Scrolled up until the hover fits below the finding, where it hides none of the code above it.
            page.mouse.move(800, 400)
            while bench.middle(first := min(errors.all(), key=lambda one: bench.middle(one)[1]))[1] > 440:
                page.mouse.wheel(0, 60)
                bench.pause(0.1)
            bench.hover(first)
            bench.pause(1)  # the hover fades in
            page.screenshot(path=file)
    return 0


def hovers(vsix: Path, out: Path) -> int:
    """Takes pictures of the hovers of five findings in examples/, to be looked at."""
    from code_server import CodeServer
    from workbench import Workbench, chromium_page

    sys.path.insert(0, str(HERE.parent))
    from hover_places import PLACES

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dry-debug-hovers-") as folder:
        workspace = Path(folder) / "examples"
        shutil.copytree(tools.ROOT / "examples", workspace)
        settings = {"breadcrumbs.enabled": False, "editor.hover.above": False, "editor.minimap.enabled": False}
        server = CodeServer(Path(folder) / "home", workspace, vsix, settings)
        with server, chromium_page(tools.chromium()) as page:
            bench = Workbench(page)
            bench.open(server.host, workspace)
            for name, line in PLACES:
                bench.open_file(f"{name}.py")
                bench.go_to_line(line)
                bench.wait("squiggles", bench.squiggles)
                bench.hover(bench.squiggle_of_line())
                bench.pause(1)
                page.screenshot(path=out / f"{name}-{line}.png")
                page.mouse.move(600, 790)
    return 0


def make_vsix() -> Path:
    started = time.monotonic()
    tools.install_extension_packages()
    out = tools.TOOLS / "vsix"
    shutil.rmtree(out, ignore_errors=True)
    build = [str(tools.PYTHON), str(tools.ROOT / "tools" / "vsix" / "build.py"), "--out", str(out)]
    tools.run(build, tools.ROOT, tools.node_environment())
    (vsix,) = out.glob("*.vsix")
    print(f"made {vsix.name} ({vsix.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)", flush=True)
    return vsix


def test(vsix: Path, out: Path, parts: list[str]) -> int:
    # Playwright is there only in the environment that `main` has changed to.
    from code_server import CodeServer
    from report import Report
    from workbench import Workbench, chromium_page

    report = Report()
    for part in parts:
        with tempfile.TemporaryDirectory(prefix=f"dry-debug-{part}-") as folder:
            workspace = Path(folder) / "workspace"
            shutil.copytree(HERE / FOLDERS[part], workspace)
            (workspace / ".git").mkdir()  # a repository cannot hold one
            server = CodeServer(Path(folder) / "home", workspace, vsix)
            with server, chromium_page(tools.chromium()) as page:
                try:
                    run_part(part, server, Workbench(page), out, report)
                finally:
                    if report.failed:
                        page.screenshot(path=out / f"{part}-last.png")
                    server.keep_logs(out / part)
            report.check(f"{part}: no server process outlives the editor", partial(none_left, server))
    print(f"{report.passed} passed, {report.failed} failed; pictures and logs: {out}")
    return 1 if report.failed or not report.passed else 0


def run_part(part: str, server: "CodeServer", bench: "Workbench", out: Path, report: "Report") -> None:
    from api_checks import api_checks
    from asked_checks import AskedChecks
    from ui_checks import UiChecks
    from undo_checks import UndoChecks

    if part == "api":
        api_checks(server, bench.page, HERE / "api", report)
    elif part == "ui":
        UiChecks(server, bench, out, report).run()
    elif part == "asked":
        AskedChecks(server, bench, out, report).run()
    else:
        UndoChecks(server, bench, out, report).run()


if __name__ == "__main__":
    sys.exit(main())
