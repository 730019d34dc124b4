"""Analyse the representations that the networks have learned of the images.

Principal components and t-SNE of the raw pixels, of the MLP's hidden activations, of the CNN's
features and of the autoencoder's latent vectors; the distribution of the latent vectors and tests of its
normality; images decoded from generators that ignore or fit it, with their scores; interpolation between
images; denoising. Everything is fitted on the training split, the CNN's temperature on validation.
"""

from typing import Any

from digits.pipeline import stage
from digits.pipeline.declaration import Paths
from digits.tracking import Run
from stages.latent_analysis.settings import Parameters


def main(parameters: Parameters, paths: Paths, run: Run) -> None:
    """Read splits and networks; write vectors, tables, plots, a page, conclusions and metrics."""
    from digits.analysis.latent.pca import fit_projection
    from digits.data.files import write_array, write_json, write_table, write_text
    from digits.drawing.style import save
    from stages.latent_analysis import denoising, embedding, generation, interpolation, latents
    from stages.latent_analysis.browser_page import build_page
    from stages.latent_analysis.conclusions import conclude
    from stages.latent_analysis.context import collect_spaces, read_context
    from stages.latent_analysis.normality import analyse_normality
    from stages.latent_analysis.projections import analyse_projections

    context = read_context(parameters, paths)
    spaces = collect_spaces(context)
    projections = {name: fit_projection(train) for name, (train, _) in spaces.items()}
    maps = embedding.map_spaces(context, spaces, projections)
    scorer = generation.make_scorer(context)
    noisy = context.sample(len(context.test), context.settings.denoising.images, "denoising")
    parts = [
        analyse_projections(context, spaces, projections),
        of_maps := embedding.analyse_maps(context, maps, projections),
        latents.analyse_axes(context),
        latents.analyse_pairs(context),
        of_lengths := latents.analyse_lengths(context),
        of_normality := analyse_normality(context),
        of_generators := generation.analyse_generators(context, scorer),
        interpolation.analyse_principal_axes(context, scorer),
        interpolation.analyse_interpolation(context, scorer),
        denoising.analyse_denoising(
            {"autoencoder": denoising.through_autoencoder(context.encoder, context.decoder)},
            context.test.images[noisy],
            context.settings.denoising,
            context.generator("noise"),
        ),
    ]
    write_array(paths.data / "train_latent.npy", context.latents)
    write_array(paths.data / "test_latent.npy", context.test_latents)
    details: dict[str, Any] = {}
    for part in parts:
        for name, array in part.arrays.items():
            write_array(paths.data / f"{name}.npy", array)
        for name, table in part.tables.items():
            write_table(paths.data / f"{name}.csv", table)
        for name, figure in part.plots.items():
            save(paths.plots / f"{name}.png", figure)
        details |= part.details
    interpolation.write_animation(paths.plots / "interpolation.gif", context)
    methods = {"PCA": maps.methods["pca"], "t-SNE": maps.methods["tsne"]}
    placed = {name: {space: points.test for space, points in of.items()} for name, of in methods.items()}
    write_text(paths.data / "spaces.html", build_page(maps.test, context.classes, placed))
    text = conclude(
        context,
        of_lengths.details["lengths"],
        of_normality.tables["normality"],
        of_maps.details["spaces"]["latent"],
        of_generators.tables["scores"],
    )
    write_text(paths.data / "conclusions.txt", text)
    write_json(paths.data / "details.json", details)
    write_json(paths.metrics, {"frechet": round(details["frechet"]["mixture"], 2)})


if __name__ == "__main__":
    stage.run(main)
