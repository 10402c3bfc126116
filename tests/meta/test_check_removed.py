"""`tools/check_removed.py`: reads made-up wheels, and says which rows of a made-up table are wrong."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def tool(name: str) -> ModuleType:
    """The tool as a module; it finds its rooms by itself."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


CHECK = tool("check_removed")
NEEDS = tool("check_needs")

from releases.archives import Tags, Wheels, version_of  # noqa: E402  (found by the tools)
from releases.modules import Modules  # noqa: E402
from releases.signatures import has_hook, has_name, names, takes  # noqa: E402


def wheel(folder: Path, version: str, **files: str) -> None:
    """A wheel of `lib` with these modules."""
    with zipfile.ZipFile(folder / f"lib-{version}-py3-none-any.whl", "w") as archive:
        for name, text in ({"__init__": ""} | files).items():
            archive.writestr(f"lib/{name}.py", text)


def opened(tmp_path: Path, **files: str) -> Modules:
    wheel(tmp_path, "1.0", **files)
    release = Wheels("lib", tmp_path, download=False).release("1.0")
    assert release is not None
    return Modules(release)


def test_which_names_are_final_versions() -> None:
    assert version_of("v0.12.1") == (0, 12, 1)
    assert version_of("0.6.6.post1") == (0, 6, 6)
    assert version_of("1.0.0rc2") is None and version_of("1.0.dev0") is None and version_of("nightly") is None


@pytest.mark.parametrize(
    "files",
    [
        {"__init__": "class Box: ..."},
        {"__init__": "from .inner import Box", "inner": "class Box: ..."},
        {"__init__": "from lib.inner import *", "inner": "class Box: ..."},
        {
            "__init__": "try:\n    from .inner import Bag as Box\nexcept ImportError:\n    Box = None",
            "inner": "Bag = 1",
        },
        {"__init__": '_import_structure = {"inner": ["Box"]}', "inner": "def Box(): ..."},
        {"__init__": '_import_structure = {}\n_import_structure["inner"].append("Box")', "inner": "Box = 1"},
        {"__init__": 'def __getattr__(name):\n    if name == "Box":\n        return 1\n    raise AttributeError(name)'},
        {"Box": "x = 1"},
        {"__init__": "from torch import Box"},
    ],
)
def test_a_name_is_found_wherever_it_comes_from(tmp_path: Path, files: dict[str, str]) -> None:
    modules = opened(tmp_path, **files)
    assert has_name(modules, "lib.Box").answer == "yes"
    assert has_name(modules, "lib.Bag2").answer == "no"


def test_star_imports_in_a_circle_end(tmp_path: Path) -> None:
    modules = opened(tmp_path, __init__="from .inner import *", inner="from . import *\nfrom lib import Box")
    assert has_name(modules, "lib.Box").answer == "no"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("def f(a, old=None): ...", "yes"),
        ("def f(a): ...", "no"),
        ("@renamed('old', version='2')\ndef f(a): ...", "yes"),
        ("@obsolete(version='2', names=['old', 'older'])\ndef f(a): ...", "yes"),
        ("@renamed('older', version='2')\ndef f(a): ...", "no"),
        ("def f(a, **rest):\n    old = rest.pop('old', None)", "yes"),
        ("def f(a, **rest): ...", "yes"),
        ("def f(a, **rest):\n    return build(a, **rest)", "unclear"),
        ("@overload\ndef f(a, **rest): ...\ndef f(a, b): ...", "no"),
        ("class f:\n    def __init__(self, old): ...", "yes"),
        ("class f:\n    def __init__(self, a): ...", "no"),
        ("class g:\n    def __init__(self, old): ...\nclass f(g):\n    pass", "yes"),
        ("class g:\n    def __init__(self, old): ...\nclass f(g):\n    def __init__(self): ...", "no"),
        (
            "class g:\n    def __init__(self, old): ...\n"
            "class f(g):\n    def __init__(self, **kw):\n        super().__init__(**kw)",
            "yes",
        ),
        (
            "class g:\n    def __init__(self, a): ...\n"
            "class f(g):\n    def __init__(self, **kw):\n        super().__init__(**kw)",
            "no",
        ),
        ("@dataclass\nclass f:\n    old: int = 1", "yes"),
        ("@dataclass\nclass f:\n    old: InitVar[int] = 1", "yes"),
        ("@dataclass\nclass g:\n    old: int = 1\n@dataclass\nclass f(g):\n    a: int = 1", "yes"),
        ("@dataclass\nclass g:\n    older: int = 1\n@dataclass\nclass f(g):\n    a: int = 1", "no"),
        ("from elsewhere import f", "unclear"),
        ("", "no"),
    ],
)
def test_what_a_callable_takes(tmp_path: Path, text: str, answer: str) -> None:
    assert takes(opened(tmp_path, __init__=text), "lib.f", "old").answer == answer


