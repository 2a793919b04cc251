"""Logs are JSON lines, bounded, and free of what must not be written."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from infra.logs import configure
configure("info")
log = structlog.get_logger("handsel.try")
%s
"""


def logged(code: str) -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM % code], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_logger() -> None:
    (line,) = logged('log.info("offer_accepted", collaboration="col_1", days=3)')
    assert line["event"] == "offer_accepted"
    assert (line["collaboration"], line["days"]) == ("col_1", 3)
    assert (line["level"], line["logger"]) == ("info", "handsel.try")
    assert str(line["timestamp"]).endswith("Z")


def test_lines_of_libraries_look_the_same() -> None:
    (line,) = logged('logging.getLogger("some.library").warning("lost %s of %s", 1, 2)')
    assert (line["event"], line["logger"], line["level"]) == ("lost 1 of 2", "some.library", "warning")


def test_personal_data_and_secrets_are_blotted_out() -> None:
    code = """
log.info("sent to ada@example.org", email="ada@example.org", first_name="Ada", street="Hauptstrasse 1",
    note="key sk_test_abcdef link https://x.org/c/abcdefghijklmnopqrstuvwxyz",
    nested={"phone": "+49 30 1", "count": 2}, url="postgresql://u:hunter2pw@db/x")
"""
    (line,) = logged(code)
    text = json.dumps(line)
    for gone in ("ada@", '"Ada"', "Hauptstrasse", "sk_test_abcdef", "abcdefghijklmnop", "+49", "hunter2pw"):
        assert gone not in text
    assert line["nested"] == {"phone": "[not logged]", "count": 2}


def test_an_error_text_with_an_address_is_blotted_too() -> None:
    code = """
try:
    raise ValueError("no mailbox ada@example.org")
except ValueError:
    log.exception("notice_failed")
"""
    (line,) = logged(code)
    assert "ValueError: no mailbox [mail address]" in str(line["exception"])


def test_values_are_bounded() -> None:
    (line,) = logged('log.info("big", text="x" * 100_000, many=list(range(1000)))')
    assert len(str(line["text"])) <= 501
    assert len(line["many"]) == 30  # type: ignore[arg-type]


def test_what_is_below_the_level_is_not_written() -> None:
    assert logged('log.debug("quiet"); logging.getLogger("stripe").info("request")') == []
