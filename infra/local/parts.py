"""The parts of the local stack, each declared once, in the order in which they are shown.

Adding a part is adding a declaration here. A part must never need more of another part than the
settings that one provides.
"""

import json
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from infra.local import webhooks, works
from infra.local.part import Check, Part, PartFault, Plan
from infra.local.postgres import POSTGRES
from infra.local.processes import Process
from infra.refusals import new_secret

NAMESPACE = "default"
BUCKET = "handsel"
REGION = "us-east-1"
PLATFORMS = ("instagram", "tiktok", "youtube")
WORKER_GRACE = 30.0
"""Seconds a worker may take to finish the activities it has begun."""


def _program(name: str) -> str:
    """A program that a wheel put beside Python, or one on the PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise PartFault(f"The program `{name}` is not installed: run `make setup`.")
    return found


def _module(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", name, *words]


def _answers(port: str, path: str = "/") -> Check:
    """Works when the port called `port` answers HTTP."""

    def check(plan: Plan, _process: Process) -> None:
        works.answers_http(plan.url(port) + path)

    return check


def _page(port: str) -> Callable[[Plan], str]:
    return lambda plan: plan.url(port)


# Temporal


def _temporal_command(plan: Plan) -> list[str]:
    words = [_program("temporal"), "server", "start-dev", "--ip", "127.0.0.1"]
    words += ["--port", str(plan.port("temporal.grpc")), "--ui-port", str(plan.port("temporal.ui"))]
    words += ["--db-filename", str(plan.path / "temporal.db"), "--namespace", NAMESPACE]
    words += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    return [*words, "--ui-disable-news-fetch", "--log-level", "warn"]


def _temporal_address(plan: Plan) -> str:
    return f"127.0.0.1:{plan.port('temporal.grpc')}"


TEMPORAL = Part(
    name="temporal",
    title="Temporal",
    ports=("grpc", "ui"),
    command=_temporal_command,
    provides=lambda plan: {
        "TEMPORAL_ADDRESS": _temporal_address(plan),
        "TEMPORAL_NAMESPACE": NAMESPACE,
    },
    works=lambda plan, _process: works.answers_temporal(_temporal_address(plan), NAMESPACE),
    replaced_by=("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"),
    address=_page("temporal.ui"),
)


# Objects


def _object_keys(plan: Plan) -> tuple[str, str]:
    return "handsel-local", plan.folder.secret("objects", new_secret)


def _objects_command(plan: Plan) -> list[str]:
    words = [_program("rclone"), "serve", "s3", "--config=", "--log-level", "NOTICE"]
    words += ["--addr", f"127.0.0.1:{plan.port('objects.main')}"]
    words += ["--allow-origin", _public_url(plan)]
    return [*words, str(plan.path / "objects")]


def _make_bucket(plan: Plan) -> None:
    """A bucket of `rclone serve s3` is a folder; an empty one must exist before the first PUT."""
    (plan.path / "objects" / BUCKET).mkdir(mode=0o700, exist_ok=True)


def _objects_settings(plan: Plan) -> dict[str, str]:
    access_key, secret_key = _object_keys(plan)
    return {
        "HANDSEL_S3_ENDPOINT": plan.url("objects.main"),
        "HANDSEL_S3_BUCKET": BUCKET,
        "HANDSEL_S3_REGION": REGION,
        "HANDSEL_S3_ACCESS_KEY": access_key,
        "HANDSEL_S3_SECRET_KEY": secret_key,
    }


OBJECTS = Part(
    name="objects",
    title="S3",
    ports=("main",),
    command=_objects_command,
    # In the environment, where other accounts of this machine cannot read it.
    env=lambda plan: {"RCLONE_AUTH_KEY": '"{},{}"'.format(*_object_keys(plan))},
    provides=_objects_settings,
    before=_make_bucket,
    works=_answers("objects.main"),
    replaced_by=("HANDSEL_S3_ENDPOINT", "HANDSEL_S3_BUCKET"),
    address=_page("objects.main"),
)


# Mail


def _mail_command(plan: Plan) -> list[str]:
    ports = ("--port", str(plan.port("mail.smtp")), "--web-port", str(plan.port("mail.web")))
    return _module("infra.local.mail", *ports, "--maildir", str(plan.path / "mail"))


def _mail_works(plan: Plan, _process: Process) -> None:
    works.answers_smtp(plan.port("mail.smtp"))
    works.answers_http(plan.url("mail.web"))


MAIL = Part(
    name="mail",
    title="Mail",
    ports=("smtp", "web"),
    command=_mail_command,
    provides=lambda plan: {"HANDSEL_SMTP_URL": f"smtp://127.0.0.1:{plan.port('mail.smtp')}"},
    works=_mail_works,
    replaced_by=("HANDSEL_SMTP_URL",),
    address=_page("mail.web"),
)


# Stripe, the posts and the carrier: simulators of this project


def _stripe_key(plan: Plan) -> str:
    return plan.folder.secret("stripe", lambda: "sk_test_" + new_secret().replace("-", ""))


def _stripe_command(plan: Plan) -> list[str]:
    words = ("--port", str(plan.port("stripe.main")), "--key", _stripe_key(plan))
    return _module("infra.local.stripe", *words, "--state", str(plan.path / "stripe.db"))


def _stripe_settings(plan: Plan) -> dict[str, str]:
    values = {
        "STRIPE_API_KEY": _stripe_key(plan),
        "STRIPE_API_BASE": plan.url("stripe.main"),
        "STRIPE_ACCOUNTS_API": "v2",
    }
    return values | webhooks.kept_secrets(plan)


def _register_webhooks(plan: Plan) -> None:
    """Tell the simulator where the pages are, if this stack serves them."""
    if "api" in plan.parts:
        webhooks.register(plan, _stripe_key(plan), plan.url("stripe.main"), _public_url(plan))


STRIPE = Part(
    name="stripe",
    title="Stripe simulator",
    ports=("main",),
    command=_stripe_command,
    provides=_stripe_settings,
    works=_answers("stripe.main"),
    after=_register_webhooks,
    replaced_by=("STRIPE_API_KEY",),
    address=_page("stripe.main"),
)

SOCIAL = Part(
    name="social",
    title="Social network",
    ports=("main",),
    command=lambda plan: _module(
        "infra.local.social",
        "--port",
        str(plan.port("social.main")),
        "--state",
        str(plan.path / "social.db"),
    ),
    provides=lambda plan: {
        "HANDSEL_POST_HOSTS": json.dumps(dict.fromkeys(PLATFORMS, plan.url("social.main")))
    },
    yields_to=("api",),
    works=_answers("social.main"),
    replaced_by=("HANDSEL_POST_HOSTS",),
    address=_page("social.main"),
)


def _carrier_command(plan: Plan) -> list[str]:
    words = ["--port", str(plan.port("carrier.main")), "--state", str(plan.path / "carrier.db")]
    words += ["--secret", _carrier_secret(plan)]
    words += ["--webhook-url", _public_url(plan) + "/webhooks/carrier"]
    return _module("infra.local.carrier", *words)


def _carrier_secret(plan: Plan) -> str:
    own = plan.environ.get("HANDSEL_CARRIER_WEBHOOK_SECRET")
    return own or plan.folder.secret("carrier", new_secret)


CARRIER = Part(
    name="carrier",
    title="Carrier",
    ports=("main",),
    command=_carrier_command,
    provides=lambda plan: {"HANDSEL_CARRIER_WEBHOOK_SECRET": _carrier_secret(plan)},
    yields_to=("api",),
    works=_answers("carrier.main"),
    address=_page("carrier.main"),
)


# Handsel's own processes


def _public_url(plan: Plan) -> str:
    """Where people reach the pages; also known to a stack that does not serve them."""
    own = plan.environ.get("HANDSEL_PUBLIC_URL")
    if own or "api.main" not in plan.ports:
        return (own or "http://127.0.0.1:8000").rstrip("/")
    return plan.url("api.main")


def _api_settings(plan: Plan) -> dict[str, str]:
    return {
        "HANDSEL_PUBLIC_URL": _public_url(plan),
        "HANDSEL_API_HOST": "127.0.0.1",
        "HANDSEL_API_PORT": str(plan.port("api.main")),
    }


MIGRATE = Part(
    name="migrate",
    title="Migrations",
    command=lambda _plan: _module("infra.cli", "migrate", "--wait", "60"),
    once=True,
    patience=120,
)

API = Part(
    name="api",
    title="Pages and API",
    ports=("main",),
    command=lambda _plan: _module("infra.cli", "serve"),
    needs=("temporal", "objects", "mail", "stripe"),
    counts_after=("migrate",),
    ends_first=True,
    provides=_api_settings,
    works=_answers("api.main", "/healthz"),
    patience=120,
    address=_page("api.main"),
)


def _worker(queue: str) -> Part:
    def poll(plan: Plan, process: Process) -> None:
        settings = plan.effective_settings()
        address = settings.get("TEMPORAL_ADDRESS", "")
        namespace = settings.get("TEMPORAL_NAMESPACE", NAMESPACE)
        if address and "temporal" in plan.parts:
            works.polls_queue(address, namespace, queue, process)

    return Part(
        name=f"worker-{queue}",
        title=f"Worker, {queue}",
        command=lambda _plan: _module("infra.cli", "worker", "--queue", queue),
        needs=("migrate", "temporal", "objects", "mail", "stripe"),
        yields_to=("api",),
        works=poll,
        grace=WORKER_GRACE,
    )


OWN_PROCESSES = ("migrate", "api", "worker-collaborations", "worker-payments")
"""Parts that run Handsel's own code and so get every setting."""

PARTS: tuple[Part, ...] = (
    POSTGRES,
    TEMPORAL,
    OBJECTS,
    MAIL,
    STRIPE,
    SOCIAL,
    CARRIER,
    MIGRATE,
    API,
    _worker("collaborations"),
    _worker("payments"),
)

BY_NAME = {part.name: part for part in PARTS}

OUTSIDE = ("postgres", "temporal", "objects", "mail", "stripe", "social", "carrier")
"""The outside world without Handsel itself: what tests start."""
