"""All stories in one file, since the tests of a file run in one process: one stack, one run, one look back.

The stories stand beside this file by subject; what they leave behind is looked at by `traces`.
"""

# ruff: noqa: F403 - whatever a module of stories tells is a test here

from tests.lifecycle.answers import *
from tests.lifecycle.content import *
from tests.lifecycle.happy_lives import *
from tests.lifecycle.parcels import *
from tests.lifecycle.payment import *
from tests.lifecycle.posts import *
from tests.lifecycle.races import *
from tests.lifecycle.traces import *
from tests.lifecycle.without_trace import *  # the last: it changes what the others look at
