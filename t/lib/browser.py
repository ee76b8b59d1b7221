# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium for tests of pages, and the check of a page by axe-core.

A Browser has windows of their own sessions (as of different users); a Window
finds elements as a user does, by their labels and texts, and all its waits have
a deadline."""

import base64
import hashlib
import shutil
import subprocess
import tarfile

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.common.exceptions import (NoSuchElementException,
                                        StaleElementReferenceException)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import Select

from stack import BUILD, wait_until

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu",
           "--disable-dev-shm-usage", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update",
           "--no-first-run", "--lang=en-US")

AXE = "axe-core@4.14.1"
AXE_SHA512 = ("FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFN"
              "NtuFooJpZe37OgudVGtQ==")


class Browser:
    """One Chromium; folder: where it stores its profile."""

    def __init__(self, folder):
        options = Options()
        options.binary_location = CHROMIUM
        for option in (*OPTIONS, f"--user-data-dir={folder}/profile"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.folder = folder
        self.driver = webdriver.Chrome(service=Service(DRIVER),
                                       options=options)
        self.first = self.driver.current_window_handle
        self.front = None

    def close(self):
        self.driver.quit()

    def window(self, url, width=1400, height=900):
        """A new window, without the session of another one; as a tab, which
        takes a tenth of the time."""
        self.driver.switch_to.new_window("tab")
        return Window(self, self.driver.current_window_handle, url, width,
                      height)

    def messages(self):
        """What the console has since the last call, such as violations of the
        content security policy; not the statuses of answers."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if "Failed to load resource" not in entry["message"]]


