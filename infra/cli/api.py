"""How the shell reaches the API: an address, a key, and patience.

Every POST carries an Idempotency-Key of its own and is sent again with the same one while the answer is
"still working", so that a slow moment is never counted twice. The key of `handsel brand create` lies in the
state folder, readable by its owner only; HANDSEL_API_KEY stands in for it.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

from infra.settings import Settings, get_settings

KEY_FILE: Final = "cli-key.json"
KEY_VARIABLE: Final = "HANDSEL_API_KEY"
PATIENCE: Final = 60.0
"""Seconds that a call is sent again while the answer is "still working"."""

AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON.")]
console = Console()
errors = Console(stderr=True)


def keep_key(settings: Settings, brand_id: str, name: str, secret: str) -> Path:
    """Keep a key for the shell's own calls, readable by the owner only."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    path = settings.state_dir / KEY_FILE
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"brand_id": brand_id, "brand": name, "key": secret}, file)
    fresh.replace(path)
    return path


def _key(settings: Settings) -> str:
    if given := os.environ.get(KEY_VARIABLE):
        return given
    path = settings.state_dir / KEY_FILE
    try:
        return str(json.loads(path.read_text())["key"])
    except (OSError, ValueError, KeyError):
        fail(f"There is no API key: run `handsel brand create` first, or set {KEY_VARIABLE}.")


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    errors.print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(code)


class Api:
    """The API of the brand whose key this shell has."""

    def __init__(self, settings: Settings | None = None, *, session: str = "") -> None:
        """`session` stands in for the key: the calls of a person."""
        chosen = settings or get_settings()
        who = f"Session {session}" if session else f"Bearer {_key(chosen)}"
        self._client = httpx.Client(
            base_url=f"{chosen.public_url.rstrip('/')}/api/v1",
            headers={"Authorization": who},
            timeout=httpx.Timeout(120, connect=5),
        )

    def get(self, path: str, **query: Any) -> Any:
        """Read; ends the program with a plain sentence when the answer is not good."""
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=wanted).json()

    def text(self, path: str, **query: Any) -> str:
        """Read something that is not JSON."""
        return self._send("GET", path, params=query).text

    def download(self, path: str, file: Path, **query: Any) -> int:
        """Read into a file that only its owner can read, and only whole; gives the number of rows."""
        wanted = {name: value for name, value in query.items() if value is not None}
        fresh = file.with_name(f"{file.name}.part")
        try:
            with self._client.stream("GET", path, params=wanted) as answer:
                if not answer.is_success:
                    answer.read()
                    _explain(answer)
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                    for chunk in answer.iter_bytes():
                        out.write(chunk)
                rows = int(answer.headers.get("x-rows", 0))
        except httpx.TransportError as error:
            fresh.unlink(missing_ok=True)
            fail(f"The file did not come through: {error}")
        fresh.replace(file)
        return rows

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Every row of a list."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, limit=200, **query)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        media_type: str = "text/csv",
        **query: Any,
    ) -> Any:
        """Act, once, however often it has to be sent. `content` is a file in place of a body."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        if content is not None:
            headers["Content-Type"] = media_type
        options: dict[str, Any] = {"content": content} if content is not None else {"json": body}
        return self._send("POST", path, params=query, headers=headers, **options).json()

    def patch(self, path: str, body: Any) -> Any:
        """Change."""
        return self._send("PATCH", path, json=body).json()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, **options)
            except httpx.ConnectError:
                fail(
                    f"Nobody answers at {self._client.base_url}: run `handsel up`, or set HANDSEL_PUBLIC_URL."
                )
            except httpx.TransportError as error:
                if time.monotonic() > until:
                    fail(f"The connection broke: {error}")
                continue
            again = answer.status_code in (202, 503) or _is_in_progress(answer)
            if not again:
                break
            if time.monotonic() > until:
                fail("It is still being worked; look again in a moment.", 3)
            time.sleep(1)
        if not answer.is_success:
            _explain(answer)
        return answer


def _is_in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and "call_in_progress" in answer.text


def _explain(answer: httpx.Response) -> NoReturn:
    """End with the problem's sentence and the fields that are wrong."""
    try:
        problem = answer.json()
        lines = [f"{problem['detail']} ({problem['code']})"]
        lines += [f"  {one['field']}: {one['message']}" for one in problem.get("errors", [])]
    except (ValueError, KeyError, TypeError):
        lines = [f"The API answered {answer.status_code}."]
    fail("\n".join(lines))


def show_json(answer: Any) -> None:
    """The answer as it came, for programs."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def table(*columns: str) -> Table:
    """A plain table with these columns."""
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column)
    return made


def find_campaign(api: Api, name: str) -> str:
    """The id of the campaign of this name, or the id itself."""
    if name.startswith("campaign_"):
        return name
    for campaign in api.pages("/campaigns"):
        if campaign["name"] == name:
            return str(campaign["id"])
    fail(f"There is no campaign {name!r}; see `handsel campaign list`.")
