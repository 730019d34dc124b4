"""Kinds of settings that networks share."""

from typing import Annotated, Literal

from pydantic import Field

Activation = Literal["elu", "gelu", "leaky_relu", "relu", "selu", "sigmoid", "silu", "tanh"]
Units = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0)]
Layer = Units | Literal["pool"]
Pooling = Annotated[Literal["max", "mean"], Field(description="what a pooling of 2x2 pixels takes")]


Scaling = Annotated[
    Literal["raw", "unit", "standard"],
    Field(description="of the pixels; raw: 0 to 255, unit: 0 to 1, standard: mean 0, deviation 1"),
]
Share = Annotated[float, Field(ge=0, lt=1)]