class Window:
    def __init__(self, browser, handle, url, width, height):
        self.browser, self.handle = browser, handle
        self.driver.get(url)
        self.resize(width, height)

    @property
    def driver(self):
        """The driver, with this window in front: hidden ones draw nothing."""
        driver = self.browser.driver
        if self.browser.front != self.handle:
            driver.switch_to.window(self.handle)
            driver.execute_cdp_cmd("Page.bringToFront", {})
            self.browser.front = self.handle
        return driver

    def open(self, path):
        """Another view of the page: an address after "#/"."""
        if self.script("return location.hash === '#/' + arguments[0]", path):
            return
        self.script("document.querySelector('main > *').dataset.former = 1;"
                    "location.hash = '#/' + arguments[0]", path)
        self.wait(lambda: self.script(
            "const m = document.querySelector('main');"
            "return m.firstElementChild && !m.hasAttribute('aria-busy') &&"
            " !m.firstElementChild.dataset.former"), f"{path!r} is shown")

    def close(self):
        """Also with changes that are not saved."""
        self.script("onbeforeunload = null;"
                    "addEventListener('beforeunload', (e) =>"
                    " e.stopImmediatePropagation(), true)")
        self.driver.close()
        self.browser.driver.switch_to.window(self.browser.first)
        self.browser.front = None

    def resize(self, width, height=900, dark=False):
        self.dark = dark
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"}]})

    def offline(self, *patterns):
        """Requests of addresses like these fail; none: no more."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.setBlockedURLs",
                                    {"urls": patterns})

    def slow(self, latency):
        """Answers take that many milliseconds longer."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": False, "latency": latency, "downloadThroughput": -1,
            "uploadThroughput": -1})

    def script(self, text, *args):
        return self.driver.execute_script(text, *args)

    def wait(self, condition, what):
        """The first true value; an element that is replaced meanwhile is one
        that is not there yet."""
        def safe():
            try:
                return condition()
            except (NoSuchElementException, StaleElementReferenceException):
                return None
        return wait_until(safe, what, poll=0.1)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """The first visible element."""
        return self.wait(lambda: self.script(
            "return [...document.querySelectorAll(arguments[0])].find("
            "(e) => e.checkVisibility())", css), css)

    def text(self, text, css="main"):
        """Waits until an element has a text."""
        return self.wait(lambda: text in self.driver.find_element(
            By.CSS_SELECTOR, css).text, f"{text!r} is shown in {css}")

    def status(self, text):
        """Waits for a message, and removes it, so that it is not found again."""
        self.text(text, "#status")
        self.script("document.querySelector('#status').textContent = ''")

    def told(self, text):
        """Waits for the message of a form, which then has the focus."""
        self.text(text, ".state")
        assert self.focused() == (self.one(".state"), True)

    def by_label(self, label):
        """The control with that label, as assistive technology finds it."""
        return self.wait(lambda: self.script(
            "return [...document.querySelectorAll('label')].filter("
            "(l) => l.innerText.replace('(required)', '').trim() ==="
            " arguments[0] && l.offsetParent)[0]?.control ||"
            "[...document.querySelectorAll('select')].find("
            "(s) => s.ariaLabel === arguments[0])", label),
            f"a control with the label {label!r}")

    def named(self, name, kind="button, a, summary"):
        """The last visible button or link with that name: of two the one in a
        dialog, which is at the end. kind: a selector."""
        return self.wait(lambda: self.script(
            "return [...document.querySelectorAll(arguments[0])].filter((e) =>"
            " e.checkVisibility() && [e.innerText, e.ariaLabel].includes("
            "arguments[1])).at(-1)", kind, name), f"a button or link {name!r}")

    def press(self, name, where=None):
        """Uses a button or link by the keyboard alone; where: a button within."""
        element = self.named(name, *([where + " button"] if where else []))
        self.script("arguments[0].focus()", element)
        assert element == self.driver.switch_to.active_element, name
        element.send_keys(Keys.ENTER)

    def keys(self, *keys):
        """Types where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def write(self, label, text):
        control = self.by_label(label)
        control.send_keys(Keys.CONTROL + "a")
        control.send_keys(text or Keys.BACKSPACE)

    def choose(self, label, value):
        Select(self.by_label(label)).select_by_value(value)

    def focused(self):
        """The element with the focus, and whether its outline is visible."""
        element = self.driver.switch_to.active_element
        return element, self.script(
            "const s = getComputedStyle(arguments[0]);"
            "return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth)"
            " >= 2", element)

    def type(self, *keys, held=None):
        """Events of keys, wherever the focus is; held: a key that is down."""
        chain = ActionChains(self.driver, duration=0)
        if held:
            chain.key_down(held).send_keys(*keys).key_up(held).perform()
        else:
            chain.send_keys(*keys).perform()

    def at(self):
        """The name of the element with the focus; "": none has it."""
        return self.script(
            "const e = document.activeElement;"
            "return e === document.body ? '' : e.ariaLabel ||"
            " (e.labels?.[0] || e).innerText.trim()")

    def tab(self, back=False):
        """Goes to the next stop, and returns its name. It has a visible focus,
        and nothing covers it."""
        self.type(Keys.TAB, held=Keys.SHIFT if back else None)
        name, fault = self.script(
            "const e = document.activeElement;"
            "if (e === document.body) return ['', null];"
            "const s = getComputedStyle(e), r = e.getBoundingClientRect();"
            "const over = document.elementFromPoint("
            "r.x + Math.min(r.width, innerWidth) / 2,"
            " r.y + Math.min(r.height, 60) / 2);"
            "return [e.ariaLabel || (e.labels?.[0] || e).innerText.trim(),"
            " s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2 ?"
            " 'no visible focus' : e.contains(over) ? null :"
            " 'covered by ' + over?.outerHTML.slice(0, 99)]")
        assert not fault, f"{name}: {fault}"
        return name

    def tab_to(self, name, back=False):
        """Goes on until the stop with that name."""
        stops = []
        while not stops or stops[-1] != name:
            stops.append(self.tab(back))
            assert len(stops) < 150, (name, stops)

    def is_too_wide(self):
        """What is wider than the window, which would scroll sideways."""
        return self.script(
            "const w = document.documentElement.clientWidth;"
            "return document.documentElement.scrollWidth <= w ? [] :"
            " [...document.body.querySelectorAll('*')].filter("
            "(e) => e.getBoundingClientRect().right > w + 1).map("
            "(e) => e.outerHTML.slice(0, 99))")

    def screenshot(self, name):
        """The whole page in a window of its height, as
        BUILD/screenshots/name.png."""
        width, height, bottom = self.script(
            "const e = document.documentElement;"
            "return [innerWidth, innerHeight, e.scrollHeight]")
        self.resize(width, max(height, bottom), self.dark)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png"})
        self.resize(width, height, self.dark)
        path = BUILD / f"screenshots/{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def axe(self, source):
        """The findings of axe-core: rule, and the elements. The script of a
        driver is not subject to the policy of the page."""
        self.script(source + "; window.axe = axe;")
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run().then((r) => done(r.violations), (e) => done("
            "[{id: String(e), nodes: []}]))")
        return [(v["id"], [n["html"][:200] for n in v["nodes"]])
                for v in found]


def axe_source():
    """The script axe-core, of the package registry; a reason, as the second
    value, if it cannot be had."""
    folder = BUILD / "axe-core"
    path = folder / "package/axe.min.js"
    if path.exists():
        return path.read_text(), None
    if not shutil.which("npm"):
        return None, "npm is not installed"
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", AXE, "--silent", "--pack-destination", str(folder)],
        capture_output=True, text=True, cwd=folder, timeout=60)
    if done.returncode != 0:
        return None, f"npm cannot fetch {AXE}"
    packed = folder / done.stdout.split()[-1]
    digest = hashlib.sha512(packed.read_bytes()).digest()
    assert base64.b64encode(digest).decode() == AXE_SHA512
    with tarfile.open(packed) as archive:
        text = archive.extractfile("package/axe.min.js").read()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    return text.decode(), None
