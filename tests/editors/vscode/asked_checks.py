"""What was asked for, in VS Code: deviations and their fix, the report, the route panel, stored instructions."""

from checks import Checks
from report import CheckFailed
from workbench import GROUP

BATCH_LINE = 9  # of train.py: the batch size, which INSTRUCTIONS.md asks for in its line 4
ASKED = "    loader = DataLoader(data, batch_size=16, shuffle=True)"
OTHER = "    loader = DataLoader(data, batch_size=32, shuffle=True)"
MESSAGE = "batch size is 32, but INSTRUCTIONS.md line 4 asks for 16"
PARTS = (
    "Part 1: Critical Errors",
    "Part 2: Instruction Compliance",
    "Part 3: Overengineering",
    "Part 4: Warnings & Suggestions",
)
TRACEBACK = """Traceback (most recent call last):
  File "/home/me/classifier/main.py", line 12, in <module>
    train(model, data)
  File "/home/me/workspace/train.py", line 17, in train
    loss = criterion(model(inputs), targets)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB after 2900 steps. The demo is in an hour!
"""
TICKET = "learning rate 1e-3\nbatch size 16\n"


class AskedChecks(Checks):
    def run(self) -> None:
        check = self.report.check
        self.bench.open(self.server.host, self.server.workspace)
        if not check("code that does what INSTRUCTIONS.md asks for has no error", self.as_asked):
            return  # without a server the rest would only wait for it
        check("a deviation is an error after the save, and not before", self.deviation)
        check("its hover says what was asked for, and where", self.deviation_hover)
        check("the report opens with its four parts", self.report_preview)
        check("the quick fix puts the asked value in place, and the error goes", self.deviation_fix)
        check("a code lens says what was not asked for, and opens the report", self.lens)
        check("Where Do I Look? routes the traceback on the clipboard to the area and the suspects", self.route_copied)
        check("Where Do I Look? routes the selected text", self.route_selected)
        check("without INSTRUCTIONS.md a deviation from it is none", self.instructions_deleted)
        check("Set Instructions writes the file and offers to git-ignore it", self.set_instructions)
        check("findings follow stored instructions, and their change, without a restart", self.findings_follow)

    def picture(self, name: str) -> None:
        super().picture(f"asked-{name}")

    def errors(self) -> int:
        return self.bench.page.locator(f"{GROUP} .squiggly-error:visible").count()

    def as_asked(self) -> None:
        self.bench.open_file("train.py")
        # The one mistake in it is a warning.
        self.bench.wait("a squiggle in train.py", self.bench.squiggles, timeout=120)
        if self.errors():
            raise CheckFailed("there is an error already")

    def deviation(self) -> None:
        self.bench.replace_line(BATCH_LINE, OTHER)
        self.bench.pause(2)
        if self.errors():
            raise CheckFailed("an error before the save")
        self.bench.save()
        self.bench.wait("an error", self.errors)

    def deviation_hover(self) -> None:
        self.bench.go_to_line(BATCH_LINE)
        text = self.bench.hover(self.bench.squiggle_of_line())
        self.bench.pause(0.5)  # the hover fades in
        self.picture("1-deviation")
        for wanted in (MESSAGE, "INSTRUCTIONS.md(4, 1)", "asked for here: - batch size 16"):
            if wanted not in text:
                raise CheckFailed(f"{wanted!r} is not in the hover: {text!r}")

    def report_preview(self) -> None:
        self.bench.command("Dry Debug: Report")
        text = self.bench.preview("Dry Debug report")
        self.bench.pause(0.5)
        self.picture("2-report")
        for wanted in (*PARTS, "CRITICAL ERROR #1: Batch Size Mismatch", "Assumed weight decay = 0.01"):
            if wanted not in text:
                raise CheckFailed(f"{wanted!r} is not in the report: {text!r}")
        if [text.index(part) for part in PARTS] != sorted(text.index(part) for part in PARTS):
            raise CheckFailed("the parts are not in their order")
        self.follow("Dry Debug report", "train.py:9", "Ln 9,")
        self.bench.close_all()
        self.bench.close_all()

    def follow(self, title: str, link: str, position: str) -> None:
        """Follows a link of a preview; the status bar then tells the `position`."""
        self.bench.preview_body(title).locator("a", has_text=link).first.click()
        status = self.bench.page.locator("#status\\.editor\\.selection")
        self.bench.wait(f"the place of {link}", lambda: status.count() and position in status.inner_text())

    def deviation_fix(self) -> None:
        self.bench.open_file("train.py")
        self.bench.go_to_line(BATCH_LINE)
        entries = self.bench.quick_fixes(self.bench.squiggle_of_line())
        self.picture("3-quick-fix")
        if not any("Use what was asked for, 16" in entry for entry in entries):
            raise CheckFailed(f"the menu holds {entries}")
        self.bench.apply_fix("Use what was asked for, 16")
        self.bench.wait("the asked value", lambda: ASKED in self.bench.text())
        self.bench.save()
        self.bench.wait("no error", lambda: self.errors() == 0)
        if ASKED not in self.source("train.py"):
            raise CheckFailed("the file on disk is not fixed")

    def lenses(self) -> list[str]:
        shown = self.bench.page.locator(f"{GROUP} .codelens-decoration a:visible")
        return [text.replace("\xa0", " ") for text in shown.all_inner_texts()]

    def lenses_follow(self) -> bool:
        return bool(found := self.lenses()) and all(text.startswith("not in instructions.md: ") for text in found)

    def lens(self) -> None:
        wanted = ["not in INSTRUCTIONS.md: weight_decay 0.01", "not in INSTRUCTIONS.md: max_grad_norm 1.0"]
        self.bench.wait("the lenses", lambda: self.lenses() == wanted)
        self.bench.page.mouse.move(600, 700)
        self.picture("4-lens")
        self.bench.page.locator(f"{GROUP} .codelens-decoration a:visible").first.click()
        if PARTS[1] not in self.bench.preview("Dry Debug report"):
            raise CheckFailed("the report is not shown")
        self.bench.close_all()
        self.bench.open_file("train.py")

    def route_copied(self) -> None:
        self.bench.copy(TRACEBACK)
        self.bench.command("Dry Debug: Where Do I Look?", "What is on the clipboard")
        self.routed("5-route")

    def route_selected(self) -> None:
        (self.server.workspace / "run.log").write_text(TRACEBACK, encoding="utf-8")
        self.bench.copy("")
        self.bench.open_file("train.py")  # the findings of the open files are what can be suspected
        self.bench.open_file("run.log")
        self.bench.page.keyboard.press("Control+a")
        self.bench.command("Dry Debug: Where Do I Look?", "The selected text")
        self.routed("6-route-selected")

    def routed(self, picture: str) -> None:
        text = self.bench.preview("Where to look")
        self.bench.pause(0.5)
        self.picture(picture)
        for wanted in ("tensor-operations-and-memory", "train.py:22", "attached-loss-total", "train.py:17"):
            if wanted not in text:
                raise CheckFailed(f"{wanted!r} is not in the panel: {text!r}")
        if "file:" in text:
            raise CheckFailed("a link is shown as it is written")
        self.follow("Where to look", "train.py:22", "Ln 22,")
        self.bench.close_all()

    def instructions_deleted(self) -> None:
        self.bench.open_file("train.py")
        self.bench.replace_line(BATCH_LINE, OTHER)
        self.bench.save()
        self.bench.wait("an error", self.errors)
        (self.server.workspace / "INSTRUCTIONS.md").unlink()
        self.bench.wait("no error", lambda: self.errors() == 0)

    def set_instructions(self) -> None:
        self.bench.copy(TICKET)
        self.bench.command("Dry Debug: Set Instructions", "What is on the clipboard")
        toast = self.bench.notification("Keep them out of git?")
        self.picture("7-set-instructions")
        if self.source(".dry-debug/instructions.md") != TICKET:
            raise CheckFailed(f"the file holds {self.source('.dry-debug/instructions.md')!r}")
        toast.locator(".monaco-button", has_text="Add to .gitignore").click()
        ignored = self.server.workspace / ".gitignore"
        self.bench.wait(".gitignore", ignored.exists)
        self.bench.wait("the line in it", lambda: ".dry-debug/instructions.md\n" in self.source(".gitignore"))

    def findings_follow(self) -> None:
        before = self.server.language_servers()
        self.bench.wait("the batch size and the learning rate as errors", lambda: self.errors() == 2)
        self.bench.wait("the lenses of the stored instructions", self.lenses_follow)
        self.picture("8-findings-follow")
        stored = self.server.workspace / ".dry-debug" / "instructions.md"
        stored.write_text("learning rate 1e-3\nbatch size 32\n", encoding="utf-8")
        self.bench.wait("the learning rate alone", lambda: self.errors() == 1)
        if self.server.language_servers() != before:
            raise CheckFailed("the server was started again")
