// The p99 of a run is steep if its largest value is this many times its median.
const STEEP = 30;
// Counts this many times as large as the first are drawn on a logarithmic axis.
const FAR = 30;
// Room for the name of a percentile below its chart, in pixels.
const NINE = 62;
const DAY_MS = 86400000;

// The time of a run: one cursor and one zoom for all of its charts.
class Run {
  constructor(section, at) {
    this.section = section;
    this.data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    this.key = "run-" + at;
    this.whole = [0, Math.max(1, this.data.count * this.data.width)];
    this.window = this.whole;
    this.timed = "response";
    this.clock = "elapsed";
    this.log = this.steep = this.isSteep();
    this.drawn = new Map();
    this.x = this.moments(this.data.count, this.data.width);
  }

  // Whether a few values are so large that all others would be at the bottom: then the scale is logarithmic.
  isSteep() {
    const chart = this.data.charts.find(({ id }) => id === "response");
    const p99 = (chart?.lines.find(({ label }) => label === "p99")?.values || []).filter((value) => value > 0).sort((a, b) => a - b);
    return p99.length > 3 && p99[p99.length - 1] > STEEP * p99[p99.length >> 1];
  }

  moments(count, width) {
    return Array.from({ length: count }, (_, at) => (at + 0.5) * width);
  }

  // Label of the time axis, in the chosen format.
  words(at) {
    if (this.clock === "elapsed") return moment(at, this.whole[1]);
    const date = this.whole[1] * 1000 > DAY_MS;
    return clock(this.data.start + at * 1000, this.clock, date).replace(/:00$/, this.whole[1] > 600 ? "" : ":00");
  }

