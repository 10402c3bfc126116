"""What the groups of checks in VS Code share: what they drive, and where they put what they see."""

from pathlib import Path

from code_server import CodeServer
from report import Report
from workbench import Workbench


class Checks:
    """A group of checks. `out` is the folder for screenshots."""

    def __init__(self, server: CodeServer, bench: Workbench, out: Path, report: Report) -> None:
        self.server = server
        self.bench = bench
        self.out = out
        self.report = report

    def picture(self, name: str) -> None:
        """A screenshot of the whole window, as `name`.png."""
        self.bench.page.screenshot(path=self.out / f"{name}.png")

    def source(self, name: str) -> str:
        """The text on disk of a file of the workspace."""
        return (self.server.workspace / name).read_text(encoding="utf-8")
