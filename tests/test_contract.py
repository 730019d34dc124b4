"""dvc.yaml is the whole truth about a stage: its files, modules and settings, held against its code.

The same holds for the studies and theirs.
"""

import ast
import importlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from digits.pipeline.stage import Input, Item, Output
from tests import helpers
from tests.helpers import ROOT

PACKAGES = ("stages", "studies")
PIPELINE, STUDIES = (YAML(typ="safe").load(ROOT / file) for file in ("dvc.yaml", "studies/dvc.yaml"))
PATHS = PIPELINE["vars"][0]["paths"]
STAGES = list(PIPELINE["stages"])
ALL = [*STAGES, *STUDIES["stages"]]
GRADIENTS = "digits/analysis/saliency/gradients.py"
UNDECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pipeline"]["undeclared"]


def resolved(value: Any, paths: dict[str, str]) -> Any:
    """The value with `${paths.NAME}` replaced wherever it stands."""
    if isinstance(value, dict):
        return {resolved(key, paths): resolved(item, paths) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, paths) for item in value]
    if isinstance(value, str):
        for name, path in paths.items():
            value = value.replace(f"${{paths.{name}}}", path)
    return value


ENTRIES = {
    stage: entry
    for pipeline in (PIPELINE, STUDIES)
    for stage, entry in resolved(pipeline["stages"], pipeline["vars"][0]["paths"]).items()
}


def paths_of(entries: list[Any]) -> list[str]:
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def is_code(path: str) -> bool:
    return path.startswith(tuple(f"{package}/" for package in PACKAGES)) and not path.endswith(".csv")


def entry_module(stage: str) -> Path:
    package, name = "stages" if stage in STAGES else "studies", stage.replace("-", "_")
    single = ROOT / package / f"{name}.py"
    return single if single.exists() else ROOT / package / name / "__main__.py"


def modules(file: Path) -> set[str]:
    """Names that a module imports, at its top or within a function; modules and what may be one."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: imports here are absolute"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def imported(file: Path) -> frozenset[Path]:
    """The project's own modules among those that a module imports."""
    names = modules(file)
    files = {ROOT / f"{name.replace('.', '/')}.py" for name in names}
    files |= {ROOT / name.replace(".", "/") / "__init__.py" for name in names}
    return frozenset(file for file in files if file.exists() and file.relative_to(ROOT).parts[0] in PACKAGES)


def is_undeclared(file: Path) -> bool:
    name = file.relative_to(ROOT).as_posix()
    return any(name == entry or name.startswith(f"{entry}/") for entry in UNDECLARED)


def holds_code(file: Path) -> bool:
    """Whether there is more in the module than a docstring."""
    return len(ast.parse(file.read_text()).body) > 1


def closure(stage: str) -> set[str]:
    """All modules that the stage's code comes from, as paths from the root."""
    seen: set[Path] = set()
    open_ends = {entry_module(stage)}
    while open_ends:
        file = open_ends.pop()
        seen.add(file)
        open_ends |= {each for each in imported(file) - seen if not is_undeclared(each)}
    return {file.relative_to(ROOT).as_posix() for file in seen if holds_code(file)}


def declared_code(stage: str) -> set[str]:
    files: set[str] = set()
    for dependency in paths_of(ENTRIES[stage]["deps"]):
        path = ROOT / dependency
        if is_code(dependency):
            found = [path] if path.is_file() else [*path.rglob("*.py")]
            files |= {file.relative_to(ROOT).as_posix() for file in found if holds_code(file)}
    return files


def models(stage: str) -> tuple[Any, Any]:
    module = importlib.import_module(
        ".".join(entry_module(stage).relative_to(ROOT).with_suffix("").parts).replace(".__init__", "")
    )
    return module.Parameters, module.Paths


def options(stage: str) -> dict[str, str]:
    words = ENTRIES[stage]["cmd"].split()
    assert words[:2] == ["python", "-m"]
    return dict(zip([word.removeprefix("--") for word in words[3::2]], words[4::2], strict=True))


def test_the_pipeline_has_the_nine_stages_in_order() -> None:
    assert tuple(STAGES) == helpers.STAGES
    assert tuple(STUDIES["stages"]) == helpers.STUDIES


