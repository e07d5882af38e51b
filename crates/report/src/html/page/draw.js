// Draws one chart. Colors come from the style sheet, so that light, dark and forced colors all hold.
const HEIGHT = 170;
const AXIS = 62;
// Levels above this multiple of the largest value are not drawn, since they would compress the values.
const REACH = 2.5;
const DASHES = { dashed: [7, 4], dotted: [1.5, 3.5], dashdot: [10, 3, 2, 3] };
// Seconds between ticks of a time axis.
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800];
const isNarrow = () => matchMedia("(max-width: 600px)").matches;
const heightOf = (host) => (isNarrow() ? 140 : host.closest(".small") ? 130 : HEIGHT);
const roomOf = (host) => Math.max(120, host.clientWidth);

function axis(more) {
  return {
    stroke: () => colour("quiet"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false },
    font: "12px system-ui, sans-serif", gap: 6, ...more,
  };
}

// A value without known neighbors is drawn as a dot.
function lonely(u, series, from, to) {
  const values = u.data[series], found = [];
  for (let at = from; at <= to; at++) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  }
  return found;
}

function line({ label, ink, stroke, dots, joined, hidden }) {
  return {
    label, width: stroke === "dotted" ? 2 : 1.75, spanGaps: !!joined, dash: DASHES[stroke], show: !hidden,
    paths: dots ? () => null : undefined, stroke: () => colour(ink), fill: stroke === "filled" ? () => colour(ink, 0.15) : undefined,
    points: joined ? { show: false } : dots ? { show: true, size: 7, fill: () => colour(ink) }
      : { show: (u, series, from, to) => lonely(u, series, from, to).length > 0, filter: (u, series, show) => (show ? lonely(u, series, 0, u.data[0].length - 1) : null), size: 4, fill: () => colour(ink) },
  };
}

// Ticks of a logarithmic axis: powers of ten, with 2 and 5 times as much if there are few.
function decades(low, high) {
  const within = (value) => value >= low * 0.999 && value <= high * 1.001, powers = [];
  for (let at = Math.floor(Math.log10(low)); at <= Math.ceil(Math.log10(high)); at++) powers.push(10 ** at);
  const round = powers.filter(within);
  if (round.length > 2) return round;
  const finer = powers.flatMap((power) => [power, 2 * power, 5 * power]).filter(within);
  return finer.length > 1 ? finer : [low, high];
}

