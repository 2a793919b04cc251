"""A creator's browser: opens pages, fills in the forms that stand there, keeps cookies, sends files.

It knows only what the HTML says. A field that a page does not show cannot be filled in, and a form that is
not there cannot be sent.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

_UNSENT: Final = ("submit", "button", "image", "reset", "file")
_TICKED: Final = ("radio", "checkbox")


class PageFault(Exception):
    """A page is not what its visitor needs; the text says what is missing."""


@dataclass
class Field:
    """One thing of a form: what it is called, what stands in it, and what may be chosen."""

    name: str
    kind: str
    value: str = ""
    choices: list[str] = field(default_factory=list)
    required: bool = False


@dataclass
class Form:
    """One form of a page."""

    action: str
    method: str
    parts: bool = False
    """Whether it is sent in parts, as forms with files are."""
    fields: list[Field] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The last part of the address that it is sent to."""
        return urlsplit(self.action).path.rstrip("/").rpartition("/")[2]

    def choices(self, name: str) -> list[str]:
        """What may be chosen in the field called `name`."""
        return [choice for one in self.fields if one.name == name for choice in one.choices]

    def filled(self, values: dict[str, str], lists: dict[str, list[str]]) -> list[tuple[str, str]]:
        """What a browser sends when this was typed. Raises `PageFault` when a required field lacks."""
        sent: dict[str, list[str]] = {}
        for one in self.fields:
            value = values.get(one.name, one.value)
            if value:
                sent[one.name] = [value]
        sent |= lists
        missing = [one.name for one in self.fields if one.required and one.name not in sent]
        if missing:
            raise PageFault(f"nothing to write into {', '.join(missing)}")
        return [(name, value) for name, several in sent.items() for value in several]


@dataclass
class Page:
    """A page as it came."""

    url: str
    status: int
    text: str
    forms: list[Form]

    def form(self, name: str) -> Form:
        """The form that is sent to `.../name`. Raises `PageFault` when there is none."""
        for form in self.forms:
            if form.name == name:
                return form
        there = ", ".join(form.name for form in self.forms) or "none"
        raise PageFault(f"no form {name!r} on the page; there are: {there}")

    def offers(self, name: str) -> bool:
        """Whether the form stands on the page."""
        return any(form.name == name for form in self.forms)

    @property
    def address(self) -> str:
        """Where it is, without what follows the question mark."""
        return self.url.partition("?")[0]


class Browser:
    """One browser of one person. `transport` may be shared; cookies are this browser's own."""

    def __init__(self, transport: httpx.AsyncBaseTransport, name: str) -> None:
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=True,
            timeout=30,
            headers={"user-agent": name, "accept": "text/html"},
        )

    async def open(self, url: str) -> Page:
        """Go to an address."""
        return _page(await self._client.get(url))

    async def send(
        self, page: Page, form: Form, values: dict[str, str], lists: dict[str, list[str]] | None = None
    ) -> Page:
        """Fill in a form of the page and send it."""
        action = urljoin(page.url, form.action or page.url)
        pairs = form.filled(values, lists or {})
        if form.method == "get":
            return _page(await self._client.get(action, params=urlencode(pairs)))
        headers = {"origin": _origin(page.url)}
        if form.parts:
            parts = [(name, (None, value)) for name, value in pairs]
            return _page(await self._client.post(action, files=parts, headers=headers))
        headers["content-type"] = "application/x-www-form-urlencoded"
        return _page(await self._client.post(action, content=urlencode(pairs), headers=headers))

    async def upload(self, page: Page, file_name: str, content: bytes) -> str:
        """Send a file as the page's own script does: announce, put the bytes, finish. Answers its id."""
        announced = await self._client.post(
            f"{page.address}/uploads",
            json={
                "name": file_name,
                "size": len(content),
                "type": mimetypes.guess_type(file_name)[0] or "",
                "modified": 0,
            },
            headers={"origin": _origin(page.url)},
        )
        answer = _data(announced)
        for part in answer["parts"]:
            headers = {"content-type": part["type"]} if part["type"] else {}
            put = await self._client.put(
                part["url"], content=content[part["from"] : part["to"]], headers=headers
            )
            if put.is_error:
                raise PageFault(f"the file store answers {put.status_code}")
        finished = await self._client.post(
            f"{page.address}/uploads/{answer['asset']}/finish", headers={"origin": _origin(page.url)}
        )
        return str(_data(finished)["asset"])


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _data(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise PageFault(f"the page answers {response.status_code}: {response.text[:200]}")
    return dict(response.json())


def _page(response: httpx.Response) -> Page:
    reader = _Reader()
    reader.feed(response.text)
    return Page(str(response.url), response.status_code, response.text, reader.forms)


def _required(given: dict[str, str]) -> bool:
    return "required" in given or given.get("aria-required") == "true"


class _Reader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: Field | None = None
        self._area: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            parts = given.get("enctype", "") == "multipart/form-data"
            self._form = Form(given.get("action", ""), given.get("method", "get").lower(), parts)
            self.forms.append(self._form)
        elif self._form is None or "disabled" in given:
            return
        elif tag == "input":
            self._input(self._form, given)
        elif tag == "select" and given.get("name"):
            self._select = Field(given["name"], "select", required=_required(given))
            self._form.fields.append(self._select)
        elif tag == "option" and self._select is not None and "value" in given:
            self._select.choices.append(given["value"])
            if "selected" in given:
                self._select.value = given["value"]
        elif tag == "textarea" and given.get("name"):
            self._area = Field(given["name"], "textarea", required=_required(given))
            self._form.fields.append(self._area)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data

    def _input(self, form: Form, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text").lower(), given.get("name", "")
        if not name or kind in _UNSENT:
            return
        value = given.get("value", "on" if kind in _TICKED else "")
        if kind not in _TICKED:
            form.fields.append(Field(name, kind, value, required=_required(given)))
            return
        group = next((one for one in form.fields if one.name == name), None)
        if group is None:
            group = Field(name, kind)
            form.fields.append(group)
        group.choices.append(value)
        group.required = group.required or _required(given)
        if "checked" in given:
            group.value = value
