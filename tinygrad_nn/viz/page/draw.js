// ---- Drawing: what is written on nodes, and the SVG of nodes, modules and edges.

const FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
const TITLE = { font: `600 13px ${FONT}`, height: 18, widest: 260, widths: new Map() };
const SMALL = { font: `11px ${FONT}`, height: 14, widest: 260, widths: new Map() };

const pen = document.createElement("canvas").getContext("2d");

/** The width of a text, from those of its characters, each measured once. */
function widthOf(text, { font, widths }) {
  let sum = 0;
  for (const character of text) {
    let width = widths.get(character);
    if (width === undefined) {
      pen.font = font;
      width = pen.measureText(character).width;
      widths.set(character, width);
    }
    sum += width;
  }
  return sum;
}

/** Text that is not wider than its style allows. */
function clipped(text, style) {
  const width = widthOf(text, style);
  if (width <= style.widest) return text;
  return `${text.slice(0, Math.floor((text.length * style.widest) / width) - 1)}…`;
}

/** The lines that are written on a unit: its title, and small ones. */
function linesOf(unit) {
  const { node, box } = unit;
  if (box) {
    const parts = [box.parameters, counted(unit.members.length, "node")];
    return [titleOf(box), ...parts.filter(Boolean), ...alertLines(unit)];
  }
  const title = node.computed && node.name ? `${node.title}  ${node.name}` : node.title;
  const around = node.box?.single ? node.box.title : "";
  const facts = (node.facts ?? []).filter(isShort).map(([what, fact]) => `${what} ${fact}`);
  const small = [around, node.kind, node.options, ...facts, ...alertLines(unit)];
  return [title, ...small.filter(Boolean)];
}

function titleOf(box) {
  return box.times && !box.unfolded ? `${box.title} × ${box.times}` : box.title;
}

/** Whether a fact is a single number: statistics are in the panel. */
function isShort([what]) {
  return ["data", "grad", "‖grad‖"].includes(what);
}

function alertLines(unit) {
  const alerts = unit.members.flatMap((node) => node.alerts ?? []);
  const distinct = [...new Set(alerts)];
  const shown = distinct.slice(0, 2).map((alert) => {
    const count = alerts.filter((each) => each === alert).length;
    return count > 1 ? `⚠ ${alert} × ${count}` : `⚠ ${alert}`;
  });
  return distinct.length > 2 ? [...shown, `⚠ and ${distinct.length - 2} more`] : shown;
}

function measureUnit(unit) {
  const [title, ...small] = linesOf(unit);
  const widest = (line) => ({ ...SMALL, widest: line.startsWith("⚠") ? 420 : SMALL.widest });
  unit.lines = [clipped(title, TITLE), ...small.map((line) => clipped(line, widest(line)))];
  const widths = unit.lines.map((line, at) => widthOf(line, at ? SMALL : TITLE));
  unit.width = Math.ceil(Math.max(24, ...widths)) + 20;
  unit.height = TITLE.height + SMALL.height * small.length + 10;
}

// ---- SVG

function frameMarkup({ key, box, label, x, y, width, height }) {
  const name = `${titleOf(box)}, open module${box.parameters ? `, ${box.parameters}` : ""}`;
  const small = `<tspan class="small" dx="8">${escaped(box.parameters ?? "")}</tspan>`;
  const row = box.times
    ? `<g class="unfold" role="button" data-unfold="${box.id}" aria-label="${
        box.unfolded ? `Show ${box.times} equal modules as one` : `Show each of ${box.times}`
      }"><rect x="${width - 54}" y="4" width="48" height="17" rx="8.5"/>
      <text x="${width - 30}" y="16.5">${box.unfolded ? "fold" : "unfold"}</text></g>`
    : "";
  const kind = box.times && !box.unfolded ? "frame row" : "frame";
  return `<g class="${kind}" transform="translate(${x} ${y})">
    <rect class="around" width="${width}" height="${height}" rx="9"/>
    <g class="header" data-key="${key}" role="button" tabindex="-1" aria-expanded="true"
      aria-label="${escaped(name)}"><rect width="${width}" height="25" rx="9"/>
    <text y="17"><tspan x="10" class="sign">−</tspan><tspan x="24" class="title">${
      escaped(label)}</tspan>${small}</text></g>${row}</g>`;
}

