// Formats numbers and times as the page without the script does, and creates elements.
const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

function measured(value, unit) {
  if (value == null) return "–";
  const larger = value >= 1000 && { ms: " s", MB: " GB" }[unit];
  if (larger) return (value / 1000).toLocaleString("en", { maximumSignificantDigits: 3 }) + larger;
  const digits = unit === "ms" || unit === "%" ? 3 : 4;
  const text = value.toLocaleString("en", { maximumSignificantDigits: digits });
  return unit ? text + " " + unit : text;
}

// Value of a line at an index, or that it is among requests without a response.
const valueAt = ({ values, never }, at, unit) => (values[at] == null && never?.includes(at) ? "no response" : measured(values[at], unit));

// The percentile with a number of nines: 90 %, 99 %, 99.9 % …
const share = (nines) => (nines === 0 ? "0 %" : (100 - 100 * 10 ** -nines).toFixed(Math.max(0, Math.ceil(nines) - 2)) + " %");

// Rate per second.
const rate = (value) => value.toLocaleString("en", { maximumFractionDigits: value >= 1000 ? 0 : 1, minimumFractionDigits: value >= 1000 || Number.isInteger(value) ? 0 : 1 });

// Labels of an axis that ends at `top`, all in one unit.
function tick(value, top, unit) {
  if (unit === "ms" && top >= 1000) return number(value / 1000) + " s";
  if (unit === "MB" && top >= 1000) return number(value / 1000) + " GB";
  if (!unit && top >= 10000 && value) return number(value / 1000) + "k";
  return number(value) + (unit ? " " + unit : "");
}

// Wall-clock time, in UTC or in the reader's time zone.
function clock(ms, zone, withDate) {
  const timeZone = zone === "utc" ? "UTC" : undefined;
  const date = withDate ? { month: "short", day: "numeric" } : {};
  return new Date(ms).toLocaleString("en", { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit", ...date });
}

// Time in a run that ends at `end`: seconds, or hours, minutes and seconds in a long run.
function moment(at, end) {
  if (end < 120) return number(at) + " s";
  const whole = Math.round(at), pad = (part) => String(part).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

// Creates an element with classes and children; strings become text nodes.
function element(name, classes, ...holds) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  made.append(...holds);
  return made;
}

// Color of the style sheet as the browser resolves it, with the opacity `share`.
const probe = document.body.appendChild(element("i", "probe"));
const known = new Map();
function colour(name, share = 1) {
  const key = name + share;
  if (!known.has(key)) {
    probe.style.color = `var(--${name})`;
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g);
    known.set(key, share === 1 ? `rgb(${r}, ${g}, ${b})` : `rgba(${r}, ${g}, ${b}, ${share})`);
  }
  return known.get(key);
}

// Live region of the page: announces a change once it is stable.
const status = document.querySelector("#status");
let announced;
function announce(text) {
  clearTimeout(announced);
  announced = setTimeout(() => { status.textContent = text; }, 250);
}

// Creates a button.
function button(text, act, classes) {
  const made = element("button", classes, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}
