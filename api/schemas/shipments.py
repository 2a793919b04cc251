"""Parcels out, tracking in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from api.schemas.common import Given, Shown, example
from domain.commands import Id
from domain.money import Currency


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Cost = Annotated[Annotated[int, Field(ge=0, le=10**13)] | None, BeforeValidator(_empty_is_none)]
CostCurrency = Annotated[Currency | None, BeforeValidator(_empty_is_none)]


class ShipmentShown(Shown):
    """One parcel, without its address."""

    id: str
    campaign_id: str
    collaboration_id: str
    number: int
    kind: str = Field(examples=["first"])
    state: str = Field(examples=["preparing"])
    variant_id: str
    carrier: str
    tracking_number: str | None
    tracking_url: str
    created_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None


class TrackingLine(Given):
    """Where one parcel is with the carrier."""

    shipment_id: Id
    carrier: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._&-]{0,59}$", examples=["dhl"])]
    tracking_number: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{2,59}$", examples=["JD0146000042"])
    ]
    tracking_url: Annotated[str, Field(pattern=r"^(https?://[!-~]{1,400})?$")] = ""
    freight_amount: Cost = Field(default=None, description="What carrying it cost, minor units")
    duty_amount: Cost = Field(default=None, description="Duty and import tax, minor units")
    cost_currency: CostCurrency = Field(default=None, description="Of both; without it, the brand's")


class Tracking(Given):
    """Tracking of up to 2,000 parcels."""

    model_config = example(
        shipments=[
            {
                "shipment_id": "ship_01k9z3v5e8fw0a2t4s6q8r0b1c",
                "carrier": "dhl",
                "tracking_number": "JD0146000042",
                "tracking_url": "https://track.example/JD0146000042",
                "freight_amount": 640,
                "duty_amount": 0,
                "cost_currency": "EUR",
            }
        ]
    )

    shipments: list[TrackingLine] = Field(min_length=1, max_length=2000)


class TrackingResult(Shown):
    """What came of one line."""

    line: int = Field(description="Line of the CSV file (the header is line 1), or place in the list from 1")
    shipment_id: str
    result: str = Field(description="shipped, corrected, unchanged, still_working or refused")
    code: str = ""
    message: str = ""


class TrackingReport(Shown):
    """What came of an upload of tracking."""

    shipped: int
    refused: int
    still_working: int = Field(description="No answer in time; send these lines again")
    results: list[TrackingResult]
