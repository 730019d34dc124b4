"""What a node of a convolutional network sees of the image, along one axis of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """What the nodes of a layer see along one axis, in pixels of the image.

    size: number of nodes
    step: distance of the fields of two neighbouring nodes
    field: length of the field of a node that no rim cuts
    start: first pixel of the first node's field; negative where padding comes first
    """

    size: int
    step: int = 1
    field: int = 1
    start: int = 0

    def bounds(self, node: int) -> tuple[int, int]:
        """Return the first pixel of a node's field and the one after its last; padding counts."""
        first = self.start + node * self.step
        return first, first + self.field

    def seen(self, length: int) -> int:
        """Return how many of the image's `length` pixels all nodes see together."""
        return min(self.bounds(self.size - 1)[1], length) - max(self.start, 0)


def slide(view: View, kernel: int, stride: int, padded: bool) -> View:
    """Return the view of the nodes behind a kernel that slides over nodes of this view.

    kernel, stride: in nodes; padded: with zeros, as many as keep size / stride nodes, the odd one
    behind ("same"), or else with none ("valid")
    Araujo, Norris and Sim (2019), Computing Receptive Fields of Convolutional Neural Networks,
    Distill, https://doi.org/10.23915/distill.00021.
    """
    size = -(-view.size // stride) if padded else (view.size - kernel) // stride + 1
    padding = max((size - 1) * stride + kernel - view.size, 0) if padded else 0
    return View(
        size=size,
        step=view.step * stride,
        field=view.field + (kernel - 1) * view.step,
        start=view.start - padding // 2 * view.step,
    )


def connect(view: View, length: int) -> View:
    """Return the view of a node that is connected to all nodes of this view.

    length: pixels of the image
    """
    return View(size=1, step=length, field=view.seen(length), start=max(view.start, 0))
