"""Settings: what is taken, and what is said of the rest."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from digits.pipeline import settings as parameters
from digits.pipeline.settings import Block, ParameterError, Seed
from tests.helpers import PARAMS, STAGES, STUDIES, changed, code, params


class Inner(Block):
    """Stands for a stage's block."""

    rate: float = Field(gt=0, description="how fast")
    kind: str = Field(pattern="^(a|b)$", description="which of two")
    hidden: tuple[int, ...] = Field(description="units")


class Settings(Block):
    """Stands for what a stage reads."""

    seed: Seed
    train_mlp: Inner = Field(alias="train-mlp")


GOOD = "seed: 1\ntrain-mlp: {rate: 1e-3, kind: a, hidden: [3, 2]}\n"


def load(folder: Path, text: str, model: type[BaseModel] = Settings) -> Any:
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return parameters.load(path, model)


def refusal(folder: Path, text: str, model: type[BaseModel] = Settings) -> str:
    """Return the message without the folder, which differs from test to test."""
    with pytest.raises(ParameterError) as caught:
        load(folder, text, model)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("stage", [*STAGES, *STUDIES])
def test_every_stage_accepts_the_params_of_the_repository(stage: str) -> None:
    loaded = parameters.load(PARAMS, code(stage).Parameters)
    document = params()
    for key, value in loaded.model_dump(mode="json", by_alias=True).items():
        assert value == document[key]


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).train_mlp.rate == 0.001


def test_an_integer_serves_as_a_float_and_a_list_may_be_empty(tmp_path: Path) -> None:
    inner = load(tmp_path, "seed: 1\ntrain-mlp: {rate: 2, kind: a, hidden: []}").train_mlp
    assert (inner.rate, inner.hidden) == (2.0, ())


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        loaded.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        loaded.train_mlp.rate = 2.0


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
def test_a_fault_is_named_with_key_value_and_meaning(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert refusal(tmp_path, GOOD.replace(old, new)) == f"p.yaml has settings that cannot be used:\n  {fault}"


def test_all_faults_stand_in_one_message(tmp_path: Path) -> None:
    text = "sed: 1\ntrain-mlp: {rate: -1, kind: c, hidden: [1]}"
    assert refusal(tmp_path, text).splitlines() == [
        "p.yaml has settings that cannot be used:",
        "  sed: no such block; did you mean seed?",
        "  seed: missing (seed of every random draw)",
        "  train-mlp.rate = -1: should be greater than 0 (how fast)",
        "  train-mlp.kind = 'c': String should match pattern '^(a|b)$' (which of two)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [", "p.yaml cannot be read: while parsing a flow node"),
        ("seed: 1\nseed: 2", 'found duplicate key "seed" with value "2"'),
        ("", "p.yaml should hold `name: value` lines; it holds None"),
        ("[1, 2]", "p.yaml should hold `name: value` lines; it holds [1, 2]"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"absent\.yaml cannot be read: .*No such file"):
        parameters.load(tmp_path / "absent.yaml", Settings)


@pytest.mark.parametrize(
    ("stage", "key", "value", "fault"),
    [
        ("preprocess", "val", 49, "greater than or equal to 50 (images that choices are made on)"),
        ("train-mlp", "dropout", 1, "less than 1 (share of each hidden layer's units dropped in training)"),
        ("train-cnn", "padding", "none", "'valid' or 'same' (of every convolution)"),
        ("train-ae", "latent", 0, "greater than or equal to 1 (size of the latent space)"),
        ("evaluate", "bootstrap", 1,
         "greater than or equal to 20 (resamples of the test images, for the intervals)"),
        ("filters", "starts", 0, "greater than or equal to 1 (of each map, the best of the noise)"),
        ("feature-importance", "trees", 0, "greater than or equal to 1 (trees of each random forest)"),
        ("latent-analysis", "scatter", 9,
         "greater than or equal to 10 (test images drawn in each scatter plot, at most)"),
    ],
)  # fmt: skip
def test_stages_refuse_what_is_out_of_range(
    tmp_path: Path, stage: str, key: str, value: object, fault: str
) -> None:
    message = refusal(tmp_path, changed(stage, key, value), code(stage).Parameters)
    assert message.splitlines()[1:] == [f"  {stage}.{key} = {value!r}: should be {fault}"]


def test_infinity_is_refused(tmp_path: Path) -> None:
    assert "train-mlp.rate = inf" in refusal(tmp_path, GOOD.replace("1e-3", ".inf"))


def test_a_block_whose_name_is_a_number_is_refused(tmp_path: Path) -> None:
    assert "5: no such block" in refusal(tmp_path, f"{GOOD}5: 6\n")


@pytest.mark.parametrize("package", ["shared", "record"])
def test_a_package_that_is_no_stage_is_no_block(tmp_path: Path, package: str) -> None:
    assert f"{package}: no such block" in refusal(tmp_path, f"{GOOD}{package}: {{}}\n")


def test_a_wrong_layer_is_one_fault(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed("train-cnn", "layers", [8, "pol"]), code("train-cnn").Parameters)
    assert message.splitlines()[1:] == [
        "  train-cnn.layers.1 = 'pol': should be a number of filters, 1 or more, or the word pool "
        "(in order: filters of a convolution, or the word pool)"
    ]