def test_a_method_and_a_hook(tmp_path: Path) -> None:
    modules = opened(
        tmp_path,
        __init__="from .inner import Box",
        inner="class Above:\n    def open(self, wide): ...\nclass Box(Above):\n    def shut(self): ...",
    )
    assert takes(modules, "lib.Box.open", "wide").answer == "yes"
    assert takes(modules, "lib.Box.open", "high").answer == "no"
    assert has_hook(modules, "lib.Box", "open").answer == "yes"
    assert has_hook(modules, "lib.Box", "burn").answer == "no"
    assert has_hook(modules, "lib.Bag", "burn").answer == "unclear"


def test_a_function_that_decides_names_what_it_takes(tmp_path: Path) -> None:
    body = "def pull(place, **rest):\n    old = rest.pop('old', None)\n    return make(place, **rest)"
    modules = opened(tmp_path, __init__="from .inner import pull\nBox = 1", inner=body)
    assert names(modules, "lib.pull", "place").answer == "yes"
    assert names(modules, "lib.pull", "old").answer == "yes"
    assert names(modules, "lib.pull", "new").answer == "no"
    assert names(modules, "lib.push", "old").answer == "no"
    assert names(modules, "lib.Box", "old").answer == "unclear"


OLD, KEPT, NEW = "def f(old): ...", "@renamed('old', 'new')\ndef f(new): ...", "def f(new): ..."


@pytest.mark.parametrize(
    ("releases", "version", "verdict", "status"),
    [
        ({"1.0": OLD, "2.0": NEW}, "2.0", ("right", "1.0", "2.0"), 0),
        ({"1.0": OLD, "2.0": KEPT, "2.1": KEPT, "3.0": NEW}, "2.0", ("early", "2.1", "3.0"), 1),
        ({"1.0": OLD, "2.0": NEW, "2.1": KEPT, "3.0": NEW}, "2.0", ("early", "2.1", "3.0"), 1),
        ({"1.0": OLD, "2.0": NEW, "3.0": NEW, "4.0": NEW}, "4.0", ("late", "1.0", "2.0"), 1),
        ({"1.0": OLD, "2.0": KEPT}, "2.0", ("never", "2.0", "?"), 1),
        ({"2.0": NEW}, "2.0", ("gone", "?", "2.0"), 0),
        ({"1.0": OLD}, "2.0", ("not looked at", "?", "?"), 0),
        ({"1.0": OLD, "2.0rc1": OLD, "2.0": NEW}, "2", ("right", "1.0", "2.0"), 0),
    ],
)
def test_the_verdict_on_a_row(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    releases: dict[str, str],
    version: str,
    verdict: tuple[str, str, str],
    status: int,
) -> None:
    for name, text in releases.items():
        wheel(tmp_path, name, __init__=text)
    table = tmp_path / "table.toml"
    table.write_text(
        f'[[removed]]\npackage = "lib"\nversion = "{version}"\nsource = ""\ncallables = ["lib.f"]\n'
        '[removed.arguments]\nold = "=new"\n'
    )
    monkeypatch.setattr("sys.argv", ["check_removed.py", str(tmp_path), "--table", str(table)])
    assert CHECK.main() == status
    line, counts = capsys.readouterr().out.splitlines()
    word, last, first = verdict
    assert line.startswith(f"{word} ") and f"last {last}, first without {first}" in line
    assert counts == f"1 {word}"


def test_what_is_back_has_to_be_back(tmp_path: Path) -> None:
    for name, text in {"1.0": "Box = 1", "2.0": "", "3.0": "Box = 1", "4.0": ""}.items():
        wheel(tmp_path, name, __init__=text)
    history = CHECK.History(Wheels("lib", tmp_path, download=False))
    rows = [
        {"package": "lib", "version": "2.0", "back": back, "names": {"lib.Box": ""}, "source": ""}
        for back in ("3.0", "4.0")
    ]
    assert [CHECK.verdict_on(thing, history).word for thing in CHECK.things(rows)] == ["right", "never"]


