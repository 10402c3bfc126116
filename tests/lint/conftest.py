"""What the tests of the linter share."""

import pytest
from dry_debug.lint import manifest

from tests.lint.toy_rules import infos


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy rules instead of the real ones."""
    monkeypatch.setattr(manifest, "rules", infos)
    monkeypatch.setattr(manifest, "_selected", manifest._selected.__wrapped__)  # it remembers the rules
