"""Maps of a space to two dimensions by t-SNE, and what a map or a space keeps of neighbours and classes."""

import warnings
from collections.abc import Sequence

import numpy as np
from openTSNE import TSNE
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

NEIGHBOURS = 10  # for trustworthiness and k-NN
DIMENSIONS = 50  # of principal components that t-SNE sees, as in van der Maaten and Hinton (2008)
RESTARTS = 3  # of k-means


def reduce(train: np.ndarray, others: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return vectors (n, d) in the first principal components of `train`, DIMENSIONS at most, float64.

    Where d is 1 a second axis of zeros is added, since two are needed to begin with.
    """
    missing = max(0, 2 - train.shape[1])
    sets = [np.pad(values.astype(np.float64), ((0, 0), (0, missing))) for values in (train, *others)]
    if train.shape[1] <= DIMENSIONS:
        return sets
    pca = PCA(min(DIMENSIONS, len(train)), svd_solver="covariance_eigh").fit(sets[0])
    return [pca.transform(values) for values in sets]


def embed(train: np.ndarray, test: np.ndarray, perplexity: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the t-SNE map of `train` (n, d), and `test` placed into it, float32 (n, 2) each.

    Poličar et al. (2024), Journal of Statistical Software 109(3). Initialised by principal components,
    which keeps the global arrangement (Kobak and Berens 2019, doi:10.1038/s41467-019-13056-x). The
    perplexity is lowered to a third of n - 1 where that is less.
    """
    perplexity = min(perplexity, (len(train) - 1) / 3)
    space, places = reduce(train, [test])
    method = TSNE(
        perplexity=perplexity,
        initialization="pca",
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapped = method.fit(space)
        placed = mapped.transform(places)
    return np.asarray(mapped, dtype=np.float32), np.asarray(placed, dtype=np.float32)


def measure_trust(space: np.ndarray, mapped: np.ndarray) -> float:
    """Return the trustworthiness of a map (n, 2) of a space (n, d), 1 where its neighbours are true ones.

    Venna and Kaski (2001), ICANN: 485-491, by NEIGHBOURS neighbours, fewer where n is small.
    """
    return float(trustworthiness(space, mapped, n_neighbors=max(1, min(NEIGHBOURS, (len(space) - 1) // 2))))


def count_neighbour_votes(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray
) -> int:
    """Return how many test vectors (m, d) get their label from the NEIGHBOURS nearest of `train` (n, d)."""
    voters = KNeighborsClassifier(min(NEIGHBOURS, len(train)), algorithm="brute").fit(train, train_labels)
    return int((voters.predict(test) == test_labels).sum())


def measure_clusters(vectors: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, float]:
    """Return how far classes are clusters of vectors (n, d): silhouette and rand_index.

    silhouette: of the classes, -1 to 1 (Rousseeuw 1987, J. Comput. Appl. Math. 20: 53-65)
    rand_index: adjusted Rand index of k-means, as many clusters as classes, with the classes: 0 by
    chance, 1 where they are the same (Hubert and Arabie 1985, J. Classification 2: 193-218)
    Both 0 where there are no two classes, or as many as vectors.
    """
    n_classes = len(np.unique(labels))
    if not 1 < n_classes < len(labels):
        return {"silhouette": 0.0, "rand_index": 0.0}
    with threadpool_limits(1, "openmp"):  # k-means adds in the threads' order
        found = KMeans(n_classes, n_init=RESTARTS, random_state=seed).fit_predict(vectors)
    return {
        "silhouette": float(silhouette_score(vectors, labels)),
        "rand_index": float(adjusted_rand_score(labels, found)),
    }
