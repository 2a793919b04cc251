"""Saved histories still replay, and the commands of the workflows are the reviewed ones.

`python -m tests.workflows.save_histories` records new histories beside the old ones; never delete an old one
while a collaboration begun under it may be running.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.workflows.fingerprint import BASELINE, current
from workflows.campaign import CampaignWorkflow
from workflows.collaboration import CollaborationWorkflow
from workflows.pump import PumpWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.watch import WatchWorkflow

HISTORIES = sorted((Path(__file__).parent.parent / "histories").glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_history_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=[
            CollaborationWorkflow,
            CampaignWorkflow,
            PumpWorkflow,
            WatchWorkflow,
            ReconciliationWorkflow,
        ],
        data_converter=pydantic_data_converter,
    )
    await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text()))


def test_there_are_histories_to_replay() -> None:
    assert len(HISTORIES) >= 8


def test_commands_of_workflows_are_the_reviewed_ones() -> None:
    assert current() == json.loads(BASELINE.read_text()), (
        "The commands that a workflow issues have changed. Running workflows replay their history against "
        "the new code: gate it with workflow.patched('YYYY-MM-what'), list it in workflows/README.md, "
        "then write the list anew with: python -m tests.workflows.fingerprint"
    )
