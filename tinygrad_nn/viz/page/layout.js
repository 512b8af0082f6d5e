// ---- Layout: where everything is.
//
// Each open box is laid out on its own, innermost first, and then is one large node in the layout
// around it. A layout is layered, after K. Sugiyama, S. Tagawa, M. Toda (1981): nodes get layers so
// that edges go forward; edges over several layers get a point in each; nodes in a layer are
// ordered so that few edges cross, and then moved to where their neighbours are.
//
// Lengths are along the direction of the edges (`along`, from the start of a layer to its end) or
// across it (`across`). An edge that leaves a box passes a *port*, a point on the border of the
// box; all edges from one unit share their ports and points, so they part only where they must.

const GAP = { extra: 90, node: 12, line: 9, padding: 14, header: 24 };
const SWEEPS = 10;
const PATIENCE = 4; // sweeps without fewer crossings before giving up
const MOST_POINTS = 20000; // if long edges need more points than this, they go straight

/**
 * Place all units, which have a `width` and `height`, and the boxes around them: sets their `x` and
 * `y` (top left), the sizes of boxes, and what `piecesOf` an edge needs. `direction` is "LR" or
 * "TB", and `gap` the least distance of layers.
 */
function layOut(root, edges, direction, gap) {
  const flat = direction === "LR";
  prepare(root, gap);
  for (const edge of edges) split(edge);
  arrange(root, flat);
  moveTo(root, 0, 0, flat);
  for (const each of new Set(edges.flatMap((edge) => edge.links))) trace(each, flat);
}

function prepare(frame, gap) {
  Object.assign(frame, { gap, links: new Map(), entries: new Map(), exits: new Map() });
  for (const child of frame.children) if (child.children) prepare(child, gap);
}

/** Divide an edge into links, each between two children or ports of one frame. */
function split(edge) {
  const { from, to } = edge;
  const around = new Set(framesAround(to));
  const common = framesAround(from).find((frame) => around.has(frame));
  edge.links = [];
  let start = from;
  while (start.outer !== common) {
    edge.links.push(link(start.outer, from, start, port(start.outer.exits, from)));
    start = start.outer;
  }
  const inward = [];
  let end = to;
  while (end.outer !== common) {
    inward.unshift(link(end.outer, from, port(end.outer.entries, from), end));
    end = end.outer;
  }
  edge.links.push(link(common, from, start, end), ...inward);
}

function framesAround(unit) {
  const found = [];
  for (let frame = unit.outer; frame; frame = frame.outer) found.push(frame);
  return found;
}

function port(ports, source) {
  if (!ports.has(source)) ports.set(source, { key: `port ${source.key}`, isPort: true });
  return ports.get(source);
}

function link(frame, source, start, end) {
  const key = `${source.key} ${start.key} ${end.key}`;
  if (!frame.links.has(key)) frame.links.set(key, { source, start, end, points: [] });
  return frame.links.get(key);
}

// ---- One frame

function arrange(frame, flat) {
  for (const child of frame.children) {
    if (child.children) arrange(child, flat);
    child.long = flat ? child.width : child.height;
    child.broad = flat ? child.height : child.width;
  }
  const links = [...frame.links.values()];
  for (const port of [...frame.entries.values(), ...frame.exits.values()]) {
    port.long = port.broad = 0;
  }
  assignLayers(frame, links);
  const layers = fillLayers(frame, links);
  order(layers);
  align(layers);
  measure(frame, layers, flat);
}

/**
 * Layers by the longest path from the start. What at most one computed value leads to is then moved
 * towards its first use, as that makes no edges longer in sum.
 */
