"""Train the autoencoder with another size of its latent space, and measure what that space keeps.

Beside it stands a space of as many principal components. Writes how well test images come back from
each, whether nearest neighbours tell the classes, and how close drawn images come to real ones.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stages import record
from stages.latent_analysis.settings import Analysis
from stages.networks.autoencoder_settings import Autoencoder
from stages.shared import command
from stages.shared.command import Input, Item, Output
from stages.shared.compute import Compute
from stages.shared.errors import StageError
from stages.shared.parameters import Block, Seed


class Parameters(Block):
    """What this study reads of params.yaml; the autoencoder is built and fitted as in train-ae."""

    seed: Seed
    compute: Compute
    train_ae: Autoencoder = Field(alias="train-ae")
    latent_analysis: Analysis = Field(alias="latent-analysis")


class Paths(command.Paths):
    """What this study reads and writes."""

    latent: Annotated[str, Item("size of the latent space")]
    train: Annotated[Path, Input("folder of the training split", "data")]
    val: Annotated[Path, Input("folder of the validation split", "data")]
    test: Annotated[Path, Input("folder of the test split", "data")]
    cnn: Annotated[Path, Input("the trained convolutional network, in whose features images are compared")]
    model: Annotated[Path, Output("the trained autoencoder, .keras")]
    table: Annotated[Path, Output("CSV: one row a space and score")]


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read splits and CNN; train; write the autoencoder and the scores of both spaces."""
    from stages.latent_analysis.spaces import FEATURES
    from stages.shared.data import read_split
    from stages.shared.files import write_table
    from stages.shared.models import load_model, save_model, up_to
    from studies import autoencoder, latent_spaces

    if not paths.latent.isdigit() or int(paths.latent) < 1:
        raise StageError(f"--latent {paths.latent}: expected a number of dimensions, 1 or more.")
    latent = int(paths.latent)
    train, val, test = (read_split(folder) for folder in (paths.train, paths.val, paths.test))
    settings = parameters.train_ae.model_copy(update={"latent": latent})
    model = autoencoder.train(settings, (train, val), parameters.seed)
    save_model(paths.model, model)
    features = up_to(load_model(paths.cnn), FEATURES)
    spaces = {
        "autoencoder": latent_spaces.of_autoencoder(model),
        "components": latent_spaces.of_components(train, latent),
    }
    table = latent_spaces.measure(
        spaces, (train, test), features, parameters.latent_analysis, parameters.seed
    )
    write_table(paths.table, table.assign(latent=latent))
    errors = table[table["score"] == "reconstruction_error"].set_index("space")["mean"]
    run.epoch(1, {f"{space}_error": float(error) for space, error in errors.items()})


if __name__ == "__main__":
    command.run("dimensions", __doc__, Parameters, Paths, main, package="studies")
