// What the citizen's pages can do beyond their forms. Without this script every page is complete.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // İ, I, ı and i are one letter here, and so are ç and c, ş and s …: people type as their keyboard lets them.
  const fold = (text) => text.replace(/[İIı]/g, "i").toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.textContent = text;
    return element;
  };

  // --- The topic, found as one types: a combobox over the list.
  const words = (text) => fold(text).split(/[^a-z0-9]+/).filter(Boolean);
  const rank = (topic, asked) => {
    let worst = 0;
    for (const word of asked) {
      const at = (list) => list.findIndex((it) => it.startsWith(word));
      const name = at(topic.name), other = at(topic.other);
      const found = name === 0 ? 1 : name > 0 ? 2 : other >= 0 ? 3 : topic.text.includes(word) ? 4 : 0;
      if (!found) return 0;
      worst = Math.max(worst, found);
    }
    return worst;
  };

  const combobox = (select) => {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const topics = all("option", select).filter((it) => it.value).map((it) => {
      const unit = it.parentElement.label || "";
      const other = words(`${it.dataset.words || ""} ${unit}`);
      return { value: it.value, label: it.textContent, unit, name: words(it.textContent), other, text: fold(it.textContent) };
    });
    const box = make("div", { class: "combobox" });
    const input = make("input", {
      id: `${select.id}-search`, type: "text", role: "combobox", autocomplete: "off", autocapitalize: "none",
      spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${select.id}-list`,
      placeholder: select.dataset.hint,
    });
    ["aria-invalid", "aria-describedby"].forEach((it) => {
      if (select.hasAttribute(it)) input.setAttribute(it, select.getAttribute(it));
    });
    const list = make("ul", { id: `${select.id}-list`, role: "listbox", "aria-label": label.textContent });
    const status = make("p", { class: "hint", role: "status" });
    list.hidden = true;
    box.append(input, list, status);
    select.after(box);
    select.hidden = true;
    label.htmlFor = input.id;
    let shown = [], active = -1;
    const named = () => topics.find((it) => it.value === select.value)?.label || "";
    input.value = named();

    const mark = (index) => {
      active = index;
      all("li", list).forEach((it, at) => it.setAttribute("aria-selected", String(at === active)));
      const item = list.children[active];
      if (item) {
        input.setAttribute("aria-activedescendant", item.id);
        item.scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(-1);
    };
    const open = (everything) => {
      const asked = everything ? [] : words(input.value);
      shown = topics.map((it) => [asked.length ? rank(it, asked) : 1, it]).filter(([it]) => it);
      shown = shown.sort((a, b) => a[0] - b[0]).map(([, it]) => it);
      list.replaceChildren(...shown.map((it, at) => {
        const item = make("li", { id: `${select.id}-${at}`, role: "option", "aria-selected": "false" }, it.label);
        item.append(make("small", {}, it.unit));
        item.addEventListener("click", () => choose(it));
        return item;
      }));
      list.hidden = shown.length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      status.textContent = shown.length ? "" : select.dataset.none;
      mark(asked.length && shown.length ? 0 : -1);
    };
    const choose = (topic) => {
      select.value = topic.value;
      input.value = topic.label;
      status.textContent = "";
      close();
      select.dispatchEvent(new Event("change", { bubbles: true }));
    };
    input.addEventListener("input", () => open(false));
    input.addEventListener("click", () => list.hidden && open(true));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => setTimeout(() => {
      close();
      input.value = named();
      status.textContent = "";
    }, 150));
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        if (list.hidden) open(true);
        mark(Math.max(0, Math.min(shown.length - 1, active + step)));
      } else if (event.key === "Enter" && !list.hidden && shown[active]) choose(shown[active]);
      else if (event.key === "Escape" && !list.hidden) close();
      else return;
      event.preventDefault();
    });
  };

  // --- What the topic asks, without losing what was typed already.
  const asTopicAsks = (select) => {
    const form = select.form;
    if (form.method !== "get") return;
    all(".without-script", form).forEach((it) => it.remove());
    select.addEventListener("change", async () => {
      if (!select.value) return;
      const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
      const here = document.querySelector("#request");
      if (!here) {
        location.assign(address);
        return;
      }
      const answer = await fetch(address).catch(() => null);
      if (!answer?.ok) {
        location.assign(address);
        return;
      }
      const there = new DOMParser().parseFromString(await answer.text(), "text/html");
      ["#questions", "#chosen"].forEach((part) => here.querySelector(part).replaceWith(there.querySelector(part)));
      history.replaceState(null, "", address);
    });
  };

  // --- Pictures are made smaller before they are sent: a telephone's has ten times what can be seen here.
  const smaller = async (file) => {
    if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < 300_000) return file;
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [picture.width * scale, picture.height * scale].map(Math.round);
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return small && small.size < file.size ? new File([small], "photo.jpg", { type: "image/jpeg" }) : file;
  };
  const pictures = (input) => {
    const status = make("div", { role: "status" });
    const told = make("ul", { class: "files" });
    status.append(told);
    input.after(status);
    let work = null;
    input.addEventListener("change", () => {
      const chosen = [...input.files];
      const tell = (files) => told.replaceChildren(...files.map((it, at) =>
        make("li", {}, `${chosen[at].name} · ${Math.max(1, Math.round(it.size / 1024))} kB`)));
      tell(chosen);
      const begun = Promise.all(chosen.map((it) => smaller(it).catch(() => it))).then((files) => {
        if (work !== begun) return;
        work = null;
        const list = new DataTransfer();
        files.forEach((it) => list.items.add(it));
        input.files = list.files;
        tell(files);
      });
      work = begun;
    });
    input.form.addEventListener("submit", (event) => {
      // Whoever is quicker than the pictures waits for them.
      if (!work) return;
      event.preventDefault();
      work.then(() => setTimeout(() => input.form.requestSubmit(event.submitter)));
    });
  };

  // --- The place: by pointing at the map, or where one stands.
  const place = (tools) => {
    tools.hidden = false;
    const set = (latitude, longitude, area = {}) => {
      const put = (id, value) => { document.getElementById(id).value = value; };
      put("latitude", latitude.toFixed(6));
      put("longitude", longitude.toFixed(6));
      ["district", "neighbourhood"].forEach((it) => area[it] && put(it, area[it]));
      document.getElementById("point").open = true;
      tools.querySelector("[role=status]").textContent =
        `${tools.dataset.chosen} ${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
    };
    const failed = () => { tools.querySelector("[role=status]").textContent = tools.dataset.failed; };
    tools.querySelector("[data-map]")?.addEventListener("click", async (event) => {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        const [{ draw }, areas] = await Promise.all([
          import("/map.js"), fetch(tools.dataset.outlines).then((it) => it.json()),
        ]);
        button.hidden = true;
        draw(tools.querySelector(".map"), areas, tools.dataset, set);
      } catch {
        button.disabled = false;
        failed();
      }
    });
    const here = tools.querySelector("[data-here]");
    if (!navigator.geolocation || !isSecureContext) here.hidden = true;
    here.addEventListener("click", () => navigator.geolocation.getCurrentPosition(
      ({ coords }) => set(coords.latitude, coords.longitude), failed, { enableHighAccuracy: true, timeout: 15_000 },
    ));
  };

  all("select[data-hint]").forEach((it) => {
    combobox(it);
    asTopicAsks(it);
  });
  all("input[type=file]").forEach(pictures);
  all(".place-tools").forEach(place);
  all("[data-print]").forEach((it) => {
    it.hidden = false;
    it.addEventListener("click", () => print());
  });
  document.querySelector(".summary")?.focus();
})();
