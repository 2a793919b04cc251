"""What a carrier tells: events of parcels, and the refusal of anything that is not from the carrier.

Which signature a carrier uses is the adapter's business. An event is a claim about the world; what it
means for a collaboration is decided elsewhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class CarrierCode(StrEnum):
    """What happened to a parcel."""

    LABEL_CREATED = "label_created"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"
    DAMAGED = "damaged"
    ADDRESS_INVALID = "address_invalid"


class CarrierEvent(BaseModel):
    """One event of one parcel. `id` is the same each time the same event is sent.

    `reference` is our own id of the shipment, as given when the label was bought.
    """

    model_config = ConfigDict(frozen=True)

    id: Identifier
    tracking_number: Identifier
    code: CarrierCode
    occurred_at: AwareDatetime
    reference: Identifier


class WebhookForged(ValueError):
    """The message is not from the carrier, is stale, or was changed on its way. Nothing in it counts."""
