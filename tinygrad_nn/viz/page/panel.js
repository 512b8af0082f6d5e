// ---- Panel: all that is known of a node.

const panel = find("panel");

function showPanel(node) {
  panel.hidden = false;
  panel.innerHTML = `
    <button class="close" aria-label="Close" data-close>×</button>
    <h2>${escaped(node.title)}</h2>
    ${alertList(node)}
    ${table(rowsOf(node))}
    ${chart("Value", node.histogram)}
    ${chart("Gradient", node.gradientHistogram)}
    ${rulesOf(node)}
    ${linksOf("Inputs", node.parents)}
    ${linksOf("Outputs", node.children.map((child) => ({ node: child })))}
    ${linksOf("In equal modules", twinsOf(node), placeAndGradient)}`;
  panel.scrollTop = 0;
  measureStage();
}

function hidePanel() {
  panel.hidden = true;
  panel.innerHTML = "";
  measureStage();
}

function alertList(node) {
  return (node.alerts ?? []).map((alert) => `<p class="alert">⚠ ${escaped(alert)}</p>`).join("");
}

function rowsOf(node) {
  return [
    ["name", node.path],
    ["role", node.computed ? node.role : ""],
    [node.computed ? "operation" : "role", node.op || node.role],
    ["nodes", node.count],
    ["module", node.box ? `${moduleOf(node)} (${node.box.kind})` : ""],
    ["shape", node.dtype && (node.shape ? node.shape.join(" × ") : "() a number")],
    ["dtype", node.dtype],
    ...(node.facts ?? []),
    ["values", node.numbers],
    ["options", node.options],
    ["source", node.place],
  ].filter(([, value]) => value);
}

function table(rows) {
  const cells = rows.map(([what, value]) => `<dt>${escaped(what)}</dt><dd>${escaped(value)}</dd>`);
  return `<dl>${cells.join("")}</dl>`;
}

/** A histogram as bars, with what is not finite in words. */
function chart(title, histogram) {
  if (!histogram) return "";
  const { counts, low, high, nan, inf } = histogram;
  const odd = [["NaN", nan], ["infinite", inf]].filter(([, count]) => count);
  const text = odd.map(([what, count]) => `${count.toLocaleString("en")} ${what}`).join(", ");
  return `<h3>${title}</h3>${counts ? bars(title, counts, low, high) : ""}${
    text && `<p class="alert">⚠ ${text}</p>`}`;
}

function bars(title, counts, low, high) {
  const most = Math.max(...counts);
  const width = 240 / counts.length;
  const rects = counts.map((count, at) => {
    const height = count && Math.max(1, (60 * count) / most);
    return `<rect x="${at * width}" y="${62 - height}" width="${Math.max(1, width - 1)}"
      height="${height}"><title>${count.toLocaleString("en")}</title></rect>`;
  });
  return `<svg class="bars" viewBox="0 0 240 78" role="img"
    aria-label="${title}: histogram from ${low} to ${high}, at most ${most} in a bar"
    >${rects.join("")}<path d="M0 62.5H240"/><text y="75">${low}</text><text x="240" y="75"
    text-anchor="end">${high}</text></svg>`;
}

/** A rule for each input, under the name of the input. */
function rulesOf(node) {
  const rules = Object.entries(graph.rules[node.op] ?? {});
  if (!rules.length) return "";
  const texts = rules.map(([input, rule]) => {
    const text = escaped(rule || "(no source)");
    return `<dt>${escaped(input)}</dt><dd><pre>${text}</pre></dd>`;
  });
  return `<h3>Derivative rules <small>g: the gradient of the output</small></h3>
    <dl class="rules">${texts.join("")}</dl>`;
}

/** Buttons that lead to nodes, each with the name of the input that it is, and words on it. */
function linksOf(title, ends, words = equation) {
  if (!ends.length) return "";
  const shown = ends.slice(0, 100).map(({ node, input }) => {
    const note = input ? `<small>${escaped(input)}</small> ` : "";
    const text = escaped(words(node));
    return `<li>${note}<button class="link" data-node="${node.id}">${text}</button></li>`;
  });
  const more = ends.length > 100 ? `<li>and ${ends.length - 100} more</li>` : "";
  return `<h3>${title}</h3><ul class="links">${shown.join("")}${more}</ul>`;
}

/** The nodes that are drawn as one with this node, in equal modules. */
function twinsOf(node) {
  const drawnAs = folded(node);
  const twins = drawnAs.unit.members.filter((each) => each !== node && folded(each) === drawnAs);
  return twins.map((twin) => ({ node: twin }));
}

function placeAndGradient(node) {
  return [moduleOf(node), node.grad && gradientOf(node)].filter(Boolean).join(": ");
}

panel.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.node) goTo(nodes[button.dataset.node]);
  else if (button) clearSelection();
});

function clearSelection() {
  selected = null;
  hidePanel();
  redecorate();
}
