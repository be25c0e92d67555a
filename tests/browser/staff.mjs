// What each role is there for, in the console.
import { colleague, signIn } from "./signin.mjs";

const phone = () => `0532 ${String(1_000_000 + Math.floor(Math.random() * 8_000_000))}`;

async function fileARequest({ person, page, base, variant, look }, channel, from = phone()) {
  await page.goto(`${base}/console/new`);
  await look("console-new");
  await person.type("#phone", from);
  await person.type("#name", "Ayşe Yılmaz");
  await person.type("#topic", variant.language === "tr" ? "yol çukuru" : "pothole");
  // What the topic asks: at once with scripts, by a button without.
  if (!variant.script) await person.go("#topic ~ button[formaction]");
  else await page.keyboard.press("Tab");
  await page.waitForSelector("#questions select");
  const asked = page.locator("#questions select").first();
  const values = await asked.locator("option").evaluateAll((all) => all.map((it) => it.value).filter(Boolean));
  await person.choose(`#${await asked.getAttribute("id")}`, values[0]);
  await look("console-new-asks");
  await person.type("#description", `Okulun önünde çukur var (${variant.name}).`);
  await person.type("#address", "Atatürk Cad. 12");
  if (channel) await person.choose("#channel", channel);
  await person.go(".tools button[name=do][value=request]");
  await look("console-receipt");
  const number = /\d{4}-\d{8}-\d/.exec(await person.text("main h1"))?.[0];
  if (!number) throw new Error("no number on the receipt");
  return number;
}

export async function operator(it) {
  const { person, page, base, variant, look, print } = it;
  await signIn(it, "operator");
  const from = phone();
  const number = await fileARequest(it, "phone", from);
  await print("console-receipt", ["main h1", ".receipt code"], ["header.top", ".tools"]);
  await person.go(`a[href="/console/requests/${number}"]`);
  await person.sees(number);
  const facts = await page.locator("main dl.facts dt").allInnerTexts();
  if (new Set(facts).size !== facts.length) throw new Error(`something is told twice: ${facts.join(", ")}`);
  await look("console-request-operator");

  // A mistake is named, and who calls is known by their phone.
  await page.goto(`${base}/console/new`);
  await person.type("#phone", from);
  await person.type("#topic", variant.language === "tr" ? "uzay" : "outer space");
  if (variant.script) {
    await page.waitForSelector(`#earlier a[href$="${number}"]`);
    await look("console-new-caller");
  }
  await person.go(".tools button[name=do][value=request]");
  for (const field of ["topic", "description"]) {
    if (!(await person.has(`#${field}[aria-invalid=true][aria-describedby~=${field}-error]`))) {
      throw new Error(`${field} is not marked as wrong`);
    }
  }
  await person.reach(`#earlier a[href$="${number}"]`);
  await look("console-new-mistake");

  // Found by words, and at once by the number.
  const find = async (words) => {
    await person.type("#q", words);
    await person.sent("Enter");
  };
  await find(variant.language === "tr" ? "çukur" : "Okulun");
  await person.reach("#rows a.go");
  await look("console-found");
  await find("hiçbiryerdeyok");
  await look("console-found-nothing");
  await find(number);
  if (!page.url().endsWith(number)) throw new Error(`the number leads to ${page.url()}`);

  await person.press("details.menu summary");
  await look("console-menu");
  await person.go("details.menu a[href='/console/keys']");
  await look("console-keys");
  for (const nowhere of ["requests/2026-00000000-1", "nowhere"]) {
    await page.goto(`${base}/console/${nowhere}`);
    await look(`console-${nowhere.split("/")[0]}-nowhere`);
  }
}

export async function desk(it) {
  await signIn(it, "desk");
  const number = await fileARequest(it, "desk");
  await it.page.goto(`${it.base}/console/requests?state=all`);
  await it.person.reach(`a[href="/console/requests/${number}"]`);
  await it.look("console-list-desk");
}

