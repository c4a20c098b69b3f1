// The operator console: shows every room each second, changes one at a time, and tells why a change was refused.

import { Problem, api, enterWithKey, leave, signIn, way } from "./console-session.js";

const EVERY_MS = 1000;
const HISTORY = 300; // samples of the sparkline, one a second
const JOURNAL_SHOWN = 20;
const NUMBERS = ["waiting", "called", "admitted", "capacity", "joins", "admissions", "missed"];
const CHOSEN = ["mode", "pace"];
const TUNED = ["pace_per_minute", "burst", "capacity"];

const main = document.querySelector("main[data-api]");
const words = JSON.parse(main.dataset.words);
const lang = document.documentElement.lang;
const slot = (name) => document.querySelector(`[data-slot="${name}"]`);
const number = (value, options) => new Intl.NumberFormat(lang, options).format(value);
const say = (key, values = {}) => words[key].replace(/%\((\w+)\)s/g, (_, name) => values[name]);
const shown = (value) => {
  if (value === null || typeof value !== "object") return String(value ?? "–");
  return Object.entries(value).map(([code, text]) => `${code} “${text}”`).join(", ") || "–";
};

class RoomCard {
  constructor(room) {
    this.id = room.id;
    this.root = slot("room").content.firstElementChild.cloneNode(true);
    this.form = this.root.querySelector("form");
    this.history = [];
    const change = this.root.querySelector(".change");
    change.addEventListener("toggle", () => change.open && this.fill());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
    this.form.addEventListener("reset", (event) => {
      event.preventDefault();
      this.fill();
    });
    // Refused by the interface too; here the field itself says so before anything is sent.
    this.form.elements.mode.addEventListener("change", () => {
      const { mode, reason } = this.form.elements;
      reason.required = mode.value !== this.seen.mode && (mode.value === "paused" || mode.value === "closed");
    });
    this.journal = this.root.querySelector(".journal");
    this.journal.addEventListener("toggle", () => this.journal.open && this.readJournal());
  }

  field(name) {
    return this.root.querySelector(`[data-field="${name}"]`);
  }

  show(room) {
    this.room = room;
    this.field("title").textContent = room.title?.[lang] ?? room.title?.[lang.split("-x-")[0]] ?? room.title?.en ?? Object.values(room.title ?? {})[0] ?? room.id;
    this.field("id").textContent = room.id;
    const phase = this.field("phase");
    phase.textContent = words[room.phase] ?? room.phase;
    phase.dataset.phase = room.phase;
    for (const name of NUMBERS) this.field(name).textContent = number(room[name] ?? 0);
    if (!room.capacity) this.field("capacity").textContent = "∞";
    this.field("pace_per_minute").textContent = number(room.pace_per_minute, { maximumFractionDigits: 1 });
    this.field("window").textContent = room.window ? number(Math.floor(room.window.size)) : "–";
    this.field("show_rate").textContent = number(room.show_rate ?? 0, { style: "percent" });
    this.history.push(room.waiting);
    if (this.history.length > HISTORY) this.history.shift();
    this.spark();
  }

  spark() {
    const low = Math.min(...this.history);
    const high = Math.max(...this.history);
    const step = 300 / Math.max(1, this.history.length - 1);
    const points = this.history.map((value, i) => {
      const height = high > low ? (value - low) / (high - low) : 0.5;
      return `${(i * step).toFixed(1)},${(46 - height * 44).toFixed(1)}`;
    });
    const chart = this.root.querySelector("svg");
    chart.firstElementChild.setAttribute("points", points.join(" "));
    const values = { low: number(low), high: number(high), now: number(this.room.waiting) };
    chart.setAttribute("aria-label", say("sparkline", values));
  }

  /** Put the room's values in the form, and remember their version: a change then applies to what was seen. */
  fill() {
    const { form, room } = this;
    this.seen = structuredClone(room);
    for (const name of CHOSEN) form.elements[name].value = room[name];
    for (const name of TUNED) form.elements[name].value = room[name];
    const others = form.querySelector("details");
    for (const area of form.querySelectorAll("textarea")) {
      area.value = room.notice?.[area.lang] ?? "";
      // What visitors read already is never behind a disclosure.
      if (area.value) others.before(area.closest("p"));
    }
    others.hidden = others.querySelector("textarea") === null;
    form.elements.reason.value = "";
    form.elements.reason.required = false;
    this.field("error").textContent = this.field("saved").textContent = "";
  }

  changes() {
    const { form, seen } = this;
    const changed = {};
    for (const name of CHOSEN) if (form.elements[name].value !== seen[name]) changed[name] = form.elements[name].value;
    for (const name of TUNED) {
      const value = Number(form.elements[name].value);
      if (value !== seen[name]) changed[name] = value;
    }
    // Languages this console does not show are kept as they are.
    const notice = { ...seen.notice };
    for (const area of form.querySelectorAll("textarea")) {
      if (area.value.trim()) notice[area.lang] = area.value.trim();
      else delete notice[area.lang];
    }
    const before = seen.notice ?? {};
    const codes = new Set([...Object.keys(notice), ...Object.keys(before)]);
    if ([...codes].some((code) => notice[code] !== before[code])) changed.notice = notice;
    return changed;
  }

