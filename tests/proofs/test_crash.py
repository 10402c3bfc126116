"""A process that is killed in the middle of a save: the checkpoint from before is still there, and still loads."""

from pathlib import Path

import pytest

from tests.proofs.fixed import fixed
from tests.proofs.programs import CASES
from tests.proofs.runs import ALL, SOME, folder, lines, run

pytestmark = pytest.mark.slow
# The save of the third epoch writes half of its bytes; then the process is gone.
DIES = """
import io, os, signal
import torch

save, times = torch.save, []


def dies(state, path, *args, **kwargs):
    times.append(path)
    if len(times) < 3:
        return save(state, path, *args, **kwargs)
    whole = io.BytesIO()
    save(state, whole)
    with open(path, "wb") as file:
        file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
        file.flush()
        os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)


torch.save = dies
"""


def test_kill_9_during_the_save_leaves_the_checkpoint_from_before(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "plain")
    files = {"fixed": fixed(case.files, case.variant), "unfixed": case.files}
    jobs = []
    for name, texts in files.items():
        straight, killed = folder(tmp_path, f"{name} straight", texts), folder(tmp_path, f"{name} killed", texts)
        whole = {"main": "main.py", "argv": [str(ALL), "0"]}
        jobs += [
            {**whole, "folder": straight},
            {**whole, "folder": killed, "before": DIES},
            {**whole, "folder": killed},
        ]
    straight, killed, rest, _, unfixed_killed, unfixed_rest = run(jobs)
    assert killed["code"] == unfixed_killed["code"] == -9
    assert rest["code"] == 0 and lines(rest) == lines(straight, SOME)  # two epochs were saved whole
    assert unfixed_rest["code"] != 0 and "last.pt" in unfixed_rest["out"], "the unfixed program has no checkpoint left"
