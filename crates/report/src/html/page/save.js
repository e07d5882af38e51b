// Saves tables as CSV and charts as PNG and SVG, without any network request.
const titleOf = (figure) => figure.querySelector("figcaption").firstChild.textContent.trim();
const fileName = (title, ending) => `${document.title} ${title}`.replace(/[^\p{L}\p{N}.]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 100) + "." + ending;

function save(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  announce(name + " saved");
}

// Copies a text; without access to the clipboard it is selected in a text box.
async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = element("textarea", "sr", text);
    document.body.append(box);
    box.select();
    const copied = document.execCommand("copy");
    box.remove();
    if (!copied) return announce("The browser does not allow copying");
  }
  announce(done);
}

// Text of a cell, without graphics.
function said(cell) {
  const copied = cell.cloneNode(true);
  copied.querySelectorAll("[aria-hidden='true'], .inline, svg").forEach((part) => part.remove());
  return copied.textContent.replace(/\s+/g, " ").trim();
}

const FAMILIES = { ms: ["ms", 1], s: ["ms", 1000], min: ["ms", 60000], B: ["B", 1], kB: ["B", 1000], MB: ["MB", 1], GB: ["MB", 1000], "%": ["%", 1], "req/s": ["req/s", 1] };
// A cell as a number in its base unit.
function amount(text) {
  const [, size, unit] = text.replaceAll(",", "").match(/^(-?[\d.]+)(?: ?(ms|s|min|B|kB|MB|GB|%|req\/s))?$/) || [];
  if (size === undefined) return null;
  const [base, times] = FAMILIES[unit] || ["", 1];
  return { base, value: +(Number(size) * times).toPrecision(6) };
}

// Columns of a table, one name each, also under group headers. Hidden columns narrow their group, so its width is stored.
const columnsKnown = new WeakMap();
function columnsOf(table) {
  if (!columnsKnown.has(table)) columnsKnown.set(table, readColumns(table));
  return columnsKnown.get(table);
}

function readColumns(table) {
  const [first, second] = table.tHead.rows, below = second ? [...second.cells] : [];
  const heads = [...first.cells].flatMap((head) => (head.colSpan > 1 ? below.splice(0, head.colSpan).map((cell) => ({ cell, group: head })) : [{ cell: head }]));
  return heads.map(({ cell, group }) => ({ cell, group, name: (group ? said(group) + " " : "") + said(cell), isDrawn: cell.getAttribute("aria-hidden") === "true" }));
}