// What a citizen's program filed and the centre has sent to the unit in charge.
// Its words are its own: the same ones sent again are the same request.
async function routed({ page, base, variant }, list) {
  const form = { api_key: "demo", service_code: "pothole", address_string: "Çarşı Cad. 1", description: `Kaldırım çöktü (${variant.name}, ${Date.now()}).` };
  const filed = await fetch(`${base}/open311/v2/requests.json`, { method: "POST", body: new URLSearchParams(form) });
  const [{ service_request_id: number }] = await filed.json();
  const until = Date.now() + 20_000;
  for (;;) {
    await page.goto(`${base}${list}`);
    if (await page.locator(`tr[data-number="${number}"]`).count()) return number;
    if (Date.now() > until) throw new Error(`${number} has not come to the unit`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

// A request of the unit, accepted, talked about and concluded; meanwhile somebody else has a hand in it.
export async function unit(it) {
  const { person, page, base, variant, look } = it;
  await signIn(it, "unit");
  const number = await routed(it, "/console/requests?state=routed");
  await look("console-list");
  await person.go(`#rows a[href$="${number}"]`);
  await look("console-request");
  await act(it, "accept");
  await act(it, "comment", ["#comment-text", "Ekip öğleden sonra bakacak."]);
  await person.sees("Ekip öğleden sonra bakacak.");

  if (await page.locator("#stale").isVisible()) throw new Error("one's own look makes the page stale");
  const other = await colleague(it, "supervisor");
  await other.goto(`${base}/console/requests/${number}`);
  await other.locator("#act-start summary").click();
  await other.locator("#act-start form button").last().click();
  if (variant.script) {
    await page.waitForSelector("#stale:visible");
    await look("console-request-stale");
  }
  await fill(it, "assign", ["#assignee", "ekip-7"]);
  await person.reach("#act-assign[open] #assignee");
  if (!(await person.has(".notice.warn[role=alert] li"))) throw new Error("what somebody else did is not told");
  if ((await page.inputValue("#assignee")) !== "ekip-7") throw new Error("what was typed is lost");
  await look("console-request-conflict");
  await act(it, "ask", ["#question", "Hangi okulun önü?"]);
  await look("console-request-asked");
  await act(it, "conclude", ["#answer", "Çukur asfaltla kapatıldı."], ["#sub_result", "solved"]);
  await person.sees("Çukur asfaltla kapatıldı.");
  await look("console-request-concluded");
}

async function fill({ page, person }, code, text, choice) {
  const form = `#act-${code}`;
  if ((await page.locator(form).getAttribute("open")) === null) await person.press(`${form} summary`);
  if (choice) await person.choose(`${form} ${choice[0]}`, choice[1]);
  if (text) await person.type(`${form} ${text[0]}`, text[1]);
  await person.go(`${form} form button:not([type=button])`);
}

async function act(it, code, text, choice) {
  await fill(it, code, text, choice);
  if (await it.person.has(".notice.bad, .notice.warn[role=alert]")) {
    throw new Error(`${code} was refused: ${await it.person.text(".notice.bad, .notice.warn[role=alert]")}`);
  }
}

export async function supervisor(it) {
  const { person, page, base, variant, look } = it;
  await signIn(it, "supervisor");
  await page.goto(`${base}/console/figures`);
  await look("console-figures");
  // What others file meanwhile moves no figure of what was concluded, in a unit of which nobody works here.
  const figure = page.locator("table.sums tbody a[href*='state=concluded'][href*='unit=cleansing']").first();
  const [count, href] = [await figure.innerText(), await figure.getAttribute("href")];
  await person.go(`table.sums tbody a[href="${href}"]`);
  // The list behind a figure has as many requests as the figure says.
  const listed = await person.text("#total");
  const digits = (text) => text.replace(/\D/g, "");
  if (digits(listed) !== digits(count)) throw new Error(`the figure says ${count}, the list behind it: ${listed}`);
  await look("console-list-of-a-figure");

  // The list is kept as a view, used, and taken away again.
  const name = `Temizlik ${variant.name}`;
  await person.press("details.save summary");
  await person.type("#view-name", name);
  await person.go("details.save button");
  const view = await page.locator(".rail li", { hasText: name }).locator("> a").getAttribute("href");
  await person.go(`.rail a[href="${view}"]`);
  if (digits(await person.text("#total")) !== digits(count)) throw new Error("the view shows another list");
  await look("console-list-view");
  const form = page.locator(".rail li", { hasText: name }).locator("form");
  await person.go(`.rail form[action="${await form.getAttribute("action")}"] button`);
  if ((await person.text(".rail")).includes(name)) throw new Error("the view is still there");

  await page.goto(`${base}/console/requests?state=open&topic=stray-animals&district=nowhere`);
  await look("console-list-empty");
}

export async function auditor(it) {
  const { person, page, base, look } = it;
  await signIn(it, "auditor");
  await page.goto(`${base}/console/requests?state=concluded`);
  await look("console-list-auditor");
  await person.go("#rows a.go");
  await look("console-request-auditor");
  if (await person.has("main form[method=post]:not([action*='/console/setting'])")) throw new Error("the auditor is offered an act");
  await person.go("a[href$='/events']");
  await person.sees("RequestConcluded");
  await look("console-events");
  await page.goto(`${base}/console/new`);
  await look("console-forbidden");
}

// Somebody new, with a role and a unit, who sets a password; and all else that an administrator keeps.
export async function admin(it) {
  const { person, page, base, variant, look, someone } = it;
  const admin = `${base}/console/admin`;
  await signIn(it, "admin");
  await page.goto(admin);
  await look("console-admin");
  await person.go("main a[href='/console/admin/staff']");
  await look("console-admin-staff");
  const code = `yeni-${variant.name}-${Date.now() % 10_000}`;
  await person.type("#code", code);
  await person.type("#name", "Mehmet Işık");
  await person.press("#role-unit", "Space");
  await person.go("main form button[type=submit]");
  if (!(await person.has("#problem[role=alert]"))) throw new Error("a unit's staff without a unit is taken");
  await look("console-admin-staff-mistake");
  await person.choose("#unit", "parks");
  await person.go("main form button[type=submit]");
  await look("console-admin-link");
  const link = await person.text("#link");
  await page.goto(`${admin}/staff`);
  await person.go(`main a[href$="/${code}"]`);
  await look("console-admin-member");

  const other = await someone(variant.script);
  await other.goto(`${base}${new URL(link).pathname}`);
  await look("console-set-up", other);
  await other.fill("#password", "uzun bir parola cümlesi");
  await other.fill("#again", "uzun bir parola cümlesi");
  await other.keyboard.press("Enter");
  await other.waitForURL(/sign-in/);

  await page.goto(`${admin}/keys`);
  await look("console-admin-keys");
  await person.type("#code", `p-${code}`);
  await person.press("#scope-read", "Space");
  await person.go("main form:not([action$=revoke]) button[type=submit]");
  await look("console-admin-key");
  await page.goto(`${admin}/keys`);
  await person.go(`form[action$="/p-${code}/revoke"] button`);
  await look("console-admin-keys-revoked");
  for (const part of ["units", "topics"]) {
    await page.goto(`${admin}/${part}`);
    await look(`console-admin-${part}`);
    await person.go("main tbody a");
    await look(`console-admin-${part}-change`);
  }
  await page.goto(`${base}/console/account`);
  await look("console-account");
}
