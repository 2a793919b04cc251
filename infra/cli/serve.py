"""Handsel's own processes: `serve`, `worker`, `migrate`.

Each checks its settings before it does anything, and says in plain words which are missing.
"""

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

    settings = checked_settings()
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


def migrate() -> None:
    """Bring the database to the newest schema. Safe to run again and from several machines."""
    settings = get_settings()
    configure(settings.log_level)
    if not settings.migration_url:
        typer.echo("HANDSEL_DATABASE_URL is not set; run `handsel up` or set it.", err=True)
        raise typer.Exit(2)
    from infra.migrate import current_revision, upgrade

    upgrade(settings.migration_url)
    typer.echo(f"The database is at revision {current_revision(settings.migration_url)}.")
