"""The browser of the tests sees what must not happen, so that silence means something."""

from __future__ import annotations

import pytest
from dash import Dash, html

from dashboard.app import create_app
from dashboard.state import ReadModels
from tests.dashboard.conftest import Watch, served
from tests.readmodel.published import publish_sample


@pytest.fixture
def app(tmp_path):
    publish_sample(tmp_path)
    return create_app(ReadModels(tmp_path / "readmodel"))


def test_the_overview_is_drawn_without_a_fault(app, serve, visit):
    page = visit(serve(app))
    page.get_by_role("heading", name="Overview").wait_for()
    assert page.title() == "Overview – finpat"


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("fetch('http://example.invalid/')", "outside request: http://example.invalid/"),
        ("setTimeout(() => { throw new Error('broken') })", "script error: broken"),
        ("alert('hello')", "dialog: hello"),
        ("console.error('told')", "console: told"),
    ],
)
def test_the_watch_sees(chromium, script, fault):
    watch = Watch()
    app = Dash("empty", assets_folder="none")
    app.layout = html.Div("empty")
    with served(app) as base, chromium.new_context() as context:
        watch.follow(context, base)
        page = context.new_page()
        page.goto(base)
        page.evaluate(f"() => {{ {script} }}")
        page.wait_for_timeout(300)
    assert any(fault in told for told in watch.faults), watch.faults
