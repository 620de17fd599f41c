"use strict";

// Enhancements only: every page works without this file. Text is set with textContent, never as markup.

function enhanceForm(form) {
  const items = [...form.querySelectorAll(".item")];
  const byName = new Map(items.map((item) => [item.dataset.name, item]));
  const dependent = [...form.querySelectorAll("[data-when]")].map((part) => [part, JSON.parse(part.dataset.when)]);
  const counted = items.filter((item) => "counted" in item.dataset);
  const sheets = [...form.querySelectorAll(".sheet")].map((sheet) => [sheet, [...sheet.querySelectorAll(".item, .remark")]]);
  const [count, total] = [".given", ".total"].map((each) => form.querySelector(`#count ${each}`));

  // The answer as it will be sent; a question that is not asked has none.
  function answerTo(name) {
    const item = byName.get(name);
    if (!item || item.hidden) return "";
    const chosen = item.querySelector("input[type=radio]:checked");
    const written = item.querySelector("textarea, input[type=text]");
    return chosen ? (chosen.value === "skip" ? "" : chosen.value) : written ? written.value.trim().replace(",", ".") : "";
  }

  function applies(condition) {
    const tests = condition.tests.map(([name, operator, value]) => compares(answerTo(name), operator, value));
    return condition.every ? tests.every(Boolean) : tests.some(Boolean);
  }

  function refresh() {
    // Conditions may hang on one another, in any order: as many rounds as there are settle the longest chain.
    for (const _ of dependent) {
      for (const [part, conditions] of dependent) part.hidden = part.disabled = !conditions.every(applies);
    }
    // A heading over nothing would ask nothing.
    for (const [sheet, parts] of sheets) sheet.hidden = parts.every((part) => part.hidden);
    const asked = counted.filter((item) => !item.hidden);
    say(count, asked.filter((item) => answerTo(item.dataset.name)).length);
    say(total, asked.length);
  }

  for (const condition of form.querySelectorAll(".condition")) condition.hidden = true;
  for (const entry of form.querySelectorAll(".entry")) skipOrWrite(entry);
  for (const entry of form.querySelectorAll(".line")) drawLine(entry);
  form.addEventListener("change", refresh);
  form.addEventListener("input", refresh);
  form.addEventListener("keydown", answerByDigit);
  window.addEventListener("pageshow", refresh);
  refresh();
}

// Text that did not change is not set again: a screen reader would read it out.
function say(place, number) {
  if (place.textContent !== String(number)) place.textContent = String(number);
}

// The operators of FHIR's enableWhen; an unanswered question meets nothing but its absence.
function compares(answer, operator, value) {
  if (operator === "exists") return (answer !== "") === (value === "true");
  if (answer === "") return false;
  const numbers = [answer, value].every((text) => text.trim() !== "" && !Number.isNaN(Number(text)));
  const [left, right] = numbers ? [Number(answer), Number(value)] : [answer, value];
  return {
    "=": left === right, "!=": left !== right, ">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right,
  }[operator];
}

