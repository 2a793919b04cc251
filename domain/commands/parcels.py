"""Commands of the parcel: its address, its way, and what went wrong with it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from domain.commands.base import Code, CommandModel, Id


class ParcelProblem(StrEnum):
    """What a creator reports about a parcel."""

    NOT_ARRIVED = "not_arrived"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"


class RejectAddress(CommandModel):
    """The parcel cannot be shipped to this address."""

    name: Literal["reject_address"] = "reject_address"
    reason: Code = "unshippable"


class CorrectAddress(CommandModel):
    """A mended address; `answer_id` names the stored form."""

    name: Literal["correct_address"] = "correct_address"
    answer_id: Id


class Ship(CommandModel):
    """The parcel went to the carrier; its tracking is stored under the shipment."""

    name: Literal["ship"] = "ship"
    shipment_id: Id


class Scan(CommandModel):
    """News of the parcel that changes no stage (in transit, out for delivery, attempt failed)."""

    name: Literal["scan"] = "scan"
    shipment_id: Id
    code: Code


class Deliver(CommandModel):
    """The parcel arrived."""

    name: Literal["deliver"] = "deliver"
    shipment_id: Id | None = None


class Lose(CommandModel):
    """The parcel is lost or came broken: one replacement, else excused."""

    name: Literal["lose"] = "lose"
    shipment_id: Id | None = None
    reason: Literal["lost", "damaged", "wrong_item"] = "lost"


class Return(CommandModel):
    """The parcel came back to the sender."""

    name: Literal["return"] = "return"
    shipment_id: Id | None = None


class Excuse(CommandModel):
    """The parcel cannot be replaced; close the file with no mark against the creator."""

    name: Literal["excuse"] = "excuse"
    reason: Code = "not_replaceable"


class MarkSilent(CommandModel):
    """Nothing was heard of the parcel, or it is not shipped in time: a person must ask."""

    name: Literal["mark_silent"] = "mark_silent"


class ReportParcel(CommandModel):
    """The creator says that something is wrong with the parcel; no clock runs until it is settled."""

    name: Literal["report_parcel"] = "report_parcel"
    problem: ParcelProblem
    answer_id: Id | None = None
