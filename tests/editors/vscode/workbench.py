"""VS Code's workbench in Chromium, through Playwright: what a user would do, and what a user would see."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Locator, Page, sync_playwright
from report import wait_for

T = TypeVar("T")

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever would leave this machine fails to resolve.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

GROUP = ".editor-group-container.active"
# A notebook lies over its editor group, not inside it.
NOTEBOOK = ".notebook-editor:visible"
SQUIGGLES = ", ".join(
    f"{place} .squiggly-{level}:visible" for place in (GROUP, NOTEBOOK) for level in ("error", "warning", "info")
)


@contextmanager
def chromium_page(executable: Path | None) -> Iterator[Page]:
    """An empty page of 1280 by 800 pixels in a headless Chromium with a profile of its own.

    Without an executable, Playwright looks for one of its own and says what it misses.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(90_000)  # on a machine that does other things as well
            yield page
        finally:
            browser.close()


class Workbench:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, host: str, folder: Path) -> None:
        self.page.goto(f"http://{host}/?folder={folder}")
        self.page.locator(".monaco-workbench .explorer-folders-view .monaco-list-row").first.wait_for(timeout=90_000)

    def pause(self, seconds: float) -> None:
        # Not time.sleep: Playwright handles the page's events only inside its own calls.
        self.page.wait_for_timeout(seconds * 1000)

    def wait(self, what: str, ask: Callable[[], T | None], timeout: float = 60) -> T:
        return wait_for(what, ask, timeout, self.pause)

    def open_file(self, name: str) -> None:
        self.page.locator(".explorer-folders-view .monaco-list-row", has_text=name).first.dblclick()
        self.page.locator(f"{GROUP} .tab.active", has_text=name).wait_for()
        self.page.locator(f"{GROUP} .view-line").first.wait_for()

    def command(self, title: str, choice: str | None = None) -> None:
        """Runs a command from the palette by its full title, and takes `choice` from the list that it then shows."""
        self.page.keyboard.press("F1")
        box = self.page.locator(".quick-input-widget input[type=text]")
        box.wait_for()
        box.fill(f">{title}")
        self.page.locator(".quick-input-list .monaco-list-row.focused", has_text=title).wait_for()
        self.page.keyboard.press("Enter")
        if choice is not None:
            row = self.page.locator(".quick-input-list .monaco-list-row", has_text=choice)
            row.wait_for()
            row.click()
        self.page.locator(".quick-input-widget").wait_for(state="hidden")

    def copy(self, text: str) -> None:
        """Puts `text` on the clipboard."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)

    def go_to_line(self, line: int) -> None:
        """Puts the cursor at the start of a line (from 1) of the active editor."""
        self.page.keyboard.press("Control+g")
        box = self.page.locator(".quick-input-widget input[type=text]")
        box.wait_for()
        box.fill(f":{line}")
        self.page.keyboard.press("Enter")
        self.page.locator(".quick-input-widget").wait_for(state="hidden")

    def replace_line(self, line: int, text: str) -> None:
        """Puts `text` in place of a line (from 1) of the active editor, its indentation included."""
        self.go_to_line(line)
        self.page.keyboard.press("Shift+End")
        self.page.keyboard.insert_text(text)
        self.wait(f"{text!r} in the editor", lambda: text.strip() in self.text())

    def insert_at_end(self, text: str) -> None:
        """Adds a line of text at the end of the active file, through the editor's own input."""
        self.page.locator(f"{GROUP} .view-lines").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.insert_text(text)
        self.wait(f"{text!r} in the editor", lambda: text in self.text())

    def save(self) -> None:
        self.page.keyboard.press("Control+s")
        self.page.locator(f"{GROUP} .tab.active.dirty").wait_for(state="hidden")

    def undo(self) -> None:
        """One undo in the active editor."""
        self.page.locator(f"{GROUP} .monaco-editor .view-lines").click()
        self.page.keyboard.press("Control+z")

    def preview_body(self, title: str) -> Locator:
        """The page in the one open Markdown preview, whose tab says `title`."""
        self.page.locator(".tab.active", has_text=title).wait_for()
        # A webview is a frame in a frame.
        inside = self.page.frame_locator("iframe.webview.ready").frame_locator("#active-frame")
        inside.locator("body h1").first.wait_for()
        return inside.locator("body")

    def preview(self, title: str) -> str:
        """The text of that preview."""
        return self.preview_body(title).inner_text()

    def notification(self, text: str) -> Locator:
        """The notification that says `text`, in the list of all: with a test's driver none pops up."""
        self.command("Notifications: Show Notifications")
        shown = self.page.locator(".notifications-center .notification-list-item", has_text=text)
        shown.wait_for()
        return shown

    def save_all(self) -> None:
        """Saves until nothing is unsaved: the undo of a change of several files may reach one after the command ran."""

        def saved() -> bool:
            self.command("File: Save All")
            for _ in range(20):
                if self.page.locator(".tab.dirty").count() == 0:
                    return True
                self.pause(0.1)
            return False

        self.wait("everything saved", saved)

    def close_all(self) -> None:
        """Closes every editor and preview; nothing may be unsaved."""
        self.command("View: Close All Editors")
        self.wait("no tab", lambda: self.page.locator(".tab").count() == 0)

    def is_dirty(self) -> bool:
        return self.page.locator(f"{GROUP} .tab.active.dirty").count() > 0

    def text(self) -> str:
        """The visible lines of the active editor."""
        lines = self.page.locator(f"{GROUP} .view-lines .view-line")
        rows = lines.evaluate_all("rows => rows.map(row => [row.offsetTop, row.textContent])")
        return "\n".join(text.replace("\xa0", " ") for _, text in sorted(rows))

    def squiggles(self) -> int:
        return self.page.locator(SQUIGGLES).count()

    def last_squiggle(self) -> Locator:
        return self.page.locator(SQUIGGLES).last

    def squiggle_of_line(self) -> Locator:
        """The first squiggle in the line of the cursor."""
        line = self.page.locator(f"{GROUP} .monaco-editor .current-line").first

        def here() -> Locator | None:
            box = line.bounding_box()
            for mark in self.page.locator(SQUIGGLES).all():
                at = mark.bounding_box()
                if box and at and box["y"] <= at["y"] + at["height"] / 2 <= box["y"] + box["height"]:
                    return mark
            return None

        return self.wait("a squiggle in the line of the cursor", here)

    def middle(self, squiggle: Locator) -> tuple[float, float]:
        """The point in the middle of a squiggle's text, in pixels of the page."""
        # The editor draws its lines anew after each change: what was there a moment ago may be gone.
        box = self.wait("the squiggle on the screen", lambda: squiggle.count() > 0 and squiggle.bounding_box())
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def hover(self, squiggle: Locator) -> str:
        """Rests the pointer on a squiggle; the text of the hover that appears."""
        hover = self.page.locator(".monaco-hover:not(.hidden) .hover-row:visible")

        def shown() -> str:
            x, y = self.middle(squiggle)
            # Away and back: a pointer that does not move asks for nothing.
            self.page.mouse.move(x, y - 80)
            self.page.mouse.move(x, y, steps=4)
            for _ in range(20):
                self.pause(0.1)
                if hover.count() and "Loading" not in (text := " ".join(hover.all_inner_texts())):
                    return text.replace("\xa0", " ")
            return ""

        return self.wait("a hover", shown)

    def quick_fixes(self, squiggle: Locator) -> list[str]:
        """Puts the cursor into a squiggle and opens the quick fix menu; its entries."""
        rows = self.page.locator(".action-widget .monaco-list-row.action")

        def shown() -> list[str]:
            self.page.keyboard.press("Escape")
            self.page.mouse.click(*self.middle(squiggle))
            self.page.keyboard.press("Control+.")
            for _ in range(20):
                self.pause(0.1)
                if rows.count():
                    return rows.all_inner_texts()
            return []

        return self.wait("the quick fix menu", shown)

    def apply_fix(self, title: str) -> None:
        """Chooses the entry with this text from the open quick fix menu."""
        row = self.page.locator(".action-widget .monaco-list-row.action", has_text=title).first
        for _ in range(20):
            if "focused" in (row.get_attribute("class") or ""):
                break
            self.page.keyboard.press("ArrowDown")
        # Enter and not a click: some versions lay an invisible element over the menu.
        self.page.keyboard.press("Enter")
        self.wait("the menu to close", lambda: row.count() == 0)
