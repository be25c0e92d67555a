// Each role's main job by keyboard alone: in both languages, at two widths, with scripts and without.
// COZUM_TEST_BIN is the binary, COZUM_TEST_CHROMIUM the browser, COZUM_TEST_SCREENSHOTS where the pictures go. An argument
// is a part of the names to run. COZUM_TEST_BASE is the address of a demo city that runs already.
import { join } from "node:path";

import { chromium } from "playwright-core";

import { start } from "./centre.mjs";
import * as citizen from "./citizen.mjs";
import { Looker } from "./page.mjs";
import { Person } from "./person.mjs";
import * as staff from "./staff.mjs";

const { COZUM_TEST_BIN: binary, COZUM_TEST_CHROMIUM: executablePath, COZUM_TEST_SCREENSHOTS: screenshots } = process.env;
const filter = process.argv[2] ?? "";
const STORIES = { citizen: citizen.files, ...staff };
const VARIANTS = ["tr", "en"].flatMap((language) =>
  [1280, 390].flatMap((width) =>
    [true, false].map((script) => ({ language, width, script, name: `${language}-${width}-${script ? "script" : "plain"}` })),
  ),
);

async function tell(story, variant, browser, centre, looker) {
  const context = await browser.newContext({
    javaScriptEnabled: variant.script,
    viewport: { width: variant.width, height: 800 },
    locale: variant.language === "tr" ? "tr-TR" : "en-GB",
    timezoneId: "Europe/Istanbul",
    reducedMotion: "reduce",
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const broken = [];
    page.on("pageerror", (error) => broken.push(`script: ${error.message}`));
    // Chromium asks for an icon by itself where a page names none, and calls the answer to a wrong form an error.
    const expected = (message) => message.location().url.endsWith("/favicon.ico") || message.text().includes("status of 400");
    const isOurs = (message) => message.type() === "error" && !expected(message);
    page.on("console", (message) => isOurs(message) && broken.push(`console: ${message.text()} ${message.location().url}`));
    const look = async (name) => broken.push(...(await looker.look(page, variant, name)));
    await story({ page, person: new Person(page), base: centre.base, variant, look }).catch((error) => broken.push(error.message));
    if (broken.length) throw new Error(broken.join("\n"));
  } finally {
    await context.close();
  }
}

const began = Date.now();
const looker = new Looker(screenshots);
const running = process.env.COZUM_TEST_BASE;
const centre = running ? { base: running, stop: async () => {} } : await start(binary, join(screenshots, "cozum.log"));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
let [passed, failed, left] = [0, 0, 0];
const troubles = [];
try {
  for (const [role, story] of Object.entries(STORIES)) {
    for (const variant of VARIANTS) {
      const name = `browser::${role}::${variant.name}`;
      if (!name.includes(filter)) {
        left += 1;
        continue;
      }
      try {
        await tell(story, variant, browser, centre, looker);
        passed += 1;
        console.log(`test ${name} ... ok`);
      } catch (error) {
        failed += 1;
        troubles.push(`---- ${name} ----\n${error.message}`);
        console.log(`test ${name} ... FAILED`);
      }
    }
  }
} finally {
  await browser.close();
  await centre.stop();
}
if (troubles.length) console.log(`\nfailures:\n\n${troubles.join("\n\n")}\n`);
const seconds = ((Date.now() - began) / 1000).toFixed(2);
const counts = `${passed} passed; ${failed} failed; 0 ignored; 0 measured; ${left} filtered out`;
console.log(`test result: ${failed ? "FAILED" : "ok"}. ${counts}; finished in ${seconds}s`);
process.exitCode = failed ? 1 : 0;
