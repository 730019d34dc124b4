"""Write into each dvc.yaml what the code says: a stage's code dependencies, settings and description.

Code dependencies follow from the imports, settings from the parameters of `main`, descriptions from the
first line of the module. A dependency is a folder, except for the modules of the studies and those directly
in `digits` or `digits/networks`.
Dependencies that name an item of a matrix are left alone. The studies reach `digits` and `stages` through
links in studies/.code, since DVC does not apply .dvcignore to what lies outside its repository.
"""

import argparse
import ast
import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from digits.pipeline.declaration import LINKS, PACKAGES, is_code
from digits.pipeline.stage import settings_model

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("stages", "studies")
BY_FILE = ("digits", "digits/networks", "stages")  # folders of modules that have little in common


def main() -> int:
    """Write both files, or with --check only compare them; return 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.dependencies", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file would change")
    check = parser.parse_args().check
    texts = {pipeline_file(package): written(package) for package in FOLDERS}
    stale = {path: text for path, text in texts.items() if path.read_text("utf-8") != text}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)}: {'differs from the code' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


def written(package: str) -> str:
    """Return the text of the package's dvc.yaml with everything in it that follows from the code."""
    document = yaml().load(pipeline_file(package))
    for stage, entry in document["stages"].items():
        complete(package, stage, entry)
    text = StringIO()
    yaml().dump(document, text)
    return text.getvalue()


def pipeline_file(package: str) -> Path:
    """Return the dvc.yaml that runs a package of stages."""
    return ROOT / ("dvc.yaml" if package == "stages" else f"{package}/dvc.yaml")


def yaml() -> YAML:
    """Return a reader and writer that keeps comments and order."""
    made = YAML()
    made.width = 110
    made.indent(mapping=2, sequence=4, offset=2)
    return made


def complete(package: str, stage: str, entry: CommentedMap) -> None:
    """Replace description, settings and code dependencies of a stage's entry by what its code says."""
    for key, before in (("desc", ""), ("params", "cmd"), ("deps", "params")):
        if key not in entry:  # at the end it would stand below the blank line after the entry
            entry.insert(["", *entry].index(before), key, [])
    module = entry_module(package, stage)
    entry["desc"] = str(ast.get_docstring(ast.parse(module.read_text()))).partition("\n")[0].rstrip(".")
    entry["params"] = settings(package, stage, entry.get("matrix", {}))
    data = [dep for dep in entry.get("deps", []) if not is_code(dep)]
    by_item = [dep for dep in entry.get("deps", []) if is_code(dep) and "${item" in dep]
    entry["deps"] = [*data, *by_item, *code(package, stage)]


def entry_module(package: str, stage: str) -> Path:
    """Return the module that runs a stage; it may stand in a folder of the package."""
    name = stage.replace("-", "_")
    places = (f"{name}.py", f"{name}/__main__.py", f"*/{name}.py")
    return next(file for place in places for file in sorted((ROOT / package).glob(place)))


def settings(package: str, stage: str, matrix: Mapping[str, list[Any]]) -> CommentedSeq:
    """Return the keys of params.yaml that the stage reads; `${item.NAME}` stands for an item in a key."""
    file = entry_module(package, stage).relative_to(ROOT).with_suffix("")
    main = importlib.import_module(".".join(file.parts)).main
    keys: list[Any] = []
    for members in product(*matrix.values()):
        items = dict(zip(matrix, map(str, members), strict=True))
        found = settings_model(main, items).model_fields.items()
        keys += [_generalized(field.alias or name, items) for name, field in found]
    keys = list(dict.fromkeys(keys))
    if package != "stages":
        own = YAML(typ="safe").load(ROOT / package / "params.yaml")
        parents = [key for key in keys if key.partition(".")[0] not in own]
        keys = [key for key in keys if key not in parents]
        keys += [{"../params.yaml": parents}] if parents else []
    listed = CommentedSeq(keys)
    listed.fa.set_flow_style()
    return listed


def _generalized(key: str, items: Mapping[str, str]) -> str:
    """Return the key with `${item.NAME}` for the item that it ends in, `train-mlp` or `published.1`."""
    for name, member in items.items():
        if key.endswith((f"-{member}", f".{member}")):
            return f"{key.removesuffix(member)}${{item.{name}}}"
    return key


def code(package: str, stage: str) -> list[str]:
    """Return the code dependencies of a stage, as paths from the folder of its dvc.yaml, sorted."""
    files = closure(entry_module(package, stage))
    units = {_unit(file) for file in files}
    outermost = {unit for unit in units if not any(other in unit.parents for other in units)}
    folder = pipeline_file(package).parent
    links = Path() if folder == ROOT else Path(LINKS)
    return sorted(
        (
            unit.relative_to(folder) if unit.is_relative_to(folder) else links / unit.relative_to(ROOT)
        ).as_posix()
        for unit in outermost
    )


def _unit(file: Path) -> Path:
    """Return the file, or the folder that stands for it."""
    place = file.parent.relative_to(ROOT)
    return file if place.as_posix() in BY_FILE or place.parts[0] == "studies" else file.parent


def closure(module: Path) -> set[Path]:
    """Return all modules that can move a byte of what a module makes: itself, and what it imports."""
    seen: set[Path] = set()
    open_ends = {module}
    while open_ends:
        file = open_ends.pop()
        seen.add(file)
        others = imported(file) - seen
        open_ends |= {each for each in others if not any(map(each.is_relative_to, undeclared()))}
    return {file for file in seen if holds_code(file)}


@cache
def imported(file: Path) -> frozenset[Path]:
    """Return the project's own modules that a module imports, at its top or within a function."""
    names = set(_names(ast.parse(file.read_text(encoding="utf-8"))))
    files = {ROOT / f"{name.replace('.', '/')}.py" for name in names}
    files |= {ROOT / name.replace(".", "/") / "__init__.py" for name in names}
    return frozenset(f for f in files if f.exists() and f.relative_to(ROOT).parts[0] in PACKAGES)


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def undeclared() -> tuple[Path, ...]:
    """Return the folders and files that can move no byte, as pyproject.toml lists them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return tuple(ROOT / entry for entry in project["tool"]["pipeline"]["undeclared"])


@cache
def holds_code(file: Path) -> bool:
    """Whether there is more in the module than a docstring."""
    return len(ast.parse(file.read_text(encoding="utf-8")).body) > 1


if __name__ == "__main__":
    sys.exit(main())
