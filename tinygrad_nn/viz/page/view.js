// ---- View: the drawing, how it is moved, and what in it is selected.

const CULLED = 300; // of more units than this, those out of sight are not displayed
const MARGIN = 0.25; // of the stage on each side of it is painted too, for gestures; as in the CSS
const ANIMATED = 400; // more units than this move without animation

const find = (id) => document.getElementById(id);
const svg = find("graph");
const world = find("world");
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

const view = { x: 0, y: 0, scale: 1 };
const painted = { ...view }; // the view that the SVG was painted in
const stage = { left: 0, top: 0, width: 0, height: 0 }; // to ask each time would cost a layout
let resting; // the timer that runs out when a gesture rests
let drawn = { root: null, units: [], edges: [] };
let byKey = new Map(); // units and frames that are drawn
let elements = new Map(); // their elements
let current = null; // the key of what the Tab key leads to
let selected = null; // a node
let colorByGradient = graph.color === "grad";

// ---- Drawing

/** Lay out and draw what is visible now; what `anchor` (a box) shows stays in its place. */
function redraw(anchor = null) {
  const before = new Map([...byKey].map(([key, { x, y }]) => [key, { x, y }]));
  const focused = svg.contains(document.activeElement);
  drawn = visible();
  drawn.units.forEach(measureUnit);
  byKey = new Map(drawn.units.map((unit) => [unit.key, unit]));
  addFrames(drawn.root);
  layOut(drawn.root, drawn.edges, graph.direction, graph.edgeShapes ? 76 : 48);
  if (anchor) keepInPlace(anchor, before);
  else showStart();
  if (!byKey.has(current)) current = keyFor(current);
  paint();
  applyView();
  elements.get(current)?.setAttribute("tabindex", "0");
  if (focused) elements.get(current)?.focus({ preventScroll: true });
  if (before.size) animate(before);
  redecorate();
}

function addFrames(frame) {
  for (const child of frame.children) {
    if (!child.children) continue;
    child.label = clipped(titleOf(child.box), { ...TITLE, widest: 400 });
    const parameters = widthOf(child.box.parameters ?? "", SMALL);
    child.titleWidth = widthOf(child.label, TITLE) + parameters + 96;
    byKey.set(child.key, child);
    addFrames(child);
  }
}

function paint() {
  const frames = [...byKey.values()].filter((each) => each.children);
  find("frames").innerHTML = frames.map(frameMarkup).join("");
  find("edges").innerHTML = edgesMarkup();
  find("units").innerHTML = drawn.units.map(unitMarkup).join("");
  elements = new Map();
  for (const element of world.querySelectorAll("[data-key]")) {
    elements.set(element.dataset.key, element);
  }
  for (const unit of drawn.units) Object.assign(unit, { into: [], outOf: [] });
  for (const edge of drawn.edges) {
    edge.from.outOf.push(edge);
    edge.to.into.push(edge);
  }
  svg.setAttribute("aria-label", `${graph.title}, ${counted(drawn.units.length, "node")}`);
}

// ---- Moving

function measureStage() {
  const { left, top, width, height } = find("stage").getBoundingClientRect();
  Object.assign(stage, { left, top, width, height });
}

/**
 * Follow a gesture. Where there is much to paint, what is painted is moved as a picture, and
 * painted anew when the gesture rests or comes to what is not painted.
 */
function follow() {
  const ratio = view.scale / painted.scale;
  const [x, y] = [view.x - painted.x * ratio, view.y - painted.y * ratio];
  if (drawn.units.length <= CULLED || isUnpainted(x, y, ratio)) return applyView();
  svg.style.transform = `translate(${x}px, ${y}px) scale(${ratio})`;
  clearTimeout(resting);
  resting = setTimeout(applyView, 150);
}

/** Whether a part of the graph would be seen that is not displayed. */
function isUnpainted(x, y, ratio) {
  const { width, height } = stage;
  const { left, top, right, bottom } = onStage(drawn.root);
  return (
    Math.max(left, 0) < x - width * MARGIN * ratio ||
    Math.max(top, 0) < y - height * MARGIN * ratio ||
    Math.min(right, width) > x + width * (1 + MARGIN) * ratio ||
    Math.min(bottom, height) > y + height * (1 + MARGIN) * ratio
  );
}

function applyView() {
  clearTimeout(resting);
  svg.style.transform = "";
  Object.assign(painted, view);
  const [x, y] = [view.x + stage.width * MARGIN, view.y + stage.height * MARGIN];
  world.setAttribute("transform", `translate(${x} ${y}) scale(${view.scale})`);
  svg.classList.toggle("far", view.scale < 0.45);
  svg.classList.toggle("farther", view.scale < 0.2);
  for (const unit of drawn.units) {
    const away = isAway(unit);
    if (away === unit.away) continue;
    unit.away = away;
    elements.get(unit.key).classList.toggle("away", away);
  }
}

/** Whether a unit is not displayed, as it is out of sight and many units make zooming slow. */
function isAway(unit) {
  if (drawn.units.length <= CULLED || unit.key === current) return false;
  const { left, top, right, bottom } = onStage(unit);
  const [aside, above] = [stage.width * MARGIN, stage.height * MARGIN];
  return (
    right < -aside || left > stage.width + aside || bottom < -above || top > stage.height + above
  );
}

/** Where a unit or frame is in the window. */
function onStage({ x, y, width, height }) {
  const [left, top] = [view.x + x * view.scale, view.y + y * view.scale];
  return { left, top, right: left + width * view.scale, bottom: top + height * view.scale };
}

