// A citizen files, tracks, and answers; a program's maker reads what the API promises.
const WORDS = { tr: "Okulun önünde çukur var, çocuklar düşüyor.", en: "There is a pothole in front of the school." };
// Everything that comes with the portal's first page, as it is sent.
const WEIGHT = 50 * 1024;

export async function citizen({ person, page, base, variant, look, print }) {
  const { language } = variant;
  let weight = 0;
  const count = async (response) => {
    const sizes = await response.request().sizes().catch(() => null);
    weight += sizes ? sizes.responseBodySize + sizes.responseHeadersSize : 0;
  };
  page.on("response", count);
  await page.goto(`${base}/?lang=${language}`, { waitUntil: "networkidle" });
  page.off("response", count);
  if (weight > WEIGHT) throw new Error(`the first page weighs ${weight} bytes`);
  await look("portal-start");

  // With scripts the topic is found as one types, without them in a list.
  if (await person.has("#topic-search")) {
    await person.type("#topic-search", language === "tr" ? "yol cuk" : "pothole");
    await look("portal-topics");
    const moved = page.waitForURL(/topic=/, { timeout: 20_000 });
    await page.keyboard.press("Enter");
    await moved;
  } else {
    await person.choose("#topic", "pothole");
    if (!(await person.has("#description"))) await person.go("form.topic button");
  }
  await page.waitForLoadState("load");
  await person.type("#description", WORDS[language]);
  for (const asked of await page.locator("#questions input:not([type=checkbox]), #questions textarea").all()) {
    await person.type(`#${await asked.getAttribute("id")}`, "12");
  }
  for (const asked of await page.locator("#questions select").all()) {
    const values = await asked.locator("option").evaluateAll((all) => all.map((it) => it.value).filter(Boolean));
    await person.choose(`#${await asked.getAttribute("id")}`, values[0]);
  }
  await person.type("#address", "Atatürk Cad. 12, İskele");
  if (variant.script) {
    await person.press("[data-map]");
    await page.waitForSelector(".outlines");
  }
  await look("portal-form");

  // A mistake is named, and nothing is lost.
  await person.type("#email", "ayse@");
  await person.go("form#request button[type=submit], form[method=post] button[type=submit]");
  if (!(await person.has("#email[aria-invalid=true]"))) throw new Error("the wrong address is not marked");
  if ((await page.inputValue("#description")) !== WORDS[language]) throw new Error("the description was lost");
  await look("portal-mistake");
  await person.type("#email", `ayse.${variant.name}@example.org`);
  await person.go("form#request button[type=submit], form[method=post] button[type=submit]");

  await look("portal-receipt");
  await print("portal-receipt", ["#number", "#secret"], ["header nav", "form", "footer"]);
  const number = await person.text("#number");
  const secret = await person.text("#secret");
  if (!/^\d{4}-\d{8}-\d$/.test(number)) throw new Error(`no number: ${number}`);

  await page.goto(`${base}/track?lang=${language}`);
  await look("portal-track");
  await person.type("#number", number);
  await person.type("#secret", secret);
  await person.go("form button[type=submit]");
  await person.sees(number);
  await person.sees(WORDS[language]);
  await look("portal-tracked");
  const more = language === "tr" ? "Bugün biri daha düştü." : "Another one fell today.";
  await person.type("#text", more);
  await person.go("form[action*='/track/message'] button[type=submit]");
  await person.sees(more);
  await look("portal-answered");
  await page.goto(`${base}/nowhere?lang=${language}`);
  await look("portal-nowhere");
}

// Whoever writes a program for the centre.
export async function maker({ person, page, base, variant, look }) {
  await page.goto(`${base}/api?lang=${variant.language}`);
  await look("api");
  const operations = await page.locator("main .operation").count();
  const listed = await page.locator(".contents a[href^='#']").count();
  if (operations < 20 || listed <= operations) throw new Error(`${operations} calls, ${listed} of them listed`);
  // By the contents to the chapter, and on from there.
  await person.press(".contents a[href='#problems']");
  await person.go("main a[href^='/api/problems/']");
  await look("api-problem");
  await person.go("main a[href*='#problems']");
  await person.reach("header a[href='/api/openapi.json']");
}
