"""Dagster's own pages over a company that was really evaluated, as a data engineer opens them in a browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import dagster as dg
import pytest
from databases import a_database
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from runs import customer, evaluate, order, write_small_company

from pipeline.warehouse.embedded import EmbeddedServer

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 120
PATIENCE = 20_000
"""Milliseconds a page may take to show something on a busy machine."""
GROUPS = ("sources", "plan", "ods", "dwd", "dws", "dq", "ads", "published")
ORDERS = 40


@pytest.fixture(scope="module")
def browser() -> str:
    """The program; without it there is nothing to look with."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or _cannot_look()


def _cannot_look() -> NoReturn:
    reason = f"none of {', '.join(BROWSERS)} is installed; install one to test the pages"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def address(browser: str, cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the webserver shows a day of a company of which one order has no amount."""
    folder = tmp_path_factory.mktemp("ui")
    orders = [order(number) for number in range(1, ORDERS)] + [order(ORDERS, amount="")]
    customers = [customer(number) for number in range(1, ORDERS + 1)]
    root = write_small_company(folder / "company", {"customers": customers, "orders": orders})
    home = folder / "home"
    home.mkdir()
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(home)) as instance, webserver(root, home) as (url, program):
        # the server needs as long to start as the day to be evaluated
        with a_database(cluster) as database:
            outcome = evaluate(root, database, instance=instance)
        assert outcome.success, outcome.message
        wait_until_open(url, program)
        yield url


@contextmanager
def webserver(root: Path, home: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """`dagster-webserver -w workspace.yaml` starting on a free port of this machine, until it is no longer needed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TUOKE_", "DAGSTER_"))}
    environment = kept | {"TUOKE_PROJECT": str(root), "DAGSTER_HOME": str(home)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL) as program:
        try:
            yield f"http://127.0.0.1:{port}", program
        finally:
            program.terminate()


def wait_until_open(url: str, program: subprocess.Popen) -> None:
    """Until the page is there, or it is plain that it never will be."""
    deadline = time.monotonic() + START_SECONDS
    while program.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=START_SECONDS).close()
            return
        except urllib.error.URLError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not open within {START_SECONDS} s; the server ended with {program.poll()}")


@pytest.fixture(scope="module")
def context(browser: str, address: str) -> Iterator[BrowserContext]:
    """A browser that waits for what a test expects to see."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium.new_context(base_url=address, viewport={"width": 1600, "height": 1000})
        chromium.close()
    expect.set_options(timeout=None)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page."""
    opened = context.new_page()
    yield opened
    opened.close()


def test_the_graph_shows_every_group_and_asks_nobody_but_the_server(page: Page, address: str):
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto("/asset-groups")
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()


def test_the_lineage_of_a_published_table_begins_at_the_systems_it_comes_from(page: Page):
    page.goto("/assets/published/dws/customer_segments?view=lineage&lineageScope=upstream&lineageDepth=10")
    for asset in ("erp", "plan", "orders", "customer_links", "customer_rfm"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()


def test_a_passed_check_is_shown_with_its_counts(page: Page):
    page.goto("/assets/dwd/orders?view=checks&checkDetail=amount_required")
    expect(page.get_by_text("Passed", exact=True)).to_be_visible()
    for name, value in (("rows_total", ORDERS), ("unexpected_rows", 1)):
        expect(page.get_by_role("row").filter(has_text=f"{name}{value}")).to_be_visible()


def test_a_table_says_what_it_is_whose_it_is_and_what_is_in_it(page: Page):
    page.goto("/assets/dwd/orders")
    for words in (
        "Sales and refunds as finance booked them.",
        "finance-data-owner",
        "Great Expectations",
        "Amount of the order; of a refund, what was given back, with either sign.",
        "numeric(18,2)",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_text(str(ORDERS - 1), exact=True).first).to_be_visible()


def test_the_schedule_keeps_the_time_of_the_plans_zone_and_is_off(page: Page):
    page.goto("/locations/tuoke/schedules/daily_evaluation_schedule")
    expect(page.get_by_role("row").filter(has_text="30 6 * * *")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Asia/Shanghai")).to_be_visible()
    expect(page.get_by_role("row", name="Running").get_by_role("checkbox")).not_to_be_checked()