  // Round ticks of the chosen axis.
  ticks(u, from, to, step) {
    const shift = this.clock === "elapsed" ? 0 : (this.data.start / 1000 - (this.clock === "local" ? new Date(this.data.start).getTimezoneOffset() * 60 : 0)) % step;
    const found = [];
    for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to + 1e-9; at += step) found.push(+at.toFixed(3));
    return found;
  }

  // The horizontal axis of a chart over time.
  along(x, width, shown) {
    const run = this;
    return {
      x, words: (at) => run.words(at), spans: this.data.spans, range: () => run.window,
      splits: (u, axis, from, to, step) => run.ticks(u, from, to, step),
      cursor: {
        sync: { key: this.key, setSeries: false, scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        bind: { dblclick: () => () => run.zoom(run.whole) },
      },
      moved: (u) => run.moved(u, width, shown),
      zoom: (u) => {
        if (u.select.width < 4) return;
        run.zoom([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      },
    };
  }

  // The cursor moved: show its values in the legends.
  moved(u, width, shown) {
    const at = u.cursor.left >= 0 ? u.cursor.idx : null;
    u.series.slice(1).forEach((series, place) => {
      if (shown[place]) shown[place].textContent = at == null ? "" : valueAt(u.spec.lines[place], at, u.unit);
    });
    if (u.map && shown[0]) shown[0].textContent = at == null ? "" : this.cell(u);
    const begins = at == null ? null : u.data[0][at] - width / 2;
    if (at != null) this.at = u.data[0][at];
    this.readout.textContent = begins == null ? "" : "at " + moment(begins, this.whole[1]) + (width > 1 ? "–" + moment(begins + width, this.whole[1]) : "");
    const zone = this.clock === "local" ? "local" : "utc";
    this.wall.textContent = begins == null ? "" : clock(this.data.start + begins * 1000, zone, this.whole[1] * 1000 > DAY_MS) + (zone === "utc" ? " UTC" : " local time");
  }

  // The cell of the heat map under the cursor.
  cell(u) {
    const map = u.map, place = Math.floor(u.posToVal(u.cursor.left, "x") / map.width);
    const row = Math.floor((Math.log(u.posToVal(u.cursor.top, "y") / map.low) / Math.log(map.high / map.low)) * map.rows);
    const found = (map.cells[place] || []).find(([at]) => at === row);
    const end = (at) => measured(map.low * (map.high / map.low) ** (at / map.rows), "ms");
    if (row < 0 || row >= map.rows) return "";
    return `${end(row)}–${end(row + 1)}: ` + (found ? ["under 2 %", "2 % or more", "5 % or more", "10 % or more", "25 % or more", "50 % or more"][found[1]] : "none");
  }

  get isZoomed() {
    return this.window[0] > 0 || this.window[1] < this.whole[1];
  }

  zoom([from, to]) {
    const least = Math.min(this.whole[1], 2 * this.data.width);
    const middle = (from + to) / 2, half = Math.max(to - from, least) / 2;
    from = Math.max(0, middle - half);
    this.window = [from, Math.min(this.whole[1], Math.max(middle + half, from + least))];
    this.button.hidden = !this.isZoomed;
    for (const plot of this.drawn.values()) {
      if (plot.isTime) plot.setScale("x", { min: this.window[0], max: this.window[1] });
    }
    this.changed();
  }

  // A choice changed: store it in the URL fragment.
  changed() {
    this.section.dispatchEvent(new Event("chosen", { bubbles: true }));
  }

  // Moves the cursor of all charts to a time.
  point(at) {
    const inside = Math.min(this.window[1], Math.max(this.window[0], at));
    for (const plot of this.drawn.values()) {
      if (plot.isTime) plot.setCursor({ left: plot.valToPos(inside, "x"), top: plot.height / 3 }, true, false);
    }
  }

  // Makes a chart usable with the keyboard and with a screen reader.
  reach(plot, title, width) {
    const root = plot.root;
    root.tabIndex = 0;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", title + ": left and right move the cursor, plus and minus zoom, escape shows the whole run");
    const point = (at) => {
      this.point(at);
      const values = plot.series.slice(1).map((series, place) => `${series.label} ${valueAt(plot.spec.lines[place], plot.cursor.idx, plot.unit)}`);
      announce(`${title} ${this.readout.textContent}: ${plot.map ? "" : values.join(", ")}`);
    };
    root.addEventListener("keydown", (event) => {
      const at = this.at ?? this.window[0], [from, to] = this.window, half = (to - from) / 4;
      const step = Math.max(width, (to - from) / 200);
      const keys = {
        ArrowLeft: () => point(at - step), ArrowRight: () => point(at + step),
        "+": () => this.zoom([at - half, at + half]), "-": () => this.zoom([at - 4 * half, at + 4 * half]),
        Escape: () => this.zoom(this.whole),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    fingers(this, plot);
  }

  // The lines of a legend become switches of their lines.
  switches(figure, plot) {
    const off = (figure.off ||= new Set());
    figure.querySelectorAll(".legend li[data-line]").forEach((item, place) => {
      let made = item.querySelector("button");
      if (!made) {
        const term = item.querySelector(".term");
        made = element("button", "switch", ...item.childNodes);
        made.type = "button";
        if (term) {
          made.classList.add("term");
          made.dataset.tip = term.dataset.tip;
          term.replaceWith(term.textContent);
        } else made.title = "Show or hide this line";
        item.append(made);
        made.addEventListener("click", () => {
          const hides = !off.has(place);
          if (hides) off.add(place); else off.delete(place);
          made.setAttribute("aria-pressed", String(!hides));
          figure.plot.setSeries(place + 1, { show: !hides });
        });
      }
      made.setAttribute("aria-pressed", String(!off.has(place)));
    });
    figure.plot = plot;
  }

  // Draws a chart over time in a figure, once.
  chart(figure, spec, x = this.x, width = this.data.width) {
    if (this.drawn.has(figure)) return;
    const shown = [...figure.querySelectorAll(".now")];
    const lines = spec.lines.map((of, place) => ({ ...of, hidden: figure.off?.has(place) }));
    const plot = draw(figure.querySelector(".live"), { ...spec, lines, log: spec.unit === "ms" && this.log && !spec.map }, this.along(x, width, shown));
    plot.isTime = true;
    this.drawn.set(figure, plot);
    this.switches(figure, plot);
    this.reach(plot, titleOf(figure), width);
  }

  spread(figure, { response, service }, unit = "ms") {
    const shown = [...figure.querySelectorAll(".now")];
    const x = response.map((_, at) => at / 8);
    const lines = [{ label: "response time", ink: "a", stroke: "plain", values: response }];
    if (service) lines.push({ label: "service time", ink: "b", stroke: "dashed", values: service });
    lines.forEach((of, place) => { of.hidden = figure.off?.has(place); });
    const moved = (u) => {
      const at = u.cursor.left >= 0 ? u.cursor.idx : null;
      shown.forEach((now, place) => { now.textContent = at == null ? "" : measured(u.data[place + 1][at], unit); });
    };
    const whole = [0, x[x.length - 1]];
    // Every nine, or every other one if their labels do not fit.
    const nine = (u) => x.filter((at) => at % Math.max(1, Math.ceil((NINE * whole[1]) / (u.width - NINE - AXIS))) === 0);
    const along = { x, words: share, range: () => whole, splits: (u) => nine(u), moved };
    const plot = draw(figure.querySelector(".live"), { unit, lines, log: unit === "ms" && this.log }, along);
    this.drawn.set(figure, plot);
    this.switches(figure, plot);
  }

  // Measured points of a search at each level, and the fitted model.
  scaling(figure, [[under, answered], [at, law]]) {
    const points = new Map(under.map((x, place) => [x, [answered[place], null]]));
    at.forEach((x, place) => points.set(x, [(points.get(x) || [null])[0], law[place]]));
    const counts = [...points.keys()].sort((a, b) => a - b), most = counts[counts.length - 1];
    const least = counts.find((of) => of > 0) || most, far = most > FAR * least;
    const x = far ? counts.filter((of) => of > 0) : counts, column = (which) => x.map((of) => points.get(of)[which]);
    const lines = [{ label: "measured", ink: "a", dots: true, values: column(0) }, { label: "fitted model", ink: "c", stroke: "plain", joined: true, values: column(1) }];
    const ends = far ? [least * 0.8, most * 1.25] : [0, most * 1.02 || 1];
    const splits = far ? () => decades(...ends) : undefined;
    const plot = draw(figure.querySelector(".live"), { unit: "", lines }, { x, words: (of) => tick(of, of * 10, ""), range: () => ends, moved: () => {}, far, splits });
    this.drawn.set(figure, plot);
    this.switches(figure, plot);
  }

  heat(figure, map) {
    const x = this.moments(map.cells.length, map.width), none = x.map(() => null);
    this.chart(figure, { unit: "ms", map, fixed: [map.low, map.high], lines: [{ label: "", ink: "heat", values: none }] }, x, map.width);
  }

  // Draws the charts that are shown and were not drawn yet.
  drawAll() {
    const charts = new Map(this.data.charts.map((chart) => [chart.id, chart]));
    for (const figure of this.section.querySelectorAll("figure")) {
      const { chart, heat, timed } = figure.dataset;
      if (figure.closest("tr")) continue;
      figure.hidden = timed ? timed !== this.timed : false;
      if (figure.hidden || this.drawn.has(figure)) continue;
      if (!figure.querySelector(".live")) figure.insertBefore(element("div", "live"), figure.querySelector(".behind"));
      figure.classList.add("drawn");
      if (chart === "spread") this.spread(figure, this.data.spread);
      else if (chart === "scaling") this.scaling(figure, this.data.scaling);
      else if (heat) this.heat(figure, this.data.heat[heat]);
      else if (charts.has(chart)) this.chart(figure, charts.get(chart));
    }
  }

  // Redraws everything, with other colors or on another scale.
  redrawAll() {
    for (const plot of this.drawn.values()) plot.destroy();
    this.drawn.clear();
    this.drawAll();
    this.section.dispatchEvent(new Event("redrawn"));
  }

  resize() {
    for (const plot of this.drawn.values()) {
      const host = plot.root.parentElement;
      plot.setSize({ width: roomOf(host), height: heightOf(host) });
    }
  }

  // The controls above the charts.
  tools() {
    const choice = (timed, words) => {
      const input = element("input");
      Object.assign(input, { type: "radio", name: this.key + "-timed", value: timed });
      input.addEventListener("change", () => this.choose({ timed }));
      return element("label", "", input, " " + words);
    };
    const log = element("input");
    log.type = "checkbox";
    log.addEventListener("change", () => this.choose({ log: log.checked }));
    const zones = [["elapsed", "since start"], ["utc", "UTC"], ["local", "local time"]].map(([value, words]) => Object.assign(element("option", "", words), { value }));
    const zone = element("select", "", ...zones);
    zone.addEventListener("change", () => this.choose({ clock: zone.value }));
    this.readout = element("span", "at");
    this.wall = element("span", "wall");
    this.button = button("Whole run", () => this.zoom(this.whole));
    this.button.hidden = true;
    const link = button("Copy link", () => copy(location.href, "Link to this view copied"));
    link.title = "A link to this page with the current zoom and settings";
    const fieldset = element("fieldset", "", element("legend", "", "Time shown"), choice("response", "response time"), choice("service", "service time"));
    const hint = matchMedia("(pointer: coarse)").matches ? "two fingers zoom" : "drag to zoom, double-click for the whole run";
    const tools = element("div", "tools", fieldset, element("label", "", log, " logarithmic"), element("label", "", "time axis ", zone), this.button, link, this.readout, this.wall, element("span", "hint", hint));
    this.controls = () => {
      tools.querySelectorAll("input[type='radio']").forEach((input) => { input.checked = input.value === this.timed; });
      log.checked = this.log;
      zone.value = this.clock;
    };
    this.controls();
    this.section.querySelector("h2.time").after(tools);
  }

  // Applies the reader's choices.
  choose(choice) {
    const redraws = "log" in choice || "clock" in choice;
    Object.assign(this, choice);
    this.controls();
    if (redraws) this.redrawAll();
    else {
      this.drawAll();
      this.section.dispatchEvent(new Event("redrawn"));
    }
    this.changed();
  }
}