function assignLayers(frame, links) {
  const inside = links.filter(({ start, end }) => !start.isPort && !end.isPort);
  const out = new Map(frame.children.map((child) => [child, []]));
  const waiting = new Map(frame.children.map((child) => [child, 0]));
  for (const each of inside) {
    out.get(each.start).push(each);
    waiting.set(each.end, waiting.get(each.end) + 1);
  }
  const first = frame.entries.size ? 1 : 0;
  const sources = new Set(frame.children.filter((child) => !waiting.get(child)));
  const ready = [...sources];
  const sorted = [];
  const rest = new Set(frame.children);
  frame.children.forEach((child) => (child.layer = first));
  for (let at = 0; rest.size; ) {
    const child = ready[at++] ?? rest.values().next().value; // a cycle is cut at its first member
    rest.delete(child);
    sorted.push(child);
    for (const each of out.get(child)) {
      each.isBackward = !rest.has(each.end);
      if (each.isBackward) continue;
      each.end.layer = Math.max(each.end.layer, child.layer + 1);
      waiting.set(each.end, waiting.get(each.end) - 1);
      if (!waiting.get(each.end)) ready.push(each.end);
    }
  }
  for (const child of frame.children) child.isSource = sources.has(child) && !child.children;
  const inward = new Map();
  for (const { start, end } of inside) {
    if (!sources.has(start)) inward.set(end, (inward.get(end) ?? 0) + 1);
  }
  for (const child of sorted.reverse()) {
    const uses = out.get(child).filter((each) => !each.isBackward).map((each) => each.end.layer);
    if (uses.length && (inward.get(child) ?? 0) <= 1) child.layer = Math.min(...uses) - 1;
  }
  const last = Math.max(first, ...frame.children.map((child) => child.layer));
  for (const entry of frame.entries.values()) entry.layer = 0;
  for (const exit of frame.exits.values()) exit.layer = last + 1;
}

/** The layers, with a point in each that a link passes; sets what each is connected to. */
function fillLayers(frame, links) {
  const members = [...frame.entries.values(), ...frame.children, ...frame.exits.values()];
  const count = 1 + Math.max(0, ...members.map((member) => member.layer));
  const layers = Array.from({ length: count }, () => []);
  for (const member of members) {
    Object.assign(member, { before: [], after: [] });
    layers[member.layer].push(member);
  }
  const forward = links.filter((each) => !each.isBackward);
  const straight = pointsNeeded(forward) > MOST_POINTS;
  const chains = new Map();
  for (const each of forward) {
    let previous = each.start;
    let offset = portOffset(each.start, each.start.exits, each.source);
    for (let layer = each.start.layer + 1; layer < each.end.layer; layer++) {
      if (straight) break;
      const key = `${wayOf(each)} ${layer}`;
      if (!chains.has(key)) {
        const point = { isPoint: true, layer, long: 0, broad: 0, before: [], after: [] };
        layers[layer].push(point);
        connect(previous, point, offset, 0);
        chains.set(key, point);
      }
      previous = chains.get(key);
      offset = 0;
      each.points.push(previous);
    }
    if (each.end.layer - previous.layer === 1) {
      connect(previous, each.end, offset, portOffset(each.end, each.end.entries, each.source));
    }
  }
  return layers;
}

/** What links have in common that share their points. */
function wayOf({ source, start }) {
  return `${source.key} ${start.key}`;
}

function pointsNeeded(links) {
  const longest = new Map();
  for (const each of links) {
    const passed = each.end.layer - each.start.layer - 1;
    longest.set(wayOf(each), Math.max(passed, longest.get(wayOf(each)) ?? 0));
  }
  return [...longest.values()].reduce((sum, passed) => sum + passed, 0);
}

/** How far a port is from the middle of its box, across. */
function portOffset(child, ports, source) {
  return child.children ? ports.get(source).across - child.broad / 2 : 0;
}

/** Connect two neighbours; long edges pull more, to be straight, and leaves hardly. */
function connect(start, end, startOffset, endOffset) {
  let weight = start.isPoint && end.isPoint ? 8 : start.isPoint || end.isPoint ? 2 : 1;
  if (start.isSource) weight = 1e-3;
  start.after.push({ other: end, own: startOffset, offset: endOffset, weight });
  end.before.push({ other: start, own: endOffset, offset: startOffset, weight });
}

// ---- The order in a layer

