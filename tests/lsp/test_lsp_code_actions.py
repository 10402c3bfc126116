"""Code actions: fixes of the text as it is now, versioned, in order, and only of the kinds that are asked for."""

from pathlib import Path

import pytest
from lsprotocol import types

from tests.lsp.editor import Editor, applied, editor
from tests.lsp.snippets import BROKEN, BUGGY, CHECKPOINT, CLEAN, FIXED, FIXED_LOAD, FIXED_USE, HEAD, LOAD, RULE, USE

IGNORE = f"Ignore {RULE} on this line"
FIX_ALL_OF_RULE = f"Fix all {RULE} in this file"
TWO = f"{HEAD}{USE}\n{USE}\n"
# The state is kept, so that the fix changes where the tensors are: right most of the time, not always.
KEPT = "model.load_state_dict(state)\nmodel.weight.data = state['weight']\n"
UNSAFE = f"{HEAD}state = {LOAD}\n{KEPT}"

both = pytest.mark.parametrize("profile", ["vscode", "neovim"])


def fixes(actions: list[types.CodeAction]) -> list[types.CodeAction]:
    return [action for action in actions if action.kind == "quickfix" and "map_location" in action.title]


async def opened(one: Editor, path: Path, text: str) -> tuple[str, tuple[types.Diagnostic, ...]]:
    uri = path.as_uri()
    one.open(uri, text)
    return uri, tuple(await one.diagnostics(uri))


