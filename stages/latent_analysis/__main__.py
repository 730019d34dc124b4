"""Analyse the representations that the networks have learned of the images.

Principal components and t-SNE of raw pixels, of hidden activations of the MLP, penultimate ones of the CNN
and latent vectors of the autoencoder; the distribution of the latent vectors and tests of its normality;
images decoded from generators that ignore or fit it, with their scores; interpolation between images;
denoising. Everything is fitted on the training split, the CNN's temperature on validation.
"""

from digits.compute import Compute
from digits.pipeline.stage import Confidence, Paths, Run, Seed, run_stage
from stages.latent_analysis.settings import Analysis


def main(
    paths: Paths, run: Run, seed: Seed, confidence: Confidence, compute: Compute, latent_analysis: Analysis
) -> None:
    """Read splits and networks; write vectors, tables, plots, a page, conclusions and metrics."""
    from digits.data.files import write_array, write_json, write_table, write_text
    from digits.drawing.style import save
    from stages.latent_analysis import denoising, generation, interpolation, latents, spaces
    from stages.latent_analysis.browser_page import build_page
    from stages.latent_analysis.conclusions import conclude
    from stages.latent_analysis.context import read_context
    from stages.latent_analysis.normality import analyse_normality
    from stages.latent_analysis.results import merge

    context = read_context(paths, latent_analysis, seed, confidence)
    about_spaces, maps = spaces.analyse_spaces(context)
    noisy = context.sample(len(context.test), context.settings.denoising.images, "denoising")
    methods = {"autoencoder": denoising.through_autoencoder(context.encoder, context.decoder)}
    noise = (context.test.images[noisy], context.settings.denoising, context.generator("noise"))
    found = merge(
        about_spaces,
        latents.analyse_axes(context),
        latents.analyse_pairs(context),
        latents.analyse_lengths(context),
        analyse_normality(context),
        generation.analyse_generators(context),
        interpolation.analyse_principal_axes(context),
        interpolation.analyse_interpolation(context),
        denoising.analyse_denoising(methods, *noise),
    )
    for name, array in found.arrays.items():
        write_array(paths.data / f"{name}.npy", array)
    for name, table in found.tables.items():
        write_table(paths.data / f"{name}.csv", table)
    for name, figure in found.plots.items():
        save(paths.plots / f"{name}.png", figure)
    interpolation.write_animation(paths.plots / "interpolation.gif", context)
    write_text(paths.data / "spaces.html", build_page(maps, context.classes))
    write_text(paths.data / "conclusions.txt", conclude(context, found.tables, found.details))
    write_json(paths.data / "details.json", found.details)
    write_json(paths.metrics, {"frechet": round(found.details["frechet"]["mixture"], 2)})


if __name__ == "__main__":
    run_stage(main)