// To write is not to skip, and the other way round.
function skipOrWrite(entry) {
  const written = entry.querySelector("textarea, input[type=text]");
  const skip = entry.querySelector("input[type=checkbox]");
  if (!skip) return;
  written.addEventListener("input", () => { skip.checked = skip.checked && written.value === ""; });
  skip.addEventListener("change", () => {
    if (!skip.checked) return;
    written.value = "";
    written.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A line to mark instead of a number to type. It has no mark until one is made: a slider that starts somewhere suggests.
function drawLine(entry) {
  const field = entry.querySelector("input[type=text]");
  const { low, high, step, line: named, unset } = field.dataset;
  const ends = JSON.parse(field.dataset.ends);
  const line = document.createElement("input");
  Object.assign(line, { type: "range", min: low, max: high, step, className: "mark" });
  line.setAttribute("aria-label", named);
  const labels = document.createElement("div");
  labels.className = "ends";
  labels.append(...ends.map((end) => Object.assign(document.createElement("span"), { textContent: end })));

  function show() {
    const answered = field.value !== "";
    line.classList.toggle("unset", !answered);
    if (answered) line.value = field.value;
    line.setAttribute("aria-valuetext", answered ? field.value : unset);
  }

  function mark() {
    field.value = line.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    show();
  }

  line.addEventListener("input", mark);
  line.addEventListener("pointerup", mark);
  field.addEventListener("input", show);
  window.addEventListener("pageshow", show);
  field.closest("label").hidden = true;
  entry.prepend(labels, line);
  show();
}

// Digits answer the focused group; a 0 soon after a 1 makes it 10.
let lastOne = 0;

function answerByDigit(event) {
  const item = event.target.closest(".item[data-counted]");
  if (!item || !/^\d$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTen = event.key === "0" && event.timeStamp - lastOne < 800;
  lastOne = event.key === "1" ? event.timeStamp : -Infinity;
  const radio = item.querySelector(`input[value="${isTen ? "10" : event.key}"]`);
  if (!radio) return;
  event.preventDefault();
  radio.focus();
  radio.click();
}

// Whether a field says something else than the page came with.
function isGiven(field) {
  if (field.matches("[type=radio], [type=checkbox]")) return field.checked !== field.defaultChecked;
  return field.defaultValue !== undefined && field.value !== field.defaultValue;
}

// Keeps every answer on the server soon after it was given. Nothing is stored in the browser: without a connection the
// page itself holds the answers, and tries again until they are kept.
function keepAnswers(form) {
  const said = document.getElementById("kept");
  const version = form.elements.version;
  let changes = 0, kept = 0, busy = false, over = false, pressed = null, timer, wait = 2000;

  function tell(text, link) {
    said.hidden = false;
    if (said.textContent !== text) said.textContent = text;
    if (link) said.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: said.dataset.again }));
  }

  function soon(after) {
    clearTimeout(timer);
    if (!over) timer = setTimeout(keep, after);
  }

  async function keep() {
    clearTimeout(timer);
    if (busy || over || kept === changes) return;
    const sending = changes;
    busy = true;
    try {
      const reply = await fetch(form.dataset.keep, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true });
      if (reply.ok) {
        const answer = await reply.json();
        version.value = answer.version;
        kept = sending;
        wait = 2000;
        tell(said.dataset.saved.replace("{time}", answer.at));
        stayUntil(answer.seconds);
      } else if (reply.status < 500 && reply.status !== 429) {
        await refused(reply);
      } else later();
    } catch {
      later();
    }
    busy = false;
    if (pressed) form.requestSubmit(pressed);
    else if (kept !== changes) soon(wait);
  }

  // Nothing is sent by a press into a network that does not answer: the page, which has the answers, would be gone.
  function later() {
    over = false;
    pressed = null;
    tell(said.dataset.later);
    wait = Math.min(wait * 1.5, 30000);
  }

  async function refused(reply) {
    over = true;
    if (reply.status === 401 && reply.headers.get("Content-Type").includes("json")) {
      tell(said.dataset.out, (await reply.json()).again);
    } else if (reply.status === 409) {
      tell(said.dataset.twice);
    } else tell(said.dataset.changed);
  }

  form.addEventListener("input", () => { changes += 1; soon(600); });
  // A person may answer before this script has come.
  if ([...form.elements].some(isGiven)) { changes += 1; soon(600); }
  window.addEventListener("online", keep);
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
  // A page that comes back from the browser's memory may hold answers that were not kept.
  window.addEventListener("pageshow", (event) => { if (event.persisted) { changes += 1; keep(); } });
  // A press of a button sends everything, so nothing else may overtake it; what is on its way is waited for, because the
  // server would take the press for that of another page.
  form.addEventListener("submit", (event) => {
    if (!navigator.onLine) {
      event.preventDefault();
      tell(said.dataset.offline);
      return;
    }
    over = true;
    clearTimeout(timer);
    if (!busy) return;
    event.preventDefault();
    pressed = event.submitter;
  });
}

// Tells two minutes before that a page left alone will close; what is kept meanwhile puts the end off.
let ending, closing;

function stayUntil(seconds) {
  const place = document.getElementById("ending");
  if (!place) return;
  clearTimeout(ending);
  clearTimeout(closing);
  place.hidden = true;
  ending = setTimeout(() => {
    place.textContent = place.dataset.soon;
    place.hidden = false;
  }, Math.max(seconds - 120, 0) * 1000);
  closing = setTimeout(() => { place.textContent = place.dataset.over; }, seconds * 1000);
}

