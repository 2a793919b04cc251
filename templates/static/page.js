// Small comforts of the creator's pages. Every page works without this file.
"use strict";
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  // After an error the list of what is wrong comes first, also for who cannot see it.
  document.querySelector("[data-focus]")?.focus();

  // A message about what was just done does not come back with a reload.
  if (location.search.startsWith("?done=")) history.replaceState(null, "", location.pathname + location.hash);

  // A link to something folded unfolds it.
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const folded = target && (target.matches("details") ? target : target.querySelector("details"));
    if (folded) folded.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

  // One click is one click. (The server counts a form once anyway.)
  for (const form of all("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
      setTimeout(() => free(form), 15000);
    });
  }
  const free = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  };
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of all("form[data-once]")) free(form);
  });

  // Another country asks for other fields; what both have keeps its text.
  for (const block of all("[data-address]")) {
    const form = block.closest("form");
    const country = form.elements.country;
    const fields = block.querySelector("[data-address-fields]");
    country.addEventListener("change", async () => {
      if (!country.value) return;
      const page = form.action.slice(0, form.action.lastIndexOf("/"));
      const wanted = new URLSearchParams({ country: country.value, form: block.dataset.address });
      try {
        const answer = await fetch(`${page}/fields?${wanted}`);
        if (!answer.ok) return;
        const typed = new FormData(form);
        const text = await answer.text();
        const parsed = new DOMParser().parseFromString(text, "text/html");
        fields.replaceChildren(...parsed.body.childNodes);
        for (const field of fields.querySelectorAll("input, select")) {
          const value = typed.get(field.name);
          if (value && !(field.matches("select") && ![...field.options].some((o) => o.value === value))) field.value = value;
        }
      } catch { /* the button below the country does the same */ }
    });
  }

  // Pages that wait for something look by themselves, ever more slowly.
  const look = (address, over, pause) => setTimeout(async () => {
    try {
      const answer = await (await fetch(address)).json();
      if (over(answer)) return location.replace(location.pathname.replace(/(\/c\/[^/]+).*/, "$1"));
    } catch { /* try again */ }
    if (pause < 60000) look(address, over, pause * 1.4);
  }, pause);
  for (const block of all("[data-wait]")) look(block.dataset.wait, (answer) => answer.done, 1200);
  for (const block of all("[data-watch]")) {
    const seen = Number(block.dataset.sequence);
    look(block.dataset.watch, (answer) => answer.sequence > seen, 1500);
  }
})();
