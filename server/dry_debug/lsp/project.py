"""The disk as the language server sees it: settings files, files of the project, the host. Used in worker threads."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dry_debug.lint import baseline
from dry_debug.lint.finding import Finding
from dry_debug.lint.settings import PATHS, Settings
from dry_debug.lsp.options import Options
from dry_debug.program.host import Host, NullHost
from dry_debug.project.config import Config, Configs
from dry_debug.project.files import DEFAULT_EXCLUDES, matches_any
from dry_debug.project.host import ProjectHost
from dry_debug.project.installed import folders_of
from dry_debug.project.read import Unreadable, read, read_bytes
from dry_debug.project.run import file_settings
from dry_debug.records import dataclass
from dry_debug.text.document import Document

# Other people's code, wherever it lies: following a definition into it is no reason to check it.
_INSTALLED = frozenset(("site-packages", "dist-packages"))


@dataclass(frozen=True)
class Known:
    """The findings of one file that a baseline lists: they are not shown."""

    listed: baseline.Baseline
    path: str

    def __contains__(self, finding: Finding) -> bool:
        return self.listed.is_known(finding, self.path)


@dataclass(frozen=True)
class Rules:
    """What holds for one file: its settings, whether it is checked at all, what its baseline lists, and one sentence
    for each thing that is wrong in the settings files. `root` is the folder of its project."""

    settings: Settings
    root: str | None = None
    excluded: bool = False
    known: Known | None = None
    complaints: tuple[str, ...] = ()


class Project:
    """Answers from disk. Settings files are read once, until `settings_changed`."""

    def __init__(self) -> None:
        self._configs = Configs()
        self._hosts: dict[tuple[str, str | None], ProjectHost] = {}  # by root and environment

    def root(self, path: str, folders: Sequence[str]) -> str:
        """The innermost of `folders` that holds `path`, else the folder of `path`."""
        holding = [folder for folder in folders if path.startswith(folder.rstrip(os.sep) + os.sep)]
        return max(holding, key=len, default=os.path.dirname(path))

    def rules(self, path: str | None, root: str | None, options: Options) -> Rules:
        """What holds for the file at `path` below `root`: the editor's settings over the project's over the defaults.
        A buffer that was never saved has no path and no project."""
        if path is None or root is None:
            config = Config(os.sep).over(options.values, {})
            return Rules(config.settings)
        values = _absolute(options.values, root)
        config = self._configs.of_file(path).over(values, {})
        settings = config.settings
        if settings.environment is None and options.selected_interpreter is not None:
            config = config.over({"environment": options.selected_interpreter}, {})
            settings = config.settings
        known, complaints = _known(settings.baseline, path)
        if "environment" in values and not folders_of(values["environment"]):
            complaints.append(f"'environment': there are no installed packages in {values['environment']}")
        for problem in config.problems:
            line = f":{problem.line}" if problem.line else ""
            complaints.append(f"{os.path.basename(problem.path)}{line}: {problem.message}")
        return Rules(
            file_settings(config, path),
            config.root if config.file else root,
            _in_excluded_folder(path, root) or matches_any(config.root, settings.exclude, path),
            known,
            tuple(complaints),
        )

    def host(self, rules: Rules, texts: Mapping[str, str]) -> Host:
        """What answers questions about other files for one to which `rules` apply; `texts` are open files, by path."""
        return NullHost() if rules.root is None else self._host(rules.root, rules.settings.environment, texts)

    def _host(self, root: str, environment: str | None, texts: Mapping[str, str]) -> ProjectHost:
        known = self._hosts.get((root, environment))
        if known is None:
            known = self._hosts[root, environment] = ProjectHost(root, texts, environment)
        else:
            known.refresh(texts)  # keeps the trees of files that have not changed
        return known

    def depends(self, rules: Rules, texts: Mapping[str, str], asked: Iterable[str], path: str) -> bool:
        """Whether an analysis under `rules` that asked the host these questions would now be answered from the file at
        `path`."""
        if rules.root is None:
            return False
        host = self._host(rules.root, rules.settings.environment, texts)
        return any(host.rests_on(question, path) for question in asked)

    def read(self, path: str) -> Document | None:
        """The file as it is on disk, or None."""
        try:
            return read(path)
        except Unreadable:
            return None

    def settings_changed(self) -> None:
        """Forgets what was read of settings files."""
        self._configs = Configs()


def _absolute(values: Mapping[str, Any], root: str) -> Mapping[str, Any]:
    """An editor's settings, the paths among them taken from the folder `root`."""
    paths = {name: os.path.join(root, os.path.expanduser(values[name])) for name in PATHS.intersection(values)}
    return {**values, **paths} if paths else values


def _in_excluded_folder(path: str, root: str) -> bool:
    below = os.path.relpath(os.path.dirname(path), root).split(os.sep)
    return not DEFAULT_EXCLUDES.isdisjoint(below) or not _INSTALLED.isdisjoint(path.split(os.sep))


def _known(file: str | None, path: str) -> tuple[Known | None, list[str]]:
    if file is None:
        return None, []
    try:
        listed = baseline.parse(read_bytes(file).decode(), os.path.basename(file))
    except (Unreadable, UnicodeDecodeError) as error:
        return None, [f"cannot read the baseline {os.path.basename(file)}: {error}"]
    except baseline.BaselineError as error:
        return None, [str(error)]
    return Known(listed, os.path.relpath(path, os.path.dirname(os.path.abspath(file)))), []
