"""Pages as answers: one template environment, one set of headers. No page may run a script of its own text.

Addresses and texts of strangers are always escaped. Nothing that was rendered is kept by a cache or found by
a search engine, and no other site learns the address of a page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.wording import knows, say, span
from infra.objects import ObjectStore
from infra.settings import Settings

FOLDER: Final = Path(__file__).resolve().parents[2] / "templates" / "pages"
_STRIPE: Final = ("https://connect.stripe.com", "https://*.stripe.com")


@cache
def _environment() -> Environment:
    environment = make_environment(FOLDER)
    environment.globals.update(say=say, knows=knows, span=span, megabytes=megabytes)
    return environment


def make_environment(*folders: Path) -> Environment:
    """Templates of these folders, the first first; whatever a template shows is escaped."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def megabytes(size: int) -> str:
    """A size as people read it: 300 kB, 12 MB."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{round(size / 1_000_000)} MB"


class Renderer:
    """Renders the pages of one installation."""

    def __init__(
        self,
        settings: Settings,
        objects: ObjectStore | None,
        environment: Environment | None = None,
        *,
        leads_to_stripe: bool = True,
    ) -> None:
        self._environment = environment or _environment()
        files = objects.origin() if objects is not None else ""
        payment = (_origin(settings.stripe_api_base),) if settings.stripe_api_base else _STRIPE
        self._policy = "; ".join(
            (
                "default-src 'none'",
                "style-src 'self'",
                "script-src 'self'",
                f"img-src 'self' {files}".strip(),
                f"connect-src 'self' {files}".strip(),
                f"form-action 'self' {' '.join(payment) if leads_to_stripe else ''}".strip(),
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        )

    def page(
        self, template: str, status: int = 200, headers: dict[str, str] | None = None, **facts: Any
    ) -> HTMLResponse:
        """A page of this template."""
        body = self._environment.get_template(template).render(**facts)
        return HTMLResponse(body, status, headers=self.headers() | (headers or {}))

    def redirect(self, address: str) -> RedirectResponse:
        """On to another page by GET."""
        return RedirectResponse(address, 303, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What every answer of the pages carries."""
        return {
            "Content-Security-Policy": self._policy,
            "Content-Language": "en",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
