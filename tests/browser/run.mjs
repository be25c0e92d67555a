// Each role's main job by keyboard alone: in both languages, at two widths, with scripts and without.
// COZUM_TEST_BIN is the binary, COZUM_TEST_CHROMIUM the browser, COZUM_TEST_SCREENSHOTS where the pictures go. COZUM_TEST_BASE
// is the address of a demo city that runs already. An argument is a part of the names to run; `--some` leaves out what a run
// of all tests has no time for: each role then has both widths and both scripts, and the languages take turns.
import { join } from "node:path";

import { chromium } from "playwright-core";

import { start } from "./centre.mjs";
import * as citizen from "./citizen.mjs";
import { Looker } from "./page.mjs";
import { Person } from "./person.mjs";
import * as staff from "./staff.mjs";
import * as together from "./together.mjs";

const { COZUM_TEST_BIN: binary, COZUM_TEST_CHROMIUM: executablePath, COZUM_TEST_SCREENSHOTS: screenshots } = process.env;
// As many as the machine that this was measured on has cores.
const AT_ONCE = 2;
const some = process.argv.includes("--some");
const filter = process.argv.slice(2).find((it) => !it.startsWith("--")) ?? "";
const STORIES = Object.entries({ ...citizen, ...staff, ...together });
const LANGUAGES = ["tr", "en"];
const VARIANTS = LANGUAGES.flatMap((language) =>
  [1280, 390].flatMap((width) =>
    [true, false].map((script) => ({ language, width, script, name: `${language}-${width}-${script ? "script" : "plain"}` })),
  ),
);

// Each of the four corners of width and script once: in one language here, in the other one there.
function isOfSome(variant, place) {
  const corner = (variant.width === 390 ? 1 : 0) + (variant.script ? 0 : 2);
  return LANGUAGES[(place + corner) % 2] === variant.language;
}

async function tell(story, variant, browser, base, looker) {
  const broken = [];
  const contexts = [];
  // Somebody at a browser of their own.
  const someone = async (script) => {
    const context = await browser.newContext({
      javaScriptEnabled: script,
      viewport: { width: variant.width, height: 800 },
      locale: variant.language === "tr" ? "tr-TR" : "en-GB",
      timezoneId: "Europe/Istanbul",
      reducedMotion: "reduce",
    });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => broken.push(`script: ${error.message}`));
    // Chromium calls each answer an error that says that something was wrong: a form, an address, a version.
    const isAnswer = (message) => message.location().url === page.url() && /status of 4\d\d/.test(message.text());
    const isOurs = (message) => message.type() === "error" && !isAnswer(message);
    page.on("console", (message) => isOurs(message) && broken.push(`console: ${message.text()} ${message.location().url}`));
    return page;
  };
  try {
    const page = await someone(variant.script);
    const look = async (name, at = page) => broken.push(...(await looker.look(at, variant, name)));
    const print = async (...asked) => broken.push(...(await looker.print(page, variant, ...asked)));
    const it = { page, person: new Person(page), base, variant, look, print, someone };
    await story(it).catch((error) => broken.push(error.message));
    if (broken.length) throw new Error(broken.join("\n"));
  } finally {
    await Promise.all(contexts.map((it) => it.close().catch(() => {})));
  }
}

const began = Date.now();
const looker = new Looker(screenshots);
const running = process.env.COZUM_TEST_BASE;
const centre = running ? { base: running, stop: async () => {} } : await start(binary, join(screenshots, "cozum.log"));
const launch = () => chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
let browser = launch();
const all = STORIES.flatMap(([role, story], place) =>
  VARIANTS.filter((it) => it.script || !story.needsScript).map((variant) => ({
    name: `browser::${role}::${variant.name}`,
    story,
    variant,
    isChosen: !some || isOfSome(variant, place),
  })),
);
const chosen = all.filter((it) => it.isChosen && it.name.includes(filter));
let passed = 0;
const troubles = [];

async function worker(waiting) {
  for (let test = waiting.shift(); test; test = waiting.shift()) {
    const used = browser;
    const running = await used;
    try {
      await tell(test.story, test.variant, running, centre.base, looker);
      passed += 1;
      console.log(`test ${test.name} ... ok`);
    } catch (error) {
      // A browser that ended says nothing of the product: its stories are told once more, in another one.
      if (!running.isConnected() && browser === used) browser = launch();
      if (!running.isConnected() && !test.isAgain) {
        console.log(`the browser ended during ${test.name}`);
        waiting.push({ ...test, isAgain: true });
        continue;
      }
      troubles.push(`---- ${test.name} ----\n${error.message}`);
      console.log(`test ${test.name} ... FAILED`);
    }
  }
}

try {
  const waiting = [...chosen];
  await Promise.all(Array.from({ length: AT_ONCE }, () => worker(waiting)));
} finally {
  await (await browser).close();
  await centre.stop();
}
if (troubles.length) console.log(`\nfailures:\n\n${troubles.join("\n\n")}\n`);
const seconds = ((Date.now() - began) / 1000).toFixed(2);
const counts = `${passed} passed; ${troubles.length} failed; 0 ignored; 0 measured; ${all.length - chosen.length} filtered out`;
console.log(`test result: ${troubles.length ? "FAILED" : "ok"}. ${counts}; finished in ${seconds}s`);
process.exitCode = troubles.length ? 1 : 0;
