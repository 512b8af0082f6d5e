// ---- Play: the forward pass in the order of the computation, then the backward pass in reverse.

const operations = nodes.filter((node) => node.computed);
const differentiated = operations.filter((node) => node.grad !== undefined);
const steps = [
  ...operations.map((node) => ({ node, pass: "forward" })),
  ...[...differentiated].reverse().map((node) => ({ node, pass: "backward" })),
];
let step = 0; // how many steps are shown; the last of them is lit
let timer = null;

find("step").max = String(steps.length);

function setStep(to) {
  step = Math.min(steps.length, Math.max(0, to));
  showStep(true);
}

/** Light the nodes and edges of the step; follow it if it moved. */
function showStep(moved) {
  const slider = find("step");
  const caption = captionOf(step);
  slider.value = String(step);
  slider.setAttribute("aria-valuetext", caption);
  find("start").disabled = find("back").disabled = step === 0;
  find("next").disabled = step === steps.length;
  const { node, pass } = steps[step - 1] ?? {};
  svg.classList.toggle("stepping", step > 0);
  svg.classList.toggle("backward", pass === "backward");
  const reached = reachedUnits();
  const inputs = new Set(node?.parents.map((parent) => parent.node.unit));
  for (const unit of drawn.units) {
    const { classList } = elements.get(unit.key);
    classList.toggle("reached", reached.has(unit));
    classList.toggle("lit", unit === node?.unit);
    classList.toggle("taken", inputs.has(unit) && unit !== node.unit);
  }
  showFlow(node, pass);
  if (moved) {
    announce(caption);
    if (node) {
      bringIntoView(node.unit);
      applyView();
    }
  }
}

/** The units that have a value by now, or in the backward pass a gradient. */
function reachedUnits() {
  const reached = new Set();
  const backward = step > operations.length;
  if (!backward) {
    for (const node of nodes) if (!node.computed) reached.add(node.unit);
  }
  for (const { node } of steps.slice(backward ? operations.length : 0, step)) {
    reached.add(node.unit);
    if (backward) for (const parent of node.parents) reached.add(parent.node.unit);
  }
  return reached;
}

/** Light the edges of a step, and write the gradients of the inputs on them. */
function showFlow(node, pass) {
  const inputs = node?.parents.map((parent) => parent.node) ?? [];
  const carries = ({ from }) => inputs.some((input) => input.unit === from);
  const edges = node?.unit.into.filter(carries) ?? [];
  find("lit").innerHTML = edges.map(wholeMarkup).join("");
  const labels = edges.flatMap((edge, at) =>
    inputs
      .filter((input) => pass === "backward" && input.grad && input.unit === edge.from)
      .map((input, below) => flowLabel(find("lit").children[at], input, below)),
  );
  find("flow").innerHTML = labels.join("");
}

function flowLabel(path, input, below) {
  const { x, y } = path.getPointAtLength(path.getTotalLength() * 0.45);
  const width = widthOf(input.grad, SMALL) + 12;
  return `<g transform="translate(${x} ${y + 19 * below})">
    <rect x="${-width / 2}" y="-9" width="${width}" height="18" rx="9"/>
    <text y="4">${escaped(input.grad)}</text></g>`;
}

/** The gradient as a number, or the norm of it. */
function gradientOf(node) {
  return node.shape ? `‖grad‖ ${node.grad}` : `grad ${node.grad}`;
}

function captionOf(at) {
  if (!at) {
    const count = differentiated.length;
    const backward = count ? `${count.toLocaleString("en")} backward` : "no gradients";
    return `${counted(operations.length, "operation")} forward, ${backward}: press play`;
  }
  const { node, pass } = steps[at - 1];
  const place = node.box && moduleOf(node) ? `, in ${moduleOf(node)}` : "";
  const start = `Step ${at} of ${steps.length}, ${pass}${place}: `;
  return start + (pass === "forward" ? forwardWords(node) : backwardWords(node));
}

function forwardWords(node) {
  const taken = node.parents.map((parent) => equation(parent.node));
  const value = brief(node);
  return `${called(node)} takes ${taken.join(", ") || "nothing"}${value ? `, gives ${value}` : ""}`;
}

function backwardWords(node) {
  const sent = node.parents
    .filter((parent) => parent.node.grad)
    .map(({ node: parent, input }) => {
      const rule = graph.rules[node.op]?.[(input ?? "").split("[")[0]];
      const short = rule && rule.length <= 60 && !rule.includes("\n") ? `rule ${rule}, ` : "";
      return `to ${called(parent)} (${short}${gradientOf(parent)} in all)`;
    });
  const received = `${called(node)} receives ${gradientOf(node)}`;
  return sent.length ? `${received}, sends ${sent.join(", ")}` : received;
}

function announce(text) {
  const caption = find("caption");
  if (caption.textContent !== text) caption.textContent = text;
}

// ---- The buttons

function play() {
  if (step === steps.length) setStep(0);
  setPlaying(true);
  tick();
}

function tick() {
  setStep(step + 1);
  if (step === steps.length) setPlaying(false);
  else timer = setTimeout(tick, 1000 / Number(find("speed").value));
}

function setPlaying(playing) {
  clearTimeout(timer);
  timer = null;
  const button = find("play");
  button.textContent = playing ? "❚❚ Pause" : "▶ Play";
  button.setAttribute("aria-label", playing ? "Pause" : "Play");
  svg.classList.toggle("playing", playing);
}

function togglePlaying() {
  if (svg.classList.contains("playing")) setPlaying(false);
  else if (steps.length) play();
}

function stepBy(count) {
  setPlaying(false);
  setStep(step + count);
}

find("play").addEventListener("click", togglePlaying);
find("start").addEventListener("click", () => stepBy(-steps.length));
find("back").addEventListener("click", () => stepBy(-1));
find("next").addEventListener("click", () => stepBy(1));
find("step").addEventListener("input", ({ target }) => stepBy(Number(target.value) - step));
