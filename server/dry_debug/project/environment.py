"""The installed packages of a project: what their metadata and their files say. Nothing is run or imported.

Only packages whose answer may matter are looked into: those that depend on PyTorch or on a library over it, and that
the model's own tables do not know.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable
from functools import cached_property

from dry_debug.program.package_names import normal
from dry_debug.project.installed import package_folders

MAX_FILES = 64  # of packages that one analysis looks into

# What the model knows by its tables: the source would say less, at a higher price.
KNOWN = frozenset(
    (
        "PIL accelerate adabelief_pytorch apex bitsandbytes cv2 datasets deepspeed dgl diffusers einops ema_pytorch "
        "fairscale fastai fastprogress ignite lightning lightning_fabric lion_pytorch matplotlib monai muon numpy "
        "pandas peft prodigyopt pytorch_lightning pytorch_optimizer ray rich safetensors schedulefree scipy "
        "segmentation_models_pytorch sentence_transformers sentencepiece sglang sklearn tensorboard tensorboardX "
        "tensorflow tiktoken timm tokenizers torch torch_ema torch_geometric torch_optimizer torch_xla torchaudio "
        "torchdata torchmetrics torchtext torchvision tqdm transformers triton trl vllm wandb xformers yaml"
    ).split()
) | frozenset(sys.stdlib_module_names)
# A package that names one of these among its requirements may make or drive what a training program is made of.
_OVER_TORCH = re.compile(
    r"^Requires-Dist: *(?:torch|torchvision|pytorch[-_.]lightning|lightning|accelerate|transformers|fastai|timm)"
    r"\b(?![-_.])",
    re.MULTILINE | re.IGNORECASE,
)
_MAX_METADATA = 400_000
_FINDER = re.compile(r"__editable___\w+_finder\.py")
_MAPPING = re.compile(r"^MAPPING\b[^=\n]*= *(\{[^\n]*\})", re.MULTILINE)


def find(root: str, named: str | None = None) -> Environment | None:
    """The environment of the project at `root`: the one that is `named`, else the one that `installed` finds."""
    folders = package_folders(root, named)
    return Environment(folders) if folders else None


class Environment:
    """The folders of installed packages, and what their metadata says. Nothing here raises."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = folders
        self._matters: dict[str, bool] = {}

    def holds(self, path: str) -> bool:
        """Whether the file belongs to an installed package."""
        return any(path.startswith(folder + os.sep) for folder in self.folders)

    def places(self, top: str) -> list[str]:
        """The folders to look for the package `top` in; none where its answer cannot matter."""
        if top in KNOWN or not self.folders:
            return []
        known = self._matters.get(top)
        if known is None:
            # What is installed from where it lies is somebody's own code, whatever it says that it requires.
            known = self._matters[top] = _holds(self._editable, top) or self._over_torch(top)
        return [*self.folders, *self._editable] if known else []

    @cached_property
    def _editable(self) -> list[str]:
        """Folders that `.pth` files name: packages under development that are installed from where they are."""
        found = []
        for folder in self.folders:
            for name in _listed(folder):
                if name.endswith(".pth"):
                    for line in _text(os.path.join(folder, name)).splitlines()[:20]:
                        path = line.strip()
                        if path and not path.startswith(("#", "import ", "import\t")):
                            full = os.path.normpath(os.path.join(folder, path))
                            if os.path.isdir(full):
                                found.append(full)
                elif _FINDER.fullmatch(name):
                    found += _mapped(_text(os.path.join(folder, name)))
        return found[:20]

    @cached_property
    def _distributions(self) -> dict[str, str]:
        """The metadata folder of each distribution, by its normal name."""
        found: dict[str, str] = {}
        for folder in self.folders:
            for name in _listed(folder):
                if name.endswith((".dist-info", ".egg-info")):
                    found.setdefault(normal(name.rpartition(".")[0].partition("-")[0]), os.path.join(folder, name))
        return found

    @cached_property
    def _of_module(self) -> dict[str, str]:
        """The metadata folder of each top-level module, where the distribution has another name."""
        found: dict[str, str] = {}
        for folder in self._distributions.values():
            for top in _text(os.path.join(folder, "top_level.txt")).split():
                found.setdefault(top, folder)
        return found

    def _over_torch(self, top: str) -> bool:
        folder = self._distributions.get(normal(top)) or self._of_module.get(top)
        if folder is None:  # installed in another way, or under a name that nothing tells
            return _holds(self.folders, top)
        return _OVER_TORCH.search(_metadata(folder)) is not None

    def has(self, top: str, names: Iterable[str]) -> bool:
        """Whether the module `top` is installed, which one of the distributions `names` may hold."""
        if top in self._of_module or any(name in self._distributions for name in names):
            return True
        return _holds((*self.folders, *self._editable), top)

    def version(self, package: str) -> str | None:
        """The version of an installed distribution (its name in any spelling), or None."""
        folder = self._distributions.get(normal(package)) or self._of_module.get(package)
        if folder is None:
            return None
        found = re.search(r"^Version: *(\S+)", _metadata(folder), re.MULTILINE)
        return found.group(1) if found else None


def _holds(places: Iterable[str], top: str) -> bool:
    """Whether a module or a package of this name lies in one of the folders."""
    return any(os.path.exists(os.path.join(place, tail)) for place in places for tail in (top, f"{top}.py"))


def _mapped(finder: str) -> list[str]:
    """The folders around the packages of an editable install whose `finder` module knows where each of them is.

    setuptools writes one for a package that does not lie in a folder of its own (its `editable_wheel` command); a
    package that is mapped to a folder of another name is passed over.
    """
    line = _MAPPING.search(finder)
    try:
        mapping = ast.literal_eval(line.group(1)) if line is not None else {}
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    places = []
    for top, path in mapping.items() if isinstance(mapping, dict) else ():
        if isinstance(top, str) and isinstance(path, str):
            around, name = os.path.split(os.path.normpath(path))
            if name.removesuffix(".py") == top.partition(".")[0] and os.path.isabs(around):
                places.append(around)
    return places


def _metadata(folder: str) -> str:
    return _text(os.path.join(folder, "METADATA")) or _text(os.path.join(folder, "PKG-INFO"))


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_METADATA).decode("utf-8", "replace")
    except OSError:
        return ""
