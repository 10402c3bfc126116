"""Several files: what is open counts before what is on disk."""

from pathlib import Path

from lsprotocol import types

from tests.lsp.editor import editor
from tests.lsp.snippets import HEAD, RULE

# What becomes of the state is decided in the helper.
TRAIN = f"{HEAD}from helper import restore\n\nrestore(model, torch.load('m.pt'))\n"
HELPER = "def restore(model, state):\n    model.load_state_dict(state)\n"


async def test_findings_of_each_open_file_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(HELPER)
    train, helper = (tmp_path / "train.py").as_uri(), (tmp_path / "helper.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(train, TRAIN)
        assert one.rules(await one.diagnostics(train)) == [RULE]
        one.open(helper, HELPER)
        assert await one.diagnostics(helper) == ()


async def test_saving_one_file_checks_those_again_that_rest_on_it_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(HELPER)
    train, helper, other = ((tmp_path / name).as_uri() for name in ("train.py", "helper.py", "other.py"))
    async with editor(root=tmp_path) as one:
        for uri, text in ((train, TRAIN), (other, HEAD), (helper, HELPER)):
            one.open(uri, text)
            await one.diagnostics(uri)
        after = one.heard()
        one.save(helper)
        await one.diagnostics(train, after)
        await one.settle(train)
        assert [params.uri for params in one.published[after:]] == [helper, train]
        # A file with unsaved edits is left alone until its own save.
        one.replace(train, "import torch\n", "import torch  # unsaved\n")
        after = one.heard()
        one.save(helper)
        await one.diagnostics(helper, after)
        await one.settle(train)
        await one.settle(train)
        assert [params.uri for params in one.published[after:]] == [helper]


async def test_change_on_disk_checks_again_what_asks_about_other_files(tmp_path: Path) -> None:
    path = tmp_path / "helper.py"
    path.write_text(HELPER)
    train = (tmp_path / "train.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(train, TRAIN)
        await one.diagnostics(train)
        path.write_text(HELPER + "\n")
        event = types.FileEvent(path.as_uri(), types.FileChangeType.Changed)
        one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
        await one.diagnostics(train, 1)


async def test_a_changed_configuration_file_checks_again_what_loads_it(tmp_path: Path) -> None:
    (tmp_path / "dry-debug.toml").write_text('preview = true\nselect = ["SPEC002"]\n')
    (tmp_path / "SPEC.md").write_text("learning rate: 1e-4\n")
    path = tmp_path / "run.yaml"
    path.write_text("lr: 1e-4\n")
    train = (tmp_path / "train.py").as_uri()
    source = (
        "import torch\nimport yaml\n\nnet = torch.nn.Linear(2, 2)\ncfg = yaml.safe_load(open('run.yaml'))\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=cfg['lr'])\n"
    )
    async with editor(root=tmp_path) as one:
        one.open(train, source)
        assert one.rules(await one.diagnostics(train)) == []
        path.write_text("lr: 1e-3\n")
        (tmp_path / "log.json").write_text("{}")
        changed = types.FileChangeType.Changed
        events = [types.FileEvent((tmp_path / name).as_uri(), changed) for name in ("log.json", "run.yaml")]
        one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))
        assert one.rules(await one.diagnostics(train, 1)) == ["hyperparameter-deviation"]


async def test_evidence_in_another_file_is_linked_in_the_units_of_the_client(tmp_path: Path) -> None:
    path = tmp_path / "helper.py"
    path.write_text("def restore(model, state):\n    '\U0001d4b3é'; model.load_state_dict(state)\n", "utf-8")
    train = (tmp_path / "train.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(train, TRAIN)
        (found,) = await one.diagnostics(train)
    assert found.related_information
    (step,) = (i for i in found.related_information if i.location.uri != train)
    assert step.location.uri == path.as_uri()
    # UTF-16: the letter takes two units.
    assert step.location.range.start == types.Position(1, 11)
    assert step.location.range.end == types.Position(1, 11 + len("model.load_state_dict(state)"))
