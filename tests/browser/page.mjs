// What every page must be: free of what axe finds in light and dark, no wider than the screen, and seen by us.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// What can change with the colours alone.
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

// Pixels of a page that the camera takes: the reference of the API has forty screens.
const TALLEST = 3_000;

export class Looker {
  #seen = new Set();

  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  // What is wrong with the page that is open; axe and the camera look once per language, width and name, and at the colours of
  // the dark once per width and name: a language has none.
  async look(page, variant, name) {
    const { language, width, script } = variant;
    const problems = [];
    const [tooWide, lang] = await page.evaluate(() => {
      const { scrollWidth, lang } = document.documentElement;
      return [scrollWidth - window.innerWidth, lang];
    });
    if (tooWide > 0) problems.push(`${name}: ${tooWide} pixels too wide`);
    if (lang !== language) problems.push(`${name}: the language is ${lang}`);
    const title = `${name}-${language}-${width}${script ? "" : "-plain"}`;
    if (this.#seen.has(title)) return problems;
    this.#seen.add(title);
    await this.#picture(page, `${title}-light`);
    // axe needs scripts; without them the pages have nothing that they lack with them.
    if (!script) return problems;
    problems.push(...(await axe(page, title, (it) => it.withTags(TAGS))));
    const dark = `${name}-${width}-dark`;
    if (this.#seen.has(dark)) return problems;
    this.#seen.add(dark);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await this.#picture(page, dark);
    problems.push(...(await axe(page, dark, (it) => it.withRules(OF_COLOURS))));
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    return problems;
  }

  // What is wrong with the page on paper: `shown` must be there, `hidden` must not.
  async print(page, { language, width }, name, shown, hidden) {
    await page.emulateMedia({ media: "print" });
    const isSeen = (selector) => page.locator(selector).first().isVisible();
    const problems = [];
    for (const selector of shown) if (!(await isSeen(selector))) problems.push(`${name}: ${selector} is not printed`);
    for (const selector of hidden) if (await isSeen(selector)) problems.push(`${name}: ${selector} is printed`);
    await this.#picture(page, `${name}-${language}-${width}-print`);
    await page.emulateMedia({ media: "screen" });
    return problems;
  }

  async #picture(page, title) {
    const height = await page.evaluate(() => {
      window.scrollTo(0, 0);
      return document.documentElement.scrollHeight;
    });
    const { width } = page.viewportSize();
    const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST) };
    await page.screenshot({ path: join(this.folder, `${title}.jpg`), type: "jpeg", quality: 80, fullPage: true, clip });
  }
}

// Without frames axe needs no second page to put the answers of several together: the legacy mode does the same in one.
async function axe(page, title, chosen) {
  const { violations } = await chosen(new AxeBuilder({ page }).setLegacyMode()).analyze();
  return violations.flatMap((rule) =>
    rule.nodes.map((node) => `${title}: axe ${rule.id} at ${node.target}: ${node.failureSummary?.replace(/\s+/g, " ")}`),
  );
}
