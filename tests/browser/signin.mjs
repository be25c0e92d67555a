// How staff come in.
export async function signIn({ person, page, base, variant, look }, role) {
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

// A colleague at a browser of their own, about whose keyboard nobody asks.
export async function colleague({ base, someone, variant }, role, script = false) {
  const page = await someone(script);
  await page.goto(`${base}/console/sign-in?lang=${variant.language}`);
  await page.fill("#name", role);
  await page.fill("#password", "demo");
  await page.click("main form button[type=submit]");
  return page;
}
