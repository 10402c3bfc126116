"""`tools/generate.py`: writes what is generated, and says with `--check` what has drifted."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "generate.py"


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool with one output of its own, below a temporary folder."""
    spec = importlib.util.spec_from_file_location("generate", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "OUTPUTS", (("folder/made.txt", lambda: "made\n"),))
    return module


def run(generate: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["generate.py", *arguments])
    status: int = generate.main()
    return status


def test_a_file_that_is_missing_or_changed_has_drifted(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(generate, monkeypatch, "--check") == 1
    assert not (tmp_path / "folder").exists()
    assert run(generate, monkeypatch) == 0
    assert (tmp_path / "folder" / "made.txt").read_text() == "made\n"
    assert run(generate, monkeypatch, "--check") == 0
    capsys.readouterr()
    (tmp_path / "folder" / "made.txt").write_text("other\n")
    assert run(generate, monkeypatch, "--check") == 1
    assert "folder/made.txt is not up to date" in capsys.readouterr().out