function order(layers) {
  const number = (layer) => layer.forEach((member, place) => (member.place = place));
  layers.forEach(number);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  let waited = 0;
  for (let sweep = 0; sweep < SWEEPS && fewest && waited < PATIENCE; sweep++, waited++) {
    const down = sweep % 2 === 0;
    const side = down ? "before" : "after";
    for (const layer of down ? layers : [...layers].reverse()) {
      for (const member of layer) member.wish = meanPlace(member, side);
      layer.sort((a, b) => a.wish - b.wish);
      number(layer);
    }
    const count = crossings(layers);
    if (count < fewest) {
      fewest = count;
      waited = 0;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, at) => (layers[at] = layer));
  layers.forEach(number);
}

/** The mean place of a member's neighbours on one side, or its own place if it has none. */
function meanPlace(member, side) {
  const neighbours = member[side];
  if (!neighbours.length) return member.place;
  let sum = 0;
  for (const each of neighbours) sum += portPlace(each);
  return sum / neighbours.length;
}

/** The place of a neighbour, with where its port is as a fraction. */
function portPlace({ other, offset }) {
  return other.place + (other.broad ? offset / other.broad : 0);
}

/** How many connections between neighbouring layers cross: inversions, in a Fenwick tree. */
function crossings(layers) {
  let count = 0;
  for (const layer of layers) {
    const ends = [];
    for (const member of layer) {
      const after = member.after.map((each) => [each.own, Math.round(8 * portPlace(each))]);
      after.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      ends.push(...after.map(([, end]) => end + 4));
    }
    const size = Math.max(0, ...ends) + 1;
    const tree = new Int32Array(size + 1);
    ends.forEach((end, earlier) => {
      let notBeyond = 0;
      for (let i = end + 1; i > 0; i -= i & -i) notBeyond += tree[i];
      count += earlier - notBeyond;
      for (let i = end + 1; i <= size; i += i & -i) tree[i]++;
    });
  }
  return count;
}

// ---- Places across the edges

/** Move each layer to where its neighbours are, as far as its members do not overlap. */
function align(layers) {
  for (const layer of layers) {
    let place = 0;
    layer.forEach((member, at) => {
      place += at ? distance(layer[at - 1], member) : 0;
      member.middle = place;
    });
    layer.forEach((member) => (member.middle -= place / 2));
  }
  const backwards = [...layers].reverse();
  for (let pass = 0; pass < 4; pass++) {
    for (const layer of layers) settle(layer, ["before"]);
    for (const layer of backwards) settle(layer, ["after"]);
  }
  for (const layer of [...layers, ...backwards]) settle(layer, ["before", "after"]);
}

/** The least distance of the middles of two neighbours in a layer. */
function distance(one, other) {
  const gap = one.isPoint || other.isPoint || one.isPort || other.isPort ? GAP.line : GAP.node;
  return (one.broad + other.broad) / 2 + gap;
}

/**
 * The weighted least squares of the distances from the wished places, with the order and the
 * least distances kept: pools of adjacent violators (isotonic regression).
 */
function settle(layer, sides) {
  const pools = [];
  let reach = 0;
  layer.forEach((member, at) => {
    reach += at ? distance(layer[at - 1], member) : 0;
    const { wish, weight } = wished(member, sides);
    let pool = { start: at, mean: wish - reach, weight };
    member.reach = reach;
    while (pools.length && pools.at(-1).mean > pool.mean) {
      const earlier = pools.pop();
      const weight = earlier.weight + pool.weight;
      const mean = (earlier.mean * earlier.weight + pool.mean * pool.weight) / weight;
      pool = { start: earlier.start, mean, weight };
    }
    pools.push(pool);
  });
  pools.forEach((pool, at) => {
    const end = pools[at + 1]?.start ?? layer.length;
    for (const member of layer.slice(pool.start, end)) member.middle = pool.mean + member.reach;
  });
}

