"""The language server's tests: each talks to a server process of its own."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(__file__).rpartition("/")[0]
    for item in items:
        if str(item.path).startswith(here):
            # A message that breaks the protocol, or that the client has not said it takes, fails the test.
            item.add_marker(pytest.mark.filterwarnings("error::pytest_lsp.LspSpecificationWarning"))
