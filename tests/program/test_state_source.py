"""Where the state that a `load_state_dict` takes comes from."""

from __future__ import annotations

import pytest
from dry_debug.program.state_source import source_of

from tests.program.model import program

HEAD = "import torch\nfrom torch import nn\nnet = nn.Linear(1, 1)\nother = nn.Linear(1, 1)\n"


def kind(source: str, files: dict[str, str] | None = None) -> str:
    model = program(HEAD + source, files)
    call = model.method_calls("load_state_dict")[-1]
    found = source_of(model, call.args[0], call)
    assert (found.load is not None) == (found.kind in ("file", "published"))
    return found.kind


@pytest.mark.parametrize(
    "source",
    [
        "net.load_state_dict(torch.load('x.pt'))",
        "s = torch.load('x.pt')\nnet.load_state_dict(s['net'])",
        "s = torch.load('x.pt').get('net')\nnet.load_state_dict(s)",
        "s = torch.load('x.pt')\nnet.load_state_dict({k[7:]: v for k, v in s.items()})",
        "s = {}\nfor k, v in torch.load('x.pt').items():\n    s[k[7:]] = v\nnet.load_state_dict(s)",
        "s = {}\nfor k, v in torch.load('x.pt').items():\n    with g():\n        s[k] = v\nnet.load_state_dict(s)",
        "s = torch.load('x.pt')\nfor k in list(s):\n    s[k[7:]] = s.pop(k)\nnet.load_state_dict(s)",
        "def fill(p, s):\n    for k, v in torch.load(p).items():\n        s[k[7:]] = v\n"
        "s = {}\nfill('x.pt', s)\nnet.load_state_dict(s)",
        "def put(s, k, v):\n    s[k[7:]] = v\n"
        "s = {}\nfor k, v in torch.load('x.pt').items():\n    put(s, k, v)\nnet.load_state_dict(s)",
        "def read(p):\n    s = torch.load(p)\n    return s['net']\nnet.load_state_dict(read('x.pt'))",
        "def read(p):\n    s = torch.load(p)\n    return s['n'], s['net']\nn, s = read('x.pt')\nnet.load_state_dict(s)",
        "def fill(m, s):\n    m.load_state_dict(s)\nfill(net, torch.load('x.pt'))",
        "from safetensors.torch import load_file\nnet.load_state_dict(load_file('x.safetensors'))",
        "net.load_state_dict(torch.load('x.pt').state_dict())",
    ],
)
def test_all_of_what_a_file_holds(source: str) -> None:
    assert kind(source) == "file"


@pytest.mark.parametrize(
    "source",
    [
        "def fill(p, s):\n    for k, v in torch.load(p).items():\n        if k in keep:\n            s[k] = v\n"
        "s = {}\nfill('x.pt', s)\nnet.load_state_dict(s)",
        "def put(s, k, v):\n    if v.dim():\n        s[k] = v\n"
        "s = {}\nfor k, v in torch.load('x.pt').items():\n    put(s, k, v)\nnet.load_state_dict(s)",
        "s = torch.load('x.pt')\nnet.load_state_dict({k: v for k, v in s.items() if 'fc' not in k})",
        "s = torch.load('x.pt')\ns.pop('fc.weight')\nnet.load_state_dict(s)",
        "s = torch.load('x.pt')\ndel s['fc.weight']\nnet.load_state_dict(s)",
        "s = torch.load('x.pt')\ns['fc.weight'] = net.weight\nnet.load_state_dict(s)",
        "s = {}\nfor k, v in torch.load('x.pt').items():\n    if k != 'a':\n        s[k] = v\nnet.load_state_dict(s)",
        "net.load_state_dict({'weight': w})",
        "def read():\n    return 1, torch.load('x.pt')\nn, s = read()\ndel s['fc.weight']\nnet.load_state_dict(s)",
        "def fill(m, s):\n    s.pop('fc.weight')\n    m.load_state_dict(s)\nfill(net, torch.load('x.pt'))",
        "def only(s):\n    return keep(s)\nnet.load_state_dict(only(torch.load('x.pt')))",
    ],
)
def test_a_part_that_was_picked(source: str) -> None:
    assert kind(source) == "part"


def test_the_state_of_an_object_and_published_weights() -> None:
    assert kind("net.load_state_dict(other.state_dict())") == "object"
    assert kind("net.load_state_dict(torch.hub.load_state_dict_from_url('https://a/b.pth'))") == "published"


def test_what_is_not_known() -> None:
    assert kind("net.load_state_dict(states[3])") == "unknown"
    assert kind("s = torch.load('x.pt')\nif a:\n    s = other_state()\nnet.load_state_dict(s)") == "unknown"


def test_a_function_of_another_file() -> None:
    files = {"io_.py": "import torch\ndef read(p):\n    return torch.load(p)['net']\n"}
    assert kind("from io_ import read\nnet.load_state_dict(read('x.pt'))", files) == "file"


def test_names_on_the_way() -> None:
    model = program(HEAD + "path = 'lora.pt'\ns = torch.load(path)\nnet.load_state_dict(s['adapter'])")
    call = model.method_calls("load_state_dict")[0]
    assert {"adapter", "s", "path", "lora.pt"} <= set(source_of(model, call.args[0], call).names)
