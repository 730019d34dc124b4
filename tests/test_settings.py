"""Settings: what is accepted, how the rest is refused, and the form of params.yaml."""

import difflib
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from dvc.utils.hydra import apply_overrides  # type: ignore[import-untyped]
from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update  # type: ignore[import-untyped]
from pydantic import BaseModel, Field, ValidationError

from digits.networks.autoencoder.settings import Autoencoder
from digits.networks.cnn.settings import CNN
from digits.networks.mlp.settings import MLP
from digits.pipeline import processes, settings
from digits.pipeline.declaration import read_pipeline
from digits.pipeline.settings import Block, ParameterError, Seed
from digits.pipeline.stage import Paths, Run, settings_model
from digits.training.settings import Optimizer, Schedule
from tests.support.helpers import (
    PARAMS,
    ROOT,
    STAGES,
    STUDIES,
    autoencoder,
    changed,
    cnn,
    code,
    mlp,
    optimizer,
    params,
)


class Inner(Block):
    """Stands for a stage's block."""

    rate: float = Field(gt=0, description="how fast")
    kind: str = Field(pattern="^(a|b)$", description="which of two")
    hidden: tuple[int, ...] = Field(description="units")


def main(paths: Paths, run: Run, seed: Seed, train_mlp: Inner) -> None:
    """Stand for a stage."""


Part = Annotated[Inner, Field(alias="block.part")]
SETTINGS = settings_model(main, {})
GOOD = "seed: 1\ntrain-mlp: {rate: 1e-3, kind: a, hidden: [3, 2]}\n"


@pytest.fixture
def folder(workdir: Path) -> Path:
    """An empty folder as the current one, with the pipeline's dvc.yaml."""
    shutil.copy(ROOT / "dvc.yaml", workdir)
    return workdir


def load(text: str, model: type[BaseModel] = SETTINGS) -> Any:
    Path("params.yaml").write_text(text, encoding="utf-8")
    return settings.load(model)


def refusal(text: str, model: type[BaseModel] = SETTINGS) -> str:
    with pytest.raises(ParameterError) as caught:
        load(text, model)
    return str(caught.value)


def model_of(stage: str) -> type[Block]:
    """Return the model of the settings of a stage without a matrix."""
    return settings_model(code(stage).main, {})


def loaded(stage: str, folder: Path = Path()) -> Any:
    """Return the settings of a stage, for the first item of its matrix, from the repository's own files."""
    matrix = read_pipeline(folder)["stages"][stage].get("matrix", {})
    items = {name: str(members[0]) for name, members in matrix.items()}
    return settings.load(settings_model(code(stage).main, items), folder)


def test_the_settings_of_a_stage_are_the_parameters_of_its_main() -> None:
    def stands_for_main(paths: Paths, run: Run, split_seed: Seed, train_mlp: Inner, part: Part) -> None: ...

    aliases = {name: field.alias for name, field in settings_model(stands_for_main, {}).model_fields.items()}
    assert aliases == {"split_seed": None, "train_mlp": "train-mlp", "part": "block.part"}


