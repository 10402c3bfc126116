"""Makes the .vsix: `python3 tools/vsix/build.py [--target linux-x64] ...` (after `npm ci`).

Writes bundled/ (the server with its packages) and dist/dry-debug-<target>-<version>.vsix. Needs pip, node and
node_modules. Wheels of every target are fetched on any machine; a bundle is tried out only where it can run.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import wheels
from targets import WHEEL_PLATFORMS, this_target

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "bundled"
PACKAGES = (ROOT / "server" / "dry_debug", ROOT / "rules" / "dry_debug_rules")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", choices=[*WHEEL_PLATFORMS, "all"], help="default: this machine's")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the .vsix (default: dist)")
    options = parser.parse_args()
    named = options.target or [this_target()]
    check_versions()
    chosen = list(WHEEL_PLATFORMS) if "all" in named else named
    # This machine's comes last, so that the bundled/ that stays can be run here.
    for target in sorted(chosen, key=lambda target: target == this_target()):
        started = time.monotonic()
        make_bundle(target)
        if target == this_target():
            try_bundle()
        file = package(target, options.out)
        megabytes = file.stat().st_size / 1e6
        print(f"{file} ({megabytes:.1f} MB, {time.monotonic() - started:.0f} s)")
    return 0


def version() -> str:
    return str(json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"])


def check_versions() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        python = tomllib.load(file)["project"]["version"]
    if python != version():
        raise SystemExit(f"package.json says version {version()}, pyproject.toml {python}")


def make_bundle(target: str) -> None:
    """Replaces bundled/ by the one for `target`."""
    with tempfile.TemporaryDirectory(prefix="dry-debug-vsix-") as folder:
        scratch = Path(folder)
        libs = scratch / "bundled" / "libs"
        requirements = wheels.dependencies(ROOT / "pyproject.toml")
        pins = wheels.install(requirements, WHEEL_PLATFORMS[target], libs, scratch)
        for package_folder in PACKAGES:
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(package_folder, libs / package_folder.name, ignore=ignored)
        shutil.copy(ROOT / "tools" / "vsix" / "launch.py", libs.parent / "launch.py")
        contents = {"target": target, "pythons": wheels.PYTHONS, "packages": pins}
        (libs.parent / "bundle.json").write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(BUNDLED, ignore_errors=True)
        shutil.move(libs.parent, BUNDLED)


def try_bundle() -> None:
    """Has the bundled command say its version, and imports what the server needs, without the build's own packages."""
    imports = "import dry_debug.lsp, dry_debug_rules, libcst, lsprotocol.types, pygls.lsp.server"
    code = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(BUNDLED / 'libs')!r}); {imports}"
    for command in (["-c", code], ["-B", str(BUNDLED / "launch.py"), "--version"]):
        done = subprocess.run([sys.executable, "-I", "-S", *command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"the bundle does not run: {done.stderr}")


def package(target: str, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"dry-debug-{target}-{version()}.vsix"
    npx = shutil.which("npx")
    if npx is None:
        raise SystemExit("npx is not on the PATH: Node 20 or later is needed to package")
    command = [npx, "--no-install", "vsce", "package", "--no-dependencies", "--target", target, "--out", str(file)]
    # The bundled packages are public, and vsce takes minutes to look for secrets in thousands of files.
    command += ["--allow-package-all-secrets", "--allow-missing-repository", "--no-rewrite-relative-links"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"vsce failed:\n{done.stdout}{done.stderr}")
    return file


if __name__ == "__main__":
    sys.exit(main())
