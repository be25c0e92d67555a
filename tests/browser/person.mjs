// Somebody who has a keyboard and nothing else.
const TABS = 400;

export class Person {
  constructor(page) {
    this.page = page;
  }

  // What has the focus: whether `selector` means it, and whether one can see where it is.
  #focus(selector) {
    return this.page.evaluate((selector) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      return {
        matches: element.matches(selector),
        isBody: element === document.body,
        name: element.outerHTML.slice(0, 120),
        isSeen: style.outlineStyle !== "none" || style.boxShadow !== "none",
        hasSize: box.width > 0 && box.height > 0,
      };
    }, selector);
  }

  // Goes on with Tab until `selector` has the focus.
  async reach(selector, key = "Tab") {
    if (!(await this.has(selector))) throw new Error(`there is no ${selector} on ${this.page.url()}`);
    let focus = await this.#focus(selector);
    const passed = [];
    let rounds = 0;
    for (let tabs = 0; !focus.matches; tabs += 1) {
      rounds += focus.isBody;
      if (tabs === TABS || rounds > 2) {
        throw new Error(`no ${key} leads to ${selector}; it leads to ${[...new Set(passed)].slice(0, 12).join(" ")}`);
      }
      await this.page.keyboard.press(key);
      focus = await this.#focus(selector);
      passed.push(focus.name);
    }
    if (!focus.isSeen || !focus.hasSize) throw new Error(`nobody sees that ${focus.name} has the focus`);
  }

  async has(selector) {
    return (await this.page.locator(selector).count()) > 0;
  }

  async type(selector, text) {
    await this.reach(selector);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.type(text);
  }

  // Takes an entry of a list by its value.
  async choose(selector, value) {
    await this.reach(selector);
    const chosen = () => this.page.evaluate(() => document.activeElement.value);
    await this.page.keyboard.press("Home");
    for (let steps = 0; (await chosen()) !== value; steps += 1) {
      if (steps === TABS) throw new Error(`${selector} has no ${value}`);
      await this.page.keyboard.press("ArrowDown");
    }
  }

  // Presses what does not leave the page.
  async press(selector, key = "Enter") {
    await this.reach(selector);
    await this.page.keyboard.press(key);
  }

  // Presses what leads to another page, and waits for it.
  async go(selector) {
    await this.reach(selector);
    await this.#leaving(() => this.page.keyboard.press("Enter"));
  }

  // Presses what sends the form that has the focus, and waits for the answer.
  async sent(key) {
    await this.#leaving(() => this.page.keyboard.press(key));
  }

  async #leaving(act) {
    const moved = this.page.waitForEvent("framenavigated", { timeout: 20_000 });
    await act();
    await moved;
    await this.page.waitForLoadState("load");
  }

  async sees(text) {
    const shown = await this.page.locator("main").innerText();
    if (!shown.includes(text)) throw new Error(`"${text}" is not to be read on ${this.page.url()}:\n${shown.slice(0, 800)}`);
  }

  async text(selector) {
    return (await this.page.locator(selector).first().innerText()).trim();
  }
}