@pytest.mark.parametrize("stage", STAGES)
def test_params_yaml_shows_every_setting_of_every_stage(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    document = params()
    for key, value in loaded(stage).model_dump(mode="json", by_alias=True).items():
        assert value == document[key]


@pytest.mark.parametrize("stage", STUDIES)
def test_studies_accept_the_settings_of_the_repository(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    loaded(stage, Path("studies"))


def written_by_dvc(path: Path, folder: Path, *changes: str) -> list[str]:
    """Return the lines of a copy of the file after `dvc exp run -S` has made these changes."""
    copy = folder / "copy.yaml"
    shutil.copy(path, copy)
    apply_overrides(copy, list(changes))
    return copy.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", [PARAMS, ROOT / "studies" / "params.yaml"])
def test_dvc_writes_the_settings_as_they_are(tmp_path: Path, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert written_by_dvc(path, tmp_path) == lines
    assert dumps_yaml(parse_yaml_for_update(path.read_text(), path)).splitlines() == lines


@pytest.mark.parametrize("block", ["train-mlp.hidden", "train-cnn.layers", "filters.noise_scales"])
def test_a_change_to_a_list_moves_no_other_line(tmp_path: Path, block: str) -> None:
    before = PARAMS.read_text(encoding="utf-8").splitlines()
    difference = [
        line
        for line in difflib.ndiff(before, written_by_dvc(PARAMS, tmp_path, f"{block}=[9]"))
        if line[0] in "+-"
    ]
    assert difference
    assert all(line[1:].strip().startswith("- ") for line in difference)


def test_an_experiment_changes_one_line(tmp_path: Path) -> None:
    before = PARAMS.read_text(encoding="utf-8").splitlines()
    shutil.copy(PARAMS, tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {none: {cmd: 'true', params: [train-cnn]}}")
    run = partial(processes.run, cwd=tmp_path, own=True, check=True, capture_output=True)
    run(["git", "init", "-q"])
    run([sys.executable, "-m", "dvc", "init", "-q"])
    run(["git", "add", "--all"])
    run(["git", "commit", "-q", "-m", "first"])
    run([sys.executable, "-m", "dvc", "exp", "run", "-q", "-S", "train-cnn.dropout=0.5"])
    after = (tmp_path / "params.yaml").read_text(encoding="utf-8").splitlines()
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ("  dropout: 0.3", "  dropout: 0.5")
    ]


def test_numbers_are_read_as_dvc_reads_them(folder: Path) -> None:
    assert load(GOOD).train_mlp.rate == 0.001


def test_an_integer_serves_as_a_float_and_a_list_may_be_empty(folder: Path) -> None:
    inner = load("seed: 1\ntrain-mlp: {rate: 2, kind: a, hidden: []}").train_mlp
    assert (inner.rate, inner.hidden) == (2.0, ())


def test_settings_cannot_be_changed(folder: Path) -> None:
    accepted = load(GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        accepted.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        accepted.train_mlp.rate = 2.0


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("kind", "kimd", "train-mlp.kind: missing (which of two)\n  "
         "train-mlp.kimd: no such setting; did you mean kind?"),
        ("kind: a", "kind: a, zzz: 1", "train-mlp.zzz: no such setting; allowed: rate, kind, hidden"),
        ("1e-3", "0", "train-mlp.rate = 0: should be greater than 0 (how fast)"),
        ("1e-3", "'1e-3'", "train-mlp.rate = '1e-3': should be a valid number (how fast)"),
        ("1e-3", "true", "train-mlp.rate = True: should be a valid number (how fast)"),
        ("rate: 1e-3, ", "", "train-mlp.rate: missing (how fast)"),
        ("[3, 2]", "[3, 2.5]", "train-mlp.hidden.1 = 2.5: should be a valid integer (units)"),
        ("seed: 1", "seed: -1",
         "seed = -1: should be greater than or equal to 0 (seed of every random draw)"),
        ("seed: 1", "seed: 1\ntrain-mpl: {}", "train-mpl: no such block; did you mean train-mlp?"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_key_value_and_meaning(folder: Path, old: str, new: str, fault: str) -> None:
    assert refusal(GOOD.replace(old, new)) == f"params.yaml has settings that cannot be used:\n  {fault}"


def test_all_faults_are_in_one_message(folder: Path) -> None:
    text = "sed: 1\ntrain-mlp: {rate: -1, kind: c, hidden: [1]}"
    assert refusal(text).splitlines() == [
        "params.yaml has settings that cannot be used:",
        "  sed: no such block; did you mean seed?",
        "  seed: missing (seed of every random draw)",
        "  train-mlp.rate = -1: should be greater than 0 (how fast)",
        "  train-mlp.kind = 'c': String should match pattern '^(a|b)$' (which of two)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [", "params.yaml cannot be read: while parsing a flow node"),
        ("seed: 1\nseed: 2", 'found duplicate key "seed" with value "2"'),
        ("", "params.yaml should hold `name: value` lines; it holds None"),
        ("[1, 2]", "params.yaml should hold `name: value` lines; it holds [1, 2]"),
    ],
)
def test_a_file_that_is_not_a_mapping_is_refused(folder: Path, text: str, message: str) -> None:
    assert message in refusal(text)


def test_an_absent_file_is_refused(workdir: Path) -> None:
    with pytest.raises(ParameterError, match=r"params\.yaml cannot be read: .*No such file"):
        settings.load(SETTINGS)


@pytest.mark.parametrize(
    ("stage", "key", "value", "fault"),
    [
        ("preprocess", "val", 49, "greater than or equal to 50 (images that choices are made on)"),
        ("train-mlp", "dropout", 1,
         "less than 1 (fraction of each hidden layer's units dropped during training)"),
        ("train-cnn", "padding", "none", "'valid' or 'same' (of every convolution)"),
        ("train-ae", "latent", 0, "greater than or equal to 1 (size of the latent space)"),
        ("evaluate", "bootstrap", 1,
         "greater than or equal to 20 (resamples of the test images, for the intervals)"),
        ("filters", "starts_per_map", 0,
         "greater than or equal to 1 (noise images that each map's ascents start from)"),
        ("feature-importance", "trees", 0, "greater than or equal to 1 (trees of each random forest)"),
        ("latent-analysis", "tsne_test", 9,
         "greater than or equal to 10 (test images placed into that map, at most)"),
    ],
)  # fmt: skip
def test_stages_refuse_what_is_out_of_range(
    folder: Path, stage: str, key: str, value: object, fault: str
) -> None:
    message = refusal(changed(stage, key, value), model_of(stage))
    assert message.splitlines()[1:] == [f"  {stage}.{key} = {value!r}: should be {fault}"]


def test_infinity_is_refused(folder: Path) -> None:
    assert "train-mlp.rate = inf" in refusal(GOOD.replace("1e-3", ".inf"))


def test_a_block_whose_name_is_a_number_is_refused(folder: Path) -> None:
    assert "5: no such block" in refusal(f"{GOOD}5: 6\n")


def test_a_wrong_layer_is_one_fault(folder: Path) -> None:
    message = refusal(changed("train-cnn", "layers", [8, "pol"]), model_of("train-cnn"))
    assert message.splitlines()[1:] == [
        "  train-cnn.layers.1 = 'pol': should be a number of filters, 1 or more, or the word pool "
        "(in order: filters of a convolution, or the word pool)"
    ]


@pytest.mark.parametrize(
    ("model", "values", "fault"),
    [
        (Optimizer, {"name": "adam", "momentum": 0.9},
         "momentum = 0.9: has no effect with adam; set it to 0.0"),
        (Optimizer, {"name": "adamw", "momentum": 0.9},
         "momentum = 0.9: has no effect with adamw; set it to 0.0"),
        (Optimizer, {"name": "adam", "weight_decay": 0.1},
         "weight_decay = 0.1: has no effect with adam; set it to 0.0"),
        (Optimizer, {"name": "sgd", "weight_decay": 0.1},
         "weight_decay = 0.1: has no effect with sgd; set it to 0.0"),
        (Schedule, {"name": "constant", "decay": 0.1},
         "decay = 0.1: has no effect with the schedule constant; set it to 0.0"),
        (Schedule, {"name": "cosine", "decay": 0.1},
         "decay = 0.1: has no effect with the schedule cosine; set it to 0.0"),
        (Schedule, {"name": "inverse_time", "warmup_epochs": 2},
         "warmup_epochs = 2: has no effect with the schedule inverse_time; set it to 0"),
        (MLP, {"hidden": (), "dropout": 0.1},
         "dropout = 0.1: has no effect without hidden layers; set it to 0.0"),
        (MLP, {"hidden": (), "activation": "tanh"},
         "activation = 'tanh': has no effect without hidden layers; set it to relu"),
        (CNN, {"layers": ("pool",), "kernel": 5},
         "kernel = 5: has no effect without convolutions; set it to 3"),
        (CNN, {"layers": (), "padding": "same"},
         "padding = 'same': has no effect without convolutions; set it to valid"),
        (CNN, {"layers": (), "batch_normalization": True},
         "batch_normalization = True: has no effect without convolutions; set it to false"),
        (CNN, {"layers": (4,), "pooling": "mean"},
         "pooling = 'mean': has no effect without poolings; set it to max"),
        (Autoencoder, {"kernel": 5}, "kernel = 5: has no effect without layers; set it to 3"),
        (Autoencoder, {"layers": (4,), "pooling": "mean"},
         "pooling = 'mean': has no effect without poolings; set it to max"),
        (Autoencoder, {"hidden": (), "activation": "silu"},
         "activation = 'silu': has no effect without layers and hidden; set it to relu"),
    ],
)  # fmt: skip
def test_a_setting_without_effect_is_refused(model: type[Block], values: dict[str, Any], fault: str) -> None:
    good: dict[type[Block], dict[str, Any]] = {
        Optimizer: {"learning_rate": 0.1, "schedule": {"name": "constant"}},
        Schedule: {},
        MLP: mlp().model_dump(),
        CNN: cnn().model_dump(),
        Autoencoder: autoencoder().model_dump(),
    }
    with pytest.raises(ValidationError) as caught:
        model.model_validate(good[model] | values)
    (found,) = caught.value.errors()
    assert found["ctx"]["faults"] == [fault]


def test_settings_with_effect_are_accepted() -> None:
    for name, momentum, weight_decay in (("sgd", 0.9, 0.0), ("rmsprop", 0.9, 0.0), ("adamw", 0.0, 0.1)):
        optimizer(name, momentum=momentum, weight_decay=weight_decay)
    optimizer(schedule="inverse_time", decay=0.1)
    optimizer(schedule="cosine", warmup_epochs=2)
    cnn(layers=(4, "pool"), kernel=5, padding="same", pooling="mean", batch_normalization=True)
    autoencoder(layers=("pool",), kernel=5, pooling="mean", hidden=(), activation="silu")


def test_all_settings_without_effect_are_named_with_their_keys(folder: Path) -> None:
    idle = params()["train-mlp"]["optimizer"] | {"momentum": 0.9, "weight_decay": 0.1}
    text = changed("train-mlp", "optimizer", idle)
    assert refusal(text, model_of("train-mlp")).splitlines() == [
        "params.yaml has settings that cannot be used:",
        "  train-mlp.optimizer.momentum = 0.9: has no effect with adam; set it to 0.0",
        "  train-mlp.optimizer.weight_decay = 0.1: has no effect with adam; set it to 0.0",
    ]


def test_an_autoencoder_has_no_accuracy_to_monitor(folder: Path) -> None:
    message = refusal(changed("train-ae", "monitor", "val_accuracy"), model_of("train-ae"))
    assert "train-ae.monitor = 'val_accuracy': should be 'val_loss'" in message


def study(paths: Paths, run: Run, seed: Seed, train_mlp: Inner, published: Inner) -> None:
    """Stand for a study, with a block of its own and one of the pipeline's."""


def test_a_fault_is_told_with_the_file_that_holds_it(folder: Path) -> None:
    (folder / "studies").mkdir()
    Path("studies/dvc.yaml").write_text("stages: {s: {params: [published, ../params.yaml: [seed]]}}")
    Path("studies/params.yaml").write_text("published: {rate: 0, kind: a, hidden: []}\nsuspects: {}")
    Path("params.yaml").write_text("train-mlp: {rate: -1, kind: a, hidden: []}\ntrain-mpl: {}")
    with pytest.raises(ParameterError) as caught:
        settings.load(settings_model(study, {}), Path("studies"))
    assert str(caught.value).splitlines() == [
        "studies/params.yaml has settings that cannot be used:",
        "  suspects: no such block; allowed: published",
        "  published.rate = 0: should be greater than 0 (how fast)",
        "params.yaml has settings that cannot be used:",
        "  train-mpl: no such block; did you mean train-mlp?",
        "  seed: missing (seed of every random draw)",
        "  train-mlp.rate = -1: should be greater than 0 (how fast)",
    ]
