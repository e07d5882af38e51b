// Draws one chart. Colours come from the style sheet, so that light and dark both hold.
const HEIGHT = 150;
const AXIS = 62;
const DASHES = { dashed: [6, 4], dotted: [1.5, 3.5] };
const isNarrow = () => matchMedia("(max-width: 600px)").matches;
const heightOf = (host) => (isNarrow() ? 120 : host.closest(".small") ? 118 : HEIGHT);
const roomOf = (host) => Math.max(120, host.clientWidth);

function axis(more) {
  return {
    stroke: () => colour("quiet"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false },
    font: "12px system-ui, sans-serif", gap: 6, ...more,
  };
}

// Values with neighbours that are not known would leave nothing to be seen: they are dots.
function lonely(u, series, from, to) {
  const values = u.data[series], found = [];
  for (let at = from; at <= to; at++) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  }
  return found;
}

function line({ label, ink, stroke, dots, joined }) {
  return {
    label, width: stroke === "dotted" ? 2 : 1.75, spanGaps: !!joined, dash: DASHES[stroke],
    paths: dots ? () => null : undefined, stroke: () => colour(ink), fill: stroke === "filled" ? () => colour(ink) + "26" : undefined,
    points: joined ? { show: false } : dots ? { show: true, size: 7, fill: () => colour(ink) }
      : { show: (u, series, from, to) => lonely(u, series, from, to).length > 0, filter: (u, series, show) => (show ? lonely(u, series, 0, u.data[0].length - 1) : null), size: 4, fill: () => colour(ink) },
  };
}

const decades = (low, high) => {
  const found = [];
  for (let at = Math.floor(Math.log10(low)); at <= Math.ceil(Math.log10(high)); at++) found.push(10 ** at);
  return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
};

// The scale of the values: from nothing up, or logarithmic.
function scaleOf(spec) {
  const most = Math.max(0, ...(spec.levels || []).map(([, level]) => level), ...(spec.slopes || []).flat().map(([, value]) => value));
  if (spec.fixed) return { distr: 3, range: () => spec.fixed };
  if (spec.log) return { distr: 3, range: (u, low, high) => (high > 0 ? [10 ** Math.floor(Math.log10(low || high)), 10 ** Math.ceil(Math.log10(high * 1.01))] : [0.1, 1]) };
  return { range: (u, low, high) => [0, Math.max(high || 0, most) * 1.08 || 1] };
}

function within(u, paint) {
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  u.ctx.clip();
  u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  u.ctx.textAlign = "left";
  paint(u.ctx, devicePixelRatio);
  u.ctx.restore();
}

// Words on a chart, to be read whatever lies below them.
function words(ctx, ratio, text, x, y) {
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = colour("paper");
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.fillText(text, x, y);
}

// What a stretch of time is called, above the lines.
function call(u, [label, , from, to], place) {
  const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
  within(u, (ctx, ratio) => {
    if (right - left < ctx.measureText(label).width * 0.6) return;
    ctx.fillStyle = colour("quiet");
    words(ctx, ratio, label, Math.max(left, u.bbox.left) + 5 * ratio, u.bbox.top + (13 + 13 * (place % 2)) * ratio);
  });
}

// A stretch of time that a finding speaks of, behind the lines.
function shade(u, [, ink, from, to], filled) {
  const left = u.valToPos(from, "x", true), right = Math.max(u.valToPos(to, "x", true), left + 1);
  within(u, (ctx, ratio) => {
    ctx.fillStyle = colour(ink) + "1f";
    if (filled) ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    ctx.fillStyle = colour(ink) + "80";
    ctx.fillRect(left, u.bbox.top, ratio, u.bbox.height);
    if (!filled) ctx.fillRect(right - ratio, u.bbox.top, ratio, u.bbox.height);
  });
}

// What holds and what breaks, across the values.
function level(u, [label, value]) {
  const y = u.valToPos(value, "y", true), holds = label === "holds";
  within(u, (ctx, ratio) => {
    ctx.strokeStyle = ctx.fillStyle = colour(holds ? "good" : "critical");
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    words(ctx, ratio, `${label} ${rate(value)}`, u.bbox.left + 8 * ratio, y + (holds ? 13 : -5) * ratio);
  });
}

// The trend of what grows.
function slope(u, [[from, low], [to, high]]) {
  within(u, (ctx, ratio) => {
    ctx.strokeStyle = colour("critical");
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.moveTo(u.valToPos(from, "x", true), u.valToPos(low, "y", true));
    ctx.lineTo(u.valToPos(to, "x", true), u.valToPos(high, "y", true));
    ctx.stroke();
  });
}

// The cells of the heat map: the stronger the colour, the more of a moment's requests.
const SHADES = ["14", "30", "58", "88", "c0", "ff"];
function heat(u, map) {
  const ink = colour("heat"), row = (at) => u.valToPos(map.low * (map.high / map.low) ** (at / map.rows), "y", true);
  within(u, (ctx) => {
    map.cells.forEach((cells, place) => {
      const left = u.valToPos(place * map.width, "x", true), right = u.valToPos((place + 1) * map.width, "x", true);
      if (right < u.bbox.left || left > u.bbox.left + u.bbox.width) return;
      for (const [at, dark] of cells) {
        ctx.fillStyle = ink + SHADES[dark];
        ctx.fillRect(left, row(at + 1), Math.ceil(right - left), Math.ceil(row(at) - row(at + 1)));
      }
    });
  });
}

// A chart in its figure: `spec` says what, `along` what lies below it (moments, percentiles, counts).
function draw(host, spec, along) {
  const unit = spec.unit, values = scaleOf(spec), isLog = values.distr === 3;
  return new uPlot({
    width: roomOf(host), height: heightOf(host), padding: [8, along.zoom ? 18 : 40, 0, 0], legend: { show: false },
    cursor: { y: !!spec.map, points: { size: 7 }, drag: { x: !!along.zoom, y: false, setScale: false }, ...along.cursor },
    scales: { x: { time: false, range: along.range, distr: along.far ? 3 : 1 }, y: values },
    axes: [
      axis({ size: 26, space: 70, values: (u, ticks) => ticks.map(along.words), splits: along.splits, filter: along.far ? (u, ticks) => ticks : undefined }),
      axis({
        size: AXIS, space: 32, values: (u, ticks) => ticks.map((value) => (isLog ? measured(value, unit) : tick(value, ticks[ticks.length - 1], unit))),
        splits: isLog ? (u) => decades(u.scales.y.min, u.scales.y.max) : undefined, filter: isLog ? (u, ticks) => ticks : undefined,
      }),
    ],
    series: [{}, ...spec.lines.map(line)],
    hooks: {
      setCursor: [along.moved], setSelect: [along.zoom || (() => {})],
      drawClear: [(u) => (along.spans || []).forEach((span) => shade(u, span, !spec.map)), (u) => spec.map && heat(u, spec.map)],
      draw: [(u) => (along.spans || []).forEach((span, place) => call(u, span, place)), (u) => (spec.levels || []).forEach((of) => level(u, of)), (u) => (spec.slopes || []).forEach((of) => slope(u, of))],
    },
  }, [spec.x || along.x, ...spec.lines.map((of) => of.values)], host);
}
