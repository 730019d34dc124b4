"""The plan of the project: dvc.yaml says what a stage's code does, and each folder keeps its role."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml.comments import CommentedMap

from digits.pipeline.declaration import PACKAGES, Paths, declare, read_pipeline
from tests.support.helpers import ROOT
from tools import dependencies

GRAPHS = dependencies.FOLDERS
FOLDERS = {package: dependencies.pipeline_file(package).parent for package in GRAPHS}
ENTRIES = {(p, stage): entry for p in GRAPHS for stage, entry in read_pipeline(FOLDERS[p])["stages"].items()}
BACKENDS = {"tensorflow", "jax", "torch"}
SOURCES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
MOST_CODE_DEPENDENCIES, MEAN_CODE_DEPENDENCIES, LONGEST_CHAIN, LONGEST_FILE = 9, 5.65, 7, 350

each_stage = pytest.mark.parametrize(("package", "stage"), ENTRIES, ids=map("/".join, ENTRIES))


def declared(package: str, stage: str) -> Iterator[Any]:
    """Yield the declaration of each member of a stage's matrix, or of the stage."""
    matrix = ENTRIES[package, stage].get("matrix", {})
    folder = Path() if package == "stages" else Path(package)
    for members in product(*matrix.values()):
        yield declare(stage, dict(zip(matrix, map(str, members), strict=True)), folder)


def path_users(package: str, stage: str) -> dict[Path, str]:
    """Return the text of each module of a stage that takes its paths."""
    files = dependencies.closure(dependencies.entry_module(package, stage))
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    return {file: text for file, text in texts.items() if re.search(r"import .*\bPaths\b", text)}


def roots(file: Path) -> set[str]:
    """Return the packages that a module imports from."""
    return {name.split(".")[0] for name in dependencies._names(ast.parse(file.read_text(encoding="utf-8")))}


def edges(file: Path) -> list[Path]:
    """Return the modules that a module imports; that its own package is imported too does not count."""
    found = dependencies.imported(file)
    return [other for other in found if other.name != "__init__.py" or other.parent != file.parent]


@pytest.mark.parametrize("package", GRAPHS)
def test_the_tool_would_write_the_same_dvc_yaml(package: str) -> None:
    text = dependencies.pipeline_file(package).read_text(encoding="utf-8")
    assert dependencies.written(package) == text, "run python -m tools.dependencies"


def test_the_tool_completes_a_new_entry_in_place() -> None:
    """What it adds stands where people expect it, above the blank line after the entry; the rest stays."""
    text = "a:\n  cmd: run\n  deps:\n    - ${paths.raw}\n  outs:\n    - data/a\n\nb:\n  cmd: run\n"
    document = dependencies.yaml().load(text)
    dependencies.complete("stages", "download", document["a"])
    dependencies.complete("stages", "download", document["b"])
    written = StringIO()
    dependencies.yaml().dump(document, written)
    first, second = written.getvalue().split("\n\n")
    assert re.findall(r"^  (\w+):", first, re.MULTILINE) == ["desc", "cmd", "params", "deps", "outs"]
    assert re.findall(r"^  (\w+):", second, re.MULTILINE) == ["desc", "cmd", "params", "deps"]
    old = {"outs": ["data/a"], "deps": ["${paths.raw}"], "params": [], "cmd": "run", "desc": ""}
    entry = CommentedMap(old)
    dependencies.complete("stages", "download", entry)
    assert list(entry) == list(old)


@each_stage
def test_a_stage_has_few_code_dependencies(package: str, stage: str) -> None:
    assert len(dependencies.code(package, stage)) <= MOST_CODE_DEPENDENCIES


def test_stages_have_few_code_dependencies_on_average() -> None:
    assert sum(len(dependencies.code(*key)) for key in ENTRIES) <= MEAN_CODE_DEPENDENCIES * len(ENTRIES)


@each_stage
def test_a_stage_uses_only_paths_that_it_declares(package: str, stage: str) -> None:
    """A path reached by a computed name is checked when the stage runs."""
    texts = path_users(package, stage)
    own = "\n".join(text for file, text in texts.items() if file.is_relative_to(ROOT / package))
    used = set(re.findall(r"\bpaths\.([a-z]\w*)", own))
    for paths, inputs, _ in declared(package, stage):
        names = {name for name, path in paths._values.items() if path in inputs}
        assert len(names) == len(inputs), "each input has a name of its own"
        assert [name for name in sorted(used) if not hasattr(paths, name)] == []
        if not any("getattr(paths" in text for text in texts.values()):
            assert names <= used, "declared and not read"


