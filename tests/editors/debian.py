"""Programs out of a newer Debian's packages, unpacked into a folder; the system is not touched.

They come with their own C library and are run with its loader, so that they work on an older Debian.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpack(home: Path, release: str, packages: Sequence[str]) -> Path:
    """Downloads `packages` of `release` and unpacks them below `home`; returns the folder that stands for `/`."""
    root = home / "root"
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    sources = home / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {release} main\n")
    options = [
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={home / 'lists'}",
        f"Dir::Cache={home / 'cache'}",
        "APT::Sandbox::User=root",
    ]
    apt = ["apt-get", "-q", *(part for option in options for part in ("-o", option))]
    subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
    wanted = [f"{package}/{release}" for package in packages]
    subprocess.run([*apt, "download", *wanted], check=True, cwd=home / "debs", stdout=subprocess.DEVNULL)
    for package in sorted((home / "debs").glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    return root


def loaded(root: Path, program: str) -> list[str]:
    """The command that runs `program` (a path below `root`) with the libraries that came with it."""
    libraries = [str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu") if (folder / "libc.so.6").exists()]
    loader = next(root.glob("usr/lib*/**/ld-linux-*.so.*"))
    # The loader's own option, not LD_LIBRARY_PATH: what the program starts must run with the system's libraries.
    return [str(loader), "--library-path", ":".join(libraries), str(root / program)]


def _mirror() -> str:
    """The Debian mirror that this machine uses."""
    folder = Path("/etc/apt")
    for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        text = file.read_text() if file.is_file() else ""
        match = re.search(r"^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if match:
            return match.group(1)
    return "http://deb.debian.org/debian"
