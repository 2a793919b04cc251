"""The mailbox page of the local stack: what was mailed, to look at and to read by programs.

Mails are strangers' content: HTML is shown in a sandboxed frame without scripts and without
anything loaded from elsewhere. Nothing here changes a message.
"""

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from infra.local.maildir import RECIPIENT_HEADER, Entry, Maildir, headers_of

PAGES = Path(__file__).parent / "pages"
PAGE_SIZE = 50
"""Messages on one page of the list."""
MOST_AT_ONCE = 1000
"""Messages in one JSON answer; the next request asks with `since` the last id."""

PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'"
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:"
)

_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
_NEW_TAB = '<base target="_blank">'


def create_mailbox(maildir: Maildir) -> Starlette:
    """The mailbox of `maildir` as an ASGI application."""
    mailbox = _Mailbox(maildir)
    return Starlette(
        routes=[
            Route("/", mailbox.list_page),
            Route("/mailbox.css", mailbox.style),
            Route("/messages.json", mailbox.list_json),
            Route("/messages/{id}.json", mailbox.message_json),
            Route("/messages/{id}.eml", mailbox.message_raw),
            Route("/messages/{id}/html", mailbox.message_html),
            Route("/messages/{id}/attachments/{number:int}", mailbox.attachment),
            Route("/messages/{id}", mailbox.message_page),
        ],
        exception_handlers={HTTPException: mailbox.missing},
    )


class _Mailbox:
    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir
        self._pages = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    # For people

    def list_page(self, request: Request) -> Response:
        """Newest messages first, kept to a recipient if one is asked for."""
        to = request.query_params.get("to", "")
        found = self._maildir.entries(to)[::-1]
        start = max(0, _number(request.query_params.get("from", "0")))
        following = start + PAGE_SIZE
        older = urlencode({"to": to, "from": following}) if following < len(found) else None
        newer = urlencode({"to": to, "from": max(0, start - PAGE_SIZE)}) if start else None
        return self._page(
            "mailbox_list.html",
            entries=found[start:following],
            total=len(found),
            to=to,
            older=older,
            newer=newer,
        )

    def message_page(self, request: Request) -> Response:
        """One message: its HTML in a frame, its text, its headers, its attachments."""
        message = self._message(request)
        return self._page(
            "mailbox_message.html",
            id=request.path_params["id"],
            subject=_first(message, "Subject"),
            headers=headers_of(message),
            text=_body(message, "plain"),
            html=_body(message, "html"),
            attachments=_attachments(message),
        )

    def message_html(self, request: Request) -> Response:
        """The HTML of a message for the frame; links open in a new tab."""
        html = _body(self._message(request), "html")
        if html is None:
            raise HTTPException(404, "This message has no HTML.")
        head = _HEAD.search(html)
        at = head.end() if head else 0
        return HTMLResponse(
            html[:at] + _NEW_TAB + html[at:], headers={"Content-Security-Policy": MAIL_POLICY}
        )

    def attachment(self, request: Request) -> Response:
        """One attachment, always as a download."""
        parts = list(self._message(request).iter_attachments())
        number = request.path_params["number"]
        if number >= len(parts):
            raise HTTPException(404, "This message has no such attachment.")
        part = parts[number]
        name = re.sub(r"[^\w.-]", "_", part.get_filename() or "attachment")
        return Response(
            _bytes_of(part),
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def style(self, _request: Request) -> Response:
        """The style sheet of these pages."""
        return Response((PAGES / "mailbox.css").read_text(), media_type="text/css")

    def missing(self, _request: Request, error: Exception) -> Response:
        """A page for what is not there."""
        detail = error.detail if isinstance(error, HTTPException) else "Something went wrong."
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._page("mailbox_missing.html", status=status, detail=detail)

    # For programs

    def list_json(self, request: Request) -> Response:
        """Messages in order of arrival: `to` (recipient) and `since` (id or ISO time)."""
        query = request.query_params
        try:
            found = self._maildir.entries(query.get("to", ""), query.get("since", ""))
        except ValueError:
            return JSONResponse({"error": "`since` is a message id or an ISO 8601 time"}, 400)
        return JSONResponse({"messages": [_as_json(entry) for entry in found[:MOST_AT_ONCE]]})

    def message_json(self, request: Request) -> Response:
        """One message with its headers, bodies and attachments."""
        message, message_id = self._message(request), request.path_params["id"]
        return JSONResponse(
            {
                "id": message_id,
                "to": [value for name, value in headers_of(message) if name == RECIPIENT_HEADER],
                "from": _first(message, "From"),
                "subject": _first(message, "Subject"),
                "message_id": _first(message, "Message-ID"),
                "headers": headers_of(message),
                "text": _body(message, "plain"),
                "html": _body(message, "html"),
                "attachments": _attachments(message),
            }
        )

    def message_raw(self, request: Request) -> Response:
        """The message as it came."""
        try:
            raw = self._maildir.raw(request.path_params["id"])
        except KeyError:
            raise HTTPException(404, "There is no such message.") from None
        return Response(raw, media_type="message/rfc822")

    # Small parts

    def _message(self, request: Request) -> EmailMessage:
        try:
            return self._maildir.message(request.path_params["id"])
        except KeyError:
            raise HTTPException(404, "There is no such message.") from None

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        text = self._pages.get_template(template).render(**values)
        headers = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(text, status, headers=headers)


def _as_json(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "received_at": entry.received_at.isoformat(),
        "from": entry.sender,
        "to": list(entry.recipients),
        "subject": entry.subject,
        "message_id": entry.message_id,
    }


def _first(message: EmailMessage, name: str) -> str:
    found = (value for one, value in headers_of(message) if one.lower() == name.lower())
    return next(found, "")


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return None if part is None else str(part.get_content())


def _attachments(message: EmailMessage) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "name": part.get_filename() or "attachment",
            "type": part.get_content_type(),
            "size": len(_bytes_of(part)),
        }
        for number, part in enumerate(message.iter_attachments())
    ]


def _bytes_of(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
