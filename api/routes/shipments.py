"""Parcels: the pick list for the warehouse, and tracking back from it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.parcel_costs import tell_cost
from api.auth import Caller, own, own_brand
from api.calls import KEYED, REPEATABLE, CallerOf, CallRoute, SessionOf, request_name
from api.commands import StillWorking, give
from api.paging import Page, Paging, page_of
from api.problems import answers
from api.routes.creators import VaultOf
from api.schemas.common import CampaignId
from api.schemas.shipments import ShipmentShown, Tracking, TrackingLine, TrackingReport, TrackingResult
from domain.commands import Request as Order
from domain.commands import Ship
from domain.costs import CostSort
from domain.errors import HandselError, Invalid
from domain.money import Money
from infra.csv_text import read_csv
from infra.pick_list import pick_list
from infra.tables import Campaign, Shipment

router = APIRouter(
    tags=["shipments"], route_class=CallRoute, dependencies=KEYED, responses=answers(401, 403, 422, 503)
)

ParcelState = Literal[
    "preparing", "address_rejected", "shipped", "delivered", "lost", "damaged", "returned", "disputed",
    "cancelled",
]  # fmt: skip

_AT_ONCE: Final = 10
"""Commands of one upload that are under way at the same time."""
_MOST_LINES: Final = 2_000
_COLUMNS: Final = ("shipment_id", "carrier", "tracking_number")
_TRACKED: Final = ("shipped", "disputed")
_CORRECTABLE: Final = (*_TRACKED, "delivered", "lost", "damaged", "returned")
"""What has left may still get its costs; its tracking only while it is under way."""
_COSTS: Final[dict[str, CostSort]] = {"freight_amount": "freight", "duty_amount": "duty"}
_EXAMPLE: Final = (
    "shipment_id,carrier,tracking_number,tracking_url,freight_amount,duty_amount,cost_currency\r\n"
    "ship_01k9...,dhl,JD0146000042,,640,0,EUR\r\n"
)


@router.get("/shipments", summary="Parcels")
def list_shipments(
    caller: CallerOf,
    session: SessionOf,
    paging: Annotated[Paging, Depends()],
    state: Annotated[ParcelState, Query(description="Parcels in this state")] = "preparing",
) -> Page[ShipmentShown]:
    """Parcels in one state, without addresses; those stand in the pick list only."""
    query = select(Shipment).where(Shipment.brand_id == caller.brand_id, Shipment.state == state)
    return page_of(
        session, query, Shipment.id, paging, lambda rows: [ShipmentShown.model_validate(row) for row in rows]
    )


@router.get(
    "/campaigns/{campaign_id}/shipments.csv",
    summary="Pick list",
    response_class=Response,
    responses=answers(404)
    | {200: {"description": "CSV (UTF-8)", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_shipments(
    campaign_id: CampaignId,
    caller: CallerOf,
    session: SessionOf,
    vault: VaultOf,
    state: Annotated[ParcelState, Query(description="Parcels in this state")] = "preparing",
) -> Response:
    """What to pack and where to send it, one line a parcel. Holds names and addresses: handle it as such."""
    own(session, caller, Campaign, campaign_id)
    text = pick_list(session, vault, campaign_id, state=state)
    headers = {"Content-Disposition": f'attachment; filename="shipments-{campaign_id}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


@router.post(
    "/shipments/tracking",
    summary="Tracking in",
    dependencies=REPEATABLE,
    responses=answers(400, 409, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Tracking"}},
                "text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE},
            },
        }
    },
)
async def add_tracking(request: Request, caller: CallerOf, session: SessionOf) -> TrackingReport:
    """Say which parcels went to the carrier. Each is marked shipped, and the creator gets the tracking.

    JSON or CSV with the columns shipment_id, carrier, tracking_number and, if you like, tracking_url,
    freight_amount, duty_amount (whole minor units) and cost_currency; up to 2,000 parcels. A line for a
    parcel that has left already corrects its tracking and its costs.
    """
    results: list[TrackingResult] = []
    lines = _lines(request.headers.get("content-type", ""), await request.body(), results)
    to_ship = await run_in_threadpool(_store, session, caller, lines, results)
    name = request_name(request, uuid4().hex)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def ship(number: int, parcel: Shipment) -> TrackingResult:
        async with limit:
            return await _ship(request, caller, f"{name}:{parcel.id}", number, parcel)

    results += await asyncio.gather(*(ship(number, parcel) for number, parcel in to_ship))
    return _report(results)


def _lines(kind: str, body: bytes, results: list[TrackingResult]) -> list[tuple[int, TrackingLine]]:
    """The lines that can be read; the others are reported."""
    if kind.startswith(("text/csv", "text/plain")):
        return _csv_lines(body, results)
    if not kind.startswith("application/json"):
        raise Invalid("send JSON or text/csv", field="Content-Type")
    try:
        given = Tracking.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(str(first["msg"]), field=".".join(map(str, first["loc"])) or "body") from error
    return list(enumerate(given.shipments, 1))


def _csv_lines(body: bytes, results: list[TrackingResult]) -> list[tuple[int, TrackingLine]]:
    lines: list[tuple[int, TrackingLine]] = []
    for row in read_csv(body, required=_COLUMNS).rows:
        cells = {name: row.cells.get(name, "") for name in TrackingLine.model_fields}
        if len(lines) + len(results) >= _MOST_LINES:
            raise Invalid(f"more than {_MOST_LINES:,} lines; split the file", code="too_many_rows")
        if row.problem:
            results.append(_refused(row.number, cells["shipment_id"], "row_shape", row.problem))
            continue
        try:
            lines.append((row.number, TrackingLine.model_validate(cells)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            message = f"{first['loc'][-1]}: {first['msg']}"
            results.append(_refused(row.number, cells["shipment_id"], "invalid", message))
    return lines


def _refused(number: int, shipment_id: str, code: str, message: str) -> TrackingResult:
    shown = shipment_id if shipment_id.startswith("ship_") else ""
    return TrackingResult(
        line=number, shipment_id=shown[:40], result="refused", code=code, message=message[:300]
    )


def _store(
    session: Session,
    caller: Caller,
    lines: Sequence[tuple[int, TrackingLine]],
    results: list[TrackingResult],
) -> list[tuple[int, Shipment]]:
    """Write tracking on the parcels; which of them are to be shipped now."""
    ids = [line.shipment_id for _, line in lines]
    query = (
        select(Shipment)
        .where(Shipment.id.in_(ids), Shipment.brand_id == caller.brand_id)
        .order_by(Shipment.id)
        .with_for_update()
    )
    parcels = {parcel.id: parcel for parcel in session.scalars(query)}
    to_ship, seen = [], set()
    for number, line in lines:
        parcel = parcels.get(line.shipment_id)
        if parcel is None:
            results.append(_refused(number, line.shipment_id, "not_found", "no such parcel"))
        elif parcel.id in seen:
            results.append(_refused(number, parcel.id, "twice", "this parcel stands in an earlier line"))
        elif parcel.state == "preparing":
            _note(parcel, line)
            _book(session, caller, parcel, line)
            to_ship.append((number, parcel))
        elif parcel.state in _CORRECTABLE and (parcel.state in _TRACKED or _has_costs(line)):
            noted = parcel.state in _TRACKED and _note(parcel, line)
            booked = _book(session, caller, parcel, line)
            outcome = "corrected" if noted or booked else "unchanged"
            results.append(TrackingResult(line=number, shipment_id=parcel.id, result=outcome))
        else:
            message = f"this parcel is {parcel.state}"
            results.append(_refused(number, parcel.id, "wrong_stage", message))
        seen.add(line.shipment_id)
    session.commit()
    return to_ship


def _note(parcel: Shipment, line: TrackingLine) -> bool:
    """Write the tracking; whether anything is different now."""
    wanted = line.model_dump(exclude={"shipment_id", *_COSTS, "cost_currency"})
    different = {name: value for name, value in wanted.items() if getattr(parcel, name) != value}
    for name, value in different.items():
        setattr(parcel, name, value)
    return bool(different)


def _has_costs(line: TrackingLine) -> bool:
    return line.freight_amount is not None or line.duty_amount is not None


def _book(session: Session, caller: Caller, parcel: Shipment, line: TrackingLine) -> bool:
    """Book freight and duty, in the same transaction; whether either is news."""
    currency = line.cost_currency or own_brand(session, caller).currency
    now = datetime.now(UTC)
    told = [
        tell_cost(session, parcel, sort, Money(amount=amount, currency=currency), actor=caller.actor, at=now)
        for name, sort in _COSTS.items()
        if (amount := getattr(line, name)) is not None
    ]
    return any(told)


async def _ship(request: Request, caller: Caller, name: str, number: int, parcel: Shipment) -> TrackingResult:
    state = request.app.state
    order = Order(id=name, actor=caller.actor, command=Ship(shipment_id=parcel.id))
    try:
        await give(state.temporal, state.sessions, parcel.collaboration_id, order)
    except StillWorking as error:
        return TrackingResult(
            line=number, shipment_id=parcel.id, result="still_working", code=error.code, message=error.message
        )
    except HandselError as error:
        return _refused(number, parcel.id, error.code, error.message)
    return TrackingResult(line=number, shipment_id=parcel.id, result="shipped")


def _report(results: list[TrackingResult]) -> TrackingReport:
    results.sort(key=lambda result: result.line)
    counts: dict[str, Any] = {
        name: sum(result.result == name for result in results)
        for name in ("shipped", "refused", "still_working")
    }
    return TrackingReport(**counts, results=results)
