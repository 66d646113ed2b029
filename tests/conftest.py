"""How deep the random tests dig: ``pytest --hypothesis-profile deep`` digs twenty times deeper than the default."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Time limits for one example say more about a busy machine than about the code.
settings.register_profile("quick", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("quick"), max_examples=2000)
settings.load_profile("quick")
