"""Models that leave out what is empty when they are written, since histories keep every byte for months.

Only for models whose defaults mean "nothing yet" (None, zero, empty). Never for one whose defaults carry a
meaning that may change with a version, such as a policy: what is frozen has to be written out.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Compact(BaseModel):
    """Frozen; written without the fields that hold an empty default."""

    model_config = ConfigDict(frozen=True)

    @model_serializer(mode="wrap")
    def _without_empty(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        fields = type(self).model_fields
        return {
            name: value
            for name, value in written.items()
            if name not in fields or value != fields[name].default or fields[name].default is True
        }
