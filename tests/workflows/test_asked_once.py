"""A post that only a person can judge: what was accepted is not asked again, what was changed is."""

from __future__ import annotations

from temporalio import activity

from activities import contracts
from activities.contracts import CheckResult, CheckTask
from domain.commands import AcceptPost, CheckOutcome, Recheck, SubmitPost
from domain.stages import Attention, Stage
from tests.workflows.test_paths import POST, to_approved
from tests.workflows.world import BRAND, CREATOR, Life, Outside, living, opening


class Unsure(Outside):
    """Every look needs a person; `content` says what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.content = "first"
        self._seen: list[str] = []

    @activity.defn(name=contracts.CHECK_POST)
    async def check_post(self, task: CheckTask) -> CheckResult:
        self.findings = [CheckOutcome.NEEDS_REVIEW]
        found = await super().check_post(task)
        unchanged = bool(self._seen) and self._seen[-1] == self.content
        self._seen.append(self.content)
        return found.model_copy(update={"unchanged": unchanged})


async def accepted(life: Life) -> None:
    """Live, looked at, and accepted by a person; it has to stay live for three days."""
    await to_approved(life)
    await life.give(SubmitPost(submission_id=POST), CREATOR)
    await life.until_flagged(Attention.POST_UNSURE)
    await life.give(AcceptPost(reason="clearly_marked"), BRAND)
    assert await life.stage() is Stage.VERIFIED


async def test_an_accepted_post_that_stays_as_it_is_is_paid_without_asking_again() -> None:
    outside = Unsure()
    async with living(opening(live_for="3d"), outside) as life:
        await accepted(life)
        await life.days(4)
        await life.until(Stage.PAID)
    assert outside.events.count("disclosure_unsure") == 1
    assert outside.mails.count("post_accepted") == 1


async def test_a_post_that_was_changed_after_it_was_accepted_goes_to_a_person_again() -> None:
    outside = Unsure()
    async with living(opening(live_for="3d"), outside) as life:
        await accepted(life)
        outside.content = "second"
        await life.days(4)
        await life.until_flagged(Attention.POST_UNSURE)
        await life.give(Recheck(), CREATOR)  # asking for another look does not stand in for the person
        await life.until(Stage.DISCLOSURE_CHECK)
        assert (await life.state()).attention is Attention.POST_UNSURE
        await life.give(AcceptPost(reason="clearly_marked"), BRAND)
        await life.until(Stage.PAID)
    assert outside.events.count("post_accepted") == 2
