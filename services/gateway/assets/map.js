// A map of a city's outlines to point at: no tiles, no library, only the lines that the gateway serves.
const SVG = "http://www.w3.org/2000/svg";

const make = (name, attributes, parent) => {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  parent?.append(element);
  return element;
};

/** Draws the areas into `host`; `chosen(latitude, longitude, area)` is told of each point. */
export function draw(host, areas, texts, chosen) {
  const points = areas.flatMap((it) => it.rings.flat());
  const [west, east] = [Math.min(...points.map((it) => it[0])), Math.max(...points.map((it) => it[0]))];
  const [south, north] = [Math.min(...points.map((it) => it[1])), Math.max(...points.map((it) => it[1]))];
  // A degree of longitude is shorter the further north it lies.
  const narrow = Math.cos(((south + north) / 2) * Math.PI / 180);
  const unit = 1000 / Math.max((east - west) * narrow, north - south);
  const x = (longitude) => (longitude - west) * narrow * unit;
  const y = (latitude) => (north - latitude) * unit;
  const size = [x(east), y(south)];
  const margin = 40;
  const view = { x: -margin, y: -margin, width: size[0] + 2 * margin, height: size[1] + 2 * margin };
  const whole = { ...view };

  const svg = make("svg", { class: "outlines", tabindex: "0", role: "application", "aria-label": texts.label });
  const districts = new Map();
  areas.forEach((area) => {
    const path = area.rings.map((ring) => `M${ring.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}Z`);
    const shape = make("path", { d: path.join(""), "fill-rule": "evenodd", class: "area" }, svg);
    make("title", {}, shape).textContent = [area.neighbourhood, area.district].filter(Boolean).join(", ");
    shape.area = area;
    districts.set(area.district, [...(districts.get(area.district) || []), ...area.rings.flat()]);
  });
  districts.forEach((all, name) => {
    const middle = (index) => all.reduce((sum, it) => sum + it[index], 0) / all.length;
    make("text", { x: x(middle(0)), y: y(middle(1)), class: "name" }, svg).textContent = name;
  });
  const pin = make("g", { class: "pin", visibility: "hidden" }, svg);
  make("circle", { r: 1 }, pin);
  make("circle", { r: 0.3, class: "heart" }, pin);
  let at = [view.x + view.width / 2, view.y + view.height / 2];

  const show = () => {
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    const scale = view.width / 40;
    pin.setAttribute("transform", `translate(${at[0]} ${at[1]}) scale(${scale})`);
    svg.querySelectorAll("text").forEach((it) => it.setAttribute("font-size", view.width / 28));
  };
  const zoom = (factor, centre = [view.x + view.width / 2, view.y + view.height / 2]) => {
    const width = Math.min(whole.width, Math.max(whole.width / 60, view.width * factor));
    const by = width / view.width;
    view.x = centre[0] - (centre[0] - view.x) * by;
    view.y = centre[1] - (centre[1] - view.y) * by;
    view.width *= by;
    view.height *= by;
    show();
  };
  const choose = (point) => {
    at = point;
    pin.setAttribute("visibility", "visible");
    show();
    const spot = svg.createSVGPoint();
    [spot.x, spot.y] = point;
    const within = [...svg.querySelectorAll(".area")].find((it) => it.isPointInFill(spot));
    chosen(north - point[1] / unit, west + point[0] / narrow / unit, within?.area);
  };

  // A click chooses, a drag moves.
  const pointers = new Map();
  let moved = 0;
  const spot = (event) => {
    const matrix = svg.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [point.x, point.y];
  };
  svg.addEventListener("pointerdown", (event) => {
    if (pointers.size === 0) moved = 0;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const perPixel = view.width / svg.clientWidth;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const far = (it) => Math.hypot(it[0] - other[0], it[1] - other[1]) || 1;
      zoom(far(before) / far(now));
    } else {
      view.x -= (now[0] - before[0]) * perPixel;
      view.y -= (now[1] - before[1]) * perPixel;
      show();
    }
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
  });
  svg.addEventListener("pointerup", (event) => {
    const was = pointers.delete(event.pointerId);
    if (was && pointers.size === 0 && moved < 6) choose(spot(event));
  });
  svg.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  svg.addEventListener("keydown", (event) => {
    const step = view.width / 50;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) choose([at[0] + by[0], at[1] + by[1]]);
    else if (event.key === "+") zoom(0.7, at);
    else if (event.key === "-") zoom(1.4, at);
    else return;
    event.preventDefault();
  });

  const tools = document.createElement("p");
  tools.className = "zoom";
  [["+", texts.closer, 0.6], ["−", texts.farther, 1.7]].forEach(([sign, name, factor]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "second";
    button.textContent = sign;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => zoom(factor));
    tools.append(button);
  });
  host.replaceChildren(svg, tools);
  host.hidden = false;
  show();
  svg.focus({ preventScroll: true });
}