def test_what_was_checked_by_hand_is_not_wrong(tmp_path: Path) -> None:
    for name in ("1.0", "2.0"):
        wheel(tmp_path, name, __init__="def f(**rest): ...")
    row = {"package": "lib", "version": "2.0", "callables": ["lib.f"], "arguments": {"old": ""}, "source": ""}
    history = CHECK.History(Wheels("lib", tmp_path, download=False))
    words = [
        CHECK.verdict_on(next(CHECK.things([row | more])), history).word for more in ({}, {"checked": "it raises"})
    ]
    assert words == ["never", "by hand"]


def test_the_tags_of_a_repository_are_releases(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "src" / "lib").mkdir(parents=True)
    for version, text in (("v1.0", OLD), ("v2.0", NEW)):
        (tmp_path / "src" / "lib" / "__init__.py").write_text(text)
        git("add", ".")
        git("commit", "-qm", version)
        git("tag", version)
    row = {"package": "lib", "version": "2.0", "callables": ["lib.f"], "arguments": {"old": ""}, "source": ""}
    verdict = CHECK.verdict_on(next(CHECK.things([row])), CHECK.History(Tags(tmp_path)))
    assert verdict[:3] == ("right", "1.0", "2.0")


@pytest.mark.parametrize(
    ("condition", "required", "word"),
    [
        (">=1.4", ">=1.4.0", "same"),
        (">=1.4", "<3.0,>=1.6", "wider"),
        (">=1.4", ">=1.2", "narrower"),
        (">=2.6,<2.7", "==2.6.0", "wider"),
        ("<2", ">=1.0", "narrower"),
        ("<2", "", "no requirement"),
        ("<2", None, "not looked at"),
    ],
)
def test_a_need_beside_the_metadata(condition: str, required: str | None, word: str) -> None:
    assert NEEDS.compare(condition, required) == word


def test_the_requirement_of_the_metadata() -> None:
    lines = ['torch>=2.0; extra == "all"', "torch[opt] (>=1.10,!=2.0)", "torch-geometric>9", "huggingface_hub<1.0"]
    assert NEEDS.specifier(lines, "torch") == ">=1.10,!=2.0"
    assert NEEDS.specifier(lines, "huggingface-hub") == "<1.0"
    assert NEEDS.specifier(lines, "numpy") == ""


def test_a_decorator_that_takes_a_name_out_of_the_keywords_still_takes_it(tmp_path: Path) -> None:
    checks = (
        "def checked(fn):\n    def inner(*args, **kwargs): return fn(*args, **legacy(kwargs))\n    return inner\n"
        "def legacy(kwargs):\n    kwargs.pop('resume', None)\n    return kwargs\n"
    )
    use = "from .checks import checked\n@checked\ndef fetch(name): ...\n"
    modules = opened(tmp_path, __init__=use, checks=checks)
    assert takes(modules, "lib.fetch", "resume").answer == "yes"
    assert takes(modules, "lib.fetch", "force").answer == "no"


def test_a_row_may_name_the_function_that_decides(tmp_path: Path) -> None:
    inner = "class Base:\n    @classmethod\n    def pull(cls, place, **rest):\n        {}return cls(place, **rest)\n"
    outer = "from .inner import Base\nclass Box(Base):\n    def pull(cls, *a, **k):\n        return go(**k)"
    wheel(tmp_path, "1.0", __init__=outer, inner=inner.format("rest.pop('old', 0)\n        "))
    wheel(tmp_path, "2.0", __init__=outer, inner=inner.format(""))
    table = tmp_path / "table.toml"
    row = '[[removed]]\npackage = "lib"\nversion = "2.0"\nsource = "x"\ncallables = ["lib.Box.pull"]\n'
    table.write_text(f'{row}decides = "lib.Base.pull"\n[removed.arguments]\nold = "nothing"\n', "utf-8")
    done = subprocess.run(
        [sys.executable, TOOLS / "check_removed.py", tmp_path, "--table", table], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("right "), done.stdout + done.stderr
