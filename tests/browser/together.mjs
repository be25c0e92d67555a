// What one does and another one sees.
import { colleague, signIn } from "./signin.mjs";

// A request that somebody files comes into the list that somebody else has open.
export async function news(it) {
  const { page, base, variant } = it;
  await signIn(it, "supervisor");
  await page.goto(`${base}/console/requests?state=all`);
  await page.evaluate(() => { window.isTheSame = true; });
  const other = await colleague(it, "operator");
  await other.goto(`${base}/console/new`);
  await other.fill("#phone", "0555 111 22 33");
  await other.fill("#topic", variant.language === "tr" ? "yol çukuru" : "pothole");
  await other.fill("#description", "Yeni bir çukur.");
  await other.click(".tools button[name=do][value=request]");
  const number = (await other.locator("main h1 .loud").innerText()).trim();
  await page.waitForSelector(`tr[data-number="${number}"]`);
  if (!(await page.evaluate(() => window.isTheSame))) throw new Error("the list was loaded again");
}
news.needsScript = true;
