"""What time others say it is: a database, a server that speaks HTTP.

For `handsel doctor`: a wrong clock breaks signatures and dates. Nothing here may wait for more than seconds.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import psycopg


def database_time(url: str) -> datetime | None:
    """The time at this database; None when it does not say."""
    with suppress(psycopg.Error), psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=3) as one:
        row = one.execute("select clock_timestamp()").fetchone()
        return None if row is None else row[0]
    return None


def http_time(url: str) -> datetime | None:
    """The time of the server at this address; None when it does not say."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=3)
    try:
        connection.request("HEAD", "/")
        date = connection.getresponse().getheader("Date")
        return parsedate_to_datetime(date).astimezone(UTC) if date else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
