// Going through the page by keys alone.

import assert from "node:assert/strict";

/// What has the focus, as a person with a screen reader or good eyes would tell it.
function focused() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const isShown = box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  const isMarked = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  return {
    tag: element.tagName.toLowerCase(),
    role: element.getAttribute("role"),
    text: (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent).trim(),
    html: element.outerHTML.slice(0, 200),
    isShown,
    isMarked,
  };
}

export const focus = (page) => page.evaluate(focused);

const MOST_STOPS = 150;

/// Presses Tab until what has the focus fits; every stop on the way must be seen and marked.
export async function tabTo(page, what, fits) {
  const seen = [];
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press("Tab");
    const now = await focus(page);
    seen.push(`${now.tag} ${JSON.stringify(now.text.slice(0, 60))}`);
    if (now.tag !== "body") {
      assert.ok(now.isShown, `the focus is out of sight: ${now.html}`);
      assert.ok(now.isMarked, `the focus is not marked: ${now.html}`);
    }
    if (fits(now)) {
      return now;
    }
  }
  throw new Error(`Tab does not come to ${what}; it came to\n${seen.join("\n")}`);
}
