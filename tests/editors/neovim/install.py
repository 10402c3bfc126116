"""Neovim 0.10 from Debian's packages, unpacked beside the repository's other editors; the system is not touched.

Debian 12 has Neovim 0.7, which knows neither `vim.lsp.start` nor filters for code actions. Debian 13's packages come
with their own C library and are run with its loader.
"""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parents[3] / ".editors" / "neovim"
RELEASE = "trixie"
PACKAGES = (
    "neovim neovim-runtime libc6 libgcc-s1 libluajit-5.1-2 libluajit-5.1-common libmsgpack-c2 libtree-sitter0.22 "
    "libunibilium4 libuv1t64 libvterm0 lua-lpeg lua-luv"
).split()
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def command() -> list[str]:
    """The command that starts Neovim; installs it first where it is missing."""
    root = HERE / "root"
    if not (root / "usr/bin/nvim").exists():
        _install(root)
    libraries = [
        str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu") if (folder / "libc.so.6").exists()
    ]
    loader = next(root.glob("usr/lib*/**/ld-linux-*.so.*"))
    # The loader's own option, not LD_LIBRARY_PATH: what Neovim starts must run with the system's libraries.
    return [str(loader), "--library-path", ":".join(libraries), str(root / "usr/bin/nvim")]


def environment() -> dict[str, str]:
    """What Neovim needs to find its runtime files, and to leave the user's alone."""
    return {
        **os.environ,
        "VIMRUNTIME": str(HERE / "root/usr/share/nvim/runtime"),
        "XDG_CONFIG_HOME": str(HERE / "config"),
        "XDG_DATA_HOME": str(HERE / "data"),
        "XDG_STATE_HOME": str(HERE / "state"),
    }


def _install(root: Path) -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
    sources = HERE / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {RELEASE} main\n")
    options = [
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={HERE / 'lists'}",
        f"Dir::Cache={HERE / 'cache'}",
        "APT::Sandbox::User=root",
    ]
    apt = ["apt-get", "-q", *(part for option in options for part in ("-o", option))]
    subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
    wanted = [f"{package}/{RELEASE}" for package in PACKAGES]
    subprocess.run([*apt, "download", *wanted], check=True, cwd=HERE / "debs", stdout=subprocess.DEVNULL)
    for package in sorted((HERE / "debs").glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)


def _mirror() -> str:
    """The Debian mirror that this machine uses."""
    folder = Path("/etc/apt")
    for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        text = file.read_text() if file.is_file() else ""
        match = re.search(r"^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if match:
            return match.group(1)
    return "http://deb.debian.org/debian"
