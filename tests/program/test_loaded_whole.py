"""Models that are loaded whole, and published models that come with their weights."""

import pytest
from dry_debug.program.loaded_whole import loaded_whole, pretrained, reads_no_mode

from tests.program.model import marked, program


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("net = torch.load('a')\nhere(net)\nnet(x)", "module"),
        ("net = torch.load('a').cuda()\nhere(net)\nnet(x)", "module"),
        ("net = torch.load('a')\nhere(net)\nnet.eval()", "module"),
        ("net = torch.load('a')\ndef f(x):\n    return net(x)\nhere(net)", "module"),
        ("net = torch.load('a')\ndef f(net, x):\n    return net(x)\nhere(net)", "dict"),
        ("net = torch.load('a')\ndef f(net, x):\n    return net(x)\nhere(net)\nf(net, 1)", "module"),
        ("net = torch.load('a')\ndef f(net, x):\n    return g(x=net)\ndef g(x):\n    x.eval()\nhere(net)\n"
         "f(net, 1)", "module"),
        ("net = torch.load('a')\ndef f(net):\n    net.keys()\nhere(net)\nnet(x)\nf(net)", "dict"),
        ("def f():\n    a = torch.load('a')\n    return a\nnet = f()\nhere(net)\nnet(x)", "module"),
        ("def f():\n    a = torch.load('a')\n    return 1, a\nn, net = f()\nhere(net)\nnet(x)", "module"),
        ("def f():\n    a = torch.load('a')\n    return 1, a\nnet, n = f()\nhere(n)\nnet(x)", "dict"),
        ("net = torch.load('a')\nhere(net)\nfor k in net.keys():\n    net(k)", "dict"),
        ("state = torch.load('a')\nhere(state)\nnet.load_state_dict(state)", "dict"),
        # A function below has the variable's name: what the others call is the function.
        ("net = torch.load('a')\nhere(net)\nw = net['w']\ndef f(x):\n    net(x)\ndef net(x):\n    pass\nf(1)", "dict"),
        ("net = torch.load('a')\nhere(net)\ndef f(x):\n    net(x)\ndef g():\n    def net(x):\n        pass", "module"),
        ("class P:\n    def __init__(self):\n        self.net = torch.load('a')\n    def f(self, x):\n"
         "        here(self.net)\n        return self.net(x)", "module"),
    ],
)  # fmt: skip
def test_what_is_called_is_a_model(source: str, kind: str) -> None:
    value = marked("import torch\n" + source)
    assert value.kind == kind
    assert loaded_whole(value) is (kind == "module")


@pytest.mark.parametrize(
    ("call", "trained"),
    [
        ("torchvision.models.resnet18(pretrained=True)", True),
        ("torchvision.models.resnet18(True)", True),
        ("torchvision.models.resnet18(weights='DEFAULT')", True),
        ("torchvision.models.resnet18(weights=torchvision.models.ResNet18_Weights.DEFAULT)", True),
        ("torchvision.models.resnet18(weights=None)", False),
        ("torchvision.models.resnet18(pretrained=args.pretrained)", False),
        ("torchvision.models.resnet18()", False),
        ("timm.create_model('vit', pretrained=True)", True),
        ("timm.create_model('vit')", False),
    ],
)
def test_published_models_come_with_their_weights(call: str, trained: bool) -> None:
    assert (pretrained(marked(f"import torchvision, timm\nhere({call})")) is not None) is trained


def test_a_class_that_lacks_what_is_called_on_the_loaded_object_is_not_its_class() -> None:
    source = """import torch

class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(3, 3)
{method}
writer = torch.load("writer.pt")
writer.begin(1)
writer.to("cuda")
print(writer(x))
"""
    answers = []
    for method in ("", "    def begin(self, n):\n        return n\n"):
        model = program(source.format(method=method))
        (load,) = model.calls_of("torch.load")
        answers.append(reads_no_mode(model, load))
    assert answers == [False, True]
