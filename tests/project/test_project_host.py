"""The module index: which file of the project an import leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.project.host import ProjectHost
from dry_debug.project.read import read

HELPER = "def helper():\n    pass\n"


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(root: Path, name: str, importer: str, level: int = 0) -> str | None:
    """The file that `name` leads to from `importer`, relative to the project."""
    program = ProjectHost(str(root)).module(name, str(root / importer), level)
    return os.path.relpath(program.document.path, root).replace(os.sep, "/") if program is not None else None


def called(root: Path, importer: str = "train.py") -> list[str | None]:
    """For each call in `importer`, the file of the function that it calls, None where the model does not know."""
    document = read(str(root / importer))
    tree = parse(document)
    program = Program(document, tree, ProjectHost(str(root)))  # type: ignore[arg-type]
    files = []
    for call in sorted(program.index.calls, key=lambda c: (c.lineno, c.end_col_offset or 0)):
        owner = program.target(call).program
        path = owner.document.path if owner is not None else None
        files.append(os.path.relpath(path, root).replace(os.sep, "/") if path is not None else None)
    return files


def test_a_package_wins_over_a_module_of_the_same_name_as_in_python(tmp_path: Path) -> None:
    lay(tmp_path, {"utils.py": "", "utils/__init__.py": "", "train.py": ""})
    assert found(tmp_path, "utils", "train.py") == "utils/__init__.py"


def test_a_folder_without_init_is_a_package_too(tmp_path: Path) -> None:
    lay(tmp_path, {"lib/nets/small.py": HELPER, "train.py": ""})
    assert found(tmp_path, "lib.nets.small", "train.py") == "lib/nets/small.py"
    assert found(tmp_path, "lib.nets", "train.py") is None


@pytest.mark.parametrize("importer", ["tools/train.py", "tools/deep/train.py", "train.py"])
def test_packages_in_src(importer: str, tmp_path: Path) -> None:
    lay(tmp_path, {"src/thing/__init__.py": "", "src/thing/data.py": "", importer: ""})
    assert found(tmp_path, "thing.data", importer) == "src/thing/data.py"


def test_src_of_a_project_inside_the_root(tmp_path: Path) -> None:
    lay(tmp_path, {"one/src/thing/__init__.py": "", "one/tools/train.py": "", "two/src/thing/__init__.py": ""})
    assert found(tmp_path, "thing", "one/tools/train.py") == "one/src/thing/__init__.py"


def test_a_package_that_names_itself_is_not_its_own_module_of_that_name(tmp_path: Path) -> None:
    lay(tmp_path, {"data/__init__.py": "", "data/data.py": "", "data/loader.py": "", "train.py": ""})
    assert found(tmp_path, "data", "data/loader.py") == "data/__init__.py"


def test_a_file_does_not_import_itself(tmp_path: Path) -> None:
    lay(tmp_path, {"trainer/__init__.py": "", "trainer/trainer.py": "", "main.py": ""})
    assert found(tmp_path, "trainer", "trainer/trainer.py") == "trainer/__init__.py"
    lay(tmp_path, {"alone/logging.py": ""})
    assert found(tmp_path, "logging", "alone/logging.py") is None


@pytest.mark.parametrize(
    "line",
    [
        "sys.path.append('../lib')",
        "sys.path.append('here/lib/')",
        "sys.path.insert(0, '../lib')",
        "sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + '/lib')",
        "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))",
        "sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), os.pardir, 'lib'))",
        "sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'lib'))",
        "sys.path.insert(0, str(Path(__file__).parents[1].joinpath('lib')))",
        "sys.path += [os.path.dirname(__file__) + '/../lib']",
        "sys.path.extend(['..', '../lib'])",
        "sys.path.insert(1, osp.abspath(osp.join(osp.dirname(__file__), '../lib')))",
        "sys.path.append(os.path.join(os.getcwd(), 'here/lib'))",
        "here = os.path.abspath(os.path.dirname(__file__))\nabove = os.path.split(here)[0]\n"
        "sys.path.append(os.path.join(above, 'lib'))",
        "HERE = Path(__file__).absolute().parent\nLIB = HERE / '..' / 'lib'\n"
        "if str(LIB) not in sys.path:\n    sys.path.append(str(LIB))",
        "def add(path):\n    sys.path.insert(0, path)\n\nadd(os.path.join(os.path.dirname(__file__), '../lib'))",
        "sys.path.append('../lib')\n" + "x = 1\n" * 5_000 + "print(sys.path)\n(",
    ],
)  # fmt: skip
def test_folders_put_on_the_search_path(line: str, tmp_path: Path) -> None:
    head = "import os, sys\nimport os.path as osp\nfrom pathlib import Path\n"
    lay(tmp_path, {"here/tools/train.py": f"{head}{line}\n", "here/lib/other.py": HELPER})
    assert found(tmp_path, "other", "here/tools/train.py") == "here/lib/other.py"
    lay(tmp_path, {"here/tools/train.py": head})
    assert found(tmp_path, "other", "here/tools/train.py") is None


def test_a_folder_beside_the_way_up_is_found_through_the_search_path_only(tmp_path: Path) -> None:
    text = "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))\n"
    lay(tmp_path, {"tools/train.py": text, "tools/plain.py": "", "lib/nets.py": ""})
    assert found(tmp_path, "nets", "tools/train.py") == "lib/nets.py"
    assert found(tmp_path, "nets", "tools/plain.py") is None


def test_the_search_path_of_an_init_paths_file_counts_for_who_imports_it(tmp_path: Path) -> None:
    paths = "import os.path as osp\nimport sys\n\ndef add_path(path):\n    sys.path.insert(0, path)\n\n\
this_dir = osp.dirname(__file__)\nlib_path = osp.join(this_dir, '..', 'lib')\nadd_path(lib_path)\n"
    lay(tmp_path, {"tools/_init_paths.py": paths, "tools/train.py": "import _init_paths\n", "lib/nets.py": ""})
    assert found(tmp_path, "nets", "tools/train.py") == "lib/nets.py"


def test_nothing_outside_the_project_is_read(tmp_path: Path) -> None:
    lay(tmp_path, {"secret.py": "", "project/train.py": "import sys\nsys.path.append('..')\nsys.path.append('/')\n"})
    root = tmp_path / "project"
    assert found(root, "secret", "train.py") is None
    assert ProjectHost(str(root)).module("secret", str(root / "train.py"), 2) is None


def test_a_search_path_that_is_computed_is_passed_over(tmp_path: Path) -> None:
    text = "import sys\nsys.path.append(sys.argv[1])\nsys.path.append(1)\nsys.path.append('\\0')\nsys.path.append(a)\n"
    lay(tmp_path, {"tools/train.py": text + "sys.path.append('../lib')\na = a + a\n", "lib/x.py": ""})
    assert found(tmp_path, "x", "tools/train.py") == "lib/x.py"
    lay(tmp_path, {"tools/train.py": "import sys\nsys.path.append((\n"})
    assert found(tmp_path, "x", "tools/train.py") is None


@pytest.mark.parametrize(
    "text",
    [
        "import pkg.mod\npkg.mod.helper()\n",
        "import pkg.mod as mod\nmod.helper()\n",
        "from pkg import mod\nmod.helper()\n",
        "import pkg\npkg.mod.helper()\n",
        "from pkg.mod import helper as h\nh()\n",
        "try:\n    from pkg.mod import helper\nexcept ImportError:\n    from gone import helper\nhelper()\n",
        "try:\n    from gone.mod import helper\nexcept ImportError:\n    from pkg.mod import helper\nhelper()\n",
        "try:\n    from pkg.mod import helper\nexcept ImportError:\n    helper = None\nhelper()\n",
        "def main():\n    from pkg.mod import helper\n    helper()\n",
        "from pkg.mod import *\nhelper()\n",
    ],
)
@pytest.mark.parametrize("init", [True, False])
def test_ways_to_import_a_function(text: str, init: bool, tmp_path: Path) -> None:
    lay(tmp_path, {"pkg/mod.py": HELPER, "train.py": text} | ({"pkg/__init__.py": ""} if init else {}))
    if init or not text.startswith("import pkg\n"):
        assert called(tmp_path)[-1] == "pkg/mod.py"


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nmod = importlib.import_module('pkg.mod')\nmod.helper()\n",
        "from importlib import import_module\nimport_module('pkg.mod').helper()\n",
        "import importlib\nhelper = getattr(importlib.import_module('pkg.mod'), 'helper')\nhelper()\n",
    ],
)
def test_modules_imported_by_a_literal_name(text: str, tmp_path: Path) -> None:
    lay(tmp_path, {"pkg/mod.py": HELPER, "train.py": text})
    assert called(tmp_path)[-1] == "pkg/mod.py"


@pytest.mark.parametrize(
    "init",
    [
        "from .mod import helper\n",
        "from .mod import *\n",
        "from . import mod\nhelper = mod.helper\n",
        "from pkg.mod import helper\n",
        "from .mod import helper as inner\nhelper = inner\n",
        "from .mod import *\n__all__ = ['helper']\n",
        "from .second import helper\n",
    ],
)
def test_re_exports(init: str, tmp_path: Path) -> None:
    files = {"pkg/mod.py": HELPER, "pkg/second.py": "from .mod import *\n", "pkg/__init__.py": init}
    lay(tmp_path, {**files, "train.py": "from pkg import helper\nimport pkg\nhelper()\npkg.helper()\n"})
    assert called(tmp_path) == ["pkg/mod.py", "pkg/mod.py"]


def test_a_star_brings_what_all_says_and_no_more(tmp_path: Path) -> None:
    two = "__all__ = ['shown']\n\ndef shown():\n    pass\n\ndef hidden():\n    pass\n\ndef _own():\n    pass\n"
    lay(tmp_path, {"two.py": two, "train.py": "from two import *\nshown()\nhidden()\n_own()\n"})
    assert called(tmp_path) == ["two.py", None, None]
    lay(tmp_path, {"two.py": two.replace("__all__ = ['shown']", "")})
    assert called(tmp_path) == ["two.py", "two.py", None]


def test_the_later_of_two_stars_wins(tmp_path: Path) -> None:
    lay(tmp_path, {"one.py": HELPER, "two.py": HELPER, "train.py": "from one import *\nfrom two import *\nhelper()\n"})
    assert called(tmp_path) == ["two.py"]


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    one = "from two import *\nfrom two import second\n\ndef first():\n    second()\n"
    two = "from one import *\nfrom one import first\n\ndef second():\n    first()\n"
    lay(tmp_path, {"one.py": one, "two.py": two, "train.py": "from one import first, second\nfirst()\nsecond()\n"})
    assert called(tmp_path) == ["one.py", "two.py"]
    assert called(tmp_path, "one.py") == ["two.py"]
    assert called(tmp_path, "two.py") == ["one.py"]


def test_relative_imports(tmp_path: Path) -> None:
    text = "from .mod import helper\nfrom ..top import other\nfrom . import mod\nhelper()\nother()\nmod.helper()\n"
    lay(tmp_path, {"pkg/sub/train.py": text, "pkg/sub/mod.py": HELPER, "pkg/top.py": "def other():\n    pass\n"})
    assert called(tmp_path, "pkg/sub/train.py") == ["pkg/sub/mod.py", "pkg/top.py", "pkg/sub/mod.py"]


def test_a_method_of_a_base_class_of_another_file(tmp_path: Path) -> None:
    base = "class Base:\n    def run(self):\n        pass\n"
    text = "from bases import Base\n\nclass Trainer(Base):\n    pass\n\nTrainer().run()\n"
    lay(tmp_path, {"bases/__init__.py": "from .base import *\n", "bases/base.py": base, "train.py": text})
    assert called(tmp_path)[-1] == "bases/base.py"
