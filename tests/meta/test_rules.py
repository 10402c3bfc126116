"""What holds for every rule: its page, class and line in naming.toml agree, and what it says keeps to the style."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from dry_debug.lint import manifest
from dry_debug.lint.manifest import RuleInfo
from dry_debug_rules.catalogue import catalogue

from tests.pages.cases import BAD, CASES, PAGES, Case
from tests.pages.page import HEADINGS, Page, page_paths, parse
from tests.pages.runner import all_fixed, results

ROOT = Path(__file__).resolve().parents[2]
NAMING: dict[str, dict[str, Any]] = {
    row["name"]: row for row in tomllib.loads((ROOT / "rules" / "naming.toml").read_text("utf-8"))["rule"]
}
RULES = manifest.rules()


def page_of(info: RuleInfo) -> Page:
    return parse(Path(manifest.page_path(info)))


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_have_not_drifted() -> None:
    # crosstalk.txt has its own test beside the pages.
    names = {"rules/dry_debug_rules/manifest.json", "dry-debug.schema.json", "docs/rules/README.md"}
    assert generator().drifted(names) == []


def test_every_page_belongs_to_a_rule_and_every_built_rule_exists() -> None:
    assert {path.resolve() for path in page_paths()} == {Path(manifest.page_path(info)).resolve() for info in RULES}
    assert {name for name, row in NAMING.items() if row["status"] == "built"} == {info.name for info in RULES}


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_class_and_naming_agree(info: RuleInfo) -> None:
    row = NAMING[info.name]
    assert (info.code, info.family, info.shape, info.severity, info.fix_kind, info.summary) == (
        *(row[key] for key in ("code", "family", "shape", "severity", "fix", "summary")),
    )
    rule = manifest.load(info)
    assert (rule.name, rule.code, rule.severity, rule.status) == (info.name, info.code, info.severity, info.status)
    assert info.module.rpartition(".")[2] == info.name.replace("-", "_")


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_page_and_class_agree(info: RuleInfo) -> None:
    page = page_of(info)
    preview = " · preview" if info.status == "preview" else ""
    assert page.title == info.name
    assert page.facts == f"`{info.code}` · {info.severity} · fix: {info.fix_kind}{preview}"
    assert page.headings == HEADINGS


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_a_page_shows_the_mistake_its_absence_and_the_fix(info: RuleInfo) -> None:
    page = page_of(info)
    bad = [example for example in page.examples if any(example.marks(info.name))]
    assert bad, "no example with a mark"
    assert [example for example in page.examples if not any(example.marks(info.name))], "no example without a mark"
    if info.fix_kind in ("safe", "unsafe"):
        assert [example for example in bad if example.fixed], "no fixed block"


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_a_page_proves_its_claim_or_says_why_it_cannot(info: RuleInfo) -> None:
    page = page_of(info)
    evidence = page.path.read_text("utf-8").partition("## Evidence")[2]
    prose = re.sub(r"```.*?```", "", evidence, flags=re.DOTALL)
    assert len(prose.split()) >= 5, "the Evidence section cites nothing"
    assert page.proofs or re.search(r"no proof", prose, re.IGNORECASE), "neither a proof nor `No proof: ...`"


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_quotes_are_in_the_catalogue(info: RuleInfo) -> None:
    known = catalogue.load()
    assert not [quote for quote in info.quotes if quote not in known]


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_the_reason_is_one_sentence(info: RuleInfo) -> None:
    why = manifest.load(info).why
    assert why.endswith(".") and (why[0].isupper() or why[0] == "`")
    assert len(re.findall(r"[.!?](?:\s|$)", why)) == 1, why


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_said_of_the_examples_keeps_to_the_style(case: Case) -> None:
    known = catalogue.load()
    for result in results(case.example.texts()).values():
        for finding in result.findings:
            assert 0 < len(finding.message) <= 100 and "\n" not in finding.message, finding.message
            assert not finding.message.endswith("."), finding.message
            assert finding.why.endswith(".") and finding.related is not None
            assert re.fullmatch(r"[0-9a-f]{16}", finding.fingerprint)
            assert not [quote for quote in finding.quotes if quote not in known]
            assert finding.span.start < finding.span.end <= len(result.document.source)
            fix = result.fix(finding)
            if fix:
                assert fix.title and fix.title[0].isupper() and not fix.title.endswith("."), fix.title
                assert fix.title.startswith(finding.fix_title)  # and what it leaves to be done by hand
        assert len({finding.fingerprint for finding in result.findings}) == len(result.findings)
        assert not result.problems, result.problems


@pytest.mark.parametrize("case", BAD, ids=str)
def test_fixing_twice_changes_nothing_more(case: Case) -> None:
    once = all_fixed(case.example.texts(), case.page.rule)
    assert all_fixed(once, case.page.rule) == once


def test_all_pages_were_read() -> None:
    assert len(PAGES) == len(RULES) > 0


@pytest.mark.parametrize("info", RULES, ids=lambda info: info.name)
def test_every_rule_says_what_it_looks_at(info: RuleInfo) -> None:
    looks_at = manifest.load(info).looks_at
    assert looks_at
    assert not looks_at.endswith(".")