@pytest.mark.parametrize("stage", ALL)
def test_declares_exactly_the_modules_it_imports(stage: str) -> None:
    assert declared_code(stage) == closure(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_the_pipeline_does_not_depend_on_the_studies(stage: str) -> None:
    assert not [path for path in closure(stage) if path.startswith("studies/")]


@pytest.mark.parametrize("stage", ALL)
def test_declares_exactly_the_settings_it_reads(stage: str) -> None:
    parameters, _ = models(stage)
    read = [field.alias or name for name, field in parameters.model_fields.items()]
    assert sorted(ENTRIES[stage].get("params", [])) == sorted(read)


@pytest.mark.parametrize("stage", ALL)
def test_declares_exactly_the_files_that_its_command_names(stage: str) -> None:
    _, paths = models(stage)
    entry, given = ENTRIES[stage], options(stage)
    marks = {
        name.replace("_", "-"): next(m for m in field.metadata if isinstance(m, (Input, Output, Item)))
        for name, field in paths.model_fields.items()
    }
    assert given.pop("params") == "params.yaml"
    assert given.keys() == marks.keys()
    read = {given[name] for name, mark in marks.items() if isinstance(mark, Input)}
    written = {given[name] for name, mark in marks.items() if isinstance(mark, Output)}
    words = {given[name] for name, mark in marks.items() if isinstance(mark, Item)}
    data = {path for path in paths_of(entry["deps"]) if not is_code(path)}
    assert words == {f"${{item.{name}}}" for name in entry.get("matrix", {})}
    assert read == data
    assert written == set(paths_of(entry["outs"] + entry.get("metrics", []) + entry.get("plots", [])))


@pytest.mark.parametrize("stage", ALL)
def test_has_an_output_that_only_the_cache_holds(stage: str) -> None:
    assert any(isinstance(out, str) for out in ENTRIES[stage]["outs"])


@pytest.mark.parametrize("stage", ["train-mlp", "train-cnn", "train-ae"])
def test_a_training_can_be_restored_from_the_run_cache(stage: str) -> None:
    """DVC keeps no run of a stage with an output that is neither cached nor a metric nor a plot."""
    assert all(isinstance(out, str) for out in ENTRIES[stage]["outs"])


def test_dvc_plots_shows_every_committed_picture() -> None:
    committed = {path.relative_to(ROOT).as_posix() for path in (ROOT / "plots").rglob("*.png")}
    studied = {path for path in committed if path.startswith("plots/studies/")}
    assert {plot for plot in PIPELINE["plots"] if isinstance(plot, str)} == committed - studied
    assert set(STUDIES["plots"]) >= studied  # before the studies have been run there are none


@pytest.mark.parametrize("stage", ["train-mlp", "train-cnn", "train-ae"])
def test_training_never_opens_the_test_split(stage: str) -> None:
    assert PATHS["test"] not in paths_of(ENTRIES[stage]["deps"])


def test_only_the_record_imports_mlflow() -> None:
    importers = {
        file.relative_to(ROOT / "stages").parts[0]
        for file in (ROOT / "stages").rglob("*.py")
        if "import mlflow" in file.read_text() or "from mlflow" in file.read_text()
    }
    assert importers == {"record"}


def test_only_the_gradients_name_a_backend() -> None:
    """Keras 3 has no gradient of its own; all else in networks and training is neutral."""
    for folder in ("networks", "shared"):
        for file in (ROOT / "stages" / folder).rglob("*.py"):
            roots = {name.split(".")[0] for name in modules(file)}
            neutral = roots.isdisjoint({"tensorflow", "jax", "torch"})
            assert neutral == (file != ROOT / GRADIENTS), file


def test_a_path_is_written_once() -> None:
    text = "\n".join(line for line in (ROOT / "dvc.yaml").read_text().splitlines() if "plots/" not in line)
    for name, path in PATHS.items():
        if "/" in path and not path.startswith("plots/"):
            assert text.count(path + "\n") == 1, name


def test_every_shared_module_is_shared() -> None:
    """What only one stage uses belongs to that stage; what names a backend stands in one place."""
    users: dict[str, set[str]] = {}
    for stage in STAGES:
        for file in closure(stage):
            users.setdefault(file, set()).add(stage)
    alone = {file for file, stages in users.items() if file.startswith("stages/shared/") and len(stages) < 2}
    assert alone - {GRADIENTS} == set()
