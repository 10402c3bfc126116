"""What a user sees in VS Code: squiggle, hover, quick fix, commands, status, notebook."""

import os
import re
import signal

from checks import Checks
from report import CheckFailed
from workbench import NOTEBOOK

RULE = "unmapped-checkpoint-load"
# An emoji before the finding: UTF-16 positions, which VS Code uses, differ there from code points.
BUG = 'print("🔥"); nn.Linear(4, 2).load_state_dict(torch.load("best.pt"))'
FIXED = 'print("🔥"); nn.Linear(4, 2).load_state_dict(torch.load("best.pt", map_location="cpu"))'
# How long "no squiggle" is watched. A squiggle comes within half a second of the event that brings it.
WATCH_SECONDS = 3


class UiChecks(Checks):
    def run(self) -> None:
        check = self.report.check
        self.bench.open(self.server.host, self.server.workspace)
        if not check("a file with mistakes has squiggles when it is opened", self.opened):
            return  # without a server that finds something, the rest would only wait for it
        check("the language status names the server's version", self.status)
        check("no squiggle before the save", self.before_save)
        if not check("a squiggle after the save", self.after_save):
            return
        check("the hover explains the finding", self.hover)
        check("the quick fix is offered and applied", self.quick_fix)
        check("no squiggle after the fixed file is saved", self.after_fix)
        check("Check This File finds the mistake without a save", self.check_file)
        check("Restart Server starts another process, and findings come back", self.restart)
        check("a server that was killed is started again", self.killed)
        check("a squiggle in a notebook cell", self.notebook)
        check("the quick fix is applied in the notebook cell", self.notebook_fix)
        check("no more than one server process is left running", self.one_server)

    def opened(self) -> None:
        self.bench.open_file("train.py")
        self.bench.wait("a squiggle in train.py", self.bench.squiggles, timeout=120)
        self.picture("1-opened")

    def status(self) -> None:
        page = self.bench.page
        item = page.locator("#status\\.languageStatus")

        def shown() -> str:
            page.mouse.move(600, 300)
            item.hover()
            for _ in range(15):
                self.bench.pause(0.1)
                texts = page.locator(".hover-language-status").all_inner_texts()
                if any(re.search(r"Dry Debug \d+\.\d+", text) for text in texts):
                    return " ".join(texts)
            return ""

        self.bench.wait("the status item", shown)
        self.picture("2-status")
        page.mouse.move(600, 300)

    def before_save(self) -> None:
        self.bench.open_file("resume.py")
        self.bench.insert_at_end(BUG)
        for _ in range(WATCH_SECONDS * 10):
            self.bench.pause(0.1)
            if self.bench.squiggles():
                raise CheckFailed("a squiggle is shown although the file was not saved")
        if not self.bench.is_dirty():
            raise CheckFailed("the file was saved")
        self.picture("3-before-save")

    def after_save(self) -> None:
        self.bench.save()
        self.bench.wait("a squiggle in resume.py", self.bench.squiggles)
        if BUG not in self.source("resume.py"):
            raise CheckFailed("the file on disk does not hold what was typed")
        self.picture("4-after-save")

    def hover(self) -> None:
        text = self.bench.hover(self.bench.last_squiggle())
        self.picture("5-hover")
        for wanted in ("map_location", RULE):
            if wanted not in text:
                raise CheckFailed(f"{wanted!r} is not in the hover: {text!r}")

    def quick_fix(self) -> None:
        entries = self.bench.quick_fixes(self.bench.last_squiggle())
        self.picture("6-quick-fix")
        if not any("map_location" in entry for entry in entries):
            raise CheckFailed(f"the menu holds {entries}")
        self.bench.apply_fix("map_location")
        self.bench.wait("the fixed line in the editor", lambda: FIXED in self.bench.text())

    def after_fix(self) -> None:
        self.bench.save()
        self.bench.wait("no squiggle", lambda: self.bench.squiggles() == 0)
        if not self.source("resume.py").rstrip().endswith(FIXED):
            raise CheckFailed(f"the file ends with {self.source('resume.py')[-120:]!r}")
        self.picture("7-fixed")

    def check_file(self) -> None:
        before = self.source("resume.py")
        self.bench.insert_at_end('\nnn.Linear(4, 2).load_state_dict(torch.load("last.pt"))')
        self.bench.command("Dry Debug: Check This File")
        self.bench.wait("a squiggle", self.bench.squiggles)
        if self.source("resume.py") != before:
            raise CheckFailed("the file was saved")

    def restart(self) -> None:
        before = self.server.language_servers()
        self.bench.command("Dry Debug: Restart Server")
        self.replaced(before)
        self.bench.save()
        self.bench.wait("a squiggle", self.bench.squiggles)

    def killed(self) -> None:
        before = self.server.language_servers()
        for process in before:
            os.kill(process, signal.SIGKILL)
        self.replaced(before)
        self.bench.insert_at_end('\nnn.Linear(4, 2).load_state_dict(torch.load("older.pt"))')
        self.bench.save()
        self.bench.wait("one squiggle more", lambda: self.bench.squiggles() == 2)

    def replaced(self, before: list[int]) -> None:
        """Waits until other server processes run, and none of `before`."""
        self.bench.wait("another process", lambda: set(self.server.language_servers()) - set(before))
        self.bench.wait("the old process to end", lambda: not set(before) & set(self.server.language_servers()))

    def notebook(self) -> None:
        self.bench.page.locator(".explorer-folders-view .monaco-list-row", has_text="notebook.ipynb").dblclick()
        self.bench.page.locator(f"{NOTEBOOK} .view-line").first.wait_for()
        self.bench.wait("a squiggle in a cell", self.bench.squiggles)
        self.picture("8-notebook")

    def notebook_fix(self) -> None:
        self.bench.quick_fixes(self.bench.last_squiggle())
        self.bench.apply_fix("map_location")
        self.bench.save()
        self.bench.wait("no squiggle", lambda: self.bench.squiggles() == 0)
        if 'map_location=\\"cpu\\"' not in self.source("notebook.ipynb"):
            raise CheckFailed("the notebook on disk is not fixed")
        self.picture("9-notebook-fixed")

    def one_server(self) -> None:
        self.bench.wait("one server", lambda: len(self.server.language_servers()) == 1)
