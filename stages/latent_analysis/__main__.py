"""Look into the spaces that the networks have made of the images.

Principal components and t-SNE of the raw pixels, of the MLP's hidden activations, of the CNN's
features and of the autoencoder's latent vectors; where the latent vectors lie and how normal they are;
images decoded from distributions that know it or not, with their scores; ways between images; noise
removed. What is fitted is fitted on the training split, the temperature of the CNN on validation.
"""

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.latent_analysis.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write vectors, tables, pictures, a page, conclusions and figures."""
    from stages.latent_analysis.case import read_case
    from stages.latent_analysis.judge import Judge

    from digits.data.files import write_array, write_json, write_text
    from stages.latent_analysis import (
        axes,
        conclusions,
        denoising,
        embedding,
        generation,
        lengths,
        normality,
        pairs,
        projections,
        scores,
        spaces,
        walks,
    )

    case = read_case(parameters, paths)
    write_array(paths.data / "train_latent.npy", case.codes)
    write_array(paths.data / "test_latent.npy", case.test_codes)
    judge, vectors = Judge(case), spaces.collect(case, paths.mlp)
    components = projections.report(case, vectors, paths.data)
    table = embedding.report(case, vectors, components)
    del vectors
    axes.report(case)
    pairs.report(case)
    of_lengths, tests = lengths.report(case), normality.report(case)
    generated = generation.report(case, judge, paths.data)
    walks.report(case, judge)
    text = conclusions.write(case, of_lengths, tests, table["latent"], generated)
    write_text(paths.plots / "conclusions.txt", text)
    write_json(
        paths.metrics,
        {
            "explained_variance": {name: result.shares for name, result in components.items()},
            "spaces": table,
            "latent": case.region.figures,
            "lengths": of_lengths,
            "normality": normality.summarise(tests),
            "denoising_gain": denoising.report(case),
            **scores.by_source(generated),
        },
    )


if __name__ == "__main__":
    stage.run(main)
