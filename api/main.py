"""The web application: one process, no state of its own.

Read pages and the API's reads need the database only; the Temporal client connects at its first command, so
the site answers while Temporal is away. Nothing imports this module but the server that runs it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from api import explanations, health, openapi, problems, webhooks
from api.console.pages import ROUTERS as PAGES
from api.pages import creator, unsubscribe
from api.routes import ROUTERS
from api.traffic import Traffic
from infra.database import make_engine, make_sessions
from infra.objects import ObjectStore
from infra.settings import Settings, get_settings
from infra.temporal import connect
from infra.vault import Vault

PREFIX: Final = "/api/v1"
STATIC: Final = Path(__file__).resolve().parents[1] / "templates" / "static"


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over these settings, or over the process's own."""
    chosen = settings or get_settings()
    app = FastAPI(
        title="Handsel",
        version=version("handsel"),
        summary="Gifting and paid creator collaborations, from invitation to a payment that can be proven.",
        lifespan=_life(chosen),
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
        openapi_tags=openapi.TAGS,
    )
    app.state.settings = chosen
    problems.add_handlers(app)
    app.add_middleware(Traffic, https=chosen.public_url.startswith("https://"))
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    app.include_router(explanations.router)
    app.include_router(webhooks.routes_for(chosen))
    app.include_router(creator.router)
    app.include_router(unsubscribe.router)
    for router in PAGES:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    openapi.describe(app)
    return app


def _life(settings: Settings) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        engine = make_engine(settings)
        app.state.sessions = make_sessions(engine)
        app.state.vault = Vault(settings.vault_key)
        app.state.temporal = await connect(settings, lazy=True)
        app.state.objects = _objects(settings)
        try:
            yield
        finally:
            engine.dispose()

    return life


def _operation(route: APIRoute) -> str:
    return route.name


def _objects(settings: Settings) -> ObjectStore | None:
    """The store of drafts and assets, where one is set."""
    if not (settings.s3_endpoint or settings.s3_access_key):
        return None
    return ObjectStore(settings)
