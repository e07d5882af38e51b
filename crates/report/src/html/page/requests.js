// The table of requests: sorted and filtered, its rows open their own charts.
const SIZES = { ms: 1, s: 1000, min: 60000, kB: 1000, MB: 1e6 };
// Tables with fewer rows get no filter.
const GLANCE = 8;
// Titles of the charts of a row: requests with response and service time, groups, metrics.
const CHARTS = {
  response: { rate: "Requests per second", well: "succeeded", took: "Response time", first: 2, over: "Time over percentiles", unit: "ms" },
  service: { rate: "Requests per second", well: "succeeded", took: "Service time", first: 5, over: "Time over percentiles", unit: "ms" },
  group: { rate: "Executions per second", well: "succeeded", took: "Duration", first: 2, over: "Duration over percentiles", unit: "ms", label: "duration" },
  metric: { rate: "Values per second", well: "taken", took: "Value", first: 2, over: "Value over percentiles", unit: "", label: "value" },
};

// Number in a cell: durations in milliseconds; no response ranks above all of them.
function worth(cell) {
  const text = cell.textContent.trim();
  if (text === "no response") return Infinity;
  const [, size, unit] = text.replaceAll(",", "").match(/([\d.]+)\s*(ms|s|min|%|B|kB|MB)?$/) || [];
  return size === undefined ? -1 : Number(size) * (SIZES[unit] || 1);
}

function legendItem(label, ink, stroke) {
  const item = element("li", "", element("i", `key ${stroke} ${ink}`), label + " ", element("span", "now"));
  item.dataset.line = "";
  return item;
}

class Requests {
  constructor(run, table) {
    this.run = run;
    this.table = table;
    this.body = table.tBodies[0];
    this.rows = [...this.body.rows];
    this.heads();
    this.bar();
    this.rows.forEach((row) => this.opener(row));
    run.section.addEventListener("redrawn", () => {
      for (const row of this.rows.filter((row) => row.detail)) { this.close(row); this.open(row); }
    });
  }

  // Headers of single columns sort by their column.
  heads() {
    const heads = columnsOf(this.table).map(({ cell }) => cell);
    heads.forEach((head, column) => {
      const term = head.querySelector(".term");
      const sort = button(term ? term.textContent : head.textContent, () => this.sort(head, heads, column), "sort");
      if (term) {
        // Each header is one tab stop, which sorts and explains.
        sort.classList.add("term");
        sort.dataset.tip = term.dataset.tip;
      }
      head.replaceChildren(sort);
    });
  }

  sort(head, heads, column) {
    const down = head.getAttribute("aria-sort") === (column === 0 ? "ascending" : "descending") ? column === 0 : column !== 0;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => (column === 0 ? row.cells[0].textContent.trim() : worth(row.cells[column]));
    const compare = (a, b) => (column === 0 ? a.localeCompare(b) : a === b ? 0 : a - b);
    const keyed = this.rows.map((row) => [key(row), row]);
    keyed.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
    this.rows = keyed.map(([, row]) => row);
    this.body.append(...this.rows.flatMap((row) => (row.detail ? [row, row.detail] : [row])));
  }

  // Controls above the table: a filter if there are many rows, columns, and saving.
  bar() {
    const bar = element("div", "bar");
    if (this.table.tFoot || this.rows.length > GLANCE) bar.append(...this.filter());
    bar.append(columnChooser(this.table), ...tableButtons(this.table));
    this.table.parentElement.before(bar);
  }

  filter() {
    const input = element("input"), told = element("span", "found");
    Object.assign(input, { type: "search", placeholder: "part of a name", ariaLabel: "Show only requests whose name contains this text" });
    const look = () => {
      const wanted = input.value.toLowerCase();
      let shown = 0;
      for (const row of this.rows) {
        row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
        if (row.detail) row.detail.hidden = row.hidden;
        shown += !row.hidden;
      }
      told.textContent = wanted ? `${shown} of ${this.rows.length}` : "";
      announce(`${shown} of ${this.rows.length} rows`);
    };
    input.addEventListener("input", look);
    return [element("label", "filter", "Show ", input), told];
  }

