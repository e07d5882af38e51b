// Minimum distance of two fingers for a zoom, in pixels.
const APART = 12;

// Touch gestures on a chart: one finger moves the cursor, two zoom and pan all charts.
// Vertical swipes scroll the page (`touch-action` in the style sheet).
function fingers(run, plot) {
  const over = plot.over, down = new Map();
  let held = [];
  const placeOf = (event) => event.clientX - over.getBoundingClientRect().left;
  const places = () => [...down.values()].sort((a, b) => a - b);
  const hold = () => { held = places().map((place) => plot.posToVal(place, "x")); };
  const pinch = () => {
    const [left, right] = places(), a_pixel = (held[1] - held[0]) / (right - left);
    if (right - left < APART || !(a_pixel > 0)) return;
    const end = run.whole[1], length = Math.min(end, a_pixel * over.clientWidth);
    const from = Math.min(end - length, Math.max(0, held[0] - left * a_pixel));
    run.zoom([from, from + length]);
  };
  const moved = (event) => {
    if (event.pointerType === "mouse") return;
    if (down.has(event.pointerId)) down.set(event.pointerId, placeOf(event));
    if (down.size === 2) pinch();
    else if (down.size < 2) run.point(plot.posToVal(placeOf(event), "x"));
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse") return;
    down.set(event.pointerId, placeOf(event));
    hold();
    moved(event);
  });
  over.addEventListener("pointermove", moved);
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, (event) => down.delete(event.pointerId) && hold());
  }
}
