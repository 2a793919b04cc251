"""The demo: a whole campaign in about two minutes, on the local stack, with a world that lives.

It uses the product as its users do: the shell's functions for a brand and its key, the API for everything the
brand does, the pages and mails for everything the creators do. No code of the product knows that it exists.
"""

from typing import Final

LONGEST: Final = 140.0
"""Seconds after the launch at which the demo ends, whatever is still open."""
