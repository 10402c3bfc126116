"""Neovim 0.10 from Debian 13's packages, beside the repository's other editors.

Debian 12 has Neovim 0.7, which knows neither `vim.lsp.start` nor filters for code actions.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from debian import loaded, unpack

HOME = Path(__file__).resolve().parents[3] / ".editors" / "neovim"
PACKAGES = (
    "neovim neovim-runtime libc6 libgcc-s1 libluajit-5.1-2 libluajit-5.1-common libmsgpack-c2 libtree-sitter0.22 "
    "libunibilium4 libuv1t64 libvterm0 lua-lpeg lua-luv"
).split()


def command() -> list[str]:
    """The command that starts Neovim; installs it first where it is missing."""
    root = HOME / "root"
    if not (root / "usr/bin/nvim").exists():
        unpack(HOME, "trixie", PACKAGES)
    return loaded(root, "usr/bin/nvim")


def environment() -> dict[str, str]:
    """What Neovim needs to find its runtime files, and to leave the user's alone."""
    return {
        **os.environ,
        "VIMRUNTIME": str(HOME / "root/usr/share/nvim/runtime"),
        "XDG_CONFIG_HOME": str(HOME / "config"),
        "XDG_DATA_HOME": str(HOME / "data"),
        "XDG_STATE_HOME": str(HOME / "state"),
    }
