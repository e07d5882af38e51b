"use strict";
// Draws the charts of each run. Colours come from the style sheet, so that light and dark both hold.
(() => {
  const charts = {
    throughput: { x: "second", series: [["ok", "answered well", "good", true], ["failed", "failed", "critical", true]] },
    response: { x: "second", unit: "ms", series: [["p50", "p50", "a"], ["p95", "p95", "b"], ["p99", "p99", "c"]] },
    users: { x: "second", series: [["users", "users", "a"], ["in_flight", "under way", "c"]] },
    cpu: { x: "at", unit: "%", series: [["cpu_target", "under test", "a"], ["cpu_generator", "brunt", "b"], ["cpu_machine", "machine", "c"]] },
    scaling: { x: "under_way", series: [["answered", "measured", "a"], ["law", "the law", "c"]] },
    memory: { x: "at", unit: "MB", series: [["memory_target", "under test", "a"], ["memory_generator", "brunt", "b"], ["memory_trend", "trend", "critical"]] },
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const number = (value) => value == null ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 4 });
  const drawn = [];
  const widthOf = (figure) => figure.clientWidth - 28;

  // A stretch of time that a finding speaks of, behind the lines.
  function shade(u, label, from, to, at) {
    const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
    const right = Math.min(u.valToPos(to, "x", true), u.bbox.left + u.bbox.width);
    if (right <= left) return;
    u.ctx.save();
    u.ctx.fillStyle = colour(at % 2 ? "a" : "critical") + "1c";
    u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    u.ctx.fillStyle = colour("quiet");
    u.ctx.font = `${11 * devicePixelRatio}px system-ui`;
    u.ctx.textAlign = "left";
    u.ctx.fillText(label, left + 4 * devicePixelRatio, u.bbox.top + (12 + 13 * (at % 2)) * devicePixelRatio);
    u.ctx.restore();
  }

  // What holds and what breaks, across the throughput.
  function level(u, label, rate) {
    const y = u.valToPos(rate, "y", true);
    if (!(y > u.bbox.top)) return;
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = colour(label === "holds" ? "good" : "critical");
    u.ctx.setLineDash([6, 4]);
    u.ctx.beginPath();
    u.ctx.moveTo(u.bbox.left, y);
    u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
    u.ctx.stroke();
    u.ctx.font = `${11 * devicePixelRatio}px system-ui`;
    u.ctx.textAlign = "left";
    const below = label === "holds";
    u.ctx.fillText(`${label} ${number(rate)}`, u.bbox.left + 8 * devicePixelRatio, y + (below ? 13 : -5) * devicePixelRatio);
    u.ctx.restore();
  }

  function draw(figure, data, key) {
    const chart = charts[figure.dataset.chart];
    const x = data[chart.x];
    const known = chart.series.filter(([name]) => data[name].some((value) => value != null));
    if (!x.length || !known.length) {
      figure.insertAdjacentHTML("beforeend", "<p class=\"note\">Nothing was measured.</p>");
      return;
    }
    const unit = chart.unit ? " " + chart.unit : "";
    const larger = { ms: " s", MB: " GB" }[chart.unit];
    // An axis has one unit: that of its largest value.
    const text = (value, top) => (larger && top >= 1000 ? number(value / 1000) + larger : number(value) + unit);
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") }, font: "12px system-ui" };
    const isTime = chart.x !== "under_way";
    const end = isTime ? Math.max(1, ...data.second, ...data.at) : Math.max(1, ...x);
    const along = (value) => number(value) + (isTime ? " s" : "");
    const options = {
      width: widthOf(figure), height: 190, padding: [10, 18, 0, 0],
      cursor: { sync: isTime ? { key } : undefined, drag: { x: true, y: false } },
      scales: { x: { time: false, range: (u, min, max) => (u.zoomed ? [min, max] : [0, end]) }, y: { range: (u, min, max) => [0, (max || 1) * 1.08] } },
      axes: [
        { ...axis, values: (u, ticks) => ticks.map(along) },
        { ...axis, size: 64, values: (u, ticks) => ticks.map((tick) => text(tick, ticks[ticks.length - 1])) },
      ],
      series: [{ label: isTime ? "second" : "under way", value: (u, value) => (value == null ? "–" : along(value)) }].concat(
        known.map(([, label, stroke, filled]) => ({
          label, stroke: colour(stroke), width: 2, spanGaps: !isTime,
          fill: filled ? colour(stroke) + "22" : undefined,
          points: { show: x.length < 3 || label === "measured" },
          value: (u, value) => (value == null ? "–" : text(value, value)),
        }))
      ),
      hooks: {
        setSelect: [(u) => { u.zoomed = u.select.width > 0; }],
        drawClear: [(u) => isTime && data.spans.forEach(([label, from, to], at) => shade(u, label, from, to, at))],
        draw: [(u) => figure.dataset.chart === "throughput" && data.bracket.forEach(([label, rate]) => level(u, label, rate))],
      },
    };
    drawn.push([new uPlot(options, [x, ...known.map(([name]) => data[name])], figure), figure]);
  }

  function drawAll() {
    drawn.splice(0).forEach(([plot]) => plot.destroy());
    document.querySelectorAll("section").forEach((section, number) => {
      const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
      section.querySelectorAll("figure").forEach((figure) => draw(figure, data, "run-" + number));
    });
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("resize", () => drawn.forEach(([plot, figure]) => plot.setSize({ width: widthOf(figure), height: 190 })));
})();
