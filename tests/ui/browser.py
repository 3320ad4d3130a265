"""A headless browser, and the forms of the Prefect UI."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

_OFFLINE = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
_TAKES_IN_MS = 3_000
_MOST_PRESSES = 10


def chromium() -> str | None:
    """Return where Chromium is, if it is on this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def opened_page() -> Iterator[Page]:
    """Yield an empty page of a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_OFFLINE)
        page = browser.new_page(viewport={"width": 1280, "height": 2400})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield page
        finally:
            browser.close()


class Form:
    """The form of a deployment's run."""

    def __init__(self, page: Page, address: str, deployment_id: str) -> None:
        self._page = page
        page.goto(f"{address}/deployments/deployment/{deployment_id}/run")
        page.get_by_text("Parameters", exact=True).wait_for()

    def field(self, label: str) -> Locator:
        """Return the part of the form with this label, the word for optional ones left out."""
        heads = [f'> .p-label__header .schema-form-property__label:text-is("{label}{end}")' for end in _ENDS]
        return self._page.locator(", ".join(f".schema-form-property:has({head})" for head in heads)).first

    def labels(self) -> list[str]:
        """Return the labels in the order in which they are read."""
        return [
            text.removesuffix(_ENDS[1])
            for text in self._page.locator(".schema-form-property__label").all_inner_texts()
        ]

    def fill(self, label: str, text: str) -> None:
        """Write into a field."""
        self.field(label).locator("textarea, input").first.fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose one of a field's options."""
        self.field(label).locator(".p-select-button__control").focus()
        self._page.keyboard.press("ArrowDown")
        self._page.get_by_role("option", name=option).click()

    def add(self, label: str, text: str) -> None:
        """Add an item to a field's list."""
        field = self.field(label)
        items = field.locator("textarea, input")
        before = items.count()
        field.get_by_role("button", name="Add item").click()
        expect(items).to_have_count(before + 1)
        items.last.fill(text)

    def submit(self) -> None:
        """Send the form off, once it has taken in what was written last, until the server has taken it.

        A Prefect server whose database is busy for long answers that it is unavailable, and has done nothing.
        """
        self._page.keyboard.press("Tab")
        for _ in range(_MOST_PRESSES):
            self._page.wait_for_timeout(_TAKES_IN_MS)
            with self._page.expect_response(
                lambda answer: answer.url.endswith("/create_flow_run")
            ) as answered:
                self._page.get_by_role("button", name="Submit").click()
            if answered.value.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
        assert answered.value.ok, answered.value.text()

    def picture(self, file: Path) -> None:
        """Take a picture of the page."""
        self._page.screenshot(path=file)


_ENDS = ("", " (Optional)")
