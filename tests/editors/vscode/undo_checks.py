"""One undo in VS Code takes back all edits of a fix, byte for byte: the three named fixes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from checks import Checks
from code_server import CodeServer
from report import CheckFailed, Report
from workbench import Workbench


class UndoChecks(Checks):
    def __init__(self, server: CodeServer, bench: Workbench, out: Path, report: Report) -> None:
        super().__init__(server, bench, out, report)
        # The ends of lines are bytes, too; git might change them in a file of the repository.
        seeds = server.workspace / "seeds.py"
        seeds.write_bytes(seeds.read_bytes().replace(b"\n", b"\r\n"))

    def run(self) -> None:
        check = self.report.check
        self.bench.open(self.server.host, self.server.workspace)
        if not check("findings in train.py", self.opened):
            return  # without a server the rest would only wait for it
        for name, file, line, title, others in (
            ("complete checkpoint, over two files", "train.py", 23, "Complete the checkpoint with", ("state.py",)),
            ("add detach", "language.py", 14, "Detach `hidden`", ()),
            ("seed all, lines that end with CR LF", "seeds.py", 12, "Seed", ()),
        ):
            check(f"one undo takes back the whole fix: {name}", partial(self.undone, file, line, title, others))

    def opened(self) -> None:
        self.bench.open_file("train.py")
        self.bench.wait("a squiggle in train.py", self.bench.squiggles, timeout=120)

    def undone(self, file: str, line: int, title: str, others: tuple[str, ...]) -> None:
        """Fixes the finding in `line` of `file` with the fix called `title`, which changes `others` too; undoes it."""
        before = self.bytes(file, *others)
        self.bench.open_file(file)
        self.bench.wait("a squiggle", self.bench.squiggles)
        self.bench.go_to_line(line)
        entries = self.bench.quick_fixes(self.bench.squiggle_of_line())
        if not any(title in entry for entry in entries):
            raise CheckFailed(f"the menu holds {entries}")
        self.bench.apply_fix(title)
        self.saved("every file fixed", lambda: self.all_differ(before))
        self.bench.page.screenshot(path=self.out / f"undo-{file.removesuffix('.py')}.png")
        self.bench.undo()
        self.saved("the bytes from before", lambda: self.bytes(file, *others) == before)

    def saved(self, what: str, ask: Callable[[], bool]) -> None:
        """Saves until `ask` holds. VS Code saves a change of several files by itself, and one of one file never."""

        def now() -> bool:
            self.bench.save_all()
            return ask()

        self.bench.wait(what, now)

    def bytes(self, *names: str) -> dict[str, bytes]:
        return {name: (self.server.workspace / name).read_bytes() for name in names}

    def all_differ(self, before: dict[str, bytes]) -> bool:
        now = self.bytes(*before)
        return all(now[name] != text for name, text in before.items())
