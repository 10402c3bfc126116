"""Entries that are read under another key than the one that they are saved under."""

from __future__ import annotations

import pytest
from dry_debug.program.key_match import mismatches

from tests.program.model import program

HEAD = """
import torch
from torch import nn
net = nn.Linear(1, 1)
opt = torch.optim.Adam(net.parameters())
torch.save({'net': net.state_dict(), 'opt_state': opt.state_dict(), 'epoch': 1, **more}, 'x.pt')
s = torch.load('x.pt')
net.load_state_dict(s['net'])
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("opt.load_state_dict(s['opt'])", [("opt", "opt_state")]),
        ("opt.load_state_dict(s['adam'])", [("adam", "opt_state")]),
        ("e = s['epochs']", []),
        ("def fill(o, t):\n    o.load_state_dict(t['opt'])\nfill(opt, s)", [("opt", "opt_state")]),
        ("def fill(o, t):\n    t = fixed(t)\n    o.load_state_dict(t['opt'])\nfill(opt, s)", []),
        (
            "try:\n    opt.load_state_dict(s['opt'])\nexcept KeyError:\n    print('old')\n    raise",
            [("opt", "opt_state")],
        ),
        ("e = s['Epoch']", [("Epoch", "epoch")]),
        ("if 'opt' in s:\n    opt.load_state_dict(s['opt'])", []),
        ("if s.get('v') == 1:\n    opt.load_state_dict(s['opt'])", []),
        ("try:\n    opt.load_state_dict(s['opt'])\nexcept KeyError:\n    pass", []),
        ("s['opt'] = s['opt_state']\nopt.load_state_dict(s['opt'])", []),
        ("opt.load_state_dict(s['opt_state'])\nx = s['opt']", []),
    ],
)
def test_keys_that_differ(source: str, expected: list[tuple[str, str]]) -> None:
    text = (HEAD + source).replace(", **more", "")
    assert [(one.key, one.entry.key) for one in mismatches(program(text))] == expected


def test_a_save_that_may_write_more() -> None:
    assert list(mismatches(program(HEAD + "opt.load_state_dict(s['opt'])"))) == []


SAVE = """
import torch
def save(net, opt, path):
    torch.save({'net': net.state_dict(), 'opt_state': opt.state_dict(), 'epoch': 1}, path)
"""
LOAD = """
import torch
def resume(net, opt, path):
    s = torch.load(path)
    net.load_state_dict(s['net'])
    opt.load_state_dict(s['opt'])
    return s[{key}]
"""


@pytest.mark.parametrize(
    ("head", "other", "key", "found"),
    [
        ("from other import save", SAVE, "'epoch'", True),
        ("import other", SAVE, "'epoch'", True),
        ("from other import save", SAVE, "'seen'", False),  # one entry alone may be of any file
        ("from other import something", SAVE + "something = 1\n", "'epoch'", False),
        ("", "from main import resume\n" + SAVE, "'epoch'", True),
        ("", SAVE, "'epoch'", False),
    ],
)
def test_saves_in_the_files_around(head: str, other: str, key: str, found: bool) -> None:
    model = program(f"{head}\n{LOAD.format(key=key)}", {"other.py": other})
    seen = list(mismatches(model))
    assert [(one.key, one.entry.key) for one in seen] == ([("opt", "opt_state")] if found else [])
    assert all(one.owner.document.path.endswith("other.py") for one in seen)
