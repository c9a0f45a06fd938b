"""Hypothesis profiles: `dev` looks for new examples, `ci` repeats the same ones, `thorough` looks longer."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Durations say more about the machine than about the laws, so neither deadlines nor slow data fail a test.
settings.register_profile("dev", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