// A button for each question, where a voice of the device itself speaks its language: others would send the words away.
function readAloud(form) {
  const speech = window.speechSynthesis;
  if (!speech) return;

  function offer() {
    for (const item of form.querySelectorAll(".item")) {
      const spoken = item.closest("[lang]").lang;
      const voice = speech.getVoices().find((each) => each.localService && each.lang.split(/[-_]/)[0] === spoken);
      if (!voice || item.querySelector(".aloud")) continue;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet aloud" });
      button.textContent = form.dataset.aloud;
      button.setAttribute("aria-describedby", item.querySelector("legend").id = `legend-${item.id}`);
      button.addEventListener("click", () => {
        const words = [...item.querySelectorAll("legend, .low, .high, .words .word > span")].map((each) => each.textContent);
        speech.cancel();
        speech.speak(Object.assign(new SpeechSynthesisUtterance(words.join(". ")), { lang: spoken, voice }));
      });
      item.append(button);
    }
  }

  speech.addEventListener?.("voiceschanged", offer);
  offer();
}

// The receipt page says by itself when the answers are in the chart.
function followReceipt(place) {
  let wait = 1000;

  async function ask() {
    try {
      const reply = await fetch(place.dataset.url, { headers: { Accept: "application/json" } });
      const { state, newer } = reply.ok ? await reply.json() : {};
      // Its heading says what was sent, or is asked for: another one is for another page.
      if (newer || (state === "taken_back" && state !== place.dataset.state)) return location.reload();
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
    const done = ["in_chart", "noted", "taken_back"].includes(place.dataset.state);
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

// Puts the text for a note on the clipboard, and shows it. Where the EHR's frame does not allow that, it is chosen, and
// the keys do the rest.
function copyForNote(place) {
  const [button, text, said] = ["button", "p", "[role=status]"].map((each) => place.querySelector(each));
  const field = text.querySelector("textarea");
  text.hidden = true;
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.hidden = false;
    field.focus();
    field.select();
    let copied;
    try {
      await navigator.clipboard.writeText(field.value);
      copied = true;
    } catch {
      copied = document.execCommand("copy");
    }
    said.textContent = copied ? said.dataset.copied : said.dataset.byHand;
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

// A clinic's tablet goes back to its start by itself. Who is still there can stay; what was answered is saved first.
const WARNING = 30;

function returnToStart(place) {
  const stay = place.querySelector("[data-stay]");
  const soon = place.querySelector(".soon");
  const form = document.getElementById("answers");
  const seconds = Number(place.dataset.seconds);
  const told = place.querySelector("p[data-words]:not(.soon)");
  if (told) told.textContent = told.dataset.words;
  let touched = Date.now();

  async function leave() {
    clearInterval(watch);
    try {
      if (form) await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)) });
    } finally {
      location.replace(place.dataset.start);
    }
  }

  function look() {
    const left = seconds - (Date.now() - touched) / 1000;
    const warning = left <= WARNING && seconds > WARNING;
    if (left <= 0) leave();
    if (warning === stay.hidden) {
      stay.hidden = !warning;
      soon.textContent = warning ? soon.dataset.words : "";
    }
  }

  function touch() {
    touched = Date.now();
    look();
  }

  for (const event of ["pointerdown", "keydown", "input", "scroll"]) document.addEventListener(event, touch, { passive: true });
  place.querySelector("a").addEventListener("click", (event) => { event.preventDefault(); leave(); });
  const watch = setInterval(look, 1000);
}

// A page that the browser kept from before shows what may not be shown any more: it is asked for again, but for one
// without a connection, which may hold answers that nobody else has.
window.addEventListener("pageshow", (event) => { if (event.persisted && navigator.onLine) location.reload(); });

for (const form of document.querySelectorAll("#answers")) {
  enhanceForm(form);
  readAloud(form);
}
for (const form of document.querySelectorAll("#answers[data-keep]")) keepAnswers(form);
for (const place of document.querySelectorAll("#ends")) stayUntil(Number(place.dataset.seconds));
for (const place of document.querySelectorAll("#tablet")) returnToStart(place);
for (const field of document.querySelectorAll("[data-copy]")) field.addEventListener("focus", () => field.select());
for (const place of document.querySelectorAll("#state")) followReceipt(place);
for (const plot of document.querySelectorAll(".plot")) walkVisits(plot);
for (const place of document.querySelectorAll(".for-note")) copyForNote(place);
for (const form of document.querySelectorAll("[data-once]")) sendOnce(form);
for (const form of document.querySelectorAll("[data-at-once]")) window.addEventListener("load", () => form.submit());
for (const button of document.querySelectorAll("#print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
document.getElementById("errors")?.focus();
