// Sends the files of a draft straight to the store, part by part, and goes on where it stopped.
// Without this file the form takes one smaller file at a time.
"use strict";
(() => {
  const TRIES = 5;

  for (const form of document.querySelectorAll("form[data-upload]")) {
    const texts = form.dataset;
    const input = form.querySelector("input[type=file]");
    const list = form.querySelector("[data-files]");
    const said = form.querySelector("[data-said]");
    let busy = 0;
    input.multiple = true;

    input.addEventListener("change", () => {
      for (const file of input.files) add(file);
      input.value = "";
    });

    // A draft is sent when its files are up; until then the button waits.
    form.addEventListener("submit", (event) => {
      if (!busy) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      said.textContent = texts.checking;
    }, true);

    const add = (file) => {
      const row = document.createElement("li");
      row.className = "row";
      const name = document.createElement("p");
      name.textContent = file.name;
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = 0;
      bar.setAttribute("aria-label", file.name);
      const state = document.createElement("p");
      state.className = "hint";
      row.append(name, bar, state);
      list.append(row);
      start(file, row, bar, state);
    };

    const start = async (file, row, bar, state) => {
      busy += 1;
      form.querySelector("[data-main]").setAttribute("aria-disabled", "true");
      let told = -25;
      const show = (sent) => {
        const done = file.size ? Math.floor((100 * sent) / file.size) : 100;
        bar.value = done;
        state.textContent = texts.sending.replace("%done%", done);
        if (done - told >= 25) {
          told = done;
          said.textContent = `${file.name}: ${state.textContent}`;
        }
      };
      try {
        const asset = await send(file, show);
        state.textContent = texts.checking;
        const stored = await ask(`${texts.upload}/${asset}/finish`);
        finish(row, file, stored);
      } catch (problem) {
        fail(file, row, bar, state, problem.final ? problem.message : texts.failed, !problem.final);
      } finally {
        busy -= 1;
        if (!busy) form.querySelector("[data-main]").removeAttribute("aria-disabled");
      }
    };

    const finish = (row, file, stored) => {
      const label = document.createElement("label");
      label.className = "pick";
      const box = document.createElement("input");
      box.type = "checkbox";
      box.name = "asset";
      box.value = stored.asset;
      box.checked = true;
      const text = document.createElement("span");
      text.textContent = texts.include.replace("%name%", stored.name);
      label.append(box, text);
      for (const twin of list.querySelectorAll(`input[value="${stored.asset}"]`)) twin.closest("li").remove();
      row.className = "";
      row.replaceChildren(label);
      if (!row.isConnected) list.append(row);
      said.textContent = `${file.name}: ${texts.stored}`;
    };

    const fail = (file, row, bar, state, message, again) => {
      state.className = "error";
      state.textContent = message;
      said.textContent = `${file.name}: ${message}`;
      bar.remove();
      if (!again) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet small";
      button.textContent = `${texts.retry}: ${file.name}`;
      button.addEventListener("click", () => { row.remove(); add(file); });
      row.append(button);
    };

    // Ask where the bytes go, send what is missing, ask again after a break: the store knows what it has.
    const send = async (file, show) => {
      const announced = { name: file.name, size: file.size, type: file.type, modified: file.lastModified };
      for (let attempt = 1; ; attempt += 1) {
        try {
          const room = await ask(texts.upload, announced);
          let sent = file.size - room.parts.reduce((sum, part) => sum + part.to - part.from, 0);
          show(sent);
          for (const part of room.parts) {
            await put(part, file.slice(part.from, part.to), (bytes) => show(sent + bytes));
            sent += part.to - part.from;
          }
          return room.asset;
        } catch (problem) {
          if (problem.final || attempt === TRIES) throw problem;
          await new Promise((resume) => setTimeout(resume, 500 * 2 ** attempt));
        }
      }
    };

    const put = (part, bytes, progress) => new Promise((stored, failed) => {
      const request = new XMLHttpRequest();
      request.open("PUT", part.url);
      if (part.type) request.setRequestHeader("Content-Type", part.type);
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => (request.status < 300 ? stored() : failed(new Error(`store: ${request.status}`)));
      request.onerror = () => failed(new Error("no connection"));
      request.send(part.type ? new Blob([bytes], { type: part.type }) : bytes);
    });

    const ask = async (address, body) => {
      const answer = await fetch(address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body ?? {}),
      });
      const told = await answer.json();
      if (answer.ok) return told;
      const problem = new Error(told.error);
      problem.final = answer.status < 500 && answer.status !== 409 && answer.status !== 429;
      throw problem;
    };
  }
})();
