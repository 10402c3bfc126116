"""What all tests share."""

import os

from dry_debug.project.installed import ACTIVATED
from hypothesis import settings

# What somebody has activated in the terminal that starts the tests is not what their programs use.
for _name in ACTIVATED:
    os.environ.pop(_name, None)

# The clock of a busy machine is no property of a text: the first example alone may load a library.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