  async apply() {
    const error = this.field("error");
    const saved = this.field("saved");
    error.textContent = saved.textContent = "";
    const body = this.changes();
    if (Object.keys(body).length === 0) {
      saved.textContent = words.nothing;
      return;
    }
    const reason = this.form.elements.reason.value.trim();
    if (reason) body.reason = reason;
    const button = this.form.querySelector("button.main");
    button.disabled = true;
    try {
      const headers = { "Content-Type": "application/json", "If-Match": `"${this.seen.version}"` };
      await api(`rooms/${this.id}`, { method: "PATCH", headers, body });
      await refresh();
      this.fill();
      saved.textContent = words.saved;
      if (this.journal.open) await this.readJournal();
    } catch (problem) {
      error.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  }

  async readJournal() {
    const list = this.field("journal");
    try {
      const { entries } = await api(`rooms/${this.id}/journal`);
      const latest = [...entries].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, JOURNAL_SHOWN);
      list.replaceChildren(...latest.map(journalEntry));
      if (latest.length === 0) list.append(Object.assign(document.createElement("li"), { textContent: words.nothing }));
    } catch (problem) {
      const line = document.createElement("li");
      line.className = "error";
      line.textContent = problem.message;
      list.replaceChildren(line);
    }
  }
}

function journalEntry(entry) {
  const line = slot("entry").content.firstElementChild.cloneNode(true);
  const time = line.querySelector("time");
  time.dateTime = entry.at;
  time.textContent = new Intl.DateTimeFormat(lang, { dateStyle: "short", timeStyle: "medium" }).format(Date.parse(entry.at));
  line.querySelector("strong").textContent = entry.who;
  line.querySelector("span").textContent = words[entry.action] ?? entry.action;
  const changes = (entry.changes ?? []).map(({ field, from, to }) => say("entry", { field, from: shown(from), to: shown(to) }));
  line.querySelector('[data-field="changes"]').textContent = changes.join("\n");
  line.querySelector('[data-field="reason"]').textContent = entry.reason ?? "";
  return line;
}

// ---- the console ----

const cards = new Map();

async function refresh() {
  const { rooms } = await api("rooms");
  if (!way()) return; // signed out meanwhile: nothing is shown any more
  for (const room of rooms) {
    if (!cards.has(room.id)) cards.set(room.id, new RoomCard(room));
    const card = cards.get(room.id);
    card.show(room);
    if (!card.root.isConnected) slot("rooms").append(card.root);
  }
  for (const [id, card] of cards) {
    if (rooms.some((room) => room.id === id)) continue;
    card.root.remove();
    cards.delete(id);
  }
  slot("empty").hidden = rooms.length > 0;
  slot("empty").textContent = words.noRooms;
}

function connected(yes, message = "") {
  const link = slot("link");
  link.hidden = false;
  link.classList.toggle("away", !yes);
  if (link.textContent !== (yes ? words.live : words.away)) link.textContent = yes ? words.live : words.away;
  slot("problem").hidden = yes || !message;
  if (slot("problem").textContent !== message) slot("problem").textContent = message;
}

const keyField = document.querySelector("#key");
const firstField = document.querySelector("#name") ?? keyField;

function signedOut(message = "", field = firstField) {
  cards.clear();
  slot("rooms").replaceChildren();
  for (const name of ["link", "out", "problem", "empty"]) slot(name).hidden = true;
  slot("signin").hidden = false;
  slot(field === keyField ? "key-error" : "password-error").textContent = message;
  const folded = field.closest("details");
  if (folded) folded.open = true;
  field.focus();
}

let timer;

async function turn() {
  clearTimeout(timer);
  if (!way()) return;
  let pause = EVERY_MS;
  try {
    if (!document.hidden) await refresh();
    if (!way()) return;
    connected(true);
    slot("signin").hidden = true;
    slot("out").hidden = false;
  } catch (problem) {
    if (!way()) return;
    if (problem.status === 401) {
      if (leave() === "key") signedOut(words.badKey, keyField);
      else signedOut(words.ended);
      return;
    }
    // A network failure has no words for an operator beyond "no connection"; a problem has its detail.
    connected(false, problem instanceof Problem ? problem.message : "");
    pause = 3 * EVERY_MS;
  }
  clearTimeout(timer);
  timer = setTimeout(turn, pause);
}

function signingIn() {
  for (const name of ["key-error", "password-error"]) if (slot(name)) slot(name).textContent = "";
}

slot("by-key").addEventListener("submit", (event) => {
  event.preventDefault();
  signingIn();
  enterWithKey(keyField.value.trim());
  keyField.value = "";
  turn();
});
slot("by-password")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  signingIn();
  const form = event.currentTarget;
  const { name, password } = form.elements;
  form.querySelector("button").disabled = true;
  try {
    await signIn(name.value, password.value);
    password.value = "";
    turn();
  } catch (problem) {
    const told = problem instanceof Problem ? problem.message : words.away;
    slot("password-error").textContent = problem.status === 401 ? words.badPassword : told;
    password.focus();
  } finally {
    form.querySelector("button").disabled = false;
  }
});
slot("out").addEventListener("click", async () => {
  try {
    if (way() === "password") await api("/_ecluse/console/session", { method: "DELETE" });
  } catch (problem) {
    connected(false, problem instanceof Problem ? problem.message : ""); // the session is still there, and the button
    return;
  }
  leave();
  signedOut();
});
if (way()) turn();
else signedOut();
