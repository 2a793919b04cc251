"""The social network over HTTP: pages for people, JSON for programs, `/_social` to act as the world.

Everything a post says is a stranger's text and is escaped. `/_social` takes JSON only, and every
request must name a loopback host, so that no web page elsewhere can act here.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Body, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from infra.local.social.store import Store

PLATFORMS = ("instagram", "tiktok", "youtube")
PageResponse = HTMLResponse
_POLICY = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'"
_POST_PATH = re.compile(r"/(?P<platform>[a-z]+)/(?P<handle>[\w.-]{1,60})/p/(?P<id>[A-Za-z0-9_-]{1,64})/?")
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)

_NEVER_NULL = ("caption", "platform_label", "is_private", "is_live")

PlatformName = Literal["instagram", "tiktok", "youtube"]
Handle = Annotated[str, Field(pattern=r"^@?[\w.-]{1,60}$", examples=["@kelpiekettles"])]
PostId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Caption = Annotated[str, Field(max_length=5000)]
FaultKind = Literal["error", "timeout", "slow", "redirect", "huge", "html"]
_STRICT = ConfigDict(extra="forbid")


class NewPost(BaseModel):
    """A post to publish. With an `id`, publishing twice publishes once."""

    model_config = _STRICT

    platform: PlatformName
    handle: Handle
    caption: Caption = ""
    id: PostId | None = None
    published_at: AwareDatetime | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    overlay_text: Caption | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool = False
    media: Annotated[str, Field(max_length=200)] = ""
    is_private: bool = False
    is_live: bool = True


class PostChange(BaseModel):
    """What an author changes; fields left out stay as they are."""

    model_config = _STRICT

    caption: Caption | None = None
    overlay_text: Caption | None = None
    spoken_disclosure: bool | None = None
    platform_label: bool | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    media: Annotated[str, Field(max_length=200)] | None = None
    is_private: bool | None = None
    is_live: bool | None = None


class Fault(BaseModel):
    """How the next answers about posts go wrong. `seconds` is the delay of `slow` and `timeout`."""

    model_config = _STRICT

    kind: FaultKind
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=300)] = 10.0


def create_app(store: Store, base_url: str) -> FastAPI:
    """The network as an ASGI application. `base_url` is where posts say that they are."""
    app = FastAPI(title="Local social network", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    network = _Network(store, base_url)
    world = "/_social"
    app.post(f"{world}/posts", status_code=201)(network.publish)
    app.get(f"{world}/posts")(network.listed)
    app.get(f"{world}/posts/{{platform}}/{{post_id}}")(network.shown)
    app.patch(f"{world}/posts/{{platform}}/{{post_id}}")(network.edit)
    app.delete(f"{world}/posts/{{platform}}/{{post_id}}", status_code=204)(network.delete)
    app.post(f"{world}/faults", status_code=201)(network.order_fault)
    app.delete(f"{world}/faults", status_code=204)(network.clear_faults)
    app.get("/", response_class=HTMLResponse)(network.front_page)
    app.get("/social.css")(network.style)
    app.get("/{platform}/api/post")(network.read_post)
    app.get("/{platform}/{handle}", response_class=HTMLResponse)(network.profile_page)
    app.get("/{platform}/{handle}/p/{post_id}", response_class=HTMLResponse)(network.post_page)
    return app


class _Network:
    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self._base = base_url.rstrip("/")

    # What the world does

    def publish(self, new: NewPost, request: Request) -> Response:
        """Publish a post; answers 201, or 200 when this id is published already."""
        if (refused := _not_json(request)) is not None:
            return refused
        post_id = new.id or secrets.token_urlsafe(8)
        fields = new.model_dump(exclude={"media", "published_at", "id"})
        fields |= {
            "id": post_id,
            "handle": _plain(new.handle),
            "published_at": _stamp(new.published_at or datetime.now(UTC)),
            "media_sha256": _media_hash(new.media or f"{new.platform}/{post_id}"),
        }
        added = self._store.add(fields)
        post = self._store.find(new.platform, post_id)
        if post is None or post["handle"] != fields["handle"] or post["deleted_at"]:
            return _problem(409, "this id is taken")
        return JSONResponse(self._seen(post), status_code=201 if added else 200)

    def listed(self, platform: str | None = None, handle: str | None = None) -> list[dict[str, Any]]:
        """Posts that are not deleted, newest first."""
        plain = None if handle is None else _plain(handle)
        return [self._seen(post) for post in self._store.listed(platform, plain)]

    def shown(self, platform: str, post_id: str) -> Response:
        """One post with everything known of it, private or not."""
        post = self._store.find(platform, post_id)
        if post is None or post["deleted_at"]:
            return _problem(404, "no such post")
        return JSONResponse(self._seen(post))

    def edit(
        self, platform: str, post_id: str, change: Annotated[PostChange, Body()], request: Request
    ) -> Response:
        """Change a post as its author would."""
        if (refused := _not_json(request)) is not None:
            return refused
        fields = change.model_dump(exclude_unset=True)
        if any(
            fields.get(name, 0) is None for name in ("caption", "platform_label", "is_private", "is_live")
        ):
            return _problem(422, "only overlay_text, spoken_disclosure and language may be null")
        if "media" in fields:
            fields["media_sha256"] = _media_hash(fields.pop("media") or "")
        fields["edited_at"] = _stamp(datetime.now(UTC))
        if not self._store.change(platform, post_id, fields):
            return _problem(404, "no such post")
        return self.shown(platform, post_id)

    def delete(self, platform: str, post_id: str) -> Response:
        """Delete a post; from then on it is gone (410)."""
        if not self._store.change(platform, post_id, {"deleted_at": _stamp(datetime.now(UTC))}):
            return _problem(404, "no such post")
        return Response(status_code=204)

    def order_fault(self, fault: Fault, request: Request) -> Response:
        """Let the next answers about posts go wrong."""
        if (refused := _not_json(request)) is not None:
            return refused
        self._store.add_fault(fault.kind, fault.seconds, fault.count)
        return JSONResponse(fault.model_dump(), status_code=201)

    def clear_faults(self) -> Response:
        """Forget all faults that are still due."""
        self._store.clear_faults()
        return Response(status_code=204)

    # What programs read

    async def read_post(self, platform: str, url: str) -> Response:
        """What the platform tells programs about the post at `url`."""
        fault = self._store.take_fault()
        if fault is not None:
            answer = await self._go_wrong(*fault)
            if answer is not None:
                return answer
        found = self._at(platform, url)
        if found is None:
            return _problem(404, "no such post")
        if found["deleted_at"]:
            return _problem(410, "this post was deleted")
        if found["is_private"]:
            return _problem(403, "this account is private")
        return JSONResponse(self._seen(found))

    async def _go_wrong(self, kind: str, seconds: float) -> Response | None:
        if kind in {"slow", "timeout"}:
            await asyncio.sleep(seconds)
            return None if kind == "slow" else _problem(504, "ordered timeout")
        if kind == "redirect":
            return Response(status_code=302, headers={"location": "http://elsewhere.example/post"})
        if kind == "huge":
            return JSONResponse({"caption": "x" * 3_000_000})
        if kind == "html":
            return HTMLResponse("<p>Please log in.</p>")
        return _problem(500, "ordered fault")

    def _at(self, platform: str, url: str) -> dict[str, Any] | None:
        parts = urlsplit(url)
        match = _POST_PATH.fullmatch(parts.path)
        if match is None or match["platform"] != platform or f"{parts.scheme}://{parts.netloc}" != self._base:
            return None
        found = self._store.find(platform, match["id"])
        return found if found is not None and found["handle"] == _plain(match["handle"]) else None

    def _seen(self, post: dict[str, Any]) -> dict[str, Any]:
        """A post as the API shows it."""
        names = (
            "platform",
            "caption",
            "published_at",
            "edited_at",
            "language",
            "overlay_text",
            "spoken_disclosure",
            "platform_label",
            "media_sha256",
            "is_private",
            "is_live",
        )
        return {
            "post_id": post["id"],
            "url": f"{self._base}/{post['platform']}/{post['handle']}/p/{post['id']}",
            "author_handle": f"@{post['handle']}",
            **{name: post[name] for name in names},
        }

    # What people see

    def front_page(self) -> Response:
        """The newest public posts of all platforms."""
        posts = [self._seen(p) for p in self._store.listed() if not p["is_private"]]
        return _page("feed.html", title="Newest posts", posts=posts[:100])

    def profile_page(self, platform: str, handle: str) -> Response:
        """One author's public posts."""
        if platform not in PLATFORMS:
            return _missing(404, "There is no such page.")
        posts = [self._seen(p) for p in self._store.listed(platform, _plain(handle)) if not p["is_private"]]
        return _page("feed.html", title=f"@{_plain(handle)} on {platform}", posts=posts)

    def post_page(self, platform: str, handle: str, post_id: str) -> Response:
        """One post."""
        found = self._store.find(platform, post_id)
        if found is None or found["handle"] != _plain(handle):
            return _missing(404, "There is no such post.")
        if found["deleted_at"]:
            return _missing(410, "This post was deleted by its author.")
        if found["is_private"]:
            return _missing(403, "This account is private.")
        return _page("post.html", title=f"@{found['handle']}", post=self._seen(found))

    def style(self) -> Response:
        """The pages' style sheet."""
        sheet = (Path(__file__).parent / "pages" / "social.css").read_text()
        return Response(sheet, media_type="text/css")


def _page(template: str, **values: Any) -> Response:
    page = _PAGES.get_template(template).render(values)
    return PageResponse(page, headers={"content-security-policy": _POLICY})


def _missing(status: int, sentence: str) -> Response:
    page = _PAGES.get_template("missing.html").render(title="Not here", sentence=sentence)
    return PageResponse(page, status_code=status, headers={"content-security-policy": _POLICY})


def _not_json(request: Request) -> Response | None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return None if kind == "application/json" else _problem(415, "send application/json")


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"status": status, "detail": detail}, status_code=status)


def _plain(handle: str) -> str:
    return handle.lstrip("@").lower()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _media_hash(media: str) -> str:
    return hashlib.sha256(media.encode()).hexdigest()
