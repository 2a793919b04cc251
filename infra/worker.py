"""A worker process: polls one task queue, runs workflows and activities, and stops without leaving work.

`collaborations` has the workflows and everything that needs no Stripe key; `payments` has few slots, a rate
limit, and every activity that talks to Stripe. More workers may be started at any time.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, Literal

import structlog
from sqlalchemy.orm import Session, sessionmaker
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.adapters.mailer import SmtpMailer
from activities.adapters.platforms.reader import make_reader
from activities.adapters.stripe_gateway import StripeGateway
from activities.audit import AuditActivities
from activities.clawbacks import ClawbackActivities
from activities.inbox import InboxActivities
from activities.launch import LaunchActivities
from activities.notices import Notices
from activities.payments import PaymentActivities
from activities.posts import PostActivities
from activities.posts_port import PostReader
from activities.reconcile import ReconcileActivities
from activities.record import Records
from activities.staff_mails import StaffMails
from activities.watch import WatchActivities
from infra.database import make_engine, make_sessions
from infra.logs import configure
from infra.objects import ObjectStore
from infra.platforms import StoredBudget, StoredTokens
from infra.settings import Settings, get_settings
from infra.stripe_pace import SharedPace
from infra.temporal import connect
from infra.vault import Vault
from workflows.campaign import CampaignWorkflow
from workflows.collaboration import CollaborationWorkflow
from workflows.messages import (
    COLLABORATIONS_QUEUE,
    PAYMENTS_QUEUE,
    PUMP,
    RECONCILIATION,
    RECONCILIATION_ID,
    PumpStart,
    ReconciliationStart,
)
from workflows.pump import PumpWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.watch import WatchWorkflow

WORKFLOWS = [
    CollaborationWorkflow,
    CampaignWorkflow,
    PumpWorkflow,
    WatchWorkflow,
    ReconciliationWorkflow,
]
PUMPS: Final[tuple[Literal["notices", "staff_mails", "inbox", "audit"], ...]] = (
    "notices",
    "staff_mails",
    "inbox",
    "audit",
)
GRACE = timedelta(seconds=20)
"""How long a stopping worker may finish what it began; below the supervisor's kill time."""

log = structlog.get_logger()


def stripe_gateway(settings: Settings, sessions: sessionmaker[Session]) -> StripeGateway:
    """The gateway as the settings say, at the pace of all workers; in local mode it reaches loopback only."""
    return StripeGateway(
        settings.stripe_api_key,
        settings.stripe_api_base or None,
        settings.stripe_accounts_api,
        loopback_only=settings.mode == "local",
        pace=SharedPace(sessions, settings.payment_rate),
    )


def _reader(settings: Settings, sessions: sessionmaker[Session], vault: Vault) -> PostReader:
    budget = StoredBudget(sessions, settings.platform_budgets)
    return make_reader(settings, StoredTokens(sessions, vault), budget)


def collaboration_activities(settings: Settings, client: Client) -> list[Callable[..., Any]]:
    """Activities of the queue `collaborations`."""
    sessions = make_sessions(make_engine(settings))
    vault = Vault(settings.vault_key)
    loop = asyncio.get_running_loop()
    launch = LaunchActivities(sessions, client, loop)
    reader, objects = _reader(settings, sessions, vault), ObjectStore(settings)
    posts = PostActivities(sessions, reader, objects)
    watch = WatchActivities(sessions, reader, objects, client, loop)
    mailer = SmtpMailer(settings.smtp_url)
    return [
        Records(sessions).record_change,
        posts.check_post,
        watch.watch_post,
        launch.open_campaign,
        launch.launch_page,
        launch.set_campaign_status,
        launch.withdraw_page,
        launch.count_open,
        Notices(sessions, vault, mailer, settings).deliver_notices,
        AuditActivities(sessions, vault, objects, mailer, settings).keep_audit,
        StaffMails(sessions, mailer, settings).deliver_staff_mails,
    ]


def payment_activities(settings: Settings, client: Client) -> list[Callable[..., Any]]:
    """Activities of the queue `payments`."""
    sessions = make_sessions(make_engine(settings))
    gateway = stripe_gateway(settings, sessions)
    payments = PaymentActivities(sessions, gateway, settings)
    clawbacks = ClawbackActivities(sessions, gateway)
    inbox = InboxActivities(sessions, client, asyncio.get_running_loop(), gateway, settings)
    return [
        payments.assess_gates,
        payments.transfer_payout,
        payments.look_up_transfer,
        clawbacks.take_back,
        clawbacks.look_up_reversal,
        ReconcileActivities(sessions, gateway).reconcile_stripe,
        inbox.work_inbox,
    ]


def make_worker(settings: Settings, client: Client, queue: str) -> Worker:
    """The worker of one queue, on a running event loop."""
    paying = queue == PAYMENTS_QUEUE
    slots = settings.payment_activity_slots + 2 if paying else settings.worker_activity_slots + 3
    return Worker(
        client,
        task_queue=queue,
        workflows=[] if paying else WORKFLOWS,
        activities=(payment_activities if paying else collaboration_activities)(settings, client),
        activity_executor=ThreadPoolExecutor(slots, thread_name_prefix=queue),
        max_concurrent_activities=slots,
        max_concurrent_workflow_tasks=None if paying else 8,
        max_task_queue_activities_per_second=settings.payment_rate if paying else None,
        max_cached_workflows=0 if paying else settings.worker_cached_workflows,
        graceful_shutdown_timeout=GRACE,
        workflow_runner=sandbox(),
        max_heartbeat_throttle_interval=timedelta(seconds=4),
        default_heartbeat_throttle_interval=timedelta(seconds=4),
    )


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox with Temporal's default restrictions."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default)


async def start_pumps(client: Client) -> None:
    """Make sure that somebody carries rows on: mails, messages, audit lines, and Stripe's transactions."""
    for of in PUMPS:
        await client.start_workflow(
            PUMP,
            PumpStart(of=of),
            id=f"pump/{of}",
            task_queue=COLLABORATIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
    await client.start_workflow(
        RECONCILIATION,
        ReconciliationStart(),
        id=RECONCILIATION_ID,
        task_queue=COLLABORATIONS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def serve_queue(settings: Settings, queue: str, stop: asyncio.Event) -> None:
    """Work one queue until `stop` is set."""
    client = await connect(settings)
    async with make_worker(settings, client, queue):
        if queue == COLLABORATIONS_QUEUE:
            await start_pumps(client)
        log.info("worker_ready", queue=queue)
        await stop.wait()
    log.info("worker_stopped", queue=queue)


async def _until_signalled(settings: Settings, queue: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve_queue(settings, queue, stop)


def run(queue: str) -> None:
    """The process behind `handsel worker --queue`."""
    settings = get_settings()
    configure(settings.log_level)
    asyncio.run(_until_signalled(settings, queue))
