"""Settings: which are accepted, and what the messages say of the others."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from digits.pipeline import settings
from digits.pipeline.declaration import read_pipeline
from digits.pipeline.settings import Block, ParameterError, Seed
from tests.helpers import ROOT, STAGES, changed, code, params


@pytest.fixture(autouse=True)
def empty_folder(workdir: Path) -> None:
    """Tests write the params.yaml and the dvc.yaml that they need into an empty folder."""


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


PIPELINE = {"stages": {"train-mlp": {"params": ["seed", "train-mlp"]}}}


def load(text: str, model: type[BaseModel] = Settings, pipeline: dict[str, Any] = PIPELINE) -> Any:
    """Load from the current folder, with this params.yaml and a dvc.yaml that declares its blocks."""
    Path("params.yaml").write_text(text, encoding="utf-8")
    Path("dvc.yaml").write_text(json.dumps(pipeline))
    return settings.load(model)


def refusal(text: str, model: type[BaseModel] = Settings, pipeline: dict[str, Any] = PIPELINE) -> str:
    with pytest.raises(ParameterError) as caught:
        load(text, model, pipeline)
    return str(caught.value)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_accepts_the_params_of_the_repository(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    loaded = settings.load(code(stage).Parameters)
    document = params()
    for key, value in loaded.model_dump(mode="json", by_alias=True).items():
        assert value == document[key]


def test_numbers_are_read_like_dvc_reads_them() -> None:
    assert load(GOOD).train_mlp.rate == 0.001


def test_an_integer_serves_as_a_float_and_a_list_may_be_empty() -> None:
    inner = load("seed: 1\ntrain-mlp: {rate: 2, kind: a, hidden: []}").train_mlp
    assert (inner.rate, inner.hidden) == (2.0, ())


def test_settings_cannot_be_changed() -> None:
    loaded = load(GOOD)
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
def test_a_fault_is_named_with_key_value_and_meaning(old: str, new: str, fault: str) -> None:
    assert refusal(GOOD.replace(old, new)) == f"params.yaml has settings that cannot be used:\n  {fault}"


def test_all_faults_are_in_one_message() -> None:
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
def test_a_file_that_is_no_mapping_is_refused(text: str, message: str) -> None:
    assert message in refusal(text)


def test_an_absent_file_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"params\.yaml cannot be read: .*No such file"):
        settings.load(Settings)


@pytest.mark.parametrize(
    ("stage", "key", "value", "fault"),
    [
        ("preprocess", "val", 49, "greater than or equal to 50"),
        ("train-mlp", "dropout", 1, "less than 1"),
        ("train-cnn", "padding", "none", "'valid' or 'same'"),
        ("train-ae", "latent", 0, "greater than or equal to 1"),
        ("evaluate", "bootstrap", 0, "greater than or equal to"),
        ("filters", "starts_per_map", 0, "greater than or equal to 1"),
        ("feature-importance", "trees", 0, "greater than or equal to 1"),
        ("latent-analysis", "perplexity", 0, "greater than"),
    ],
)
def test_stages_refuse_settings_out_of_range(stage: str, key: str, value: object, fault: str) -> None:
    message = refusal(changed(stage, key, value), code(stage).Parameters, read_pipeline(ROOT))
    (line,) = message.splitlines()[1:]
    assert line.startswith(f"  {stage}.{key} = {value!r}: should be {fault}")


def test_the_studies_settings_come_from_both_files() -> None:
    load("seed: 1\ntrain-mlp: {rate: 2}\n", Block)
    Path("studies").mkdir()
    Path("studies/params.yaml").write_text("published: {rate: 1, kind: a, hidden: []}\n")
    Path("studies/dvc.yaml").write_text(
        'stages: {published: {params: [published, {"../params.yaml": [seed]}]}}'
    )

    class Study(Block):
        seed: Seed
        published: Inner

    loaded = settings.load(Study, Path("studies"))
    assert (loaded.seed, loaded.published.rate) == (1, 1.0)
    Path("studies/params.yaml").write_text("publishd: {rate: 1, kind: a, hidden: []}\n")
    with pytest.raises(ParameterError, match="publishd: no such block; did you mean published"):
        settings.load(Study, Path("studies"))


def test_infinity_is_refused() -> None:
    assert "train-mlp.rate = inf" in refusal(GOOD.replace("1e-3", ".inf"))


def test_a_block_whose_name_is_a_number_is_refused() -> None:
    assert "5: no such block" in refusal(f"{GOOD}5: 6\n")


@pytest.mark.parametrize("package", ["pipeline", "tracking"])
def test_a_package_that_is_no_stage_is_no_block(package: str) -> None:
    assert f"{package}: no such block" in refusal(f"{GOOD}{package}: {{}}\n")


def test_a_wrong_layer_is_one_fault() -> None:
    document = changed("train-cnn", "layers", [8, "pol"])
    message = refusal(document, code("train-cnn").Parameters, read_pipeline(ROOT))
    assert message.splitlines()[1:] == [
        "  train-cnn.layers.1 = 'pol': should be a number of filters, 1 or more, or the word pool "
        "(in order: filters of a convolution, or the word pool)"
    ]
