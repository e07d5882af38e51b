// The URL fragment contains the reader's choices for each run: `#0.zoom=12-40&0.axis=utc`.
function addressOf(runs) {
  const found = new URLSearchParams();
  runs.forEach((run, at) => {
    const set = (name, value, isChosen) => isChosen && found.set(`${at}.${name}`, value);
    set("zoom", run.window.map((of) => +of.toFixed(2)).join("-"), run.isZoomed);
    set("time", run.timed, run.timed !== "response");
    set("axis", run.clock, run.clock !== "elapsed");
    set("log", run.log ? 1 : 0, run.log !== run.steep);
  });
  return found.toString();
}

function keepAddress(runs) {
  const chosen = addressOf(runs);
  if (chosen || location.hash.includes("=")) history.replaceState(null, "", "#" + chosen);
}

// Applies the choices in the URL fragment; a link within the page does not change them.
function readAddress(runs, scrolls) {
  if (!location.hash.includes("=")) return;
  const found = new URLSearchParams(location.hash.slice(1));
  runs.forEach((run, at) => {
    const get = (name) => found.get(`${at}.${name}`);
    const choice = {
      timed: get("time") === "service" ? "service" : "response",
      clock: ["utc", "local"].find((zone) => zone === get("axis")) || "elapsed",
      log: get("log") == null ? run.steep : get("log") === "1",
    };
    if (Object.keys(choice).some((name) => run[name] !== choice[name])) run.choose(choice);
    const ends = (get("zoom") || "").split("-").map(Number);
    const isZoom = ends.length === 2 && ends.every(Number.isFinite) && ends[0] < ends[1];
    run.zoom(isZoom ? ends : run.whole);
    if (isZoom && scrolls) run.section.querySelector("h2.time").scrollIntoView();
  });
}
