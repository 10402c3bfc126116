"""What all tests share."""

from hypothesis import settings

# The clock of a busy machine is no property of a text: the first example alone may load a library.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
