"""What dvc.yaml declares of a stage: the paths that it reads and writes, each by its name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

Kind = Literal["file", "data", "metrics", "plots"]

PACKAGES = ("digits", "stages", "studies")  # dependencies that begin so, and are no tables, are code
LINKS = ".code/"  # the packages as the studies see them; see docs/architecture.md
OUTPUTS: dict[str, Kind] = {"outs": "file", "metrics": "metrics", "plots": "plots"}
SPLITS = ("raw", "train", "val", "test")  # names of folders that MLflow records as data sets
VARIABLE = re.compile(r"\$\{paths\.(\w+)\}")
ITEM = re.compile(r"\$\{item\.(\w+)\}")


class Paths:
    """The paths of one stage as attributes, named as under `paths` in dvc.yaml.

    A path that has no name there, since no other stage reads it, goes by its first folder: `data`,
    `metrics` or `plots`. The members of a stage's matrix are attributes too.
    """

    def __init__(self, stage: str, paths: Mapping[str, Path], items: Mapping[str, str] | None = None) -> None:
        self._stage = stage
        self._values: dict[str, Any] = {**paths, **(items or {})}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise AttributeError(f"dvc.yaml declares no path {name!r} for the stage {self._stage}")
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values


def read_pipeline(folder: Path) -> dict[str, Any]:
    """Return the content of the folder's dvc.yaml, nothing where there is none."""
    path = folder / "dvc.yaml"
    return dict(YAML(typ="safe").load(path)) if path.exists() else {}


def declare(
    stage: str, items: Mapping[str, str], folder: Path = Path()
) -> tuple[Paths, dict[Path, Kind], dict[Path, Kind]]:
    """Return what the folder's dvc.yaml declares of a stage; KeyError where it does not have it.

    items: of the stage's matrix, by their names. Returns its paths and items as attributes, then the kind
    of each input and of each output, whose paths start at the repository's root.
    """
    document = read_pipeline(folder)
    entry, variables = document["stages"][stage], document.get("vars", [{}])[0].get("paths", {})
    names: dict[str, Path] = {}

    def declared(text: str, kind: Kind) -> tuple[Path, Kind]:
        named = VARIABLE.match(text)
        text = VARIABLE.sub(lambda match: variables[match[1]], text)
        path = Path(normpath(folder / ITEM.sub(lambda match: items[match[1]], text)))
        parts = path.relative_to(folder).parts if path.is_relative_to(folder) else path.parts
        name = named[1] if named else parts[0]
        if kind == "plots" and path.suffix:  # a table that DVC draws, not a folder of pictures
            kind = "file"
        names.setdefault(name, path)  # outputs first: a stage may read what another wrote into its own folder
        return path, "data" if name in SPLITS else kind

    outputs = dict(
        declared(text, kind) for key, kind in OUTPUTS.items() for text in _texts(entry.get(key, []))
    )
    inputs = dict(declared(text, "file") for text in _texts(entry.get("deps", [])) if not is_code(text))
    return Paths(stage, names, items), inputs, outputs


def is_code(dependency: str) -> bool:
    """Whether a dependency of dvc.yaml is a module or a folder of modules."""
    path = ITEM.sub("item", dependency).removeprefix(LINKS)
    in_package = path.startswith(tuple(f"{package}/" for package in PACKAGES))
    return path.endswith(".py") or (in_package and not Path(path).suffix)


def declared_settings(folder: Path) -> set[str]:
    """Return the top-level keys of params.yaml that any stage of the folder's dvc.yaml names."""
    entries = read_pipeline(folder).get("stages", {}).values()
    return {key.partition(".")[0] for entry in entries for key in parameter_keys(entry)}


def describe(stage: str, folder: Path = Path()) -> str:
    """Return what the folder's dvc.yaml declares of a stage, as lines for its help."""
    entry = read_pipeline(folder)["stages"][stage]
    _, inputs, outputs = declare(stage, {name: name.upper() for name in entry.get("matrix", {})}, folder)
    rows: dict[str, Iterable[Any]] = {"reads": inputs, "writes": outputs}
    settings = {"params.yaml": parameter_keys(entry)}
    for shared in entry.get("params", []):
        settings |= shared if isinstance(shared, Mapping) else {}
    rows |= {f"settings, in {normpath(folder / file)}": keys for file, keys in settings.items()}
    lines = [f"  {what}: {', '.join(map(str, names))}" for what, names in rows.items() if names]
    return "\n".join([f"What {folder / 'dvc.yaml'} declares:", *lines])


def parameter_keys(entry: Mapping[str, Any]) -> list[str]:
    """Return the keys of the params.yaml beside the dvc.yaml that a stage's entry names."""
    return [str(key) for key in entry.get("params", []) if not isinstance(key, Mapping)]


def _texts(entries: list[Any]) -> Iterator[str]:
    return (next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries)