function unitMarkup(unit) {
  const { key, node, box, x, y, lines } = unit;
  unit.away = isAway(unit);
  const role = node ? node.role : "module";
  const classes = ["unit", role];
  if (unit.members.some((member) => member.alerts)) classes.push("troubled");
  if (unit.members.some((member) => member.culprit)) classes.push("culprit");
  if (unit.away) classes.push("away");
  const tspans = lines.map((line, at) => {
    const kind = at ? `class="small${line.startsWith("⚠") ? " alert" : ""}" ` : "";
    return `<tspan ${kind}x="${unit.width / 2}" dy="${at ? SMALL.height : TITLE.height}">${
      escaped(line)}</tspan>`;
  });
  const expanded = box ? ' aria-expanded="false"' : "";
  const tint = `--tint:${(node ?? box).color}`;
  return `<g class="${classes.join(" ")}" data-key="${key}" role="button"
    tabindex="-1" aria-label="${escaped(describe(unit))}"${expanded} style="${tint}"
    transform="translate(${x} ${y})">${shapes(role, unit)}
    <text y="1">${tspans.join("")}</text></g>`;
}

/** Roles differ in their shapes too, for those who see few colours. */
function shapes(role, { width, height }) {
  const box = (radius, inset = 0, shift = inset) =>
    `<rect x="${shift}" y="${shift}" width="${width - 2 * inset}" height="${height - 2 * inset}"
      rx="${radius}"/>`;
  const tab = `<path d="M0 -4 h${Math.min(26, width / 2)} l4 4 V0 H0 Z"/>`;
  if (role === "input") return box(Math.min(height / 2, 14));
  if (role === "parameter") return tab + box(0);
  if (role === "output") return box(7) + box(4.5, 3);
  if (role === "module") return box(6, 0, 4) + box(6);
  return box(role === "operation" ? 6 : 2);
}

/** All edges; a piece that several share is drawn once. */
function edgesMarkup() {
  const paths = new Map();
  for (const { links, values } of drawn.edges) {
    const many = values.size > 1 ? "many" : "";
    links.forEach(({ points, last }, at) => {
      paths.set(last, pathMarkup(last, at === links.length - 1 ? `last ${many}` : many));
      for (const { piece } of points.toReversed()) {
        if (paths.has(piece)) break;
        paths.set(piece, pathMarkup(piece, many));
      }
    });
  }
  const labels = new Set(drawn.edges.map(labelMarkup));
  return [...paths.values(), ...labels].join("");
}

function pathMarkup(points, classes) {
  return `<path class="${classes}" d="${curve(points)}"/>`;
}

/** An edge in whole, above the others. */
function wholeMarkup(edge) {
  const { from, to } = edge;
  const points = piecesOf(edge).flatMap((piece, at) => piece.slice(at ? 1 : 0));
  return `<path data-from="${from.key}" data-to="${to.key}" d="${curve(points)}"/>`;
}

/** What an edge carries, written where it leaves. */
function labelMarkup({ links, values }) {
  const label = edgeLabel(values);
  const first = links[0].points[0]?.piece ?? links[0].last;
  const [[fromX, fromY], [x, y]] = first.length > 2 ? first.slice(1) : first;
  const place = `x="${(x + fromX) / 2}" y="${(y + fromY) / 2 - 4}"`;
  return label && `<text ${place}>${escaped(label)}</text>`;
}

function edgeLabel(values) {
  if (values.size > 1) return `${values.size.toLocaleString("en")} values`;
  const [value] = values;
  return graph.edgeShapes && value.role !== "group" ? value.shape?.join(" × ") ?? "1" : "";
}

/** A curve through points, tangent to the direction of the layout in each. */
function curve(points) {
  const flat = graph.direction === "LR";
  let path = `M${points[0]}`;
  points.slice(1).forEach(([x, y], at) => {
    const [fromX, fromY] = points[at];
    const ahead = flat ? x - fromX : y - fromY;
    const bend = ahead < 0 ? 60 : ahead / 2;
    if ((flat ? y - fromY : x - fromX) === 0) path += `L${x},${y}`;
    else if (flat) path += `C${fromX + bend},${fromY} ${x - bend},${y} ${x},${y}`;
    else path += `C${fromX},${fromY + bend} ${x},${y - bend} ${x},${y}`;
  });
  return path;
}

/** What a unit is, for those who hear it. */
function describe({ node, box, members }) {
  if (box) return `${titleOf(box)}, closed module of ${counted(members.length, "node")}`;
  const parts = [node.op || node.role, node.computed ? node.role : "", node.name, node.kind];
  const facts = (node.facts ?? []).map(([what, fact]) => `${what} ${fact}`);
  const from = node.parents.map((parent) => called(parent.node));
  if (from.length) parts.push(`takes ${from.join(" and ")}`);
  const title = node.title === node.op || node.title === node.name ? "" : node.title;
  return [title, ...parts, ...facts, ...(node.alerts ?? [])].filter(Boolean).join(", ");
}