// Scale of the values: starting at 0, or logarithmic. It includes levels near the values.
function scaleOf(spec) {
  const levels = spec.levels || [], slopes = (spec.slopes || []).flat().map(([, value]) => value);
  const reach = (high) => {
    const most = Math.max(0, high || 0, ...slopes);
    return Math.max(most, ...levels.filter(([, value, , always]) => always || value <= REACH * most).map(([, value]) => value));
  };
  if (spec.fixed) return { distr: 3, range: () => spec.fixed };
  if (spec.log) return { distr: 3, range: (u, low, high) => (high > 0 ? [10 ** Math.floor(Math.log10(low || high)), 10 ** Math.ceil(Math.log10(reach(high) * 1.01))] : [0.1, 1]) };
  return { range: (u, low, high) => [0, reach(high) * 1.08 || 1] };
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

// Text on a chart, readable on any background.
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

// Name of a highlighted period, above the lines.
function call(u, [label, , from, to], place) {
  const left = u.valToPos(from, "x", true), right = u.valToPos(to, "x", true);
  within(u, (ctx, ratio) => {
    if (right - left < ctx.measureText(label).width * 0.6) return;
    ctx.fillStyle = colour("quiet");
    words(ctx, ratio, label, Math.max(left, u.bbox.left) + 5 * ratio, u.bbox.top + (13 + 13 * (place % 2)) * ratio);
  });
}

// Highlighted period of a finding, behind the lines.
function shade(u, [, ink, from, to], filled) {
  const left = u.valToPos(from, "x", true), right = Math.max(u.valToPos(to, "x", true), left + 1);
  within(u, (ctx, ratio) => {
    ctx.fillStyle = colour(ink, 0.12);
    if (filled) ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    ctx.fillStyle = colour(ink, 0.5);
    ctx.fillRect(left, u.bbox.top, ratio, u.bbox.height);
    if (!filled) ctx.fillRect(right - ratio, u.bbox.top, ratio, u.bbox.height);
  });
}

// Horizontal lines for thresholds and the ends of a bracket. A name that would cover another one is omitted.
function levels(u, all) {
  const most = u.scales.y.max;
  let free = Infinity;
  for (const [label, value, ink] of [...all].sort(([, a], [, b]) => a - b)) {
    if (value > most) continue;
    const y = u.valToPos(value, "y", true);
    within(u, (ctx, ratio) => {
      ctx.strokeStyle = ctx.fillStyle = colour(ink);
      // The previous series may have left its own.
      ctx.setLineDash([]);
      ctx.lineWidth = ratio;
      ctx.beginPath();
      ctx.moveTo(u.bbox.left, y);
      ctx.lineTo(u.bbox.left + u.bbox.width, y);
      ctx.stroke();
      if (free - y < 13 * ratio) return;
      free = y;
      const isAtTop = y - u.bbox.top < 13 * ratio;
      words(ctx, ratio, `${label} ${measured(value, u.unit)}`, u.bbox.left + 8 * ratio, y + (isAtTop ? 13 : -4) * ratio);
    });
  }
}

// Percentiles among requests without a response: a bar at the top for each visible line.
function above(u, { ink, never }, place) {
  if (!never?.length || !u.series[place + 1].show) return;
  const x = u.data[0], half = x.length > 1 ? (x[1] - x[0]) / 2 : x[0];
  within(u, (ctx, ratio) => {
    ctx.fillStyle = colour(ink);
    for (const at of never) {
      const left = u.valToPos(x[at] - half, "x", true), right = u.valToPos(x[at] + half, "x", true);
      ctx.fillRect(left, u.bbox.top + (1 + 5 * place) * ratio, Math.max(right - left, ratio), 3 * ratio);
    }
  });
}

// Trend line of a growing value.
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

// Cells of the heat map: a stronger color is a larger share of the requests at that time.
const SHADES = [0.08, 0.19, 0.35, 0.53, 0.75, 1];
function heat(u, map) {
  const row = (at) => u.valToPos(map.low * (map.high / map.low) ** (at / map.rows), "y", true);
  const inks = SHADES.map((share) => colour("heat", share));
  within(u, (ctx) => {
    map.cells.forEach((cells, place) => {
      const left = u.valToPos(place * map.width, "x", true), right = u.valToPos((place + 1) * map.width, "x", true);
      if (right < u.bbox.left || left > u.bbox.left + u.bbox.width) return;
      for (const [at, dark] of cells) {
        ctx.fillStyle = inks[dark];
        ctx.fillRect(left, row(at + 1), Math.ceil(right - left), Math.ceil(row(at) - row(at + 1)));
      }
    });
  });
}

// Draws a chart in its figure: `spec` is its content, `along` its horizontal axis (times, percentiles, counts).
function draw(host, spec, along) {
  const unit = spec.unit, values = scaleOf(spec), isLog = values.distr === 3;
  const plot = new uPlot({
    width: roomOf(host), height: heightOf(host), padding: [8, along.zoom ? 18 : 40, 0, 0], legend: { show: false },
    cursor: { y: !!spec.map, points: { size: 7 }, drag: { x: !!along.zoom, y: false, setScale: false }, ...along.cursor },
    scales: { x: { time: false, range: along.range, distr: along.far ? 3 : 1 }, y: values },
    axes: [
      axis({ size: 26, space: 70, incrs: along.zoom ? STEPS : undefined, values: (u, ticks) => ticks.map(along.words), splits: along.splits, filter: along.far ? (u, ticks) => ticks : undefined }),
      axis({
        size: AXIS, space: 24, values: (u, ticks) => ticks.map((value) => (isLog ? measured(value, unit) : tick(value, ticks[ticks.length - 1], unit))),
        splits: isLog ? (u) => decades(u.scales.y.min, u.scales.y.max) : undefined, filter: isLog ? (u, ticks) => ticks : undefined,
      }),
    ],
    series: [{}, ...spec.lines.map(line)],
    hooks: {
      init: [(u) => Object.assign(u, { unit, map: spec.map, spec })],
      setCursor: [along.moved], setSelect: [along.zoom || (() => {})],
      drawClear: [(u) => (along.spans || []).forEach((span) => shade(u, span, !spec.map)), (u) => spec.map && heat(u, spec.map)],
      draw: [(u) => (along.spans || []).forEach((span, place) => call(u, span, place)), (u) => spec.lines.forEach((of, place) => above(u, of, place)), (u) => levels(u, spec.levels || []), (u) => (spec.slopes || []).forEach((of) => slope(u, of))],
    },
  }, [spec.x || along.x, ...spec.lines.map((of) => of.values)], host);
  return plot;
}
