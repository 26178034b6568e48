#!/usr/bin/env python3
"""Opens a page of `gemmetry report` in headless Chromium and does what a reader does.

    tools/check_page.py report.html [--screenshots FOLDER]

At 1280 and at 390 pixels wide: no console error, ready in time, nothing wider than the window, every chart drawn once
it was scrolled to, a line switched off, a tooltip read with the pointer, a point with the keyboard, a missing point,
a table sorted, a CSV downloaded, dark and light. Prints a line for each; exits 1 where one fails, and 77 (skipped)
where there is no Chromium. The standard library is enough: the browser is driven over a pair of pipes.
"""
import argparse
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
READY_S = 2.0
WIDTHS = ((1280, 800), (390, 844))
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """Chromium's DevTools protocol over the pipes 3 and 4: JSON messages that end in a zero byte."""

    def __init__(self, program, profile):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        # The shell gives the pipes the numbers that Chromium expects.
        command = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(["bash", "-c", command, "bash", program, *arguments],
                                        pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.numbers = itertools.count(1)
        self.buffer = b""
        self.session = None
        self.events = []

    def message(self, timeout_s):
        end = time.monotonic() + timeout_s
        while b"\0" not in self.buffer:
            if not select.select([self.read_end], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            part = os.read(self.read_end, 1 << 20)
            if not part:
                raise RuntimeError("the browser closed its pipe")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, timeout_s=60, **parameters):
        number = next(self.numbers)
        request = {"id": number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write_end, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message(timeout_s)
            if answer is None:
                raise RuntimeError(f"{method} was not answered in {timeout_s} s")
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def open_page(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, timeout_s=20.0):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            value = self.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        return None

    def errors(self):
        """What the console complained of since the browser started."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            if event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
                found.append(" ".join(str(a.get("value", a.get("description"))) for a in parameters["args"]))
            if event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(parameters["entry"]["text"])
        return found

    def close(self):
        try:
            self.session = None
            self.call("Browser.close", timeout_s=10)
        except (RuntimeError, OSError):
            self.process.kill()
        self.process.wait(timeout=20)


class Reader:
    """What a reader does at one width; each step says what it found, or fails."""

    def __init__(self, browser, page, width, height, folder, downloads):
        self.browser, self.page, self.width, self.height = browser, page, width, height
        self.folder, self.downloads = folder, downloads
        self.failures = 0

    def say(self, is_good, text):
        self.failures += not is_good
        print(f"{self.width:5} px  {'ok  ' if is_good else 'FAIL'}  {text}", flush=True)

    def screenshot(self, name):
        if self.folder:
            data = self.browser.call("Page.captureScreenshot", format="png")["data"]
            Path(self.folder, f"{self.width}_{name}.png").write_bytes(base64.b64decode(data))

    def pointer(self, kind, x, y, **more):
        self.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def open(self):
        self.browser.call("Emulation.setDeviceMetricsOverride", width=self.width, height=self.height,
                          deviceScaleFactor=1, mobile=self.width < 600)
        self.pointer("mouseMoved", 0, 0)
        start = time.monotonic()
        self.browser.call("Page.navigate", url=self.page.resolve().as_uri())
        ready = self.browser.wait_for("document.documentElement?.dataset.ready === '1'")
        took = time.monotonic() - start
        self.say(bool(ready) and took < READY_S, f"interactive after {took:.2f} s (at most {READY_S:g})")
        self.screenshot("top")

    def is_narrow_enough(self):
        wide = self.browser.evaluate("document.documentElement.scrollWidth")
        self.say(wide <= self.width, f"content is {wide} px wide")

    def draw_all(self):
        count = self.browser.evaluate("document.querySelectorAll('figure.chart').length")
        drawn, start = 0, time.monotonic()
        for i in range(count):
            self.browser.evaluate(f"document.querySelectorAll('figure.chart')[{i}].scrollIntoView({{block: 'center'}})")
            drawn += bool(self.browser.wait_for(
                f"(f => f.dataset.drawn && f.querySelector('canvas')?.height > 100)"
                f"(document.querySelectorAll('figure.chart')[{i}])"))
            if i < 5:
                time.sleep(0.2)
                self.screenshot(f"chart_{i}")
        self.say(drawn == count and count > 0, f"{drawn} of {count} charts drawn in {time.monotonic() - start:.1f} s")

    def first_chart(self):
        self.browser.evaluate("document.querySelector('figure.chart').scrollIntoView({block: 'center'})")
        time.sleep(0.3)

    def ink(self):
        """How many pixels of the first chart are not background."""
        return self.browser.evaluate("""(() => { const c = document.querySelector('figure.chart canvas');
            const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', {willReadFrequently: true});
            copy.drawImage(c, 0, 0);
            const d = copy.getImageData(0, 0, c.width, c.height).data; let n = 0;
            for (let i = 0; i < d.length; i += 4) n += d[i] !== d[0] || d[i+1] !== d[1] || d[i+2] !== d[2];
            return n; })()""")

    def toggle(self):
        before = self.ink()
        self.browser.evaluate("document.querySelector('figure.chart .legend button').click()")
        off = self.browser.wait_for("document.querySelector('figure.chart .legend button[aria-pressed=false]') !== null")
        time.sleep(0.3)
        after = self.ink()
        self.screenshot("line_off")
        self.browser.evaluate("document.querySelector('figure.chart .legend button').click()")
        time.sleep(0.3)
        again = self.ink()
        self.say(bool(off) and abs(again - before) < abs(after - before) / 2,
                 f"a line switched off and on: {before} pixels drawn, {after} without it")

    def read_tooltip(self):
        box = self.browser.evaluate("(r => [r.left, r.top, r.width, r.height])"
                                    "(document.querySelector('figure.chart canvas').getBoundingClientRect())")
        text = None
        for row, column in itertools.product(range(3, 18), range(2, 20)):
            self.pointer("mouseMoved", box[0] + box[2] * column / 20, box[1] + box[3] * row / 20)
            text = self.browser.evaluate("(t => t?.classList.contains('visible') && t.innerText)"
                                         "(document.querySelector('#vg-tooltip-element'))")
            if text:
                break
        self.screenshot("tooltip")
        self.say(bool(text), "tooltip: " + " ".join((text or "none").split()))

    def read_by_keyboard(self):
        self.browser.evaluate("document.querySelector('figure.chart .canvas').focus()")
        missing = self.browser.evaluate("""JSON.parse(document.getElementById('chart-' +
            document.querySelector('figure.chart').dataset.chart).textContent).data.lines[0].y.indexOf(null)""")
        readings = []
        for key in ["Home"] + max(missing, 3) * ["ArrowRight"]:
            self.press(key)
            readings.append(self.browser.evaluate("document.querySelector('figure.chart .readout').textContent"))
        self.say(len(set(readings)) == len(readings), f"by keyboard: {readings[1]}")
        if missing >= 3:
            self.say("missing: " in readings[-1], f"a missing point: {readings[-1]}")

    def zoom(self):
        before = self.ink()
        self.browser.evaluate("document.querySelector('figure.chart .tools button').click()")
        time.sleep(0.3)
        near = self.ink()
        self.screenshot("zoomed")
        self.browser.evaluate("document.querySelectorAll('figure.chart .tools button')[2].click()")
        time.sleep(0.6)
        self.say(near != before, f"zoomed: {before} pixels drawn, {near} when near")

    def scroll_over_chart(self):
        box = self.browser.evaluate("(r => [r.left + r.width / 2, r.top + r.height / 2])"
                                    "(document.querySelector('figure.chart canvas').getBoundingClientRect())")
        before = self.browser.evaluate("scrollY")
        self.pointer("mouseWheel", *box, deltaX=0, deltaY=200)
        moved = self.browser.wait_for(f"scrollY - {before}", 3)
        self.say(bool(moved), f"the wheel over a chart scrolls the page by {moved} px")

    def sort_table(self):
        text = self.browser.evaluate("""(async () => { const d = document.querySelector('details.data'); d.open = true;
            await new Promise(r => setTimeout(r, 300));
            const column = [...d.querySelectorAll('th button')].findIndex(b => b.closest('th').className === 'number');
            const first = () => d.querySelectorAll('tbody tr')[0].children[column].textContent;
            const b = d.querySelectorAll('th button')[column];
            b.click(); const up = first(); b.click(); const down = first();
            d.scrollIntoView(); return [b.textContent, up, down]; })()""")
        time.sleep(0.2)
        self.screenshot("table")
        self.say(text[1] != text[2], f"table sorted by {text[0]}: first {text[1]}, then {text[2]}")

    def downloaded(self, button, ending):
        """The text of the file that the button saves."""
        self.browser.evaluate(f"document.querySelector({json.dumps(button)}).click()")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for file in Path(self.downloads).glob("*" + ending):
                if text := file.read_text(encoding="utf-8"):
                    file.unlink()
                    return text
            time.sleep(0.1)
        return ""

    def download(self):
        lines = self.downloaded("button.csv", ".csv").splitlines()
        self.say(len(lines) > 1, f"CSV of {len(lines)} lines: {lines[0] if lines else ''}")
        picture = self.downloaded("figure.chart .tools button:last-child", ".svg")
        if self.folder:
            Path(self.folder, f"{self.width}_saved.svg").write_text(picture, encoding="utf-8")
        self.say(picture.startswith("<svg"), f"SVG of {len(picture)} characters")

    def change_theme(self):
        before = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
        self.browser.evaluate("document.getElementById('theme').click()")
        self.browser.wait_for("document.querySelector('figure.chart').dataset.drawn === 'dark'", 5)
        after = self.browser.evaluate("getComputedStyle(document.body).backgroundColor")
        self.first_chart()
        self.screenshot("dark")
        self.browser.evaluate("document.getElementById('theme').click()")
        self.say(before != after, f"theme: {before}, then {after}")

    def read(self):
        self.open()
        self.is_narrow_enough()
        self.draw_all()
        self.first_chart()
        self.read_by_keyboard()
        self.toggle()
        self.read_tooltip()
        self.zoom()
        self.scroll_over_chart()
        self.sort_table()
        self.download()
        self.change_theme()
        return self.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--screenshots", type=Path, help="a folder for pictures of what was seen")
    options = parser.parse_args()
    if not options.page.exists():
        print(f"skipped: no page at '{options.page}'")
        return SKIPPED
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        print(f"skipped: none of {', '.join(BROWSERS)} is installed")
        return SKIPPED
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory() as folder:
        downloads = Path(folder, "downloads")
        browser = Browser(program, Path(folder, "profile"))
        try:
            browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            browser.open_page()
            failures = sum(
                Reader(browser, options.page, width, height, options.screenshots, downloads).read()
                for width, height in WIDTHS)
            errors = browser.errors()
        finally:
            browser.close()
    size = options.page.stat().st_size
    print(f"          {'ok  ' if size < 8e6 else 'FAIL'}  {size / 1e6:.2f} MB (at most 8)")
    print(f"          {'FAIL' if errors else 'ok  '}  {len(errors)} console errors" + "".join(f"\n    {e}" for e in errors[:10]))
    return 1 if failures or errors or size >= 8e6 else 0


if __name__ == "__main__":
    sys.exit(main())
