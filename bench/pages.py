"""What each page weighs, how steady it is, and how long the book step takes: ``python bench/pages.py``.

Builds the book step once more (the notebooks stay as they are), then opens every page in Chromium on a local
server. Prints one table; the limits are 250 KiB for a text page, 400 KiB with figures, 0.1 layout shift, 5 s.
"""

import functools
import os
import shutil
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import sync_playwright

from ptmreuse import parameters, paths
from ptmreuse.book import site, steps

OBSERVE = """window.shift = 0; new PerformanceObserver(list => { for (const e of list.getEntries())
    if (!e.hadRecentInput) window.shift += e.value }).observe({type: 'layout-shift', buffered: true})"""


def book_step():
    """Seconds of the book step, beyond the notebooks."""
    values = dict(parameters.DEFAULTS)
    steps.run("book", values, say=lambda line: None)
    (paths.STATE / "book.json").unlink()
    start = time.monotonic()
    steps.run("book", values, say=lambda line: None)
    return time.monotonic() - start


def main():
    """Print the table."""
    seconds = book_step()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=str(paths.HTML))
    )
    server.RequestHandlerClass.func.log_message = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    print("| page | KiB gzipped | requests | shift 1400 px | shift 390 px |\n|---|---|---|---|---|")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in sorted(paths.HTML.glob("*.html")):
            shifts, asked = [], []
            for width in (1400, 390):
                context = browser.new_context(viewport={"width": width, "height": 900})
                page = context.new_page()
                asked.clear()
                page.on("request", lambda request: asked.append(request.url))  # noqa: B023 - emptied, not replaced
                page.add_init_script(OBSERVE)
                page.goto(f"http://127.0.0.1:{server.server_port}/{path.name}", wait_until="networkidle")
                shifts.append(page.evaluate("window.shift"))
                context.close()
            kib = sum(site.weight(path).values()) / 1024
            print(f"| {path.name} | {kib:.0f} | {len(asked)} | {shifts[0]:.3f} | {shifts[1]:.3f} |")
        browser.close()
    files = [p for p in paths.HTML.rglob("*") if p.is_file()]
    print(f"\n{len(files)} files, {sum(p.stat().st_size for p in files) / 2**20:.1f} MiB in all.")
    print(f"Book step: {seconds:.1f} s.")


if __name__ == "__main__":
    main()
