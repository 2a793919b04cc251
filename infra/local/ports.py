"""Loopback ports of the local stack: chosen free once, then remembered.

They lie below the range from which systems take the ports of outgoing connections. Otherwise,
while a part is down, a client that tries its port again and again can be given that very port as
its own, connect to itself, and keep the part from coming back.
"""

import random
import socket

LOWEST, HIGHEST = 20_000, 29_999
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(taken: set[int]) -> int:
    """A free port outside `taken`. Raises `OSError` when a thousand tries find none."""
    for _ in range(1000):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - a port is no secret
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")
