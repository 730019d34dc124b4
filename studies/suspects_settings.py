"""Settings of how doubtful labels are sought."""

from pydantic import Field

from digits.pipeline.settings import Block


class LabelSuspects(Block):
    """How doubtful labels are sought, and how the search is tested."""

    folds: int = Field(
        ge=2, description="parts of the training split; each is predicted by a net of the others"
    )
    epochs: int = Field(ge=1, description="of each training; the other settings are those of train-cnn")
    flipped: float = Field(gt=0, lt=0.5, description="share of labels changed on purpose, to be found again")
    gallery: int = Field(ge=1, description="suspects shown, the most suspicious first")
