"""Fixtures: a simulator for the run, one that a test may kill, an account that can be paid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from tests.stripe.simulator import RECIPIENT, Receiver, Simulator, free_port


@pytest.fixture(scope="session")
def one_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("stripe") / "state.db", free_port())
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def sim(one_simulator: Simulator) -> Simulator:
    """The simulator of this run, emptied."""
    one_simulator.control("reset")
    return one_simulator


@pytest.fixture
def own_sim(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator that a test may kill."""
    simulator = Simulator(tmp_path / "state.db", free_port())
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def client(sim: Simulator) -> stripe.StripeClient:
    return sim.client()


@pytest.fixture
def payee(sim: Simulator, client: stripe.StripeClient) -> str:
    """An account of v2 that may receive transfers."""
    account = client.v2.core.accounts.create(RECIPIENT)
    sim.control(f"accounts/{account.id}/onboard", outcome="active")
    return account.id


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()