function wished(member, sides) {
  let weight = 0;
  let sum = 0;
  for (const side of sides) {
    for (const each of member[side]) {
      weight += each.weight;
      sum += each.weight * (each.other.middle + each.offset - each.own);
    }
  }
  return weight ? { wish: sum / weight, weight } : { wish: member.middle, weight: 1e-4 };
}

// ---- Sizes and places

/** Set the places of a frame's members within it, and its size. */
function measure(frame, layers, flat) {
  const members = layers.flat();
  const top = Math.min(...members.map((member) => member.middle - member.broad / 2));
  const bottom = Math.max(...members.map((member) => member.middle + member.broad / 2));
  const header = frame.box ? GAP.header : 0;
  const padding = frame.box ? GAP.padding : 0;
  const before = flat ? header + padding / 2 : padding;
  for (const member of members) member.across = member.middle - top + before;
  frame.layers = [];
  let along = frame.entries.size ? 0 : padding + (flat ? 0 : header);
  if (frame.entries.size && !flat) along = header / 2;
  layers.forEach((layer, at) => {
    if (at) along += frame.gap + extraGap(layer);
    const long = Math.max(0, ...layer.map((member) => member.long));
    frame.layers.push({ start: along, end: along + long });
    for (const member of layer) member.along = along + (long - member.long) / 2;
    along += long;
  });
  const long = along + (frame.exits.size ? 0 : padding);
  const broad = bottom - top + before + padding;
  frame.width = Math.max(flat ? long : broad, frame.titleWidth ?? 0);
  frame.height = flat ? broad : long;
  closePorts(frame, flat);
}

/** Ports are on the border. */
function closePorts(frame, flat) {
  for (const entry of frame.entries.values()) entry.along = 0;
  for (const exit of frame.exits.values()) exit.along = flat ? frame.width : frame.height;
  if (frame.entries.size) frame.layers[0] = { start: 0, end: 0 };
  const end = flat ? frame.width : frame.height;
  if (frame.exits.size) frame.layers[frame.layers.length - 1] = { start: end, end };
}

/** How much wider than others the gap before a layer is, for steep edges. */
function extraGap(layer) {
  let steepest = 0;
  for (const member of layer) {
    for (const { other, own, offset } of member.before) {
      steepest = Math.max(steepest, Math.abs(other.middle + offset - member.middle - own));
    }
  }
  return Math.min(GAP.extra, steepest / 8);
}

function moveTo(frame, x, y, flat) {
  Object.assign(frame, { x, y });
  for (const child of frame.children) {
    const across = child.across - child.broad / 2;
    const [right, down] = flat ? [child.along, across] : [across, child.along];
    if (child.children) moveTo(child, x + right, y + down, flat);
    else Object.assign(child, { x: x + right, y: y + down });
  }
}

/**
 * Find the points that a link goes through, straight within layers and curved in between. The piece
 * of its way that leads to a point in a layer is kept there, for all links through that point.
 */
function trace(link, flat) {
  const { start, end, source, points, isBackward } = link;
  const frame = start.outer ?? end.outer;
  const at = (along, across) =>
    flat ? [frame.x + along, frame.y + across] : [frame.x + across, frame.y + along];
  const leave = start.across + portOffset(start, start.exits, source);
  const arrive = end.across + portOffset(end, end.entries, source);
  const departure = at(start.along + start.long, leave);
  const arrival = at(end.along, arrive);
  if (isBackward) {
    link.last = [departure, arrival];
    return;
  }
  const { layers } = frame;
  const through = ({ layer, across }) =>
    [layers[layer].start, layers[layer].end].map((along) => at(along, across));
  const before = (place) =>
    place ? through(points[place - 1]) : [departure, at(layers[start.layer].end, leave)];
  for (let place = points.length - 1; place >= 0 && !points[place].piece; place--) {
    points[place].piece = [...before(place), through(points[place])[0]];
  }
  link.last = [...before(points.length), at(layers[end.layer].start, arrive), arrival];
}

/** The pieces of the way of an edge, each a list of points. */
function piecesOf({ links }) {
  return links.flatMap(({ points, last }) => [...points.map(({ piece }) => piece), last]);
}
