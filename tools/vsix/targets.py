"""The platforms that a .vsix is made for, in VS Code's names, with the wheel platforms that run there."""

import platform
import sys

MANYLINUX = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
MUSLLINUX = ("musllinux_1_2", "musllinux_1_1")

WHEEL_PLATFORMS: dict[str, tuple[str, ...]] = {
    "linux-x64": tuple(f"{tag}_x86_64" for tag in MANYLINUX),
    "linux-arm64": tuple(f"{tag}_aarch64" for tag in MANYLINUX),
    "alpine-x64": tuple(f"{tag}_x86_64" for tag in MUSLLINUX),
    "alpine-arm64": tuple(f"{tag}_aarch64" for tag in MUSLLINUX),
    "win32-x64": ("win_amd64",),
    "win32-arm64": ("win_arm64",),
    "darwin-x64": ("macosx_10_15_x86_64",),
    "darwin-arm64": ("macosx_11_0_arm64",),
}


def this_target() -> str:
    """The target of the machine that runs this. Raises SystemExit on one that no .vsix is made for."""
    system = {"linux": "linux", "win32": "win32", "darwin": "darwin"}.get(sys.platform)
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if system == "linux" and platform.libc_ver()[0] != "glibc":
        system = "alpine"
    target = f"{system}-{machine}"
    if target not in WHEEL_PLATFORMS:
        raise SystemExit(f"no target for {sys.platform} on {platform.machine()}; name one with --target")
    return target
