// Entry point: sets up the time axis and the tables of each run.
const runs = [...document.querySelectorAll("section.run")].map((section, at) => {
  const run = new Run(section, at);
  run.tools();
  run.drawAll();
  section.querySelectorAll("table[data-requests]").forEach((table) => new Requests(run, table));
  section.querySelectorAll("figure").forEach(chartButtons);
  return run;
});
// Other tables can be copied and saved as well.
for (const table of document.querySelectorAll(".scroll > table:not([data-requests])")) {
  if (!table.closest("figure")) table.caption.append(element("span", "bar inline", ...tableButtons(table)));
}
document.documentElement.classList.add("live");
readAddress(runs, true);
addEventListener("chosen", () => keepAddress(runs));
addEventListener("hashchange", () => readAddress(runs, false));
function recolour() {
  known.clear();
  runs.forEach((run) => run.redrawAll());
}
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", recolour);
let resized;
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => runs.forEach((run) => run.resize()));
});
