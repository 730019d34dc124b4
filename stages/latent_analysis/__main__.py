"""Look into the spaces that the networks have made of the images.

Principal components of the raw pixels, of the MLP's hidden activations and of the autoencoder's
latent vectors, fitted on the training split and drawn for test images; where the latent vectors lie;
and images decoded from two distributions, only one of which knows that.
"""

from stages import record
from stages.latent_analysis.settings import Parameters, Paths
from stages.shared import command


def main(parameters: Parameters, paths: Paths, run: record.Run) -> None:
    """Read splits and networks; write vectors, projections, tables, pictures and figures."""
    import numpy as np

    from stages.analysis import latent, projection
    from stages.latent_analysis import figures, generation, spaces
    from stages.shared.data import read_dataset, read_split
    from stages.shared.figures import save
    from stages.shared.files import write_array, write_json, write_table

    settings = parameters.latent_analysis
    train, test = read_split(paths.train), read_split(paths.test)
    classes = read_dataset(paths.dataset)["classes"]
    encoder, decoder = spaces.open_autoencoder(paths.ae)
    vectors = spaces.collect(train, test, paths.mlp, settings.hidden_layer, encoder)
    projections = {name: projection.fit(*pair) for name, pair in vectors.items()}
    codes, test_codes = vectors["latent"]
    region = latent.describe(codes)
    rng = np.random.default_rng(parameters.seed)
    drawn = latent.draw(region, settings.generated, rng)
    generated = generation.decode(drawn | {generation.REAL: test_codes}, encoder, decoder)
    write_array(paths.outputs / "train_latent.npy", codes)
    write_array(paths.outputs / "test_latent.npy", test_codes)
    for name, result in projections.items():
        write_array(paths.outputs / f"{name}_components.npy", result.test)
    write_table(paths.plots / "latent_axes.csv", region.axes)
    write_table(paths.plots / "latent_correlation.csv", region.correlation_table)
    write_table(paths.plots / "generated.csv", generated.table)
    write_json(
        paths.metrics,
        {
            "explained_variance": {name: result.shares for name, result in projections.items()},
            "latent": region.figures,
            "reencoding_error": generated.errors,
        },
    )
    shown = rng.permutation(len(test))[: settings.scatter]
    pictures = {
        "pca.png": figures.projections(projections, test.labels, shown, classes),
        "latent_axes.png": figures.latent_axes(region),
        "latent_correlation.png": figures.latent_correlation(region),
        "generated.png": figures.generated(generated),
    }
    for name, picture in pictures.items():
        save(paths.plots / name, picture)


if __name__ == "__main__":
    command.run("latent-analysis", __doc__, Parameters, Paths, main)
