"""A third classifier takes an entry in the registry, one in dvc.yaml, and files of its own."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from digits.networks.registry import CLASSIFIERS, NETWORKS
from tools.sandbox import SMALL, Sandbox

ENTRY = '    Network("toy", "Toy", "toy network", "#009988", "D", classifies=True),\n'

STAGE = '''"""Train the toy network, a single layer."""

from digits.compute import Compute
from digits.pipeline.stage import Paths, Run, Seed, run_stage


def main(paths: Paths, run: Run, seed: Seed, compute: Compute) -> None:
    from digits.data.splits import read_split
    from digits.networks.common.saved import save_model
    from digits.networks.toy import build_toy

    train = read_split(paths.train)
    model = build_toy(train.images.shape[1:], seed)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(train.images, train.labels, epochs=2, shuffle=False, verbose=0)
    save_model(paths.toy, model)
    run.model(paths.toy, train.images[:2])


if __name__ == "__main__":
    run_stage(main)
'''

NETWORK = '''"""A single layer."""

import keras


def build_toy(shape: tuple[int, ...], seed: int) -> keras.Model:
    layers = [
        keras.Input(shape),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(10, "softmax", kernel_initializer=keras.initializers.GlorotUniform(seed)),
    ]
    return keras.Sequential(layers, name="toy")
'''


def test_names_of_networks_are_keys() -> None:
    assert [network.name for network in NETWORKS.values()] == list(NETWORKS)
    assert set(CLASSIFIERS) == {"mlp", "cnn"}


def declare_toy(folder: Path) -> None:
    """Change the two files that a further classifier has to change."""
    registry = folder / "digits" / "networks" / "registry.py"
    before, mark, after = registry.read_text().partition('    Network("ae"')
    registry.write_text(before + ENTRY + mark + after)
    yaml, path = YAML(), folder / "dvc.yaml"
    document = yaml.load(path)
    document["vars"][0]["paths"]["toy"] = "models/toy.keras"
    document["stages"]["train-toy"] = {
        "cmd": "python -m stages.train_toy",
        "params": ["seed", "compute"],
        "deps": ["${paths.train}", "digits/networks/toy.py", "stages/train_toy.py"],
        "outs": ["${paths.toy}"],
    }
    document["stages"]["evaluate"]["deps"].append("${paths.toy}")
    yaml.dump(document, path)


@pytest.mark.slow
def test_a_third_classifier_is_trained_evaluated_and_tracked(tmp_path: Path) -> None:
    copy = Sandbox.create(tmp_path, SMALL)
    (tmp_path / "digits" / "networks" / "toy.py").write_text(NETWORK)
    (tmp_path / "stages" / "train_toy.py").write_text(STAGE)
    declare_toy(tmp_path)
    copy.dvc("repro", "evaluate")
    headline = json.loads((tmp_path / "metrics" / "evaluate.json").read_text())
    details = json.loads((tmp_path / "data" / "evaluate" / "details.json").read_text())
    assert headline["toy"] == details["toy"]["accuracy"] > 0.3
    assert set(details["comparison"]) == {"mlp_cnn", "mlp_toy", "cnn_toy"}
    predictions = pd.read_csv(tmp_path / "metrics" / "predictions.csv")
    assert predictions.columns.tolist() == ["label", "logistic", "mlp", "cnn", "toy"]
    right = (predictions["label"] == predictions["toy"]).mean()
    assert right == pytest.approx(headline["toy"])
    robustness = pd.read_csv(tmp_path / "data" / "evaluate" / "robustness.csv")
    assert set(robustness["network"]) == {"mlp", "cnn", "toy"}
    assert (tmp_path / "plots" / "evaluate" / "toy" / "confusion.png").exists()
    assert (tmp_path / "plots" / "evaluate" / "toy" / "calibration.png").exists()
    record = copy.run(sys.executable, "-m", "digits.tracking", "which", "models/toy.keras")
    assert record.returncode == 0, record.stdout
    assert "train-toy" in record.stdout
