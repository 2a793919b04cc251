"""`handsel local stripe`: start the simulator on loopback.

It refuses live keys and never listens on another address.
"""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from infra.local.stripe.app import Simulator
from infra.local.stripe.store import Store

HOST = "127.0.0.1"


def stripe(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")],
    key: Annotated[str, typer.Option(help="The test key that callers must send: sk_test_...")],
    state: Annotated[Path, typer.Option(help="SQLite file that holds everything.")],
    v1_accounts: Annotated[
        bool, typer.Option(help="Allow POST /v1/accounts, which Stripe refuses to new platforms.")
    ] = False,
    topup_seconds: Annotated[int, typer.Option(min=0, help="Simulated seconds until a top-up succeeds.")] = 0,
) -> None:
    """Run a stand-in for Stripe's test mode on this machine."""
    if not key.startswith("sk_test_") or len(key) <= len("sk_test_"):
        raise typer.BadParameter("the key must start with sk_test_: this is test mode only")
    defaults = {"v1_accounts": "on" if v1_accounts else "off", "topup_seconds": topup_seconds}
    simulator = Simulator(Store(state), key, f"http://{HOST}:{port}", defaults)
    config = uvicorn.Config(
        simulator,
        host=HOST,
        port=port,
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run()


def main() -> None:
    """Run the command on its own: `python -m infra.local.stripe`."""
    typer.run(stripe)
