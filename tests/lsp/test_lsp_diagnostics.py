"""Diagnostics: when they are published, and what is in them."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lsprotocol import types

from tests.lsp.editor import SOURCE, editor
from tests.lsp.snippets import BROKEN, BUGGY, CLEAN, FIXED, FIXED_LOAD, HEAD, LOAD, RULE, USE

both = pytest.mark.parametrize("profile", ["vscode", "neovim"])


@both
async def test_published_on_open(profile: str, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(profile, root=tmp_path) as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        assert found.source == SOURCE
        assert found.code == RULE
        assert LOAD in one.text_at(uri, found.range)
        headline, why = found.message.split("\n")[:2]
        assert 0 < len(headline) <= 100 and not headline.endswith(".")
        assert why.endswith(".")
        assert found.data["rule"] == RULE
        assert found.data["version"] == 1
        assert found.data["fingerprint"]
        assert "edits" not in str(found.data)


async def test_clean_file_publishes_nothing_wrong(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, CLEAN)
        assert await one.diagnostics(uri) == ()


@both
async def test_not_published_on_change_but_on_save(profile: str, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(profile) as one:
        one.open(uri, CLEAN)
        await one.diagnostics(uri)
        one.replace(uri, "print(model)", USE)
        await one.settle(uri)
        assert one.heard() == 1
        found = await one.checked(uri)
        assert one.rules(found) == [RULE]
        assert found[0].data["version"] == 2


async def test_gone_after_the_mistake_is_mended_and_saved(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri)
        one.replace(uri, LOAD, FIXED_LOAD)
        assert await one.checked(uri) == ()


async def test_taken_away_when_the_file_is_closed(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        after = one.heard()
        one.close(uri)
        assert await one.diagnostics(uri, after) == ()


async def test_on_type_publishes_after_a_pause_and_without_a_save(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(settings={"run": "onType"}) as one:
        one.open(uri, CLEAN)
        await one.diagnostics(uri)
        # Typed in four steps: one check comes of them, of the last.
        for text in ("model", "model.", "model.load_state_dict", USE):
            one.set_text(uri, f"{HEAD}{text}\n")
        assert one.rules(await one.diagnostics(uri, 1)) == [RULE]
        assert one.heard() == 2


async def test_severity_is_the_rule_s_in_the_protocol_s_words(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    wanted = {
        "critical": types.DiagnosticSeverity.Error,
        "warning": types.DiagnosticSeverity.Warning,
        "suggestion": types.DiagnosticSeverity.Information,
    }
    for severity, level in wanted.items():
        async with editor(settings={"severity": {RULE: severity}}) as one:
            one.open(uri, BUGGY)
            (found,) = await one.diagnostics(uri)
            assert found.severity == level


async def test_code_leads_to_the_rule_s_page_on_disk(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor("vscode") as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        assert found.code_description is not None
        href = urlsplit(found.code_description.href)
        assert href.scheme == "file"
        page = Path(unquote(href.path))
        assert page.name == "unmapped_checkpoint_load.md"
        assert "## Why it matters" in page.read_text("utf-8")


async def test_no_link_for_a_client_that_shows_none(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor("neovim") as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        assert found.code_description is None


async def test_evidence_is_related_information_or_part_of_the_text(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    text = f"{HEAD}state = {LOAD}\nmodel.load_state_dict(state)\n"
    async with editor("vscode") as one:
        one.open(uri, text)
        (found,) = await one.diagnostics(uri)
        assert found.related_information
        (step,) = found.related_information
        assert step.location.uri == uri
        assert "load_state_dict(state)" in one.text_at(uri, step.location.range)
        assert len(found.message.split("\n")) == 2
    async with editor("emacs") as one:
        one.open(uri, text)
        (folded,) = await one.diagnostics(uri)
        assert folded.related_information is None
        assert folded.message.split("\n")[2:] == [f"line 6: {step.message}"]


async def test_version_is_sent_only_to_a_client_that_takes_it(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    for supported in (True, False):
        async with editor(changes={"textDocument.publishDiagnostics.versionSupport": supported}) as one:
            one.open(uri, BUGGY)
            await one.diagnostics(uri)
            assert one.published[0].version == (1 if supported else None)


@both
async def test_syntax_error_is_one_diagnostic_beside_the_last_findings(profile: str, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(profile) as one:
        one.open(uri, BUGGY)
        (before,) = await one.diagnostics(uri)
        one.set_text(uri, BROKEN)
        found = await one.checked(uri)
        assert one.rules(found) == ["syntax-error", RULE]
        error, kept = found
        assert error.severity == types.DiagnosticSeverity.Error
        assert one.text_at(uri, error.range) == "if model"
        assert (kept.range, kept.message) == (before.range, before.message)
        # Saved again, still broken: the findings are still those of the text that parsed.
        one.set_text(uri, BROKEN + "more(\n")
        assert one.rules(await one.checked(uri)) == ["syntax-error", RULE]
        one.set_text(uri, FIXED)
        assert await one.checked(uri) == ()


async def test_kept_findings_are_clipped_to_a_shorter_text(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        one.set_text(uri, "import (\n")
        found = await one.checked(uri)
        kept = next(d for d in found if d.code == RULE)
        assert kept.range.end <= one.position(uri, len("import (\n"))


async def test_file_that_is_broken_from_the_start_has_only_its_error(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BROKEN)
        (found,) = await one.diagnostics(uri)
        assert found.code == "syntax-error"
        assert found.code_description is None


async def test_null_bytes_and_lone_surrogates_do_not_end_the_server(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        for text in ("x = '\0'\n", "x = '\ud83d'\n" + BUGGY, "(" * 5000, ""):
            before = one.heard()
            one.open(uri, text)
            found = await one.diagnostics(uri, before)
            before = one.heard()
            one.close(uri)
            if found:  # closing clears; only then are the answers for the next text told apart
                assert not await one.diagnostics(uri, before)
        before = one.heard()
        one.open(uri, BUGGY)
        assert one.rules(await one.diagnostics(uri, before)) == [RULE]


async def test_file_outside_of_every_folder_is_checked(tmp_path: Path) -> None:
    (tmp_path / "space").mkdir()
    uri = (tmp_path / "elsewhere" / "a.py").as_uri()
    async with editor(root=tmp_path / "space") as one:
        one.open(uri, BUGGY)
        assert one.rules(await one.diagnostics(uri)) == [RULE]


async def test_buffer_that_was_never_saved_is_checked() -> None:
    async with editor() as one:
        one.open("untitled:Untitled-1", BUGGY)
        assert one.rules(await one.diagnostics("untitled:Untitled-1")) == [RULE]


async def test_uri_goes_back_as_it_came(tmp_path: Path) -> None:
    uri = "file:///tmp/f%C3%BCr%20alle/%5Ba%5D%23b;c.py"
    async with editor() as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri)
        one.replace(uri, LOAD, FIXED_LOAD)
        assert await one.checked(uri) == ()


@pytest.mark.parametrize(
    ("uri", "language"),
    [
        ("file:///tmp/a.toml", "toml"),
        ("git:/tmp/a.py?%7B%22ref%22%3A%22HEAD%22%7D", "python"),
        ("vscode-notebook-cell:/tmp/n.ipynb#W0", "python"),
    ],
)
async def test_what_is_not_the_user_s_python_is_left_alone(uri: str, language: str, tmp_path: Path) -> None:
    other = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY, language)
        one.save(uri)
        one.open(other, BUGGY)
        await one.diagnostics(other)
        assert {params.uri for params in one.published} == {other}


async def test_installed_packages_and_excluded_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.dry-debug]\nexclude = ["generated/"]\n')
    async with editor(root=tmp_path) as one:
        for place in ("venv/lib/site-packages/torch/a.py", "generated/a.py", "build/a.py", "own/a.py"):
            one.open((tmp_path / place).as_uri(), BUGGY)
        own = (tmp_path / "own/a.py").as_uri()
        await one.diagnostics(own)
        await one.settle(own)
        assert {params.uri for params in one.published if params.diagnostics} == {own}
