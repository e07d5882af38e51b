// Columns of a table of requests that the reader chose.
function columnChooser(table) {
  const columns = columnsOf(table), choices = element("div", "choices");
  const show = (at, shown) => {
    for (const body of table.tBodies) for (const row of body.rows) if (row.cells.length === columns.length) row.cells[at].hidden = !shown;
    if (table.tFoot) for (const row of table.tFoot.rows) row.cells[at].hidden = !shown;
    const { cell, group } = columns[at];
    cell.hidden = !shown;
    if (!group) return;
    const left = columns.filter((column) => column.group === group && !column.cell.hidden).length;
    group.hidden = left === 0;
    if (left) group.colSpan = left;
  };
  columns.forEach(({ name }, at) => {
    if (at === 0) return;
    const input = element("input");
    Object.assign(input, { type: "checkbox", checked: !columns[at].cell.matches(".more") });
    input.addEventListener("change", () => show(at, input.checked));
    show(at, input.checked);
    choices.append(element("label", "", input, " " + name));
  });
  const chooser = element("details", "columns", element("summary", "", "Columns"), choices);
  chooser.addEventListener("keydown", (event) => { if (event.key === "Escape") { chooser.open = false; chooser.querySelector("summary").focus(); } });
  return chooser;
}
