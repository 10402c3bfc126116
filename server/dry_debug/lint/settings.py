"""The settings of one analysis: the dataclass that gives CLI flags, LSP options, config keys and the JSON schema.

Field metadata: `help`, `flag` (whether the CLI has one) and `path` (a file or folder, in a config file relative to
that). Keys are the field names in kebab-case in
files and flags, in camelCase in editors. Reading files is `project.config`'s business.
"""

from collections.abc import Mapping
from typing import Any, Literal

from dry_debug.lint.finding import Confidence, Severity
from dry_debug.records import dataclass, field, fields

Run = Literal["onSave", "onType"]


@dataclass(frozen=True)
class Settings:
    """What the user chose. Rules are named by name (`incomplete-checkpoint`), code (`CKPT001`) or code prefix
    (`CKPT`)."""

    select: tuple[str, ...] = field(
        default=("ALL",), metadata={"flag": True, "help": "Rules to run: names, codes, code prefixes, or ALL."}
    )
    extend_select: tuple[str, ...] = field(
        default=(),
        metadata={"flag": True, "help": "Rules to run beside the selected ones; also turns single preview rules on."},
    )
    ignore: tuple[str, ...] = field(default=(), metadata={"flag": True, "help": "Rules not to run."})
    preview: bool = field(default=False, metadata={"flag": True, "help": "Run preview rules too."})
    severity: dict[str, Severity | Literal["off"]] = field(
        default_factory=dict,
        metadata={"flag": True, "help": "Severity of single rules: critical, warning, suggestion or off."},
    )
    min_confidence: Confidence = field(
        default="medium", metadata={"flag": True, "help": "Show findings of at least this confidence."}
    )
    per_file_ignores: dict[str, tuple[str, ...]] = field(
        default_factory=dict, metadata={"help": "Rules not to run in files that match a gitignore-style pattern."}
    )
    exclude: tuple[str, ...] = field(
        default=(), metadata={"flag": True, "help": "Gitignore-style patterns of files that are not checked."}
    )
    fail_on: Severity = field(
        default="suggestion", metadata={"flag": True, "help": "Lowest severity that makes the exit status 1."}
    )
    baseline: str | None = field(
        default=None,
        metadata={
            "flag": True, "path": True, "help": "File with the fingerprints of findings that are known and not shown."
        },
    )  # fmt: skip
    spec: str | None = field(
        default=None,
        metadata={
            "flag": True, "path": True,
            "help": "File with the instructions that the code must follow; turns their rules on.",
        },
    )  # fmt: skip
    environment: str | None = field(
        default=None,
        metadata={
            "flag": True, "path": True,
            "help": "Environment, or the interpreter in it, whose installed packages the code uses: they are read, not "
            "run. Without it, .venv, venv or env in the project, else the one that is activated.",
        },
    )  # fmt: skip
    run: Run = field(default="onSave", metadata={"help": "When the editor analyses: onSave or onType."})
    hover: bool = field(default=True, metadata={"help": "Whether the server answers hover requests."})
    code_lens: bool = field(
        default=True,
        metadata={"help": "Whether the editor shows above a line what it sets that the instructions do not ask for."},
    )

    def min_confidences(self) -> frozenset[Confidence]:
        """The confidences that are shown."""
        return _SHOWN[self.min_confidence]


PATHS = frozenset(item.name for item in fields(Settings) if item.metadata.get("path"))

_SHOWN: dict[Confidence, frozenset[Confidence]] = {
    "high": frozenset(("high",)),
    "medium": frozenset(("high", "medium")),
    "low": frozenset(("high", "medium", "low")),
}


def kebab_case(name: str) -> str:
    """The key of a field in a config file, and its flag without the two dashes."""
    return name.replace("_", "-")


def camel_case(name: str) -> str:
    """The key of a field in an editor's settings."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def converted(name: str, value: object) -> Any:
    """`value`, as TOML or JSON gave it, for the field `name`. Raises ValueError saying what it should be."""
    from typing import get_type_hints

    return _converted(value, get_type_hints(Settings)[name])


def _converted(value: object, hint: Any) -> Any:
    import types
    from typing import Union, get_args, get_origin

    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        literals = [item for part in arguments if get_origin(part) is Literal for item in get_args(part)]
        if literals:
            return _converted(value, Literal[tuple(literals)])
        return _converted(value, next(part for part in arguments if part is not type(None)))
    if origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise ValueError(f"one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ValueError("a list of strings")
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ValueError("a table")
        result = {}
        for key, item in value.items():
            try:
                result[str(key)] = _converted(item, arguments[1])
            except ValueError as error:
                raise ValueError(f"a table whose every value is {error}") from None
        return result
    if type(value) is not hint:
        raise ValueError({bool: "true or false", str: "a string"}.get(hint, hint.__name__))
    return value
