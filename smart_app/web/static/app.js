"use strict";

// Enhancements only: every page works without this file. Text is set with textContent, never as markup.

const chosenIn = (group) => group.querySelector("input:checked");
const isAnswer = (radio) => radio !== null && radio.value !== "skip";

function enhanceForm(form) {
  const items = [...form.querySelectorAll(".item")];
  const count = form.querySelector("#count span");

  function refresh() {
    for (const item of items.filter((each) => each.dataset.after)) {
      const chosen = form.querySelector(`input[name="${CSS.escape(item.dataset.after)}"]:checked`);
      item.hidden = item.disabled = !(chosen && item.dataset.for.split(" ").includes(chosen.value));
    }
    const answered = items.filter((each) => "scored" in each.dataset && isAnswer(chosenIn(each))).length;
    if (count.textContent !== String(answered)) count.textContent = String(answered);
  }

  for (const condition of form.querySelectorAll(".condition")) condition.hidden = true;
  form.addEventListener("change", refresh);
  form.addEventListener("keydown", answerByDigit);
  window.addEventListener("pageshow", refresh);
  refresh();
}

// Digits answer the focused group; a 0 soon after a 1 makes it 10.
let lastOne = 0;

function answerByDigit(event) {
  const item = event.target.closest(".item[data-scored]");
  if (!item || !/^\d$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTen = event.key === "0" && event.timeStamp - lastOne < 800;
  lastOne = event.key === "1" ? event.timeStamp : -Infinity;
  const radio = item.querySelector(`input[value="${isTen ? "10" : event.key}"]`);
  if (!radio) return;
  event.preventDefault();
  radio.focus();
  radio.click();
}

// The receipt page says by itself when the answers are in the chart.
function followReceipt(place) {
  let wait = 1000;

  async function ask() {
    try {
      const reply = await fetch(place.dataset.url, { headers: { Accept: "application/json" } });
      const { state } = reply.ok ? await reply.json() : {};
      if (state && state !== place.dataset.state && place.dataset[state]) {
        place.dataset.state = state;
        place.firstElementChild.textContent = place.dataset[state];
      }
    } catch {
      // Offline for a moment: the next round asks again, and "Check again" stays on the page.
    }
    next();
  }

  function next() {
    const done = place.dataset.state === "in_chart";
    if (done) document.getElementById("again")?.remove();
    if (done || wait > 60000) return;
    setTimeout(ask, wait);
    wait *= 1.4;
  }

  next();
}

// One tab stop for the chart instead of one for each visit; arrow keys walk.
function walkVisits(plot) {
  const visits = [...plot.querySelectorAll(".visit")];
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  visits.forEach((visit, index) => visit.setAttribute("tabindex", index === visits.length - 1 ? "0" : "-1"));
  plot.addEventListener("keydown", (event) => {
    const from = visits.indexOf(document.activeElement);
    if (from < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const to = Math.min(Math.max(from + steps[event.key], 0), visits.length - 1);
    visits[from].setAttribute("tabindex", "-1");
    visits[to].setAttribute("tabindex", "0");
    visits[to].focus();
  });
}

// A second press of Send does nothing; the server would take it once in any case.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

for (const form of document.querySelectorAll("#answers")) enhanceForm(form);
for (const place of document.querySelectorAll("#state")) followReceipt(place);
for (const plot of document.querySelectorAll(".plot")) walkVisits(plot);
for (const form of document.querySelectorAll("[data-once]")) sendOnce(form);
for (const button of document.querySelectorAll("#print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
document.getElementById("errors")?.focus();
