"""Whether the process lives, and whether it can do its work.

`/healthz` asks nothing of anybody; `/readyz` asks the database and tells of Temporal, whose absence does not
take the pages down. Neither needs a key, and neither says more than up or down.
"""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from temporalio.service import RPCError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How the process is."""

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """What the process can reach."""

    status: str = Field(description="ready, degraded (pages only) or down", examples=["ready"])
    database: bool
    temporal: bool


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> Health:
    """Answers as long as the process does."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the process can work",
    responses={503: {"model": Readiness, "description": "The database cannot be reached."}},
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Ready: everything works. Degraded: pages and reads work, commands do not. Down: no database."""
    database = await run_in_threadpool(_database_answers, request.app.state.sessions)
    temporal = await _temporal_answers(request)
    if not database:
        response.status_code = 503
    status = "down" if not database else "ready" if temporal else "degraded"
    return Readiness(status=status, database=database, temporal=temporal)


def _database_answers(sessions: sessionmaker[Session]) -> bool:
    try:
        with sessions() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


async def _temporal_answers(request: Request) -> bool:
    try:
        return bool(
            await request.app.state.temporal.service_client.check_health(timeout=timedelta(seconds=1))
        )
    except (RPCError, RuntimeError):
        return False
