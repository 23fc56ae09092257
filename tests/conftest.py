"""How many examples hypothesis draws: a profile, and no test, decides.

`quick` is the default. `python -m pytest -m hypothesis --hypothesis-profile=thorough` takes many.
"""

from hypothesis import settings

# Times depend on what else the machine does: no deadline.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=10_000, deadline=None)
settings.load_profile("quick")
