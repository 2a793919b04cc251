"""Logs: one JSON object a line on standard output, from structlog and from libraries alike.

A log never holds personal data, a secret or a payload: log ids and counts. What slips through is
bounded and, where it looks like an address or a secret, blotted out before it is written.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

LONGEST_VALUE = 500
"""Characters of one value; the rest is cut."""
MOST_VALUES = 30
"""Values of one line, and items of one list or mapping in it."""
LONGEST_TRACE = 6000
"""Characters of a stack trace; its end is kept, where the error is named."""

FORBIDDEN_NAMES = re.compile(
    r"(^|_)(e?mail|name|first_name|last_name|full_name|phone|address|street|city|postal_code|"
    r"password|secret|token|api_key|authorization|cookie|caption|body|payload)$",
    re.IGNORECASE,
)
"""Names whose values are never written, whatever they hold."""
ALLOWED_NAMES = frozenset({"logger_name", "activity_name", "workflow_name", "queue_name"})

_BLOTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[mail address]"),
    (re.compile(r"\b(?:sk|rk|whsec)_\w+"), "[secret]"),
    (re.compile(r"://[^\s/@:]+:[^\s/@]+@"), "://[secret]@"),
    (re.compile(r"(/(?:[cu]|console/sign-in/link|console/join)/)[\w.~-]{16,}"), r"\1[token]"),
    (re.compile(r"(?i)(x-amz-(?:signature|credential|security-token)=)[^&\s]+"), r"\1[secret]"),
)

QUIET = ("botocore", "boto3", "urllib3", "httpx", "httpcore", "s3transfer", "stripe", "alembic")
"""Libraries that tell too much: from them, warnings only."""


def configure(level: str = "info") -> None:
    """Send every log line of this process to standard output as JSON. Call once at start."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        bounded,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=_shown),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def bounded(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep one log line small and free of what must not be written."""
    internal = {name: value for name, value in event.items() if name.startswith("_")}
    shown = [(name, value) for name, value in event.items() if not name.startswith("_")]
    event.clear()
    event.update(internal)
    for name, value in shown[:MOST_VALUES]:
        if name == "exception":
            event[name] = _blotted(str(value)[-LONGEST_TRACE:])
        else:
            event[name] = _kept(name, value)
    return event


def _kept(name: str, value: Any) -> Any:
    if FORBIDDEN_NAMES.search(name) and name not in ALLOWED_NAMES:
        return "[not logged]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        items = list(value.items())[:MOST_VALUES]
        return {str(key)[:100]: _kept(str(key), one) for key, one in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [_kept("", one) for one in list(value)[:MOST_VALUES]]
    text = str(value)
    cut = text[:LONGEST_VALUE] + "…" if len(text) > LONGEST_VALUE else text
    return _blotted(cut)


def _blotted(text: str) -> str:
    for pattern, blot in _BLOTS:
        text = pattern.sub(blot, text)
    return text


def _shown(value: Any) -> str:
    return str(value)[:LONGEST_VALUE]