def test_a_path_that_is_not_declared_is_named_in_the_error() -> None:
    paths = Paths("train-mlp", {"train": Path("data/train")})
    with pytest.raises(AttributeError, match=r"dvc\.yaml declares no path 'test' for the stage train-mlp"):
        _ = paths.test


@each_stage
def test_a_stage_has_an_output_that_only_the_cache_holds(package: str, stage: str) -> None:
    """Git brings all other outputs, so a fresh clone would skip the stage."""
    assert any(isinstance(out, str) for out in ENTRIES[package, stage]["outs"])


@each_stage
def test_the_run_cache_can_restore_a_stage(package: str, stage: str) -> None:
    """DVC keeps no run of a stage with an output that is neither cached nor a metric nor a plot."""
    assert all(isinstance(out, str) for out in ENTRIES[package, stage]["outs"])


@each_stage
def test_only_pictures_and_metrics_are_in_git(package: str, stage: str) -> None:
    entry = ENTRIES[package, stage]
    outs = [out for key in ("metrics", "plots") for out in entry.get(key, []) if isinstance(out, dict)]
    texts = [next(iter(out)) for out in outs if not next(iter(out)).startswith("${paths.")]
    assert all(re.match(r"(\.\./)?(plots|metrics)/", text) for text in texts)


@pytest.mark.parametrize("stage", [stage for _, stage in ENTRIES if stage.startswith("train-")])
def test_a_training_does_not_read_the_test_split(stage: str) -> None:
    ((paths, _, _),) = declared("stages", stage)
    assert "test" not in paths


@pytest.mark.parametrize("package", GRAPHS)
def test_a_path_is_written_once(package: str) -> None:
    text = dependencies.pipeline_file(package).read_text(encoding="utf-8")
    for name, path in read_pipeline(FOLDERS[package])["vars"][0]["paths"].items():
        assert len(re.findall(rf"(?<![\w/]){re.escape(path)}(?=\s)", text)) == 1, name
        assert f"${{paths.{name}}}" in text, name


def test_every_child_of_stages_is_a_stage() -> None:
    children = {path.stem for path in (ROOT / "stages").iterdir() if not path.name.startswith("__")}
    assert children == {stage.replace("-", "_") for package, stage in ENTRIES if package == "stages"}


@pytest.mark.parametrize("stage", [stage for package, stage in ENTRIES if package == "stages"])
def test_the_pipeline_does_not_depend_on_the_studies(stage: str) -> None:
    files = dependencies.closure(dependencies.entry_module("stages", stage))
    assert not [file for file in files if file.is_relative_to(ROOT / "studies")]


def test_digits_imports_no_stage() -> None:
    importers = [file for file in SOURCES if roots(file) & {"stages", "studies", "tests", "tools"}]
    assert [file for file in importers if file.is_relative_to(ROOT / "digits")] == []


def test_only_tracking_imports_mlflow() -> None:
    importers = {file.relative_to(ROOT).parts[:2] for file in SOURCES if "mlflow" in roots(file)}
    assert importers == {("digits", "tracking")}


def test_few_modules_name_a_backend() -> None:
    """Keras 3 has no gradient of its own; everything else works with any backend."""
    files = {file.relative_to(ROOT / "digits").as_posix() for file in SOURCES if roots(file) & BACKENDS}
    assert files == {
        "analysis/saliency/attribution.py",
        "compute.py",
        "networks/common/normalization.py",
        "training/steps.py",
    }


def test_imports_have_no_cycle_and_short_chains() -> None:
    graph = {file: edges(file) for file in SOURCES}
    chains: dict[Path, list[str]] = {}
    for file in TopologicalSorter(graph).static_order():  # CycleError names a cycle
        longest = max((chains[other] for other in graph[file]), key=len, default=[])
        chains[file] = [file.relative_to(ROOT).as_posix(), *longest]
    assert [chain for chain in chains.values() if len(chain) - 1 > LONGEST_CHAIN] == []


def test_imports_are_absolute() -> None:
    nodes = (node for file in SOURCES for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def test_no_file_is_long() -> None:
    files = [*SOURCES, *(ROOT / "tools").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_two_classes_have_the_same_name() -> None:
    classes = re.compile(r"^class (\w+)", re.MULTILINE)
    names = [name for file in SOURCES for name in classes.findall(file.read_text(encoding="utf-8"))]
    assert {name for name in names if names.count(name) > 1} == set()
