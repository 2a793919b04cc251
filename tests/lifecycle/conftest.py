"""One whole stack, with pages and workers, for all stories of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from infra.local.part import is_setting
from infra.local.stack import Stack

STORIES = (
    "answers",
    "content",
    "happy_lives",
    "parcels",
    "payment",
    "posts",
    "races",
    "traces",
    "without_trace",
)
pytest.register_assert_rewrite(*(f"tests.lifecycle.{name}" for name in ("life", "playing", *STORIES)))

from tests.lifecycle.playing import Playing  # noqa: E402 - after its assertions are registered
from tests.lifecycle.stories import Story  # noqa: E402


@pytest.fixture(scope="module")
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every part of the local stack, in a folder of its own, until the last story is over."""
    environ = {name: value for name, value in os.environ.items() if not is_setting(name)}
    stack = Stack(tmp_path_factory.mktemp("lifecycle") / "stack", environ=environ)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def playing(whole_stack: Stack, request: pytest.FixtureRequest) -> Iterator[Playing]:
    """The stories of the tests that were asked for, all under way."""
    chosen: list[Story] = []
    for item in request.session.items:
        story = getattr(getattr(item, "obj", None), "story", None)
        if isinstance(story, Story) and story not in chosen:
            chosen.append(story)
    if not chosen:
        pytest.skip("no story is among the chosen tests")
    play = Playing(whole_stack, chosen)
    play.begin()
    yield play
    play.end()
