// What each role is there for, in the console.
async function signIn({ person, page, base, variant, look }, role) {
  await page.goto(`${base}/console/sign-in?lang=${variant.language}`);
  await look("console-sign-in");
  await person.type("#name", role);
  await person.type("#password", "demo");
  await person.go("main form button[type=submit]");
  if (!/\/console/.test(page.url()) || /sign-in/.test(page.url())) throw new Error(`${role} did not get in: ${page.url()}`);
  // The console speaks the language of the account until somebody chooses another one.
  if ((await page.evaluate(() => document.documentElement.lang)) !== variant.language) {
    await person.press("details.menu summary");
    await person.go(`details.menu button[name=language][value=${variant.language}]`);
  }
}

async function fileARequest(it, channel) {
  const { person, page, base, variant, look } = it;
  await page.goto(`${base}/console/new`);
  await look("console-new");
  await person.type("#phone", `0532 ${String(1_000_000 + Math.floor(Math.random() * 8_000_000))}`);
  await person.type("#name", "Ayşe Yılmaz");
  await person.type("#topic", variant.language === "tr" ? "yol çukuru" : "pothole");
  await person.type("#description", "Okulun önünde çukur var.");
  await person.type("#address", "Atatürk Cad. 12");
  if (channel) await person.choose("#channel", channel);
  await person.go(".tools button[name=do][value=request]");
  await look("console-receipt");
  const number = /\d{4}-\d{8}-\d/.exec(await person.text("main h1"))?.[0];
  if (!number) throw new Error("no number on the receipt");
  return number;
}

export async function operator(it) {
  await signIn(it, "operator");
  const number = await fileARequest(it, "phone");
  await it.person.go(`a[href="/console/requests/${number}"]`);
  await it.person.sees(number);
  await it.look("console-request-operator");
}

export async function desk(it) {
  await signIn(it, "desk");
  const number = await fileARequest(it, "desk");
  await it.page.goto(`${it.base}/console/requests?state=all`);
  await it.person.reach(`a[href="/console/requests/${number}"]`);
}

// A request of the unit, accepted, talked about and concluded.
export async function unit(it) {
  const { person, page, base, look } = it;
  await signIn(it, "unit");
  await page.goto(`${base}/console/requests?state=routed`);
  await look("console-list");
  await person.go("#rows a.go");
  await look("console-request");
  await act(it, "accept");
  await act(it, "comment", ["#comment-text", "Ekip öğleden sonra bakacak."]);
  await person.sees("Ekip öğleden sonra bakacak.");
  await act(it, "ask", ["#question", "Hangi okulun önü?"]);
  await look("console-request-asked");
  await act(it, "conclude", ["#answer", "Çukur asfaltla kapatıldı."], ["#sub_result", "solved"]);
  await person.sees("Çukur asfaltla kapatıldı.");
  await look("console-request-concluded");
}

async function act({ person, page }, code, text, choice) {
  const form = `#act-${code}`;
  if (!(await page.locator(form).getAttribute("open").catch(() => null)) && (await person.has(`${form}:not([open]) summary`))) {
    await person.press(`${form} summary`);
  }
  if (choice) await person.choose(`${form} ${choice[0]}`, choice[1]);
  if (text) await person.type(`${form} ${text[0]}`, text[1]);
  await person.go(`${form} form button:not([type=button])`);
  if (await person.has(".notice.bad, .notice.warn[role=alert]")) {
    throw new Error(`${code} was refused: ${await person.text(".notice.bad, .notice.warn[role=alert]")}`);
  }
}

export async function supervisor(it) {
  const { person, page, base, look } = it;
  await signIn(it, "supervisor");
  await page.goto(`${base}/console/figures`);
  await look("console-figures");
  const figure = page.locator("table.sums tbody a").first();
  const [count, href] = [await figure.innerText(), await figure.getAttribute("href")];
  await person.go(`table.sums tbody a[href="${href}"]`);
  // The list behind a figure has as many requests as the figure says.
  const listed = await person.text("#total");
  if (!listed.replace(/[.,\s]/g, "").includes(count.replace(/[.,\s]/g, ""))) {
    throw new Error(`the figure says ${count}, the list behind it: ${listed}`);
  }
  await look("console-list-of-a-figure");
}

export async function auditor(it) {
  const { person, page, base, look } = it;
  await signIn(it, "auditor");
  await page.goto(`${base}/console/requests?state=concluded`);
  await person.go("#rows a.go");
  await look("console-request-auditor");
  if (await person.has("main form[method=post]:not([action*='/console/setting'])")) throw new Error("the auditor is offered an act");
  await person.go("a[href$='/events']");
  await person.sees("routing.RequestConcluded").catch(() => person.sees("RequestConcluded"));
  await look("console-events");
}

// Somebody new, with a role and a unit; and a look at all else that an administrator keeps.
export async function admin(it) {
  const { person, page, base, variant, look } = it;
  await signIn(it, "admin");
  await page.goto(`${base}/console/admin`);
  await look("console-admin");
  await person.go("main a[href='/console/admin/staff']");
  await look("console-admin-staff");
  const code = `yeni-${variant.name}`;
  await person.type("#code", code);
  await person.type("#name", "Mehmet Işık");
  await person.press("#role-unit", "Space");
  await person.choose("#unit", "parks");
  await person.go("main form button[type=submit]");
  await look("console-admin-link");
  await page.goto(`${base}/console/admin/staff`);
  await person.sees(code);
  for (const part of ["keys", "units", "topics"]) {
    await page.goto(`${base}/console/admin/${part}`);
    await look(`console-admin-${part}`);
  }
  await page.goto(`${base}/console/account`);
  await look("console-account");
}
