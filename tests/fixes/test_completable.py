"""An incomplete checkpoint is marked as one with a fix only where there is one."""

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.text.document import Document

from tests.fixes.checkpoints import LOOP, SETTINGS

HEAD = "import torch\n\nmodel = torch.nn.Linear(4, 1)\noptimizer = torch.optim.Adam(model.parameters())\n"
SAVE = '    torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")\n'
FABRIC = """from lightning.fabric import Fabric

fabric = Fabric()
model, optimizer = fabric.setup(model, optimizer)
"""
HANDED = """

def write(state, epoch):
    torch.save(state, f"last_{epoch}.pt")


"""
MAYBE = "if train:\n    optimizer = torch.optim.Adam(model.parameters())\n"


@pytest.mark.parametrize(
    ("text", "fixable"),
    [
        (f"{HEAD}for epoch in range(9):\n{LOOP}{SAVE}", True),
        (f'{HEAD}for epoch in range(9):\n{LOOP}    torch.save(model.state_dict(), "last.pt")\n', True),
        (f"{HEAD}{FABRIC}for epoch in range(9):\n{LOOP}"
         '    fabric.save("last.pt", {"model": model, "epoch": epoch})\n', False),
        (f"{HEAD}{HANDED}for epoch in range(9):\n{LOOP}    write(model.state_dict(), epoch)\n", False),
    ],
    ids=["a dict", "weights", "Fabric", "a helper is handed the weights"],
)  # fmt: skip
def test_the_mark_says_whether_there_is_a_fix(text: str, fixable: bool) -> None:
    result = analyse(Document.from_text(text, "main.py"), None, SETTINGS)
    assert result.findings
    for finding in result.findings:
        assert finding.fixable is fixable
        assert (result.fix(finding) is not None) is fixable
