// ---- What is in the page: nodes, the modules (boxes) around them, and what of it is visible.

const graph = JSON.parse(document.getElementById("data").textContent);
const { nodes, boxes } = graph;

boxes.forEach((box, id) => {
  Object.assign(box, { id, key: `b${id}`, own: [], inner: [], outer: boxes[box.outer] ?? null });
  box.outer?.inner.push(box);
});
nodes.forEach((node, id) => {
  Object.assign(node, { id, key: `n${id}`, box: boxes[node.box] ?? null, children: [] });
  node.parents = (node.parents ?? []).map(([parent, input]) => ({ node: nodes[parent], input }));
  node.box?.own.push(node);
});
for (const node of nodes) {
  for (const { node: parent } of node.parents) {
    if (!parent.children.includes(node)) parent.children.push(node);
  }
}
for (const box of boxes) {
  box.row = box.row === undefined ? null : boxes[box.row];
  box.places = box.row && new Map(everything(box).map((node, place) => [node, place]));
  box.contents = box.times ? everything(box) : null;
}

/** The nodes in a box and in those inside, in an order that is the same for equal boxes. */
function everything(box) {
  return [...box.own, ...box.inner.flatMap(everything)];
}

/** The box, the one around it, and so on. */
function upwards(box) {
  const found = [];
  for (; box; box = box.outer) found.push(box);
  return found;
}

/** The node that is drawn for one in a later box of a row of equal ones: the first box's. */
function folded(node) {
  for (;;) {
    const later = upwards(node.box).findLast((box) => box.row && !box.row.unfolded);
    if (!later) return node;
    node = later.row.contents[later.places.get(node)];
  }
}

/**
 * What is drawn: units, each a node or a closed box with the nodes it stands for; the edges
 * between them; and the open boxes, as a tree. Sets the unit of each node.
 */
function visible() {
  const root = { box: null, outer: null, children: [] };
  const frames = new Map([[null, root]]);
  const units = new Map();

  function frameOf(box) {
    while (box?.single) box = box.outer;
    if (!frames.has(box)) {
      const frame = { key: box.key, box, outer: frameOf(box.outer), children: [] };
      frame.outer.children.push(frame);
      frames.set(box, frame);
    }
    return frames.get(box);
  }

  for (const node of nodes) {
    const drawn = folded(node);
    const closed = upwards(drawn.box).findLast((box) => box.closed && !box.single);
    const { key } = closed ?? drawn;
    if (!units.has(key)) {
      const outer = frameOf(closed ? closed.outer : drawn.box);
      const unit = { key, outer, node: closed ? null : drawn, box: closed ?? null, members: [] };
      outer.children.push(unit);
      units.set(key, unit);
    }
    node.unit = units.get(key);
    node.unit.members.push(node);
  }
  return { root, units: [...units.values()], edges: edgesBetweenUnits() };
}

function edgesBetweenUnits() {
  const edges = new Map();
  for (const node of nodes) {
    const end = folded(node);
    for (const { node: parent } of node.parents) {
      const start = folded(parent);
      if (end !== node || start.unit === end.unit) continue;
      const key = `${start.unit.key} ${end.unit.key}`;
      if (!edges.has(key)) edges.set(key, { from: start.unit, to: end.unit, values: new Set() });
      edges.get(key).values.add(start);
    }
  }
  return [...edges.values()];
}

// ---- Words

/** What a node is called in a sentence: its name, or else its symbol. */
function called(node) {
  return node.name && node.computed ? `${node.name} (${node.title})` : node.title;
}

/** A node's value in a few words: a number, or the shape. */
function brief(node) {
  return node.value ?? (node.shape ? node.shape.join(" × ") : "");
}

function equation(node) {
  const value = brief(node);
  return value && value !== node.title ? `${called(node)} = ${value}` : called(node);
}

/** The path of the module that a node is in, or its class. */
function moduleOf(node) {
  return node.box ? node.box.path || node.box.kind : "";
}

function counted(count, what) {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function escaped(text) {
  const codes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => codes[character]);
}
