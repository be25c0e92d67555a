// Draws the pictures of the README anew: `node screens.mjs FOLDER`, with the settings of `run.mjs`, in the folder that
// `cargo xtask test --only browser` leaves below the target folder.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { start } from "./centre.mjs";
import { colleague } from "./signin.mjs";

const { COZUM_TEST_BASE: running, COZUM_TEST_BIN: binary, COZUM_TEST_CHROMIUM: executablePath } = process.env;
const folder = process.argv[2];
const centre = running ? { base: running, stop: async () => {} } : await start(binary, join(folder, "cozum.log"));
const { base } = centre;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const WORDS = "Okulun önündeki çukur büyüdü, yağmurda içi su doluyor.";

async function someone() {
  const settings = { viewport: { width: 1280, height: 800 }, locale: "tr-TR", timezoneId: "Europe/Istanbul" };
  const context = await browser.newContext({ ...settings, reducedMotion: "reduce" });
  return context.newPage();
}
const painter = await someone();
const draw = async (page, name) => {
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });
  const url = `data:image/png;base64,${(await page.screenshot()).toString("base64")}`;
  // A third of the PNG, by the one encoder that is here.
  const webp = await painter.evaluate(async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.85).split(",")[1];
  }, url);
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(webp, "base64"));
};
const as = (role) => colleague({ base, someone, variant: { language: "tr" } }, role);

try {
  const citizen = await someone();
  await citizen.goto(`${base}/?lang=tr&topic=pothole`);
  await citizen.fill("#description", WORDS);
  await citizen.fill("#address", "Atatürk Cad. 12, İlkokulun önü");
  await draw(citizen, "portal-form");
  await citizen.click("form#request button[type=submit]");
  const number = (await citizen.locator("#number").innerText()).trim();

  const unit = await as("unit");
  const at = `${base}/console/requests/${number}`;
  const act = async (code, fill = async () => {}) => {
    await unit.goto(at);
    await unit.locator(`#act-${code}`).evaluate((it) => { it.open = true; });
    await fill();
    await unit.locator(`#act-${code} form button`).last().click();
  };
  while ((await unit.goto(at)).status() !== 200) await new Promise((resolve) => setTimeout(resolve, 500));
  await act("accept");
  await act("assign", () => unit.fill("#assignee", "ekip-7"));
  await act("start");
  await act("comment", () => unit.fill("#comment-text", "Malzeme istendi, öğleden sonra gelecek."));
  await act("ask", () => unit.fill("#question", "Çukur okulun hangi kapısının önünde?"));
  await unit.goto(at);
  await draw(unit, "console-request");

  await citizen.locator("form[action*='/track'] button[type=submit]").click();
  await draw(citizen, "portal-tracking");

  const supervisor = await as("supervisor");
  await supervisor.goto(`${base}/console/requests?state=open&sort=due`);
  await draw(supervisor, "console-worklist");
  await supervisor.goto(`${base}/console/figures`);
  await draw(supervisor, "console-figures");

  const operator = await as("operator");
  for (const [phone, topic] of [["0532 123 45 67", "çöp alınmadı"], ["0532 123 45 67", ""]]) {
    await operator.goto(`${base}/console/new`);
    await operator.fill("#phone", phone);
    await operator.fill("#name", "Ayşe Yılmaz");
    await operator.fill("#topic", topic || "yol cukuru");
    await operator.fill("#description", topic ? "Üç gündür çöp alınmıyor." : WORDS);
    await operator.fill("#address", "Atatürk Cad. 12");
    if (topic) await operator.click(".tools button[name=do][value=request]");
  }
  await operator.waitForSelector("#earlier a");
  await draw(operator, "console-new");

  const auditor = await as("auditor");
  await auditor.goto(`${at}/events`);
  await draw(auditor, "console-events");
  const admin = await as("admin");
  await admin.goto(`${base}/console/admin/staff`);
  await draw(admin, "admin-staff");
  await citizen.goto(`${base}/api?lang=tr`);
  await draw(citizen, "api");
} finally {
  await browser.close();
  await centre.stop();
}
