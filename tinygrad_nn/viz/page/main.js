// ---- Search, mouse, touch and keys; and the start.

const search = find("search");
let hits = []; // nodes that match, as they are drawn
let hit = -1; // the one that was gone to

/** All that a node is found by. */
function haystack(node) {
  const shapes = node.shape ? [" × ", "x", ", "].map((sign) => `(${node.shape.join(sign)})`) : [];
  const path = upwards(node.box).map((box) => `${box.path} ${box.kind}`);
  const parts = [node.title, node.op, node.path, node.name, node.role, ...shapes, ...path];
  return parts.filter(Boolean).join("\n").toLowerCase();
}

function runSearch() {
  const words = search.value.toLowerCase().trim();
  nodes.forEach((node) => (node.haystack ??= haystack(node)));
  const found = words ? nodes.filter((node) => node.haystack.includes(words)) : [];
  hits = [...new Set(found.map(folded))];
  hit = -1;
  markHits();
}

function markHits() {
  const units = new Set(hits.map((node) => node.unit));
  for (const unit of drawn.units) {
    const { classList } = elements.get(unit.key);
    classList.toggle("hit", units.has(unit));
    classList.toggle("current-hit", hits[hit]?.unit === unit);
  }
  svg.classList.toggle("searching", search.value.trim() !== "");
  const place = hit < 0 ? `${hits.length} found` : `${hit + 1} of ${hits.length}`;
  find("hits").textContent = search.value.trim() ? place : "";
}

function nextHit(by) {
  if (!hits.length) return;
  hit = hit < 0 && by < 0 ? hits.length - 1 : (hit + by + hits.length) % hits.length;
  goTo(hits[hit], false);
}

search.addEventListener("input", runSearch);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextHit(event.shiftKey ? -1 : 1);
});

// ---- Mouse and touch

const pointers = new Map();
let dragged = false;

/** Where the pointer is on the stage. */
function placeOf({ clientX, clientY }) {
  return [clientX - stage.left, clientY - stage.top];
}

find("stage").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pointers.set(event.pointerId, placeOf(event));
  if (pointers.size === 1) dragged = false;
});

find("stage").addEventListener("pointermove", (event) => {
  if (!pointers.has(event.pointerId)) return;
  const [x, y] = pointers.get(event.pointerId);
  const [nowX, nowY] = placeOf(event);
  const [dx, dy] = [nowX - x, nowY - y];
  if (!dragged && Math.hypot(dx, dy) < 4) return;
  dragged = true;
  event.currentTarget.setPointerCapture(event.pointerId);
  const others = [...pointers].filter(([id]) => id !== event.pointerId);
  if (others.length) {
    const [, [fixedX, fixedY]] = others[0];
    const before = Math.hypot(x - fixedX, y - fixedY);
    const after = Math.hypot(nowX - fixedX, nowY - fixedY);
    zoom(after / Math.max(before, 1), fixedX, fixedY);
  } else {
    view.x += dx;
    view.y += dy;
    follow();
  }
  pointers.set(event.pointerId, [nowX, nowY]);
});

for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, (event) => pointers.delete(event.pointerId));
}

find("stage").addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
  zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), ...placeOf(event));
}, { passive: false });

svg.addEventListener("click", ({ target }) => {
  if (dragged) return;
  const unfold = target.closest("[data-unfold]");
  const element = target.closest("[data-key]");
  if (unfold) toggleRow(boxes[unfold.dataset.unfold]);
  else if (element) {
    const { key } = element.dataset;
    focusOn(key);
    activate(key);
  }
});

// On the document: an SVG that listens to the focus would take it itself.
document.addEventListener("focusin", ({ target }) => {
  const key = target.closest("[data-key]")?.dataset.key;
  if (!key || key === current) return;
  elements.get(current)?.setAttribute("tabindex", "-1");
  current = key;
});

// ---- Keys

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function middleOf({ x, y, width, height, children }) {
  return children ? [x + 40, y + 12] : [x + width / 2, y + height / 2];
}

/** Along the edges to the nearest neighbour, or across them to what is nearest there. */
function move(direction) {
  const here = byKey.get(current);
  const [right, down] = direction;
  const ahead = graph.direction === "LR" ? right : down;
  let others = [...byKey.values()].filter((each) => each !== here);
  if (ahead && !here.children) {
    const edges = ahead > 0 ? here.outOf : here.into;
    if (edges.length) others = edges.map((edge) => (ahead > 0 ? edge.to : edge.from));
  }
  const [x, y] = middleOf(here);
  let best = null;
  let least = Infinity;
  for (const other of others) {
    const [dx, dy] = [middleOf(other)[0] - x, middleOf(other)[1] - y];
    const forward = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    if (forward > 0 && forward + 3 * aside < least) [best, least] = [other, forward + 3 * aside];
  }
  if (best) focusOn(best.key);
}

function closeAround(key) {
  const each = byKey.get(key);
  const frame = each.children ? each : each.outer;
  if (frame?.box) setOpen(frame.box, false);
}

function clearAll() {
  toggleHelp(false);
  search.value = "";
  runSearch();
  setPlaying(false);
  setStep(0);
  clearSelection();
  if (document.activeElement === search) search.blur();
}

function toggleHelp(open = find("help").hidden) {
  find("help").hidden = !open;
  find("help-button").setAttribute("aria-expanded", String(open));
}

/** Whether a key is for what has the focus: text, a slider, a button. */
function isTaken(key, target) {
  if (target === search) return key !== "Escape";
  if (target.matches("input, select")) return !["Escape", "/", "?"].includes(key);
  return target.matches("button") && [" ", "Enter"].includes(key);
}

const KEYS = {
  "/": () => search.select(),
  "?": () => toggleHelp(),
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(0.8),
  0: showAll,
  ".": () => stepBy(1),
  ",": () => stepBy(-1),
  Escape: clearAll,
};

addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || isTaken(key, target)) return;
  const inGraph = svg.contains(target);
  if (inGraph && ARROWS[key]) move(ARROWS[key]);
  else if (inGraph && (key === "Enter" || key === " ")) activate(current);
  else if (inGraph && key === "c") closeAround(current);
  else if (key === " ") togglePlaying();
  else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
});

// ---- The other buttons, printing, the start

find("zoom-in").addEventListener("click", () => zoom(1.25));
find("zoom-out").addEventListener("click", () => zoom(0.8));
find("fit").addEventListener("click", showAll);
find("help-button").addEventListener("click", () => toggleHelp());
find("by-gradient").addEventListener("click", () => {
  colorByGradient = !colorByGradient;
  showColors();
});

function showAll() {
  fit();
  applyView();
}

addEventListener("beforeprint", () => {
  applyView();
  const { width, height } = drawn.root;
  svg.setAttribute("viewBox", `-8 -8 ${width + 16} ${height + 16}`);
  svg.classList.remove("far");
  world.removeAttribute("transform");
});
addEventListener("afterprint", () => {
  svg.removeAttribute("viewBox");
  applyView();
});

find("notes").innerHTML = graph.notes.map((note) => `<li>${escaped(note)}</li>`).join("");
showColors();
measureStage();
new ResizeObserver(() => {
  measureStage();
  if (!svg.hasAttribute("viewBox")) applyView(); // it has one while it is printed
}).observe(find("stage"));
redraw();
announce(captionOf(0));
