"""How one knows that a part of the local stack does its work.

Each function asks the part for something it exists for, and raises `NotReady` or an `OSError`
until it gets it. Heavy libraries are imported when they are first needed: `handsel up` should show
its first line at once.
"""

import asyncio
import http.client
import smtplib
from urllib.parse import urlsplit

from infra.local.part import NotReady
from infra.local.processes import Process

PATIENCE = 2.0
"""Seconds one question may take."""


def answers_http(url: str) -> None:
    """Raise unless `url` answers without a server error. A refusal is an answer too."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise NotReady(f"{url} does not speak HTTP") from error
    finally:
        connection.close()
    if status >= 500:
        raise NotReady(f"{url} answers {status}")


def answers_smtp(port: int) -> None:
    """Raise unless an SMTP server on loopback greets and obeys."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as connection:
            connection.noop()
    except smtplib.SMTPException as error:
        raise NotReady("the mail server does not answer") from error


def answers_sql(url: str) -> None:
    """Raise unless PostgreSQL at `url` answers a query."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=int(PATIENCE)) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        raise NotReady(str(error).strip().splitlines()[0]) from error


def answers_temporal(address: str, namespace: str) -> None:
    """Raise unless Temporal at `address` knows `namespace`."""
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError

    async def ask() -> None:
        client = await Client.connect(address)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))

    try:
        asyncio.run(asyncio.wait_for(ask(), PATIENCE))
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise NotReady(f"Temporal does not serve the namespace {namespace} yet") from error


def polls_queue(address: str, namespace: str, queue: str, worker: Process) -> None:
    """Raise unless a worker that started with `worker` or later asks `queue` for tasks."""
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
    from temporalio.client import Client
    from temporalio.service import RPCError

    async def latest() -> float:
        client = await Client.connect(address)
        times = [0.0]
        for kind in (
            TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        ):
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
                )
            )
            times += [poller.last_access_time.seconds for poller in answer.pollers]
        return max(times)

    try:
        seen = asyncio.run(asyncio.wait_for(latest(), PATIENCE))
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise NotReady("Temporal does not answer") from error
    if seen < int(worker.started):
        raise NotReady(f"nobody works on the queue {queue} yet")
