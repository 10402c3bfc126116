"""Takes pictures of the hovers of five findings in a real Neovim, to be looked at.

`pip install pyte pillow`, then `python tests/editors/neovim/pictures.py FOLDER`: Neovim runs in a terminal of 44 lines
of 130 columns that pyte keeps, and what it shows is drawn into FOLDER as PNG (and written as text beside it).
"""

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte
from install import command, environment
from PIL import Image, ImageDraw, ImageFont

REPOSITORY = Path(__file__).resolve().parents[3]
LINES, COLUMNS = 44, 130
WIDTH, HEIGHT = 8, 17  # of a cell, in pixels
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
COLOURS = {"default": "#d4d4d4", "black": "#1e1e1e", "brown": "#cca700", "white": "#ffffff"}
# What docs/editors.md gives to Neovim 0.10, and a window border, as most users have one.
INIT = """
vim.opt.runtimepath:append(vim.env.VIMRUNTIME .. '/../../../lib/nvim')
vim.o.number, vim.o.swapfile, vim.o.termguicolors, vim.o.signcolumn = true, false, true, 'yes'
vim.lsp.handlers['textDocument/hover'] = vim.lsp.with(vim.lsp.handlers.hover, { border = 'rounded', max_width = 110 })
vim.api.nvim_create_autocmd('FileType', { pattern = 'python', callback = function()
  vim.lsp.start({ name = 'dry-debug', cmd = vim.json.decode(vim.env.DRY_DEBUG_COMMAND),
    root_dir = vim.fs.root(0, { 'pyproject.toml', '.git' }) or vim.fn.getcwd() })
end })
function Picture(line)
  vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end, 50)
  local item = vim.tbl_filter(function(d) return d.lnum == line - 1 end, vim.diagnostic.get(0))[1]
  vim.api.nvim_win_set_cursor(0, { line, item and item.col or 0 })
  vim.cmd('normal! zt')
  vim.lsp.buf.hover()
end
"""


def main(out: Path) -> int:
    from hover_places import PLACES  # which `install` has made importable

    out.mkdir(parents=True, exist_ok=True)
    paths = [str(REPOSITORY / "server"), str(REPOSITORY / "rules"), os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryDirectory(prefix="dry-debug-pictures-") as folder:
        workspace, init = Path(folder) / "examples", Path(folder) / "init.lua"
        shutil.copytree(REPOSITORY / "examples", workspace)
        init.write_text(INIT, encoding="utf-8")
        env = {
            **environment(),
            "DRY_DEBUG_COMMAND": json.dumps([sys.executable, "-m", "dry_debug", "server"]),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "TERM": "xterm-256color",
        }
        for name, line in PLACES:
            screen = shown(name, line, init, workspace, env)
            (out / f"{name}-{line}.txt").write_text("\n".join(screen.display), encoding="utf-8")
            drawn(screen).save(out / f"{name}-{line}.png")
    return 0


def shown(name: str, line: int, init: Path, folder: Path, env: dict[str, str]) -> pyte.Screen:
    """The screen, some seconds after the hover at `line` was asked for.

    Neovim runs as a server, and its terminal interface beside it: the one that it would start for itself it does not
    find when it runs through another loader, as the one that install.py unpacks does.
    """
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    socket = str(init.with_name(f"{name}-{line}.sock"))
    arguments = ["--headless", "--listen", socket, "-u", str(init), "-i", "NONE", f"{name}.py"]
    with subprocess.Popen([*command(), *arguments], cwd=folder, env=env, stderr=subprocess.DEVNULL) as server:
        try:
            while not os.path.exists(socket):
                time.sleep(0.1)
            view, terminal = pty.fork()
            if view == 0:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
                os.execvpe(command()[0], [*command(), "--server", socket, "--remote-ui"], env)
            read(terminal, stream, screen, " 1 ")
            os.write(terminal, f":lua Picture({line})\r".encode())
            read(terminal, stream, screen, "╰")
        finally:
            server.kill()
    os.waitpid(view, 0)
    os.close(terminal)
    return screen


def read(terminal: int, stream: pyte.ByteStream, screen: pyte.Screen, sign: str) -> None:
    """Feeds the screen until it shows `sign`, and what follows within a second; gives up after a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            try:
                stream.feed(os.read(terminal, 65536))
            except OSError:
                return
        elif any(sign in line for line in screen.display):
            return


def drawn(screen: pyte.Screen) -> Image.Image:
    """The screen as a picture."""
    picture = Image.new("RGB", (COLUMNS * WIDTH, LINES * HEIGHT), COLOURS["black"])
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(FONT, 13)
    for row in range(LINES):
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            front, back = colour(cell.fg, "default"), colour(cell.bg, "black")
            if cell.reverse:
                front, back = back, front
            x, y = column * WIDTH, row * HEIGHT
            draw.rectangle((x, y, x + WIDTH, y + HEIGHT), fill=back)
            if cell.data.strip():
                draw.text((x, y), cell.data, fill=front, font=font)
    return picture


def colour(name: str, default: str) -> str:
    if name == "default":
        return COLOURS[default]
    return f"#{name}" if len(name) == 6 and all(c in "0123456789abcdef" for c in name) else COLOURS.get(name, name)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
