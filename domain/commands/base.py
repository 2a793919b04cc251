"""What every command shares: frozen, closed, and made of ids and codes only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(max_length=60, pattern=r"^[a-z]+_[0-9a-z]{26}$")]
Code = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9_.]*$")]


class CommandModel(BaseModel):
    """Base of all commands."""

    model_config = ConfigDict(frozen=True, extra="forbid")
