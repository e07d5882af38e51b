// Begins: each run of the page with its time and its table.
const runs = [...document.querySelectorAll("section.run")].map((section, at) => {
  const run = new Run(section, at);
  run.tools();
  run.drawAll();
  section.querySelectorAll("table[data-requests]").forEach((table) => new Requests(run, table));
  return run;
});
document.documentElement.classList.add("live");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => runs.forEach((run) => run.redrawAll()));
let resized;
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => runs.forEach((run) => run.resize()));
});
