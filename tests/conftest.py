"""Settings for the whole suite: Hypothesis profiles, and a fixed seed for the package."""

import os

import pytest
from hypothesis import HealthCheck, settings

import tinygrad_nn as tg

pytest_plugins = ["pytester"]

settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def _seed() -> None:
    tg.manual_seed(0)
