// Small comforts of the staff's pages. Every page works without this file.
"use strict";
(() => {
  // Moments in the reader's own zone; the page itself says UTC.
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
  for (const each of document.querySelectorAll("time[data-local]")) {
    const at = new Date(each.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    each.title = each.textContent;
    each.textContent = format.format(at);
  }

  // One box ticks all boxes of its table, and says how many are ticked.
  for (const all of document.querySelectorAll("input[data-all]")) {
    const boxes = [...document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.all)}"]`)];
    const said = document.querySelector(`[data-ticked="${CSS.escape(all.dataset.all)}"]`);
    const count = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      if (said) said.textContent = String(ticked);
    };
    all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; count(); });
    for (const box of boxes) box.addEventListener("change", count);
    count();
  }
})();