// Text that no spreadsheet interprets as a formula.
const quoted = (text) => {
  const safe = /^[=+\-@\t\r]/.test(text) && amount(text) === null ? "'" + text : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

// A table as CSV: the units of numbers are in the column headers.
function csvOf(table) {
  const columns = columnsOf(table).map((column, at) => ({ ...column, at })).filter(({ cell, isDrawn }) => !isDrawn && !cell.hidden);
  const bodies = [...table.tBodies, ...(table.tFoot ? [table.tFoot] : [])];
  const rows = bodies.flatMap((body) => [...body.rows]).filter((row) => !row.hidden && row.cells.length > 1);
  const notes = rows.map((row) => (row.nextElementSibling?.matches(".reason") ? said(row.nextElementSibling) : ""));
  const texts = rows.map((row) => columns.map(({ at }) => said(row.cells[at])));
  const heads = columns.map(({ name }, place) => {
    const amounts = texts.map((row) => (/^(–|)$/.test(row[place]) ? null : row[place])).filter((text) => text !== null).map((text) => (text === "no response" ? undefined : amount(text)));
    const known = amounts.filter((found) => found), base = known[0]?.base;
    if (!known.length || amounts.includes(null) || known.some((found) => found.base !== base)) return name;
    texts.forEach((row) => { const found = amount(row[place]); if (found) row[place] = String(found.value); });
    return base ? `${name} (${base})` : name;
  });
  const hasNotes = notes.some(Boolean);
  const lines = [hasNotes ? [...heads, "Note"] : heads, ...texts.map((row, at) => (hasNotes ? [...row, notes[at]] : row))];
  return lines.map((row) => row.map((text) => quoted(text === "–" ? "" : text)).join(",") + "\n").join("");
}

// Buttons that copy and save a table.
function tableButtons(table) {
  const title = said(table.caption);
  const copies = button("Copy CSV", () => copy(csvOf(table), "Table copied as CSV")), saves = button("Save CSV", () => save(new Blob([csvOf(table)], { type: "text/csv" }), fileName(title, "csv")));
  copies.setAttribute("aria-label", "Copy as CSV: " + title);
  saves.setAttribute("aria-label", "Save as CSV: " + title);
  return [copies, saves];
}

const MARGIN = 14, HEAD = 48;
// The items of a chart's legend that are shown.
const legendOf = (figure, plot) => [...plot.spec.lines.map((of, at) => ({ ...of, at })).filter(({ label, at }) => label && plot.series[at + 1].show), ...(plot.spec.levels || []).filter(([, value]) => value <= plot.scales.y.max).map(([label, value, ink]) => ({ label: `${label} ${measured(value, plot.unit)}`, ink, stroke: "level" }))];

// Positions of a legend's items, line by line.
function placed(items, width) {
  let x = MARGIN, y = 42;
  return items.map((item) => {
    const room = 34 + item.label.length * 7;
    if (x + room > width - MARGIN) [x, y] = [MARGIN, y + 17];
    const found = { ...item, x, y };
    x += room;
    return found;
  });
}

function pngOf(figure, plot) {
  const of = plot.ctx.canvas, ratio = devicePixelRatio, width = of.width / ratio + 2 * MARGIN, items = placed(legendOf(figure, plot), width);
  const head = HEAD + (items.length ? items[items.length - 1].y - 42 : 0);
  const canvas = element("canvas"), ctx = canvas.getContext("2d");
  Object.assign(canvas, { width: width * ratio, height: (of.height / ratio + head + MARGIN) * ratio });
  ctx.scale(ratio, ratio);
  ctx.fillStyle = colour("paper");
  ctx.fillRect(0, 0, width, canvas.height);
  ctx.fillStyle = colour("ink");
  ctx.font = "600 14px system-ui, sans-serif";
  ctx.fillText(titleOf(figure), MARGIN, 22);
  ctx.font = "12px system-ui, sans-serif";
  for (const { label, ink, stroke, x, y } of items) {
    ctx.strokeStyle = colour(ink);
    ctx.lineWidth = 2.5;
    ctx.setLineDash(DASHES[stroke] || []);
    ctx.beginPath();
    ctx.moveTo(x, y - 4);
    ctx.lineTo(x + 22, y - 4);
    ctx.stroke();
    ctx.fillText(label, x + 28, y);
  }
  ctx.drawImage(of, MARGIN, head, of.width / ratio, of.height / ratio);
  return new Promise((made) => canvas.toBlob(made, "image/png"));
}

// A chart as SVG: its axes, lines and levels as they are shown.
function svgOf(figure, plot) {
  const name = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const box = { left: plot.bbox.left / devicePixelRatio, top: plot.bbox.top / devicePixelRatio, width: plot.bbox.width / devicePixelRatio, height: plot.bbox.height / devicePixelRatio };
  const width = plot.width + 2 * MARGIN, items = placed(legendOf(figure, plot), width), head = HEAD + (items.length ? items[items.length - 1].y - 42 : 0);
  const X = (value) => +(MARGIN + box.left + plot.valToPos(value, "x")).toFixed(1), Y = (value) => +(head + box.top + plot.valToPos(value, "y")).toFixed(1);
  const [left, right, top, bottom] = [MARGIN + box.left, MARGIN + box.left + box.width, head + box.top, head + box.top + box.height];
  const ticks = (at) => { const { _splits, _values } = plot.axes[at]; return (_splits || []).map((split, place) => [split, _values?.[place]]).filter(([split, words]) => split != null && words); };
  const stroke = (ink, kind, more = "") => `fill="none" stroke="${colour(ink)}" stroke-width="1.75" stroke-dasharray="${(DASHES[kind] || []).join(" ")}" ${more}`;
  const text = (x, y, words, more = "") => `<text x="${x}" y="${y}" fill="${colour("ink")}" ${more}>${name(words)}</text>`;
  const parts = [`<rect width="100%" height="100%" fill="${colour("paper")}"/>`, text(MARGIN, 22, titleOf(figure), 'font-size="14" font-weight="600"')];
  for (const { label, ink, stroke: kind, x, y } of items) parts.push(`<path d="M${x} ${y - 4}h22" ${stroke(ink, kind)}/>`, text(x + 28, y, label));
  for (const [value, words] of ticks(1)) parts.push(`<path d="M${left} ${Y(value)}H${right}" stroke="${colour("line")}"/>`, text(left - 6, Y(value) + 4, words, 'text-anchor="end"'));
  for (const [value, words] of ticks(0)) parts.push(`<path d="M${X(value)} ${top}V${bottom}" stroke="${colour("line")}"/>`, text(X(value), bottom + 18, words, 'text-anchor="middle"'));
  parts.push(`<clipPath id="in"><rect x="${left}" y="${top}" width="${box.width}" height="${box.height}"/></clipPath><g clip-path="url(#in)">`);
  if (plot.map) {
    const { map } = plot, end = (at) => Y(map.low * (map.high / map.low) ** (at / map.rows));
    map.cells.forEach((cells, place) => cells.forEach(([row, dark]) => parts.push(`<rect x="${X(place * map.width)}" y="${end(row + 1)}" width="${(X((place + 1) * map.width) - X(place * map.width)).toFixed(1)}" height="${(end(row) - end(row + 1)).toFixed(1)}" fill="${colour("heat")}" fill-opacity="${SHADES[dark]}"/>`)));
  }
  plot.spec.lines.forEach(({ ink, stroke: kind, dots, joined, never }, place) => {
    if (!plot.series[place + 1].show) return;
    const x = plot.data[0], half = x.length > 1 ? (x[1] - x[0]) / 2 : x[0];
    for (const at of never || []) parts.push(`<path d="M${X(x[at] - half)} ${top + 2.5 + 5 * place}H${X(x[at] + half)}" stroke="${colour(ink)}" stroke-width="3"/>`);
    let d = "", open = false;
    plot.data[place + 1].forEach((value, at) => {
      if (value != null) d += `${open && !dots ? "L" : "M"}${X(plot.data[0][at])} ${Y(value)}${dots || (!open && plot.data[place + 1][at + 1] == null) ? "h.1" : ""}`;
      open = value != null || (joined && open);
    });
    if (d) parts.push(`<path d="${d}" ${stroke(ink, kind, dots ? 'stroke-linecap="round" style="stroke-width:7"' : 'stroke-linejoin="round"')}/>`);
  });
  for (const [, value, ink] of (plot.spec.levels || []).filter(([, value]) => value <= plot.scales.y.max)) parts.push(`<path d="M${left} ${Y(value)}H${right}" stroke="${colour(ink)}"/>`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 32}" font-family="system-ui, sans-serif" font-size="12">${parts.join("\n")}</g></svg>\n`;
  return new Blob([svg], { type: "image/svg+xml" });
}

// Save buttons below a chart, next to its table.
function chartButtons(figure) {
  const behind = figure.querySelector(".behind");
  if (!behind || behind.querySelector(".save")) return;
  const plot = () => figure.plot, title = titleOf(figure);
  const png = button("Save PNG", async () => save(await pngOf(figure, plot()), fileName(title, "png")));
  const svg = button("Save SVG", () => save(svgOf(figure, plot()), fileName(title, "svg")));
  png.setAttribute("aria-label", "Save as PNG: " + title);
  svg.setAttribute("aria-label", "Save as SVG: " + title);
  const row = element("p", "save", png, svg);
  behind.querySelector("summary").textContent = "Table, CSV, PNG, SVG";
  behind.querySelector("summary").after(row);
  const fill = () => {
    const table = behind.querySelector("table");
    if (table && row.childElementCount < 4) row.prepend(...tableButtons(table));
  };
  fill();
  behind.addEventListener("toggle", fill);
}
