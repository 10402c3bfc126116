"""Two ranks on the CPU: one of them writes, all wait, and the resumed run is the one that was never stopped."""

from pathlib import Path

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import RANKS
from tests.proofs.runs import SOME, lines, run, stopped

pytestmark = pytest.mark.slow
# Every file that this rank writes leaves a mark of its own.
COUNTS = """
import os
import torch

save = torch.save


def counted(state, path, *args, **kwargs):
    open("written-by-" + os.environ["RANK"], "a").close()
    return save(state, path, *args, **kwargs)


torch.save = counted
"""


def test_one_rank_writes_and_the_resumed_run_is_the_same(tmp_path: Path) -> None:
    files = fixed({"main.py": RANKS})
    assert "barrier()" in files["main.py"]
    jobs = stopped(tmp_path, "fixed", files, 0, ranks=2, before=COUNTS)
    jobs += stopped(tmp_path, "unfixed", {"main.py": RANKS}, 0, ranks=2, before=COUNTS)
    straight, first, rest, _, _, unfixed = run(jobs)
    assert [a["code"] for a in (straight, first, rest)] == [0, 0, 0], (first["out"], rest["out"])
    assert lines(rest) == lines(straight, SOME)
    assert lines(unfixed) != lines(straight, SOME)
    made = sorted(path.name for path in (tmp_path / "fixed straight").iterdir())
    assert [name for name in made if name.startswith("written-by-")] == ["written-by-0"]
    assert [name for name in made if name.endswith((".pt", ".tmp"))] == ["last.pt"]
    assert (tmp_path / "unfixed straight" / "written-by-1").exists()
