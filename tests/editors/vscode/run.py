"""Tests the VS Code extension in a real VS Code: `python tests/editors/vscode/run.py`.

Installs what it needs into `.editors/` (see tools.py), makes the .vsix unless one is given, installs it into a
code-server of its own, and drives that through Chromium. One line a check; exit status 0 when all hold, 1 otherwise.
Screenshots and logs are left in the output folder.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import tools

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vsix", type=Path, help="test this file instead of making one")
    parser.add_argument("--out", type=Path, default=tools.TOOLS / "out", help="folder for screenshots and logs")
    parser.add_argument("--only", choices=("ui", "api"), help="leave the other half out")
    options = parser.parse_args()
    tools.install_python()
    if Path(sys.prefix).resolve() != (tools.TOOLS / "py").resolve():
        os.execv(tools.PYTHON, [str(tools.PYTHON), *sys.argv])
    tools.install_editor()
    vsix = options.vsix.resolve() if options.vsix else make_vsix()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    return test(vsix, options.out.resolve(), options.only)


def make_vsix() -> Path:
    started = time.monotonic()
    tools.npm(["ci"], tools.ROOT)
    out = tools.TOOLS / "vsix"
    shutil.rmtree(out, ignore_errors=True)
    build = [str(tools.PYTHON), str(tools.ROOT / "tools" / "vsix" / "build.py"), "--out", str(out)]
    tools.run(build, tools.ROOT, tools.node_environment())
    (vsix,) = out.glob("*.vsix")
    print(f"made {vsix.name} ({vsix.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)", flush=True)
    return vsix


def test(vsix: Path, out: Path, only: str | None) -> int:
    # Playwright is there only in the environment that `main` has changed to.
    from api_checks import api_checks
    from code_server import CodeServer
    from report import Report
    from ui_checks import UiChecks
    from workbench import Workbench, chromium_page

    report = Report()
    for kind in ("api", "ui"):
        if only not in (None, kind):
            continue
        with tempfile.TemporaryDirectory(prefix=f"dry-debug-{kind}-") as folder:
            workspace = Path(folder) / "workspace"
            shutil.copytree(HERE / "workspace", workspace)
            server = CodeServer(Path(folder) / "home", workspace, vsix)
            with server, chromium_page(tools.chromium()) as page:
                bench = Workbench(page)
                try:
                    if kind == "api":
                        api_checks(server, page, HERE / "api", report)
                    else:
                        bench.open(server.host, workspace)
                        UiChecks(server, bench, out, report).run()
                finally:
                    if report.failed:
                        page.screenshot(path=out / f"{kind}-last.png")
                    server.keep_logs(out / kind)
    print(f"{report.passed} passed, {report.failed} failed; pictures and logs: {out}")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
