"""Texts that nobody writes by hand, each around a training script, so that every rule has a reason to look."""

from __future__ import annotations

TRAINING = """import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, x):
        return F.softmax(self.body(x), dim=1)


def train(model, loader, optimizer, criterion, scaler):
    total = 0
    for epoch in range(10):
        for images, labels in loader:
            loss = criterion(model(images), labels)
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            total += loss
        torch.save({"model": model.state_dict(), "epoch": epoch}, "last.pt")


def main():
    model = Net()
    optimizer = optim.Adam(model.parameters())
    loader = DataLoader([], batch_size=4, shuffle=True)
    model.load_state_dict(torch.load("last.pt"))
    train(model, loader, optimizer, nn.CrossEntropyLoss(), torch.cuda.amp.GradScaler())


if __name__ == "__main__":
    main()
"""


def _nested(opening: str, count: int, inside: str, indent: str = " ") -> str:
    lines = [indent * depth + opening for depth in range(count)]
    return "\n".join([*lines, indent * count + inside]) + "\n"


def _functions(count: int) -> str:
    """Functions that all hand a model on to two others, in rings."""
    parts = []
    for number in range(count):
        first, second = (number * 7 + 1) % count, (number * 13 + 5) % count
        parts.append(
            f"def f{number}(model, optimizer, x):\n"
            f"    y = f{first}(model, optimizer, x)\n"
            f"    z = f{second}(model, optimizer, y)\n"
            f"    optimizer.step()\n    return y + z\n"
        )
    return "\n".join(parts) + "\nmodel = Net()\nf0(model, optim.SGD(model.parameters(), lr=0.1), 1)\n"


def _nested_functions() -> str:
    """20 functions of 25 nested loops and branches around steps, each calling the next."""
    parts = []
    for number in range(20):
        lines = [f"def g{number}(model, optimizer, a):"]
        for depth in range(25):
            head = f"for i{depth} in a:" if depth % 2 else f"if a.flag{depth} == {depth}:"
            lines.append("  " * (depth + 1) + head)
        lines.append("  " * 26 + f"model(a).backward(); optimizer.step(); g{(number + 1) % 20}(model, optimizer, a)")
        parts.append("\n".join(lines))
    return "\n".join(parts) + "\nmodel = Net()\ng0(model, optim.SGD(model.parameters(), lr=0.1), 1)\n"


def _hierarchy(count: int) -> str:
    """A class that inherits from a class that inherits ... each with a method that calls its base's."""
    rows = ["class C0(nn.Module):\n    def forward(self, x):\n        return F.softmax(x, 1)\n"]
    rows += [
        f"class C{n}(C{n - 1}):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a{n} = nn.Linear(2, 2)\n"
        f"    def forward(self, x):\n        return super().forward(self.a{n}(x))\n"
        for n in range(1, count)
    ]
    last = f"C{count - 1}"
    return "".join(rows) + f"model = {last}()\nnn.CrossEntropyLoss()(model(1), 2).backward()\nmodel.eval()\n"


def _steps(opening: str, count: int) -> str:
    """`opening` around optimizer steps, each with a test of its own."""
    lines = ["def many(model, loader, a):", "    optimizer = optim.SGD(model.parameters(), lr=0.1)",
             "    for x in loader:", "        loss = model(x).sum()"]  # fmt: skip
    for number in range(count):
        word = "if" if number == 0 or opening == "if" else "elif"
        lines += [f"        {word} a.flag{number} == {number}:",
                  f"            {('loss.backward()', 'optimizer.step()', 'model.eval()')[number % 3]}"]  # fmt: skip
    return "\n".join(lines) + "\nmany(Net(), DataLoader([]), None)\n"