function zoom(factor, x = stage.width / 2, y = stage.height / 2) {
  const scale = Math.min(4, Math.max(0.005, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  follow();
}

/** View the whole graph. */
function fit() {
  const { width, height } = drawn.root;
  view.scale = Math.min(1.25, (stage.width - 48) / width, (stage.height - 48) / height);
  center(drawn.root);
}

/** View the whole graph, or if that is too much to read, its start. */
function showStart() {
  fit();
  if (view.scale > 0.3) return;
  view.scale = 0.6;
  center(drawn.units[0]);
  if (graph.direction === "LR") view.x -= 0.4 * stage.width;
  else view.y -= 0.4 * stage.height;
}

function center({ x, y, width, height }) {
  view.x = stage.width / 2 - (x + width / 2) * view.scale;
  view.y = stage.height / 2 - (y + height / 2) * view.scale;
}

/** Move so that a unit or the title of a frame is seen; to the middle if it was not. */
function bringIntoView(each) {
  const shown = each.children ? { ...each, height: 25 } : each;
  const { left, top, right, bottom } = onStage(shown);
  if (left >= 8 && top >= 8 && right <= stage.width - 8 && bottom <= stage.height - 8) return;
  center(shown);
}

/** Move so that a box that was opened or closed stays where it was. */
function keepInPlace(box, before) {
  const now = byKey.get(box.key) ?? byKey.get(keyFor(box.key));
  const was = before.get(box.key);
  if (!was) return;
  view.x += (was.x - now.x) * view.scale;
  view.y += (was.y - now.y) * view.scale;
  bringIntoView(now);
  keepOnStage();
}

/** Of a graph that fits on the stage, show all. */
function keepOnStage() {
  const { width, height } = drawn.root;
  const inside = (at, length, most) =>
    length > most - 16 ? at : Math.min(Math.max(at, 8), most - 8 - length);
  view.x = inside(view.x, width * view.scale, stage.width);
  view.y = inside(view.y, height * view.scale, stage.height);
}

/** Units glide from where they were. */
function animate(before) {
  if (stillness.matches || drawn.units.length > ANIMATED) return;
  const time = { duration: 220, easing: "ease-out" };
  for (const { key, x, y } of drawn.units) {
    const was = before.get(key);
    const there = `translate(${x}px,${y}px)`;
    const frames = was
      ? [{ transform: `translate(${was.x}px,${was.y}px)` }, { transform: there }]
      : [{ opacity: 0 }, { opacity: 1 }];
    if (!was || was.x !== x || was.y !== y) elements.get(key).animate(frames, time);
  }
  for (const id of ["edges", "frames"]) find(id).animate([{ opacity: 0 }, { opacity: 1 }], time);
}

// ---- Opening and closing

/** The key of what is drawn in the place of something: of itself, or of the closed box around. */
function keyFor(key) {
  if (!key) return drawn.units[0]?.key ?? null;
  const id = Number(key.slice(1));
  const node = key[0] === "n" ? nodes[id] : everything(boxes[id])[0];
  return node.unit.key;
}

function setOpen(box, open) {
  box.closed = !open;
  redraw(box);
  announce(`${box.title} is ${open ? "open" : "closed"}`);
}

function toggleRow(box) {
  box.unfolded = !box.unfolded;
  redraw(box);
}

/** Open all boxes around a node that are closed. */
function reveal(node) {
  const closed = upwards(folded(node).box).filter((box) => box.closed);
  if (!closed.length) return;
  for (const box of closed) box.closed = false;
  redraw(closed.at(-1));
  announce(`${closed.map((box) => box.title).join(", ")} opened`);
}

// ---- Selecting

function focusOn(key) {
  elements.get(current)?.setAttribute("tabindex", "-1");
  current = key;
  bringIntoView(byKey.get(key));
  applyView();
  const element = elements.get(key);
  element.setAttribute("tabindex", "0");
  element.focus({ preventScroll: true });
}

function select(node) {
  selected = node;
  showPanel(node);
  bringIntoView(node.unit);
  applyView();
  redecorate();
}

/** Select a node wherever it is, and show it. */
function goTo(node, focus = true) {
  reveal(node);
  select(node);
  if (focus) focusOn(node.unit.key);
}

/** Open or close a box, select a node. */
function activate(key) {
  const each = byKey.get(key);
  if (each.children) setOpen(each.box, false);
  else if (each.box) setOpen(each.box, true);
  else select(each.node);
}

/** Mark what is selected, and the edges at it. */
function redecorate() {
  for (const unit of drawn.units) {
    const isSelected = selected?.unit === unit;
    const element = elements.get(unit.key);
    element.classList.toggle("selected", isSelected);
    if (isSelected) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
  }
  const near = selected ? [...selected.unit.into, ...selected.unit.outOf] : [];
  find("near").innerHTML = near.map(wholeMarkup).join("");
  markHits();
  showStep(false);
}

function showColors() {
  svg.classList.toggle("by-gradient", colorByGradient);
  find("by-gradient").setAttribute("aria-pressed", String(colorByGradient));
  const entries = colorByGradient ? graph.legend.map(ofColor) : rolesShown().map(ofRole);
  const title = colorByGradient ? "‖gradient‖" : "";
  find("legend").innerHTML = `${title}<ul aria-label="Colours">${entries.join("")}</ul>`;
}

function ofColor([color, text]) {
  return `<li><i style="background:${color}"></i>${escaped(text)}</li>`;
}

function ofRole(role) {
  return `<li><i class="${role}"></i>${role === "module" ? "closed module" : role}</li>`;
}

function rolesShown() {
  const roles = ["input", "parameter", "constant", "operation", "output", "group"];
  const found = roles.filter((role) => nodes.some((node) => node.role === role));
  return boxes.some((box) => !box.single) ? [...found, "module"] : found;
}
