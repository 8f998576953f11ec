"""The protected application over the small published run."""

from __future__ import annotations

import pytest

from dashboard.app import create_app
from dashboard.security import protect
from dashboard.state import ReadModels
from finpat.config import DashboardSettings
from tests.readmodel.published import publish_sample


@pytest.fixture(scope="module")
def guest_app(tmp_path_factory):
    """What `finpat demo --serve` serves."""
    folder = tmp_path_factory.mktemp("guest")
    publish_sample(folder)
    return protect(create_app(ReadModels(folder / "readmodel")), DashboardSettings(), None)
