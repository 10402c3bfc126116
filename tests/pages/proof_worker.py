"""Executes proof blocks with real PyTorch, all in one process: run as a script, a JSON list on standard input.

Each item has `id`, `code`, `bad`, `fixed` (file name -> text; `fixed` may be null) and `where`. One JSON line goes out
for each: `{"id", "error"}`, error null where the proof holds, and `missing: NAME` where a library that it needs is not
installed.
"""

import contextlib
import faulthandler
import importlib.util
import json
import linecache
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

SECONDS = 60

Files = dict[str, str]


class TooSlow(BaseException):
    """The proof ran past its time."""


class Missing(Exception):
    """A library that the proof needs is not installed."""


def _offline() -> None:
    """No connections over the network; sockets between processes of this machine are left alone."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise OSError("a proof must not use the network")
        connect(self, address)

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]


def _reset(torch: Any) -> None:
    """The state that a proof may have changed."""
    random.seed(0)
    torch.manual_seed(0)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(0)


@contextlib.contextmanager
def _modules(extra: Mapping[str, Any] | None) -> Iterator[None]:
    """`sys.modules` with `extra` for a time; what was imported from a temporary folder is forgotten afterwards."""
    before = dict(sys.modules)
    sys.modules.update(extra or {})
    try:
        yield
    finally:
        for name in set(sys.modules) - set(before):
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if name in (extra or {}) or origin.startswith(tempfile.gettempdir()):
                del sys.modules[name]
        for name in extra or {}:
            if name in before:
                sys.modules[name] = before[name]


class Harness:
    """What a proof block is given."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.count = 0

    def run(self, source: str, *, modules: Mapping[str, Any] | None = None, **names: Any) -> dict[str, Any]:
        """The namespace after executing `source` as a script that finds `names` set."""
        _reset(self.torch)
        self.count += 1
        file = f"<block {self.count}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        # A module of its own, so that classes defined in the block can be pickled.
        main = ModuleType("__main__")
        vars(main).update(names)
        with _modules({**(modules or {}), "__main__": main}):
            exec(compile(source, file, "exec"), vars(main))
        return vars(main)

    def run_project(
        self, files: Files, main: str = "main.py", *, modules: Mapping[str, Any] | None = None, **names: Any
    ) -> dict[str, Any]:
        """The namespace after executing the file `main` of a project whose other files can be imported."""
        with tempfile.TemporaryDirectory(prefix="proof-project-") as folder:
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            sys.path.insert(0, folder)
            try:
                with _modules(None):
                    return self.run(files[main], modules=modules, **names)
            finally:
                sys.path.remove(folder)

    @staticmethod
    def needs(*libraries: str) -> None:
        """Ends the proof, as one that could not be run, where one of these packages is not installed."""
        for name in libraries:
            if importlib.util.find_spec(name) is None:
                raise Missing(name)

    @staticmethod
    def raised(function: Callable[..., Any], *args: Any) -> BaseException | None:
        """What calling the function raised, if anything."""
        try:
            function(*args)
        except Exception as error:
            return error
        return None


def prove(item: Mapping[str, Any], torch: Any) -> str | None:
    """Runs one proof; the error's text, or None."""
    harness = Harness(torch)
    bad, fixed = item["bad"], item["fixed"]
    space: dict[str, Any] = {
        "__name__": "proof",
        "torch": torch,
        "bad_files": bad,
        "fixed_files": fixed,
        "bad": bad.get("main.py"),
        "fixed": (fixed or {}).get("main.py"),
        "run": harness.run,
        "run_project": harness.run_project,
        "raised": harness.raised,
        "needs": harness.needs,
    }
    linecache.cache[item["where"]] = (0, None, item["code"].splitlines(keepends=True), item["where"])
    here = os.getcwd()
    own = [(holder, name, getattr(holder, name)) for holder, name in _replaceable(torch)]
    _reset(torch)
    signal.alarm(SECONDS)
    # What waits below Python never sees the signal (a lock, a socket): then the process ends, with where it stood.
    faulthandler.dump_traceback_later(SECONDS + 20, exit=True)
    try:
        with tempfile.TemporaryDirectory(prefix="proof-", ignore_cleanup_errors=True) as folder:
            os.chdir(folder)
            try:
                exec(compile(item["code"], item["where"], "exec"), space)
            finally:
                os.chdir(here)
    except Missing as error:
        return f"missing: {error}"
    except (Exception, SystemExit, TooSlow):
        return traceback.format_exc()
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        for holder, name, function in own:
            setattr(holder, name, function)
    return None


def _replaceable(torch: Any) -> Iterator[tuple[Any, str]]:
    """(holder, name) of what a proof may put a stand-in for, and the next one must not find there."""
    for path in ("save", "load", "distributed.init_process_group", "nn.parallel.DistributedDataParallel"):
        *folders, name = path.split(".")
        holder = torch
        for folder in folders:
            holder = getattr(holder, folder, None)
        if hasattr(holder, name):
            yield holder, name


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"longer than {SECONDS} s")


def main() -> None:
    items = json.load(sys.stdin)
    # What proofs print is not part of the answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, _stop)
    import torch

    _offline()
    for item in items:
        print(json.dumps({"id": item["id"], "error": prove(item, torch)}), file=answers, flush=True)


if __name__ == "__main__":
    main()
