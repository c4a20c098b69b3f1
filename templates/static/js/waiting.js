// The waiting page. It works out the visitor's own place from the public board, asks for the ticket only when the
// board says the turn has come, and shows the section of that state. It never goes anywhere by itself.

import { aheadOf, Comeback, pollSeconds, Speech, waitSpan } from "./line.js";

const LIVE_MS = 30_000; // a screen reader is told at most this often
const PATIENCE_MS = 15_000; // for one answer
const COVERING = ["paused", "closed", "prequeue", "drawing"]; // phases in which nobody is let in
const MARK_ERROR = 0.02; // the board's marks are this exact behind the first 32

class Refused extends Error {
  constructor(answer) {
    super(`answered ${answer.status}`);
    this.status = answer.status;
    const seconds = Number(answer.headers.get("Retry-After"));
    this.retryAfter = seconds > 0 ? Math.min(seconds, 600) : null;
  }
}

async function call(url, method = "GET", options = {}) {
  const answer = await fetch(url, {
    method, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS), ...options,
  });
  if (!answer.ok) throw new Refused(answer);
  return answer.json();
}

class WaitingPage {
  constructor(main) {
    const handed = main.dataset;
    this.main = main;
    this.urls = { board: handed.board, ticket: handed.ticket, tickets: handed.tickets };
    this.title = handed.title;
    this.speech = new Speech(JSON.parse(handed.words), document.documentElement.lang);
    this.slots = Object.fromEntries([...main.querySelectorAll("[data-slot]")].map((el) => [el.dataset.slot, el]));
    this.phase = handed.phase;
    // These are phases of the room; under them a ticket goes on waiting.
    const covered = COVERING.includes(handed.state);
    this.state = covered ? (handed.place === undefined ? "none" : "waiting") : handed.state;
    if (covered) this.phase = handed.state;
    this.epoch = handed.epoch ?? null;
    this.take(handed);
    this.claimUntil = handed.claimUntil ? Number(handed.claimUntil) : null;
    this.ahead = handed.ahead === undefined ? null : Number(handed.ahead);
    const arrival = performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now();
    this.skew = Number(handed.now) - (performance.timeOrigin + arrival);
    this.comeback = new Comeback();
    this.failures = 0;
    this.busy = false;
    this.polledAt = Date.now();
    this.notBefore = 0;
    this.spokenAt = Date.now();
    this.said = "";
  }