  opener(row) {
    const head = row.cells[0], opens = button("", () => (row.detail ? this.close(row) : this.open(row)), "open");
    opens.append(...head.childNodes);
    opens.setAttribute("aria-expanded", "false");
    head.append(opens);
  }

  close(row) {
    for (const figure of row.detail.querySelectorAll("figure")) {
      this.run.drawn.get(figure)?.destroy();
      this.run.drawn.delete(figure);
    }
    row.detail.remove();
    row.detail = undefined;
    row.querySelector(".open").setAttribute("aria-expanded", "false");
  }

  open(row) {
    const run = this.run, { width, rows } = run.data.names;
    const [columns, spread, never, kind = run.timed] = rows[row.dataset.name], words = CHARTS[kind];
    const cell = element("td", "charts");
    cell.colSpan = row.cells.length;
    row.detail = element("tr", "detail", cell);
    row.detail.hidden = row.hidden;
    row.after(row.detail);
    row.querySelector(".open").setAttribute("aria-expanded", "true");
    const x = run.moments(columns[0].length, width);
    const lines = (wanted) => wanted.map(([label, ink, stroke, at]) => ({ label, ink, stroke, values: columns[at], never: kind === "service" ? [] : never[at - 2] }));
    const first = words.first;
    this.figure(cell, words.rate, { unit: "", lines: lines([[words.well, "a", "filled", 0], ["failed", "critical", "filled", 1]]) }, x, width);
    this.figure(cell, words.took, { unit: words.unit, lines: lines([["p50", "a", "plain", first], ["p95", "b", "dashed", first + 1], ["p99", "c", "dashdot", first + 2]]), levels: kind === "service" ? [] : run.data.limits[row.dataset.name] }, x, width);
    const over = spread.service ? [["response time", "a", "plain"], ["service time", "b", "dashed"]] : [[words.label, "a", "plain"]];
    const figure = this.empty(words.over, over);
    cell.append(figure);
    run.spread(figure, spread, words.unit);
    const nines = spread.response.map((_, at) => at).filter((at) => at % 8 === 0);
    const listed = over.map(([label], place) => ({ label, values: nines.map((at) => (place ? spread.service : spread.response)[at]) }));
    this.append(figure, this.behind(() => this.listed(words.over, { unit: words.unit, lines: listed }, "Percentile", nines.map((at) => share(at / 8)))));
  }

  empty(title, lines) {
    const legend = element("ul", "legend", ...lines.map(([label, ink, stroke]) => legendItem(label, ink, stroke)));
    return element("figure", "drawn", element("figcaption", "", title), legend, element("div", "live"));
  }

  figure(cell, title, spec, x, width) {
    const figure = this.empty(title, spec.lines.map(({ label, ink, stroke }) => [label, ink, stroke]));
    if (spec.lines.some(({ never }) => never?.length)) figure.querySelector(".legend").append(element("li", "", "bar at the top: no response"));
    cell.append(figure);
    this.run.chart(figure, spec, x, width);
    const run = this.run, from = x.map((at) => moment(at - width / 2, run.whole[1]));
    this.append(figure, this.behind(() => this.listed(title, spec, "From", from)));
  }

  append(figure, behind) {
    figure.append(behind);
    chartButtons(figure);
  }

  // Details of a chart, created when they are opened.
  behind(make) {
    const behind = element("details", "behind", element("summary", "", "Table"));
    behind.addEventListener("toggle", () => behind.open && !behind.querySelector("table") && behind.append(make()));
    return behind;
  }

  // The table behind a chart.
  listed(title, { unit, lines }, first, from) {
    const head = (scope, text) => { const cell = element("th", "", text); cell.scope = scope; return cell; };
    const rows = from.map((words, at) => element("tr", "", head("row", words), ...lines.map((line) => element("td", "", valueAt(line, at, unit)))));
    const heads = element("thead", "", element("tr", "", head("col", first), ...lines.map(({ label }) => head("col", label))));
    return element("div", "scroll long", element("table", "", element("caption", "", title), heads, element("tbody", "", ...rows)));
  }
}
