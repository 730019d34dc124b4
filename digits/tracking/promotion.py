"""Moves the alias `champion` of a registered model to a network that is better on the test set."""

import tempfile
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from digits.analysis.classification.intervals import mcnemar
from digits.pipeline import StageError
from digits.tracking.digest import md5
from digits.tracking.store import Ledger

CHAMPION = "champion"
SIGNIFICANCE = 0.05
PREDICTIONS = "test/predictions.csv"  # artifact that `evaluate` puts on the run that trained


def promote(ledger: Ledger, name: str) -> tuple[bool, str]:
    """Register models/NAME.keras under the data set's name; make it champion if it is better.

    Returns whether it becomes champion, and why or why not. Raises StageError where no run made the file,
    or none of them was evaluated.
    """
    path = Path("models") / f"{name}.keras"
    if not path.exists():
        raise StageError(f"{path} is not there. `dvc repro` makes it, `dvc checkout` brings it back.")
    digest = md5(path)
    run, predictions = _evaluated(ledger, path, digest)
    client = ledger.client
    registry = client.get_experiment(run.info.experiment_id).name
    found = client.search_registered_models(f"name = '{registry}'")
    aliases = (found[0] if found else client.create_registered_model(registry)).aliases
    champion = client.get_model_version(registry, aliases[CHAMPION]) if CHAMPION in aliases else None
    version = _register(client, registry, run, digest)
    if champion is None:
        promoted, reason = True, f"the first of {registry}: accuracy {_right(predictions).mean():.2%}"
    elif champion.tags.get("md5") == digest:
        promoted, reason = False, f"these bytes are the champion already (version {champion.version})"
    else:
        promoted, reason = _compare(predictions, _predictions(client, champion.run_id), champion.version)
    if promoted:
        client.set_registered_model_alias(registry, CHAMPION, version.version)
    return promoted, reason


def _evaluated(ledger: Ledger, path: Path, digest: str) -> tuple[Run, pd.DataFrame]:
    """Return the newest run that made the bytes and was evaluated, with its predictions."""
    makers = ledger.makers(digest)
    for run in makers:
        predictions = _predictions(ledger.client, run.info.run_id)
        if predictions is not None and run.outputs.model_outputs:
            return run, predictions
    if makers:
        raise StageError(
            f"no run that made {path} holds the network and its test predictions, perhaps because "
            f"`sync` entered it. `dvc repro --force train-{path.stem} evaluate` makes and tracks both."
        )
    raise StageError(f"no run has made {path} (MD5 {digest}). `dvc repro` makes and tracks it.")


def _predictions(client: MlflowClient, run_id: str) -> pd.DataFrame | None:
    """Return label and prediction of each test image, as words; None where the run has none."""
    if PREDICTIONS not in [item.path for item in client.list_artifacts(run_id, "test")]:
        return None
    with tempfile.TemporaryDirectory() as target:
        file = client.download_artifacts(run_id, PREDICTIONS, target)
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def _right(predictions: pd.DataFrame) -> "pd.Series[bool]":
    return predictions["label"] == predictions["prediction"]


def _register(client: MlflowClient, registry: str, run: Run, digest: str) -> ModelVersion:
    """Return the version of these bytes, registered where it is not yet."""
    for version in client.search_model_versions(f"name = '{registry}'"):
        if version.tags.get("md5") == digest:
            return version
    model_id = run.outputs.model_outputs[-1].model_id
    return client.create_model_version(
        registry, f"models:/{model_id}", run.info.run_id, tags={"md5": digest}, model_id=model_id
    )


def _compare(challenger: pd.DataFrame, champion: pd.DataFrame | None, version: str) -> tuple[bool, str]:
    """Compare two networks by which test images each gets right.

    The challenger wins with a higher accuracy. McNemar's exact test (McNemar 1947, Psychometrika
    12: 153-157) tells whether the difference may be chance; on the same images it never calls the
    network with the higher accuracy worse.
    """
    if champion is None or not champion["label"].equals(challenger["label"]):
        return False, (
            f"the champion (version {version}) was measured on other test images: bring its settings back, "
            "run evaluate, and promote again"
        )
    ours, theirs = _right(challenger), _right(champion)
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    p = mcnemar(only_ours, only_theirs)
    numbers = (
        f"accuracy {ours.mean():.2%} against the champion's {theirs.mean():.2%}; {only_ours} images only it "
        f"gets right, {only_theirs} only the champion; McNemar's p = {p:.3g}"
    )
    if only_ours == only_theirs:
        return False, f"a tie leaves the champion: {numbers}"
    if only_ours > only_theirs:
        return True, f"better: {numbers}"
    return False, f"{'significantly worse' if p < SIGNIFICANCE else 'not better'}: {numbers}"
