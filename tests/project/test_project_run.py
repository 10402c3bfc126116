"""Checking many files: order, processes that die, and results that are used again only while they hold."""

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dry_debug.lint.engine import Result
from dry_debug.lint.settings import Settings
from dry_debug.program.host import Host
from dry_debug.project import cache as cache_module
from dry_debug.project import run, workers
from dry_debug.project.config import Configs
from dry_debug.project.run import FileReport, Outcome, Task, check
from dry_debug.text.document import Document

LOAD = "import torch\n\n\ndef load(model, path):\n    model.load_state_dict(torch.load(path))\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("DRY_DEBUG_CACHE_DIR", str(folder))
    run.host_for.cache_clear()
    yield folder
    run.host_for.cache_clear()


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are analysed, as that happens."""
    names: list[str] = []
    real = run.analyse_file

    def noting(task: Task, with_fixes: bool, keep: bool = False) -> Outcome:
        names.append(os.path.basename(task.path))
        return real(task, with_fixes, keep)

    monkeypatch.setattr(run, "analyse_file", noting)
    return names


def make(root: Path, count: int, text: str = LOAD) -> list[str]:
    (root / "dry-debug.toml").write_text("")
    for number in range(count):
        (root / f"f{number:02}.py").write_text(f"# {number}\n{text}")
    return [str(root / f"f{number:02}.py") for number in range(count)]


def checked(files: list[str], **options: object) -> list[FileReport]:
    run.host_for.cache_clear()
    return list(check(files, Configs(), **options))  # type: ignore[arg-type]


def test_nothing_changed_nothing_analysed(tmp_path: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    first = checked(files)
    assert len(analysed) == 10 and all(len(report.records) == 1 for report in first)
    analysed.clear()
    assert checked(files) == first
    assert analysed == []


def test_only_the_changed_file_is_analysed_again(tmp_path: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    checked(files)
    analysed.clear()
    Path(files[3]).write_text("x = 1\n")
    os.utime(files[4])  # touched, the text is the same
    assert [len(report.records) for report in checked(files)] == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert analysed == ["f03.py"]


def test_a_change_of_the_same_length_is_seen(tmp_path: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    checked(files)
    path = Path(files[0])
    path.write_text(path.read_text().replace("load", "lead"))
    assert len(checked(files)[0].records) == 0


def test_other_settings_do_not_share_results(tmp_path: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    checked(files)
    (tmp_path / "dry-debug.toml").write_text('ignore = ["CKPT010"]\n')
    assert all(report.records == [] for report in checked(files))


def test_a_change_in_a_module_that_was_asked_about_is_seen(
    tmp_path: Path, analysed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make(tmp_path, 10)
    real = run.analyse

    def asking(document: Document, host: Host, settings: Settings) -> Result:
        if document.path == files[0]:
            assert host.module("helper", document.path) is not None
        return real(document, host, settings)

    monkeypatch.setattr(run, "analyse", asking)
    (tmp_path / "helper.py").write_text("def build():\n    return 1\n")
    checked(files)
    analysed.clear()
    checked(files)
    assert analysed == []
    (tmp_path / "helper.py").write_text("def build():\n    return 2\n")
    checked(files)
    assert analysed == ["f00.py"]


def test_another_version_of_the_tool_starts_anew(
    tmp_path: Path, analysed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make(tmp_path, 10)
    checked(files)
    analysed.clear()
    monkeypatch.setattr(cache_module, "__version__", "another")
    checked(files)
    assert len(analysed) == 10


def test_results_without_fixes_do_not_serve_when_fixes_are_asked_for(tmp_path: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    Path(files[0]).write_text("x = 1\n")
    assert checked(files)[1].records[0]["fix"] is None
    analysed.clear()
    assert checked(files, with_fixes=True)[1].records[0]["fix"] is not None
    assert len(analysed) == 9  # all but the one in which there is nothing to fix
    analysed.clear()
    checked(files)
    assert analysed == []


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 200_000, b'{"identity": 1}', b'{"files": []}', b"null"])
def test_a_broken_cache_is_ignored_and_replaced(
    tmp_path: Path, own_cache: Path, analysed: list[str], data: bytes
) -> None:
    files = make(tmp_path, 10)
    first = checked(files)
    (path,) = own_cache.glob("*.json")
    path.write_bytes(data)
    analysed.clear()
    assert checked(files) == first
    assert len(analysed) == 10
    assert len(json.loads(path.read_bytes())["files"]) == 10


def test_rows_that_are_no_results_are_ignored(tmp_path: Path, own_cache: Path, analysed: list[str]) -> None:
    files = make(tmp_path, 10)
    first = checked(files)
    (path,) = own_cache.glob("*.json")
    data = json.loads(path.read_bytes())
    data["files"] = {name: 3 if index % 2 else [1, 2] for index, name in enumerate(data["files"])}
    path.write_text(json.dumps(data))
    assert checked(files) == first


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path, 10)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DRY_DEBUG_CACHE_DIR", str(blocked / "below"))
    assert len(checked(files)) == 10


def test_files_that_are_gone_leave_the_cache(tmp_path: Path, own_cache: Path) -> None:
    files = make(tmp_path, 12)
    checked(files)
    for name in files[10:]:
        os.unlink(name)
    Path(files[0]).write_text("x = 2\n")
    checked(files[:10])
    (path,) = own_cache.glob("*.json")
    assert sorted(json.loads(path.read_bytes())["files"]) == files[:10]


def test_runs_at_the_same_time_leave_a_whole_cache(tmp_path: Path, own_cache: Path) -> None:
    files = make(tmp_path, 10)
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    processes = [context.Process(target=checked, args=(files,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert [path.suffix for path in own_cache.iterdir()] == [".json"]
    assert len(json.loads(next(own_cache.iterdir()).read_bytes())["files"]) == 10


def test_several_processes_give_what_one_gives_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make(tmp_path, 40)
    Path(files[7]).write_text("def f(:\n")
    one = checked(files, use_cache=False)
    monkeypatch.setattr(run, "_BYTES_FOR_A_WORKER", 500)
    started: list[int] = []
    real = workers.run_in_workers

    def noting(tasks: list[Task], count: int, *rest: bool) -> Iterator[Outcome]:
        started.append(count)
        return real(tasks, count, *rest)

    monkeypatch.setattr(workers, "run_in_workers", noting)
    assert checked(files, use_cache=False, jobs=3) == one
    assert started == [3]
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="the patch reaches the workers by fork")
@pytest.mark.parametrize("dying", [{0}, {5}, {39}, {3, 4, 20}, set(range(40))])
def test_a_worker_that_dies_takes_one_file_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dying: set[int]
) -> None:
    files = make(tmp_path, 40)
    real = run.analyse_file

    def deadly(task: Task, with_fixes: bool, keep: bool = False) -> Outcome:
        if files.index(task.path) in dying:
            os._exit(7)
        return real(task, with_fixes, keep)

    monkeypatch.setattr(workers, "analyse_file", deadly)
    tasks = [Task(path, str(tmp_path), Settings()) for path in files]
    reports = [outcome.report for outcome in workers.run_in_workers(tasks, 2, False, False)]
    assert [report.path for report in reports] == files
    for number, report in enumerate(reports):
        assert len(report.records) == (0 if number in dying else 1)
        told = [problem.message for problem in report.problems]
        assert told == (["the analysis of this file ended its process (status 7)"] if number in dying else [])


def test_stopping_early_leaves_no_process_behind(tmp_path: Path) -> None:
    files = make(tmp_path, 40)
    tasks = [Task(path, str(tmp_path), Settings()) for path in files]
    outcomes = workers.run_in_workers(tasks, 2, False, False)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_an_analysis_that_raises_is_a_problem_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path, 3)
    real = run.analyse

    def raising(document: object, *rest: object, **named: object) -> object:
        if getattr(document, "path", "") == files[1]:
            raise MemoryError("too much")
        return real(document, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "analyse", raising)
    reports = checked(files)
    assert [len(report.records) for report in reports] == [1, 0, 1]
    assert [problem.message for problem in reports[1].problems] == ["the analysis failed: MemoryError: too much"]


def test_a_change_in_a_configuration_file_that_was_loaded_is_seen(tmp_path: Path, analysed: list[str]) -> None:
    source = (
        "import torch\nimport yaml\n\nnet = torch.nn.Linear(2, 2)\ncfg = yaml.safe_load(open('run.yaml'))\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=cfg['lr'])\n"
    )
    files = make(tmp_path, 10, source)
    (tmp_path / "dry-debug.toml").write_text('preview = true\nselect = ["SPEC002"]\n')
    (tmp_path / "SPEC.md").write_text("learning rate: 1e-4\n")
    config = tmp_path / "run.yaml"
    config.write_text("lr: 1e-4\n")
    assert not any(report.records for report in checked(files))
    analysed.clear()
    assert not any(report.records for report in checked(files))
    assert not analysed
    config.write_text("lr: 1e-3\n")
    run.host_for.cache_clear()
    assert all(report.records for report in checked(files))
    config.unlink()
    run.host_for.cache_clear()
    assert not any(report.records for report in checked(files))
    (tmp_path / "SPEC.md").write_text("optimizer: AdamW\n")
    run.host_for.cache_clear()
    assert all(report.records for report in checked(files)) is False  # SPEC002 says nothing of optimizers
    assert len(analysed) == 30
