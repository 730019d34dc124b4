"""Kinds of settings that networks share."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError


def _layer(value: object) -> object:
    """Check the whole, since a union would tell one fault once for each of its members."""
    if value == "pool" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise PydanticCustomError("layer", "Input should be a number of filters, 1 or more, or the word pool")


Activation = Literal["elu", "gelu", "leaky_relu", "relu", "selu", "sigmoid", "silu", "tanh"]
Units = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0)]
Layer = Annotated[int | Literal["pool"], PlainValidator(_layer)]
Pooling = Annotated[Literal["max", "mean"], Field(description="what a pooling of 2x2 pixels takes")]
Scaling = Annotated[
    Literal["raw", "unit", "standard"],
    Field(description="of the pixels; raw: 0 to 255, unit: 0 to 1, standard: mean 0, deviation 1"),
]
Share = Annotated[float, Field(ge=0, lt=1)]