TEXTS: dict[str, str] = {
    "a chain of 200,000 terms": "x = 1" + " + torch.load(f)" * 5 + " + y" * 200_000 + "\n",
    "a loss of 20,000 terms": "def g(loss, y):\n    total = loss" + " + y" * 20_000 + "\n    total.backward()\n",
    "5,000 nested brackets": "x = " + "(" * 5000 + "1" + ")" * 5000 + "\n",
    "90 nested brackets": "x = " + "[" * 90 + "torch.load(f)" + "]" * 90 + "\n",
    "null bytes": "x = 1\0\ntorch.load(f)\n",
    "one line of a megabyte": "x = [" + "1.5, " * 200_000 + "]\ny = torch.load(f)\n",
    "a string of a megabyte": "x = '" + "(" * 1_000_000 + "'\ny = torch.load(f)\n",
    "a call with 20,000 arguments": "torch.load(" + ", ".join(f"a{n}" for n in range(20_000)) + ")\n",
    "2,000 elifs": "def g(a, loss):\n    if a == 0:\n        loss.backward()\n"
    + "".join(f"    elif a == {n}:\n        torch.save(loss, 'x')\n" for n in range(2000)),
    "90 nested ifs": _nested("if a:", 90, "torch.load(f)"),
    "500 nested ifs": _nested("if a:", 500, "torch.load(f)"),
    "18 nested loops": "def g(model, optimizer, a, loss):\n"
    + "".join("    " * (n + 1) + f"for i{n} in a:\n" for n in range(18))
    + "    " * 19
    + "loss.backward()\n"
    + "    " * 19
    + "optimizer.step()\n",
    "1,000 functions calling each other": _functions(1000),
    "40 functions calling each other": _functions(40),
    "an attribute chain of 3,000": "x = torch" + ".a" * 3000 + "\n",
    "a call chain of 3,000": "x = torch.load(f)" + ".to(y)" * 3000 + "\n",
    "an attribute chain of 100,000": "x = torch" + ".a" * 100_000 + "\n",
    "60 guards around steps": _steps("if", 60),
    "900 elifs around steps": _steps("elif", 900),
    "3,000 assignments of one name": "x = Net()\n"
    + "".join(f"if a{n}: x = wrap(x, {n})\n" for n in range(3000))
    + "x.train()\noptim.Adam(x.parameters()).step()\n",
    "a chain of 2,000 assignments": "x0 = Net()\n"
    + "".join(f"x{n + 1} = h(x{n}, x{n})\n" for n in range(2000))
    + "x2000.backward()\n",
    "classes that inherit in a ring": "class A(B):\n    pass\nclass B(C):\n    pass\nclass C(A):\n"
    "    def forward(self, x):\n        return self.forward(x)\nA().train()\n",
    "names that mean themselves": "a = b\nb = c\nc = a\nloss = loss\nmodel = model.module\na.step()\nloss.backward()\n",
    "5,000 saves": "".join(f"torch.save(model{n}.state_dict(), 'm{n}.pt')\n" for n in range(5000)),
    "a lone surrogate": "x = '\ud800'\ntorch.load('é')\n",
    "a dictionary of 50,000 keys": "d = {"
    + ", ".join(f"'k{n}': {n}" for n in range(50_000))
    + "}\ntorch.save(d, 'd')\n",
    "3,000 branches of one if": "def g(a, model):\n    if a == 0:\n        pass\n"
    + "".join(f"    elif a == {n}:\n        model = Net({n})\n" for n in range(3000))
    + "    model.eval()\n    model(a).backward()\n",
    "500 nested loops and branches in 20 functions": _nested_functions(),
    "a hierarchy of 1,000 classes": _hierarchy(1000),
    "a dictionary of 100,000 literal entries": "d = {\n"
    + "".join(f"    'k{n}': {n},\n" for n in range(100_000))
    + "}\n"
    "torch.save(d, 'd')\n",
    "20,000 imports": "".join(f"import m{n}\nfrom p{n}.q import r{n} as s{n}\n" for n in range(10_000)) + "s7.load()\n",
    "10,000 fixed tests": "".join(f"if 0:\n    a{n} = torch.load(f)\n" for n in range(10_000)),
    "10,000 statements behind a return": "def g():\n    return 1\n" + "    torch.load(f)\n" * 10_000,
    "form feeds": "\fx = 1\n\f\n\fdef g(f):\n    \f\n\f    y = torch.load(f)\n\f",
    "carriage returns alone": "x = 1\ry = torch.load('f')\rif x:\r    y = 2\r",
    "lone surrogates in names and comments": "x = 1  # \ud800\n# \udfff\ny = '\udc00'\ntorch.load(y)\n",
    "deep lambdas": "f = " + "lambda x: " * 80 + "torch.load(x)\n",
    "deep comprehensions": "x = " + "[" * 40 + "torch.load(f)" + "".join(f" for a{n} in b]" for n in range(40)) + "\n",
}

# Those that take seconds: their test is marked slow.
LARGE: dict[str, str] = {
    "3,000 functions calling each other": _functions(3000),
    "10,000 functions calling each other": _functions(10_000),
    "50,000 imports": "".join(f"import m{n}\nfrom p{n}.q import r{n} as s{n}\n" for n in range(25_000)) + "s7.load()\n",
    "one line of five megabytes": "x = [" + "1.5, " * 1_000_000 + "]\ny = torch.load(f)\n",
    "a chain of 1,000,000 terms": "x = 1" + " + y" * 1_000_000 + "\n",
    "100,000 statements": "".join(f"x{n} = h(x{n}, {n})\n" for n in range(100_000)),
}
