"""The user's own frame in what pytest, torch.compile and older notebooks print."""

from __future__ import annotations

import pytest
from dry_debug.triage.pasted import Frame
from dry_debug.triage.routing import route

LIBRARY = "/opt/venv/lib/python3.11/site-packages/torch"

PYTEST = f"""\
__________________________________ test_step ___________________________________

    def test_step():
>       main([(torch.zeros(1, 8), torch.zeros(1))])

tests/test_train.py:7:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
pkg/loop.py:14: in main
    loss = criterion(logits, y)
{LIBRARY}/nn/modules/loss.py:1295: in forward
    return F.cross_entropy(
E       RuntimeError: expected scalar type Long but found Float

{LIBRARY}/nn/functional.py:3494: RuntimeError
=========================== short test summary info ============================
FAILED tests/test_train.py::test_step - RuntimeError: expected scalar type Long but found Float
"""
PYTEST_OWN = """\
pkg/loop.py:9: in main
    step(model)
E   IndexError: index out of range in self
pkg/step.py:21: IndexError
"""
DYNAMO = f"""\
Traceback (most recent call last):
  File "/home/ann/train.py", line 13, in main
    logits = model(x)
  File "{LIBRARY}/_dynamo/eval_frame.py", line 574, in _fn
    return fn(*args, **kwargs)
torch._dynamo.exc.Unsupported: Data-dependent branching
  Explanation: Detected data-dependent branching

from user code:
   File "/home/ann/pkg/net.py", line 31, in forward
    if x.sum() > 0:

Set TORCHDYNAMO_VERBOSE=1 for the internal stack trace
"""
OLD_NOTEBOOK = """\
<ipython-input-12-202a7f2c1d> in <module>
      1 # one batch
----> 2 loss = criterion(model(x), y)

PATH in forward(self, x)
     13             x = block(x)
---> 14         return self.head(x)

/opt/conda/lib/python3.8/site-packages/torch/nn/functional.py in linear(input, weight, bias)
-> 1848     return torch._C._nn.linear(input, weight, bias)

RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x8 and 16x2)
"""


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (PYTEST, Frame("pkg/loop.py", 14, "main")),
        (PYTEST_OWN, Frame("pkg/step.py", 21, "")),
        (DYNAMO, Frame("/home/ann/pkg/net.py", 31, "forward")),
        (DYNAMO[: DYNAMO.index("\n\nSet")], Frame("/home/ann/pkg/net.py", 31, "forward")),
        (OLD_NOTEBOOK.replace("PATH", "~/proj/net.py"), Frame("~/proj/net.py", 14, "forward(self, x)")),
        (OLD_NOTEBOOK.replace("PATH", r"c:\proj\net.py"), Frame(r"c:\proj\net.py", 14, "forward(self, x)")),
    ],
    ids=["pytest", "pytest own", "dynamo", "dynamo cut off", "notebook", "notebook on Windows"],
)
def test_the_own_frame(text: str, frame: Frame) -> None:
    routing = route(text)
    assert routing.frame == frame
    assert [stop.area for stop in routing.stops][:1] == ["debugging-techniques"]


def test_a_place_in_a_sentence_is_no_frame() -> None:
    assert route("the loss in pkg/loop.py:14: it is nan from the first step").frame is None
