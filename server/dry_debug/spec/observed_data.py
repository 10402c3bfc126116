"""The data that the code reads: by calls of libraries, by classes of the project, by files that are opened."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.scopes import last_name
from dry_debug.spec.data_names import names_data
from dry_debug.spec.observed import Observed, seen
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def data_of(program: Program) -> Iterator[Observed]:
    """Every dataset, folder or file that is read for training; what only a name tells is weak."""
    found = list(_loaded_data(program))
    yield from found
    if not any(one.known and not one.implied for one in found):
        yield from _data_classes(program)


def _loaded_data(program: Program) -> Iterator[Observed]:
    for name, call in program.qualified_calls():
        last = name.rpartition(".")[2]
        expr: ast.expr | None = None
        if name in ("datasets.load_dataset", "datasets.load_from_disk"):
            expr = (
                call.args[0]
                if call.args
                else next((k.value for k in call.keywords if k.arg in ("path", "dataset_path")), None)
            )
            files = next((k.value for k in call.keywords if k.arg == "data_files"), None)
            first = trace(program, expr, call) if expr is not None else None
            if (
                first is not None
                and first.known
                and first.value in ("json", "csv", "text", "parquet", "arrow")
                and files is not None
            ):
                expr = files
                if isinstance(files, ast.Dict):
                    expr = next(
                        (
                            v
                            for k, v in zip(files.keys, files.values, strict=True)
                            if isinstance(k, ast.Constant) and k.value == "train"
                        ),
                        files.values[0] if files.values else files,
                    )
            if expr is not None:
                one = seen(program, "dataset", expr, call)
                if (
                    one.known
                    and len(call.args) > 1
                    and isinstance(call.args[1], ast.Constant)
                    and isinstance(call.args[1].value, str)
                ):
                    one = Observed("dataset", f"{one.value}:{call.args[1].value}", one.use, one.traced)
                yield one
        elif (
            name.startswith("torchvision.datasets.")
            and last[:1].isupper()
            and last not in ("ImageFolder", "DatasetFolder")
        ):
            yield Observed("dataset", last, call.func, Traced(True, last, program, call.func))
        elif (
            name in ("pandas.read_csv", "pandas.read_json", "pandas.read_parquet", "torchvision.datasets.ImageFolder")
            and call.args
        ):
            one = seen(program, "dataset", call.args[0], call)
            if one.known:
                yield one
        elif name == "builtins.open" and call.args:
            mode = (
                call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "mode"), None)
            )
            one = seen(program, "dataset", call.args[0], call)
            reads = mode is None or (isinstance(mode, ast.Constant) and str(mode.value).startswith("r"))
            if (
                reads
                and one.known
                and re.search(r"\.(?:jsonl?|csv|tsv|txt|parquet)\Z", str(one.value))
                and "config" not in str(one.value)
            ):
                yield Observed("dataset", one.value, one.use, one.traced, implied=True)


_READS_DATA = re.compile(r"(?:Dataset|DataModule|Data|Series|Corpus|Folder)\Z|\A(?:Load|Read)[A-Z]")
_PLACES = frozenset(
    "root path data_dir data_path data_root data_file file filename csv_file csv_path folder dir img_dir".split()
)


def _data_classes(program: Program) -> Iterator[Observed]:
    """`LesionDataset("data/isic", "train")`: the place that a class for data is given."""
    for call in program.index.calls:
        name = last_name(call.func)
        if not name[:1].isupper() or not _READS_DATA.search(name) or not (call.args or call.keywords):
            continue
        given = next((k.value for k in call.keywords if k.arg in _PLACES), call.args[0] if call.args else None)
        one = seen(program, "dataset", given, call) if given is not None else None
        if one is None or not one.known or not isinstance(one.value, str) or not _PLACE.match(one.value):
            continue
        yield one
        return
    yield from (one for one in (_loaded(program) or _made(program),) if one is not None)
    if not program.training.is_training and not program.training.starts_training:
        return
    for call in program.index.calls:
        name = last_name(call.func)
        if name[:1].isupper() and len(name) < 40 and names_data(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)):
            traced = Traced(True, name, program, call.func)
            yield Observed("dataset", name, call.func, traced, implied=True, weak=True)  # `CIFAR10Pair(...)`
            return


def _loaded(program: Program) -> Observed | None:
    """The place that the class of a loader's data is given: `DataLoader(ESC50(args.root), ...)`."""
    for call in program.index.calls:
        data = call.args[0] if last_name(call.func) == "DataLoader" and call.args else None
        home = program.names.lookup(data.id, program.scope(call)) if isinstance(data, ast.Name) else None
        if home is not None and len(home[1]) == 1 and home[1][0].kind == "assign" and not home[1][0].path:
            data = home[1][0].value
        if isinstance(data, ast.Attribute) and isinstance(data.value, ast.Name) and data.value.id == "self":
            cls = program.scope(call).class_scope
            bound = cls.attributes.get(data.attr, []) if cls is not None else []
            data = bound[0].value if len(bound) == 1 and bound[0].kind == "assign" and not bound[0].path else None
        if not isinstance(data, ast.Call) or not last_name(data.func)[:1].isupper() or not data.args:
            continue
        one = seen(program, "dataset", data.args[0], data)
        if one.known and isinstance(one.value, str) and _PLACE.match(one.value):
            return one
    return None


_MAKES = re.compile(
    r"(?:make|get|build|create|load|prepare|read)_?\w*(?:loaders?|data|dataset|datasets|splits?|dataloaders?)\Z",
    re.IGNORECASE,
)


def _made(program: Program) -> Observed | None:
    """The place that a function of the project for data is given: `make_loaders("data/birds", ...)`."""
    for call in program.index.calls:
        if not _MAKES.match(last_name(call.func)) or not (call.args or call.keywords):
            continue
        given = next((k.value for k in call.keywords if k.arg in _PLACES), call.args[0] if call.args else None)
        one = seen(program, "dataset", given, call) if given is not None else None
        if one is not None and one.known and isinstance(one.value, str) and _PLACE.match(one.value):
            return one
    return None


_PLACE = re.compile(r"[~.]{0,2}/?[\w.-]+(?:/[\w.{}-]+)+/?\Z|[\w-]+\.(?:jsonl?|csv|tsv|parquet|txt|arrow|h5|npz|bin)\Z")
