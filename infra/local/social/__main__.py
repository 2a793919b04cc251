"""`python -m infra.local.social`: serve the social network on loopback until told to stop."""

import argparse
from pathlib import Path

import uvicorn

from infra.local.social.app import create_app
from infra.local.social.store import Store

HOST = "127.0.0.1"


def main() -> None:
    """Read the words of the command line and serve."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    words.add_argument("--state", type=Path, required=True, help="SQLite file that keeps the posts")
    given = words.parse_args()
    store = Store(given.state)
    try:
        uvicorn.run(
            create_app(store, f"http://{HOST}:{given.port}"),
            host=HOST,
            port=given.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