async def test_fix_first_suppression_last(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", TWO)
        actions = await one.actions(uri, found[0].range, found[:1], only=["quickfix"])
        assert [action.title for action in actions][1:] == [FIX_ALL_OF_RULE, IGNORE]
        (fix,) = fixes(actions)
        assert actions[0] is fix
        assert [bool(action.is_preferred) for action in actions] == [True, False, False]
        assert fix.diagnostics == found[:1]


async def test_fix_is_applied_exactly_and_the_finding_is_gone(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        (fix,) = fixes(await one.actions(uri, found[0].range, found))
        one.apply(fix.edit)
        assert one.texts[uri] == FIXED
        assert await one.checked(uri) == ()


async def test_fix_that_may_change_the_meaning_is_not_preferred(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", UNSAFE)
        (fix,) = fixes(await one.actions(uri, found[0].range, found))
        assert not fix.is_preferred
        one.apply(fix.edit)
        assert one.texts[uri] == UNSAFE.replace(LOAD, FIXED_LOAD)


async def test_edits_carry_the_version_of_the_text_that_they_are_of(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        one.replace(uri, "import torch\n", "import os\nimport torch\n")
        one.replace(uri, "import os\n", "")
        (fix,) = fixes(await one.actions(uri, found[0].range, found))
        assert fix.edit is not None and fix.edit.changes is None
        assert fix.edit.document_changes is not None
        (change,) = fix.edit.document_changes
        assert isinstance(change, types.TextDocumentEdit)
        assert (change.text_document.uri, change.text_document.version) == (uri, 3)


async def test_plain_changes_for_a_client_without_document_changes(tmp_path: Path) -> None:
    async with editor("neovim") as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        (fix,) = fixes(await one.actions(uri, found[0].range, found))
        assert fix.edit is not None and fix.edit.document_changes is None
        assert fix.edit.changes is not None
        assert applied(BUGGY, fix.edit.changes[uri], one.encoding) == FIXED


@both
async def test_unsaved_lines_above_move_the_fix_with_the_finding(profile: str, tmp_path: Path) -> None:
    async with editor(profile, changes={"workspace.workspaceEdit.documentChanges": True}) as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        one.replace(uri, "import torch\n", "import torch\n\n# 😀 unsaved\nprint('first')\n")
        now = one.range_of(uri, LOAD)
        assert now != found[0].range
        (fix,) = fixes(await one.actions(uri, now, found))
        one.apply(fix.edit)
        assert FIXED_USE in one.texts[uri]
        assert "print('first')" in one.texts[uri]
        assert one.heard() == 1  # looking again published nothing


async def test_no_fix_for_a_finding_that_is_not_in_the_buffer_any_more(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        one.replace(uri, LOAD, FIXED_LOAD)
        assert await one.actions(uri, found[0].range, found) == []


async def test_no_fix_where_an_unsaved_edit_has_made_another_statement(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        one.replace(uri, "model.pt", "other.pt")  # a finding of its own, which the user has not been shown
        assert fixes(await one.actions(uri, found[0].range, found)) == []


async def test_nothing_is_offered_while_the_buffer_does_not_parse(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        one.set_text(uri, BROKEN)
        assert await one.actions(uri, found[0].range, found) == []
        broken = await one.checked(uri)
        assert await one.actions(uri, broken[-1].range, broken) == []


async def test_client_that_drops_the_data_of_diagnostics_is_answered_by_place(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        without = [types.Diagnostic(found[0].range, found[0].message, source=found[0].source)]
        for context in (without, []):
            assert fixes(await one.actions(uri, found[0].range, context))
        top = types.Range(types.Position(0, 0), types.Position(0, 3))
        assert await one.actions(uri, top, [], only=["quickfix"]) == []


async def test_before_the_first_check_nothing_is_offered(tmp_path: Path) -> None:
    async with editor() as one:
        nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
        assert await one.actions("file:///tmp/never_opened.py", nowhere) == []


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (None, {"quickfix", "source.fixAll.dryDebug"}),
        (["quickfix"], {"quickfix"}),
        (["source"], {"source.fixAll.dryDebug"}),
        (["source.fixAll"], {"source.fixAll.dryDebug"}),
        (["source.fixAll.dryDebug"], {"source.fixAll.dryDebug"}),
        (["source.fixAll.ruff"], set()),
        (["source.organizeImports"], set()),
        (["refactor"], set()),
        (["quick"], set()),
        (["notebook.source.fixAll"], set()),
        ([""], {"quickfix", "source.fixAll.dryDebug"}),
    ],
)
async def test_only_the_kinds_that_are_asked_for(only: list[str] | None, kinds: set[str], tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        actions = await one.actions(uri, found[0].range, found, only)
        assert {str(action.kind) for action in actions} == kinds


async def test_fix_all_is_not_worked_out_at_each_move_of_the_cursor(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        automatic = types.CodeActionTriggerKind.Automatic
        actions = await one.actions(uri, found[0].range, found, trigger=automatic)
        assert {str(action.kind) for action in actions} == {"quickfix"}
        assert await one.actions(uri, found[0].range, found, ["source.fixAll"], automatic)


async def test_fix_all_applies_safe_fixes_of_the_whole_file_and_no_others(tmp_path: Path) -> None:
    text = f"{TWO}state = {LOAD.replace('model.pt', 'other.pt')}\n{KEPT}"
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", text)
        assert len(found) == 3
        (action,) = await one.actions(uri, found[0].range, [], ["source.fixAll"])
        assert action.edit is None  # made when it is chosen: this client asks then
        one.apply((await one.resolve(action)).edit)
        assert one.texts[uri] == text.replace(LOAD, FIXED_LOAD)


async def test_fix_all_is_not_offered_where_nothing_is_safe(tmp_path: Path) -> None:
    async with editor() as one:
        for text in (UNSAFE, CLEAN):
            uri, _ = await opened(one, tmp_path / f"{len(text)}.py", text)
            top = types.Range(types.Position(0, 0), types.Position(0, 0))
            assert await one.actions(uri, top, [], ["source.fixAll"]) == []


async def test_fix_all_resolves_to_the_text_as_it_is_when_it_is_chosen(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        (action,) = await one.actions(uri, found[0].range, [], ["source.fixAll"])
        one.replace(uri, "import torch\n", "import torch\n# later\n")
        one.apply((await one.resolve(action)).edit)
        assert one.texts[uri] == FIXED.replace("import torch\n", "import torch\n# later\n")


async def test_client_that_resolves_nothing_gets_the_edit_at_once(tmp_path: Path) -> None:
    async with editor("emacs") as one:
        uri, found = await opened(one, tmp_path / "a.py", TWO)
        actions = await one.actions(uri, found[0].range, found)
        assert all(action.edit is not None for action in actions)
        everything = next(action for action in actions if action.title == FIX_ALL_OF_RULE)
        one.apply(everything.edit)
        assert one.texts[uri] == TWO.replace(LOAD, FIXED_LOAD)


async def test_fix_all_of_one_rule(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", TWO)
        actions = await one.actions(uri, found[1].range, found[1:])
        action = next(action for action in actions if action.title == FIX_ALL_OF_RULE)
        one.apply((await one.resolve(action)).edit)
        assert one.texts[uri] == TWO.replace(LOAD, FIXED_LOAD)


async def test_fix_all_of_a_rule_needs_more_than_one_finding(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BUGGY)
        actions = await one.actions(uri, found[0].range, found)
        assert FIX_ALL_OF_RULE not in [action.title for action in actions]


SUPPRESSED = {
    "plain": (f"{USE}\n", f"# dry-debug: ignore[{RULE}]\n{USE}\n"),
    "indented": (f"if True:\n\t{USE}\n", f"if True:\n\t# dry-debug: ignore[{RULE}]\n\t{USE}\n"),
    "crlf": (f"pass\r\n{USE}\r\n", f"pass\r\n# dry-debug: ignore[{RULE}]\r\n{USE}\r\n"),
    "over several lines": (
        f"model.load_state_dict(\n    {LOAD}\n)\n",
        f"# dry-debug: ignore[{RULE}]\nmodel.load_state_dict(\n    {LOAD}\n)\n",
    ),
    "behind a backslash": (
        f"_ = \\\n  {USE}\n",
        f"# dry-debug: ignore[{RULE}]\n_ = \\\n  {USE}\n",
    ),
    "on one line with others": (f"pass; {USE}; pass\n", f"# dry-debug: ignore[{RULE}]\npass; {USE}; pass\n"),
    "below a suppression of another rule": (
        f"# dry-debug: ignore[incomplete-checkpoint] on purpose\n{USE}\n",
        f"# dry-debug: ignore[incomplete-checkpoint, {RULE}] on purpose\n{USE}\n",
    ),
    "below a string over several lines": (
        f's = """\n  """; {USE}\n',
        f'# dry-debug: ignore[{RULE}]\ns = """\n  """; {USE}\n',
    ),
}


@pytest.mark.parametrize("name", SUPPRESSED)
async def test_ignoring_adds_a_comment_that_works(name: str, tmp_path: Path) -> None:
    before, after = SUPPRESSED[name]
    head = HEAD.replace("\n", "\r\n") if "\r\n" in before else HEAD
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", head + before)
        mine = [diagnostic for diagnostic in found if diagnostic.code == RULE]
        actions = await one.actions(uri, mine[0].range, mine)
        action = next(action for action in actions if action.title == IGNORE)
        one.apply(action.edit)
        assert one.texts[uri] == head + after
        assert RULE not in one.rules(await one.checked(uri))


async def test_syntax_error_cannot_be_ignored(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", BROKEN)
        assert await one.actions(uri, found[0].range, found) == []


async def test_unused_suppression_is_faded_and_can_be_removed(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", f"{CLEAN}x = 1  # dry-debug: ignore[{RULE}]\n")
        (unused,) = found
        assert unused.code == "unused-suppression"
        assert unused.tags == (types.DiagnosticTag.Unnecessary,)
        actions = await one.actions(uri, unused.range, found, ["quickfix"])
        assert len(actions) == 1
        one.apply(actions[0].edit)
        assert one.texts[uri] == f"{CLEAN}x = 1\n"


async def test_other_ways_to_fix_a_finding_stand_behind_the_first(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", CHECKPOINT)
        (finding,) = [diagnostic for diagnostic in found if diagnostic.code == "incomplete-checkpoint"]
        actions = await one.actions(uri, finding.range, [finding], only=["quickfix"])
        assert [action.title for action in actions] == [
            "Complete the checkpoint with `optimizer`",
            "Complete the checkpoint and resume from it before the loop",
            "Save and resume by a pair of functions, `save_checkpoint` and `load_checkpoint`",
            "Ignore incomplete-checkpoint on this line",
        ]
        assert all([*(action.diagnostics or ())] == [finding] for action in actions)
        one.apply(actions[1].edit)
        assert "checkpoint = torch.load(" in one.texts[uri] and "os.replace(" in one.texts[uri]


TRAINED = """from transformers import Trainer, TrainingArguments

trainer = Trainer(model=model, args=TrainingArguments(output_dir="runs"), train_dataset=data)
trainer.train()
"""


async def test_a_trainer_s_own_resume_is_offered_where_it_is_started(tmp_path: Path) -> None:
    async with editor() as one:
        uri, found = await opened(one, tmp_path / "a.py", TRAINED)
        assert not found  # it is no mistake
        here, elsewhere = (types.Range(types.Position(line, 0), types.Position(line, 0)) for line in (3, 2))
        (action,) = await one.actions(uri, here, [])
        assert (action.kind, action.title) == (
            "refactor.rewrite",
            "Resume `trainer` from its last checkpoint, if there is one",
        )
        assert await one.actions(uri, elsewhere, []) == await one.actions(uri, here, [], ["quickfix"]) == []
        one.apply(action.edit)
        assert "trainer.train(resume_from_checkpoint=last_checkpoint)\n" in one.texts[uri]
