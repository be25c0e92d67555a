// What every page must be: free of what axe finds in light and dark, no wider than the screen, and seen by us.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export class Looker {
  #axed = new Set();

  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  // What is wrong with the page that is open; axe and the camera look once per language, width and name.
  async look(page, variant, name) {
    const problems = [];
    const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (width > 0) problems.push(`${name}: ${width} pixels too wide`);
    const lang = await page.evaluate(() => document.documentElement.lang);
    if (lang !== variant.language) problems.push(`${name}: the language is ${lang}`);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const title = `${name}-${variant.language}-${variant.width}-${scheme}`;
      if (this.#axed.has(title)) continue;
      this.#axed.add(title);
      await page.screenshot({ path: join(this.folder, `${title}.png`), fullPage: true });
      // axe needs scripts; the pages are the same without them.
      if (variant.script) problems.push(...(await axe(page, title)));
    }
    await page.emulateMedia({ colorScheme: "light" });
    return problems;
  }
}

async function axe(page, title) {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  return violations.flatMap((rule) =>
    rule.nodes.map((node) => `${title}: axe ${rule.id} at ${node.target}: ${node.failureSummary?.replace(/\s+/g, " ")}`),
  );
}
