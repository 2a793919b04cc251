"""Handsel's own processes: `serve`, `worker`, `migrate`.

Each checks its settings before it does anything, and says in plain words which are missing.
"""

import time
from typing import Annotated

import typer

from infra.logs import configure
from infra.refusals import SettingsRefused, missing_settings
from infra.settings import Settings, get_settings

QUEUES = ("collaborations", "payments")


def checked_settings() -> Settings:
    """Settings a server process can start with; otherwise says why not and exits with 2."""
    try:
        settings = get_settings()
        if missing := missing_settings(settings):
            raise SettingsRefused(missing)
    except SettingsRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from None
    configure(settings.log_level)
    return settings


def serve() -> None:
    """Run the pages and the API on HANDSEL_API_HOST and HANDSEL_API_PORT."""
    import uvicorn

    from infra.setup import where_to_set_up

    settings = checked_settings()
    if page := where_to_set_up(settings):
        typer.echo(f"There is no brand yet. Set up here: {page}")
    uvicorn.run(
        "api.main:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        workers=settings.api_processes if settings.api_processes > 1 else None,
        forwarded_allow_ips=settings.trusted_proxies,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )


def worker(
    queue: Annotated[str, typer.Option(help="collaborations or payments")] = "collaborations",
) -> None:
    """Run a Temporal worker of one queue until it is told to stop."""
    if queue not in QUEUES:
        raise typer.BadParameter(f"there is no queue {queue!r}; use one of: {', '.join(QUEUES)}")
    checked_settings()
    from infra.worker import run

    run(queue)


def migrate(
    wait: Annotated[int, typer.Option(help="Seconds to wait for the database.", min=0)] = 0,
) -> None:
    """Bring the database to the newest schema. Safe to run again and from several machines."""
    settings = get_settings()
    configure(settings.log_level)
    url = settings.migration_url
    if not url:
        typer.echo("HANDSEL_DATABASE_URL is not set; run `handsel up` or set it.", err=True)
        raise typer.Exit(2)
    from infra.migrate import current_revision, upgrade

    if not _comes_up(url, wait):
        typer.echo("The database does not answer; `handsel doctor` says more.", err=True)
        raise typer.Exit(1)
    upgrade(url)
    typer.echo(f"The database is at revision {current_revision(url)}.")


def _comes_up(url: str, seconds: float) -> bool:
    """Whether the database at `url` answers now or within `seconds`."""
    import psycopg

    until = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)
        else:
            return True
