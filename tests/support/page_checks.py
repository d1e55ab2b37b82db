"""What every page must be: labelled, headed, without repeated ids, and no wider than its screen."""

from __future__ import annotations

from playwright.sync_api import Page

PROBLEMS = r"""
() => {
  const found = [];
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push(`id "${id}" twice`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const one of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of one.getAttribute(attribute).trim().split(/\s+/)) {
        if (!document.getElementById(id)) found.push(`${attribute}="${id}" points at nothing`);
      }
    }
  }
  const named = (one) => one.labels?.length || one.getAttribute("aria-label") || one.getAttribute("aria-labelledby");
  for (const one of document.querySelectorAll("input:not([type=hidden]), textarea, select")) {
    if (!named(one)) found.push(`no label: ${one.outerHTML.slice(0, 120)}`);
  }
  for (const one of document.querySelectorAll("button, a[href]")) {
    if (one.checkVisibility() && !named(one) && one.textContent.trim() === "") found.push(`no name: ${one.outerHTML.slice(0, 120)}`);
  }
  for (const one of document.querySelectorAll("img:not([alt])")) found.push(`no alternative text: ${one.outerHTML.slice(0, 120)}`);
  const headings = [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility());
  if (headings.length !== 1) found.push(`${headings.length} headings of the first level`);
  if (!["zh-CN", "en"].includes(document.documentElement.lang)) found.push(`lang="${document.documentElement.lang}"`);
  if (!document.title.trim()) found.push("no title");
  const wide = document.documentElement.scrollWidth - innerWidth;
  const sticks = (one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1;
  const widest = [...document.querySelectorAll("body *")].filter(sticks).at(-1);
  if (wide > 1) found.push(`${wide} px wider than the screen: ${widest?.outerHTML.slice(0, 160)}`);
  return found;
}
"""

FOCUS = r"""
() => {
  const seen = (one) => {
    const style = getComputedStyle(one);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  for (let one = document.activeElement; one && one !== document.body; one = one.parentElement) {
    if (seen(one)) return true;
    if (one.matches("form, main, section")) return false;
  }
  return false;
}
"""


def assert_sound(page: Page) -> None:
    """Fails with everything that is wrong with the page."""
    problems = page.evaluate(PROBLEMS)
    assert not problems, f"{page.url}\n" + "\n".join(problems)


def assert_focus_shown(page: Page) -> None:
    """The focused element, or the label around it, has a ring."""
    where = page.evaluate("document.activeElement.outerHTML.slice(0, 160)")
    assert page.evaluate(FOCUS), f"{page.url}: the focus cannot be seen on {where}"
