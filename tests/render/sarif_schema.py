"""The published JSON schema of SARIF 2.1.0.

No package installs it, and it is not copied into this repository: it comes out of the source distribution of
Microsoft's `sarif-om` on PyPI (the classes there are generated from it), fetched once by pip, held to its hash, and
then kept in pytest's cache. It says 2.1.0-rtm.4, the text of the standard before its errata.
"""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

_REQUIREMENT = "sarif-om==1.0.4 --hash=sha256:cd5f416b3083e00d402a92e449a7ff67af46f11241073eea0461802a3b5aef98\n"
_MEMBER = "sarif_om-1.0.4/sarif-2.1.0-rtm.4.json"


def sarif_schema(kept: Path) -> dict[str, Any]:
    """The schema; `kept` is a folder that outlives the run. Skips the test where PyPI cannot be reached."""
    path = kept / "sarif-2.1.0.json"
    if not path.exists():
        (kept / "requirements.txt").write_text(_REQUIREMENT)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        command += ["--require-hashes", "-r", str(kept / "requirements.txt"), "-d", str(kept)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"the schema cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
        with tarfile.open(kept / "sarif_om-1.0.4.tar.gz") as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            path.write_bytes(member.read())
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema
