"""The carrier over HTTP: `/_carrier` to hand in parcels and play the world, a tracking page for people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from infra.local.carrier.messenger import Messenger
from infra.local.carrier.store import Modes, Store

Code = Literal[
    "label_created",
    "in_transit",
    "out_for_delivery",
    "attempt_failed",
    "delivered",
    "returned",
    "lost",
    "damaged",
    "address_invalid",
]
DEFAULT_PLAN: tuple[tuple[float, Code], ...] = (
    (0, "label_created"),
    (2, "in_transit"),
    (5, "out_for_delivery"),
    (8, "delivered"),
)
"""Seconds after the parcel was taken, and what happens then, when nothing else is asked for."""

PageResponse = HTMLResponse
_POLICY = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'"
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)
_STRICT = ConfigDict(extra="forbid")
Share = Annotated[float, Field(ge=0, le=1)]


class Step(BaseModel):
    """Something that happens to a parcel some seconds after it was taken."""

    model_config = _STRICT

    after: Annotated[float, Field(ge=0, le=10_000_000)]
    code: Code


class NewShipment(BaseModel):
    """A parcel to take. Handing in the same reference twice takes one parcel."""

    model_config = _STRICT

    reference: Annotated[str, Field(min_length=1, max_length=100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    service: Annotated[str, Field(min_length=1, max_length=60)] = "standard"
    plan: Annotated[list[Step], Field(max_length=50)] | None = None


class NewEvent(BaseModel):
    """An event made by hand."""

    model_config = _STRICT

    code: Code
    occurred_at: AwareDatetime | None = None


class ModesAsked(BaseModel):
    """See `store.Modes`."""

    model_config = _STRICT

    seed: int = 1
    duplicate: Share = 0.0
    out_of_order: Share = 0.0
    missing: Share = 0.0
    hold: Annotated[float, Field(ge=0, le=3600)] = 3.0


def create_app(store: Store, base_url: str, secret: str, webhook_url: str) -> FastAPI:
    """The carrier as an ASGI application, which sends its webhooks while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        messenger = Messenger(store, secret, webhook_url)
        app.state.messenger = messenger
        running = asyncio.create_task(messenger.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    app = FastAPI(title="Local carrier", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    office = _Office(store, base_url.rstrip("/"))
    app.post("/_carrier/shipments", status_code=201)(office.take)
    app.get("/_carrier/parcels")(office.parcels)
    app.get("/_carrier/parcels/{tracking_number}")(office.parcel)
    app.post("/_carrier/parcels/{tracking_number}/events", status_code=201)(office.event)
    app.get("/_carrier/modes")(office.modes)
    app.put("/_carrier/modes")(office.set_modes)
    app.get("/", response_class=HTMLResponse)(office.front_page)
    app.get("/carrier.css")(office.style)
    app.get("/track/{tracking_number}", response_class=HTMLResponse)(office.tracking_page)
    return app


class _Office:
    """Handlers are coroutines, so that all of them use the book from one thread."""

    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self._base = base_url

    async def take(self, shipment: NewShipment, request: Request) -> Response:
        """Take a parcel; answers 201, or 200 when the reference is known."""
        plan = DEFAULT_PLAN if shipment.plan is None else [(s.after, s.code) for s in shipment.plan]
        parcel, new = self._store.take(
            shipment.reference, shipment.country, shipment.service, plan, time.time()
        )
        _wake(request)
        return JSONResponse(self._seen(parcel), status_code=201 if new else 200)

    async def parcels(self, reference: str | None = None) -> list[dict[str, Any]]:
        """Parcels, newest first."""
        return [self._seen(parcel) for parcel in self._store.parcels(reference)]

    async def parcel(self, tracking_number: str) -> Response:
        """One parcel."""
        parcel = self._store.parcel(tracking_number)
        return _nowhere() if parcel is None else JSONResponse(self._seen(parcel))

    async def event(self, tracking_number: str, event: NewEvent, request: Request) -> Response:
        """Let something happen to a parcel now, and tell it."""
        now = time.time()
        at = now if event.occurred_at is None else event.occurred_at.timestamp()
        event_id = self._store.happen(tracking_number, event.code, at, now)
        if event_id is None:
            return _nowhere()
        _wake(request)
        return JSONResponse({"id": event_id, "code": event.code}, status_code=201)

    async def modes(self) -> dict[str, Any]:
        """How unreliable the telling is."""
        return asdict(self._store.modes())

    async def set_modes(self, asked: ModesAsked) -> dict[str, Any]:
        """Make the telling more or less reliable from now on."""
        self._store.set_modes(Modes(**asked.model_dump()))
        return await self.modes()

    async def front_page(self) -> Response:
        """The newest parcels."""
        return _page("parcels.html", parcels=[self._seen(p) for p in self._store.parcels()[:200]])

    async def tracking_page(self, tracking_number: str) -> Response:
        """What happened to one parcel, for people."""
        parcel = self._store.parcel(tracking_number)
        if parcel is None:
            return _page("missing.html", status=404)
        return _page("parcel.html", parcel=self._seen(parcel))

    async def style(self) -> Response:
        """The pages' style sheet."""
        sheet = (Path(__file__).parent / "pages" / "carrier.css").read_text()
        return Response(sheet, media_type="text/css")

    def _seen(self, parcel: dict[str, Any]) -> dict[str, Any]:
        return {**parcel, "tracking_url": f"{self._base}/track/{parcel['tracking_number']}"}


def _wake(request: Request) -> None:
    messenger: Messenger = request.app.state.messenger
    messenger.wake()


def _nowhere() -> Response:
    return JSONResponse({"status": 404, "detail": "no such parcel"}, status_code=404)


def _page(template: str, status: int = 200, **values: Any) -> Response:
    page = _PAGES.get_template(template).render(values)
    return PageResponse(page, status_code=status, headers={"content-security-policy": _POLICY})