  start() {
    for (const [target, name] of [[document, "visibilitychange"], [window, "pageshow"], [window, "online"]]) {
      target.addEventListener(name, () => this.catchUp());
    }
    const extend = this.main.querySelector('[data-form="claim/extend"]');
    extend?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.extend(extend);
    });
    const { opening } = this.main.dataset;
    this.hours = opening && import(opening).then((module) => { this.opening = new module.Opening(this); });
    setInterval(() => this.tick(), 1000);
    this.slots.updated.textContent = this.clockTime(Number(this.main.dataset.now));
    this.show();
    this.progress();
    this.later(1);
  }

  now() { return Date.now() + this.skew; }

  take({ id, lane, place }) {
    this.id = id ?? this.id ?? null;
    this.lane = lane ?? this.lane ?? null;
    if (place !== undefined && place !== null) this.place = Number(place);
    this.place ??= null;
  }

  later(seconds, spread = 0.4) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.turn(), seconds * 1000 * (1 - spread / 2 + spread * Math.random()));
  }

  catchUp() {
    const now = Date.now();
    if (!document.hidden && now > this.notBefore && now - this.polledAt > 1000) this.turn();
  }

  async turn() {
    if (this.busy) return;
    this.busy = true;
    this.polledAt = Date.now();
    try {
      const seconds = await this.look();
      this.failures = 0;
      this.slots.offline.hidden = true;
      this.later(seconds);
    } catch (error) {
      this.failures += 1;
      this.slots.offline.hidden = false;
      // Never before the time the server asked for; otherwise doubling from 2 s to a minute.
      const backoff = Math.min(60, 2 ** this.failures);
      const asked = error.retryAfter ?? 0;
      this.notBefore = Date.now() + asked * 1000;
      this.later(Math.max(backoff, asked * 1.3));
    } finally {
      this.busy = false;
    }
  }

  async look() {
    const board = await call(this.urls.board, "GET", { credentials: "omit" });
    this.slots.healing.hidden = !board.healing;
    if (this.epoch !== null && board.epoch !== this.epoch && this.id !== null && this.state !== "gone") {
      const soon = this.comeback.secondsLeft(board, this.lane, this.state === "waiting" ? this.ahead : 0);
      if (soon > 0) return soon; // until then the last numbers stand
      this.applyTicket(await call(this.urls.tickets, "POST"));
    }
    this.epoch = board.epoch;
    await this.hours;
    const soon = await this.opening?.follow(board);
    this.readBoard(board);
    if (soon) return soon;
    const lane = board.lanes[this.lane];
    if (this.state === "called") return Math.min(15, await this.readTicket());
    if (this.state !== "waiting") return board.poll_seconds.far;
    if (!lane || this.place === null || this.place <= lane.serving) return this.readTicket();
    return pollSeconds(board.poll_seconds, this.ahead, lane.calls_per_minute?.p50 ?? 0);
  }

  readBoard(board) {
    const { speech, slots } = this;
    this.phase = board.phase;
    slots.stale.hidden = !board.stale;
    slots.pace.textContent = speech.pace(board.pace_per_minute);
    slots.updated.textContent = this.clockTime(board.at_ms);
    slots.updated.dateTime = new Date(board.at_ms).toISOString();
    this.showNotice(board.notice ?? {});
    const lane = board.lanes[this.lane];
    if (lane && this.place !== null && this.state === "waiting" && !this.opening?.undrawn) {
      this.showAhead(aheadOf(lane, this.place, this.ahead));
      const { p50, slow } = lane.calls_per_minute ?? {};
      const seconds = (perMinute) => (perMinute > 0 ? ((this.ahead + 1) / perMinute) * 60 : null);
      slots.wait.textContent = speech.wait(waitSpan(seconds(p50), seconds(slow)));
    }
    this.show();
  }

  /** The ticket's own state; returns the seconds until it is worth asking again. */
  async readTicket() {
    try {
      this.applyTicket(await call(this.urls.ticket));
    } catch (error) {
      if (error.status !== 410 && error.status !== 404 && error.status !== 401) throw error;
      this.state = error.status === 410 ? "gone" : "none";
    }
    this.show();
    return this.nextPoll ?? 5;
  }

  applyTicket(ticket) {
    // A visit already admitted in another tab enters by the same button: a repeated claim gives the same admission.
    const shown = { admitted: "called", left: "none", ended: "gone" };
    this.take(ticket);
    this.state = shown[ticket.state] ?? ticket.state;
    this.claimUntil = ticket.claim_until ? Date.parse(ticket.claim_until) : null;
    this.nextPoll = ticket.next_poll_seconds ?? null;
    if (this.state === "waiting" && typeof ticket.ahead === "number") this.showAhead(ticket.ahead);
  }

  async extend(form) {
    try {
      const answer = await call(form.action, "POST");
      this.claimUntil = Date.parse(answer.claim_until);
      this.warned = false;
      this.tick();
      this.announce(this.speech.say("extended", { time: this.speech.countdown(this.secondsLeft()) }), true);
    } catch {
      this.announce(this.speech.say("notExtended"), true);
      this.slots.left.textContent = this.speech.say("notExtended");
      this.turn();
    }
  }

  // ---- showing ----

  get shown() {
    const held = COVERING.includes(this.phase); // a call keeps its time meanwhile
    if (held && (this.state === "waiting" || this.state === "called")) return this.phase;
    return (this.state === "none" || this.state === "over") && this.phase === "closed" ? "closed" : this.state;
  }

  show() {
    const shown = this.shown;
    const changed = shown !== this.main.dataset.state;
    for (const el of this.main.querySelectorAll("[data-when]")) {
      el.hidden = !el.dataset.when.split(" ").includes(shown);
    }
    this.main.dataset.state = shown;
    if (shown === "called") document.title = `${this.speech.say("turn")} – ${this.title}`;
    else if (shown === "waiting" && this.ahead !== null) {
      document.title = `(${this.speech.number(this.ahead + 1)}) ${this.title}`;
    } else document.title = this.title;
    if (!changed) return;
    this.tick();
    const heading = this.main.querySelector(`section[data-when="${shown}"] h2`);
    if (shown === "called") heading.focus();
    else this.announce(heading.textContent, true);
  }

  showAhead(ahead) {
    const { speech, slots } = this;
    const before = this.ahead;
    // Between two marks the board is exact to 2 %: a smaller rise is noise, and a rise is never shown without words.
    if (before !== null && ahead > before && ahead - before <= before * MARK_ERROR) ahead = before;
    if (before !== null && ahead > before) {
      const values = { before: speech.number(before + 1), after: speech.number(ahead + 1) };
      slots.moved.textContent = speech.say("moved", values);
      slots.moved.hidden = false;
    } else if (before !== null && ahead < before) slots.moved.hidden = true;
    this.ahead = ahead;
    const big = document.createElement("b");
    big.textContent = speech.number(ahead + 1);
    const [start, end] = speech.words.number.split("%(number)s");
    slots.number.replaceChildren(start, big, end);
    slots.ahead.textContent = speech.say(ahead ? "ahead" : "next", { count: ahead, number: speech.number(ahead) });
    slots.number.hidden = slots.ahead.hidden = false;
    slots.counting.hidden = true;
    this.progress();
    this.announce(`${slots.number.textContent}. ${slots.wait.textContent}`);
  }

  /** How much of the way is behind: measured from the first number this browser saw for this ticket. */
  progress() {
    if (this.ahead === null || this.id === null) return;
    const key = `ecluse:${this.main.dataset.room}:${this.id}`;
    let first = this.ahead;
    try {
      first = Math.max(first, Number(sessionStorage.getItem(key) ?? 0));
      sessionStorage.setItem(key, String(first));
    } catch {
      // Storage may be forbidden; then the way starts here.
      first = this.first = Math.max(first, this.first ?? 0);
    }
    const done = first > 0 ? (first - this.ahead) / first : 0;
    const bar = this.slots.progress;
    bar.value = Math.round(done * 100);
    bar.textContent = this.speech.say("progress", { percent: this.speech.number(done, { style: "percent" }) });
    bar.hidden = false;
  }

  showNotice(notice) {
    const { lang } = this.speech;
    const code = [lang, "en", ...Object.keys(notice)].find((name) => notice[name]);
    this.slots.notice.hidden = code === undefined;
    const text = this.slots["notice-text"];
    if (code === undefined || text.textContent === notice[code]) return;
    text.textContent = notice[code];
    text.lang = code;
    this.announce(notice[code], true);
  }

  secondsLeft() {
    return Math.max(0, Math.floor((this.claimUntil - this.now()) / 1000));
  }

  tick() {
    this.opening?.tick();
    const slot = this.slots.left;
    slot.hidden = this.claimUntil === null;
    if (this.shown !== "called" || this.claimUntil === null) return;
    const seconds = this.secondsLeft();
    slot.textContent = this.speech.say("left", { time: this.speech.countdown(seconds) });
    if (seconds <= 60 && !this.warned) {
      this.warned = true;
      this.announce(slot.textContent, true);
    }
    if (seconds === 0 && !this.late) this.later(1);
    this.late = seconds === 0;
  }

  announce(text, now = false) {
    if (text === this.said || (!now && Date.now() - this.spokenAt < LIVE_MS)) return;
    this.said = text;
    this.spokenAt = Date.now();
    this.slots.live.textContent = text;
  }

  clockTime(ms) {
    return new Intl.DateTimeFormat(this.speech.lang, { timeStyle: "medium" }).format(ms);
  }
}

new WaitingPage(document.querySelector("main[data-room]")).start();
