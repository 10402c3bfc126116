"""Commands that a client may send."""

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.cli.command import dry_debug
from tests.lsp.editor import editor
from tests.lsp.snippets import BUGGY, CLEAN, FIXED_USE, RULE, USE


async def test_check_document_checks_the_buffer_without_a_save(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, CLEAN)
        await one.diagnostics(uri)
        one.replace(uri, "print(model)", USE)
        await one.command("dryDebug.checkDocument", uri)
        # The answer comes after the diagnostics.
        assert one.heard() == 2
        assert one.rules(one.published[-1].diagnostics) == [RULE]


async def test_check_document_of_a_file_that_is_not_open_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BUGGY)
    async with editor(root=tmp_path) as one:
        await one.command("dryDebug.checkDocument", path.as_uri())
        assert one.published == []


async def test_unknown_command_is_an_error() -> None:
    async with editor() as one:
        with pytest.raises(JsonRpcException):
            await one.command("dryDebug.nonsense")


async def test_explain_gives_the_text_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BUGGY)
    async with editor(root=tmp_path) as one:
        one.open(path.as_uri(), BUGGY)
        await one.diagnostics(path.as_uri())
        line = BUGGY.split("\n").index(USE)
        told = await one.command("dryDebug.explain", path.as_uri(), line)
    done = dry_debug("explain", f"a.py:{line + 1}", cwd=tmp_path)
    assert told == done.stdout.decode()
    assert "CKPT010 unmapped-checkpoint-load: warning, high confidence" in told


async def test_explain_of_a_line_without_a_finding_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    text = BUGGY.replace(USE, FIXED_USE)
    async with editor(root=tmp_path) as one:
        one.open(path.as_uri(), text)
        await one.diagnostics(path.as_uri())
        told = await one.command("dryDebug.explain", path.as_uri(), text.split("\n").index(FIXED_USE))
    assert "CKPT010 unmapped-checkpoint-load: not reported" in told
    assert '`map_location` is given: `"cpu"`' in told


async def test_explain_of_what_is_not_open_is_nothing(tmp_path: Path) -> None:
    async with editor(root=tmp_path) as one:
        assert await one.command("dryDebug.explain", (tmp_path / "a.py").as_uri(), 0) is None


TRACEBACK = """Traceback (most recent call last):
  File "/home/somebody/{folder}/a.py", line {line}, in <module>
    model.load_state_dict(torch.load("best.pt"))
RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.
"""


async def test_route_says_where_to_look_with_the_findings_of_open_files(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    line = BUGGY.split("\n").index(USE) + 1
    async with editor(root=tmp_path) as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        text = await one.command("dryDebug.route", TRACEBACK.format(folder=tmp_path.name, line=line))
    assert text.startswith("# Where to look\n\n## 1. checkpointing-and-reproducibility\n")
    assert "Check first:\n\n1. " in text
    assert f"## Your own code in the traceback\n\n[a.py:{line}]({uri}#L{line})" in text
    assert f"- [a.py:{line}]({uri}#L{line}) warning: " in text and f"({RULE})" in text


async def test_route_of_an_ambiguous_text_asks_one_question_and_names_no_area() -> None:
    async with editor() as one:
        text = await one.command("dryDebug.route", "my model does not work")
    assert "## One question first" in text and "## 1." not in text


async def test_route_answers_the_pressure_in_the_text() -> None:
    async with editor() as one:
        text = await one.command("dryDebug.route", "CUDA out of memory, demo in an hour, just tell me the quick fix")
    assert "## On the pressure (time)" in text and "> " in text.partition("## On the pressure")[2]


LEAKY = """import torch


def train(model, loader, optimizer):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss
    return total
"""
FRAMES = """CUDA out of memory after some epochs
Traceback (most recent call last):
  File "/home/somebody/job/main.py", line 4, in <module>
    run()
  File "/home/somebody/job/training/steps.py", line 9, in train
    loss.backward()
  File "/opt/venv/lib/python3.12/site-packages/torch/_tensor.py", line 630, in backward
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.
"""


def workspace(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def test_route_reads_the_files_that_the_traceback_names_though_none_is_open(tmp_path: Path) -> None:
    workspace(tmp_path, {"training/steps.py": LEAKY, "main.py": "from training.steps import train\n"})
    uri = (tmp_path / "training" / "steps.py").as_uri()
    async with editor(root=tmp_path) as one:
        text = await one.command("dryDebug.route", FRAMES)
        assert one.published == []
    assert f"[steps.py:9]({uri}#L9)" in text.partition("## Your own code")[2]
    assert f"- [steps.py:11]({uri}#L11) " in text and "(attached-loss-total)" in text


async def test_route_reads_the_training_scripts_of_the_workspace(tmp_path: Path) -> None:
    workspace(
        tmp_path,
        {"job/a.py": LEAKY, "venv/b.py": LEAKY, "job/c.py": "print(1)\n", "skipped/d.py": LEAKY}
        | {"dry-debug.toml": 'exclude = ["skipped"]\n'},
    )
    async with editor(root=tmp_path) as one:
        text = await one.command("dryDebug.route", "GPU memory keeps growing with every batch")
    assert "[a.py:11]" in text
    assert not any(name in text for name in ("b.py", "c.py", "d.py"))


async def test_route_looks_at_nothing_outside_the_workspace(tmp_path: Path) -> None:
    workspace(tmp_path, {"other/training/steps.py": LEAKY, "mine/a.py": "print(1)\n"})
    shown = FRAMES.replace("/home/somebody/job", str(tmp_path / "other"))
    async with editor(root=tmp_path / "mine") as one:
        text = await one.command("dryDebug.route", shown)
    assert "tensor-operations-and-memory" in text
    assert "[steps.py" not in text


async def test_route_takes_an_unsaved_buffer_before_the_file(tmp_path: Path) -> None:
    workspace(tmp_path, {"training/steps.py": LEAKY})
    uri = (tmp_path / "training" / "steps.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, LEAKY.replace("total += loss\n", "total += loss.item()\n"))
        await one.diagnostics(uri)
        text = await one.command("dryDebug.route", FRAMES)
    assert "(attached-loss-total)" not in text


async def test_route_of_an_ambiguous_text_looks_at_no_file(tmp_path: Path) -> None:
    workspace(tmp_path, {"a.py": LEAKY})
    async with editor(root=tmp_path) as one:
        text = await one.command("dryDebug.route", "my model does not work")
    assert "a.py" not in text
