// Explanations of terms: shown at the pointer and at the keyboard's focus; the link leads to the glossary.
const tip = element("div", "tip");
tip.setAttribute("role", "tooltip");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

function showTip(term) {
  tip.textContent = term.dataset.tip;
  tip.hidden = false;
  const box = term.getBoundingClientRect(), width = tip.offsetWidth, height = tip.offsetHeight;
  const above = box.top - height - 6;
  tip.style.left = Math.max(8, Math.min(innerWidth - width - 8, box.left)) + "px";
  tip.style.top = (above > 8 ? above : box.bottom + 6) + "px";
  term.setAttribute("aria-describedby", "tip");
}

function hideTip() {
  if (tip.hidden) return;
  tip.hidden = true;
  document.querySelector("[aria-describedby='tip']")?.removeAttribute("aria-describedby");
}

function explain(page) {
  for (const term of page.querySelectorAll(".term[title]")) {
    term.dataset.tip = term.title;
    term.removeAttribute("title");
  }
}

explain(document);
const termOf = (event) => event.target.closest?.(".term");
for (const begin of ["mouseover", "focusin"]) document.addEventListener(begin, (event) => (termOf(event) ? showTip(termOf(event)) : begin === "focusin" && hideTip()));
for (const end of ["mouseout", "focusout"]) document.addEventListener(end, (event) => termOf(event) && hideTip());
document.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
addEventListener("scroll", hideTip, { passive: true, capture: true });
