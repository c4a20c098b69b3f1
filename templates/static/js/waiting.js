// The waiting page. It works out the visitor's own place from the public board, asks for the ticket only when the
// board says the turn has come, and shows the section of that state. It goes nowhere by itself unless asked to.

import { aheadOf, Comeback, pollSeconds, Speech } from "./line.js";
import { View } from "./view.js";

// for one answer
const PATIENCE_MS = 15_000;
// nearer than this, the board comes as a stream
const STREAM_SECONDS = 180;
// a board this far from our clock: the clock was changed, or slept
const SKEW_MS = 5_000;
// phases in which nobody is let in
const COVERING = ["paused", "closed", "prequeue", "drawing"];
const LAST_SECONDS = 60;

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
  constructor(main, words) {
    const handed = main.dataset;
    this.main = main;
    this.base = `/_ecluse/rooms/${handed.room}/`;
    this.speech = new Speech(words, document.documentElement.lang);
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
    // what this tab knows, it learned by itself
    this.leads = true;
    this.polledAt = Date.now();
    this.notBefore = 0;
    this.view = new View(this);
    if (this.ahead !== null && this.state === "waiting") this.view.ahead(this.ahead);
  }

  start() {
    for (const [target, name] of [[document, "visibilitychange"], [document, "resume"], [window, "pageshow"], [window, "online"]]) {
      target.addEventListener(name, () => this.catchUp());
    }
    const extend = this.main.querySelector('[data-form="claim/extend"]');
    extend?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.extend(extend);
    });
    const { opening, room } = this.main.dataset;
    this.hours = opening && import(opening).then((module) => { this.opening = new module.Opening(this); });
    import("./tabs.js").then(({ Tabs, Stream }) => {
      this.tabs = new Tabs(room, (told) => this.hear(told));
      this.stream = new Stream(`${this.base}board/events`, (board) => this.turn(board));
    });
    import("./alerts.js").then(({ Alerts }) => {
      this.alerts = new Alerts(this);
      if (this.shown === "called") this.alerts.call(this.leads);
    });
    import("./own-place.js").then(({ watch }) => {
      watch(`${this.base}ticket`, () => this.id, (ticket) => { this.applyTicket(ticket); this.show(); this.tell(); });
    });
    setInterval(() => this.tick(), 1000);
    this.show();
    this.main.dataset.script = "on";
    this.later(1);
  }

  now() { return Date.now() + this.skew; }

  take({ id, lane, place }) {
    if (id && id !== this.id) {
      this.ahead = null;
      this.view?.anew();
    }
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

  /** One look, at a board that came by itself or at the one asked for. */
  async turn(streamed = null) {
    if (this.busy) return;
    this.busy = true;
    this.polledAt = Date.now();
    try {
      const board = streamed ?? await call(`${this.base}board.json`, "GET", { credentials: "omit" });
      this.leads = true;
      const seconds = await this.look(board);
      this.failures = 0;
      this.slots.offline.hidden = true;
      this.tell(seconds, board);
      const streams = this.streams(board);
      this.later(streams ? board.poll_seconds.far : seconds);
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

  tell(seconds = 5, board = this.board) {
    const { id, lane, place, state, claimUntil, epoch, skew } = this;
    if (board) this.tabs?.tell({ board, id, lane, place, state, claimUntil, epoch, skew, seconds });
  }

  /** What another tab of this browser has just seen: as good as an own look, which can come later. */
  async hear(told) {
    if (this.busy) return;
    this.busy = true;
    try {
      this.leads = false;
      this.stream?.stop();
      this.polledAt = Date.now();
      // without a press, that tab makes no sound
      this.rings = told.mute;
      // Of two tabs with different tickets, or one with none, the cookie knows which is right.
      const agreed = told.id === this.id;
      if (agreed) Object.assign(this, { state: told.state, claimUntil: told.claimUntil, place: told.place ?? this.place });
      else await this.readTicket();
      this.slots.healing.hidden = !told.board.healing;
      if (!agreed || told.epoch === told.board.epoch) {
        this.epoch = told.epoch;
        await this.hours;
        await this.opening?.follow(told.board);
        this.readBoard(told.board, told.skew);
      }
      this.failures = 0;
      this.slots.offline.hidden = true;
      this.later(agreed ? told.seconds * 2 : 1, 0.2);
    } catch {
      this.later(told.seconds);
    } finally {
      this.busy = false;
    }
  }

  async look(board) {
    this.slots.healing.hidden = !board.healing;
    if (this.epoch !== null && board.epoch !== this.epoch && this.id !== null && this.state !== "gone") {
      const soon = this.comeback.secondsLeft(board, this.lane, this.state === "waiting" ? this.ahead : 0);
      // until then the last numbers stand
      if (soon > 0) return soon;
      // The store lost its content: the signed ticket in the cookie rebuilds the place.
      this.applyTicket(await call(`${this.base}tickets`, "POST"));
    }
    this.epoch = board.epoch;
    await this.hours;
    const soon = await this.opening?.follow(board);
    this.readBoard(board, board.stale ? this.skew : board.at_ms - Date.now());
    if (soon) return soon;
    const lane = board.lanes[this.lane];
    if (this.state === "called") return Math.min(15, await this.readTicket());
    if (this.state !== "waiting") return board.poll_seconds.far;
    if (!lane || this.place === null || this.place <= lane.serving) return this.readTicket();
    return pollSeconds(board.poll_seconds, this.ahead, lane.calls_per_minute?.p50 ?? 0);
  }

  /** Near the front, the board comes by itself: a hidden tab is then as quick as one in view. */
  streams(board) {
    const near = this.state === "waiting" && this.reckoned && this.reckoned.p50 !== null
      && this.reckoned.p50 < STREAM_SECONDS && this.place > board.lanes[this.lane].serving;
    if (near) this.stream?.start();
    else this.stream?.stop();
    return Boolean(this.stream?.source);
  }

  readBoard(board, skew) {
    this.phase = board.phase;
    this.board = board;
    if (Math.abs(skew - this.skew) > SKEW_MS) this.skew = skew;
    const lane = board.lanes[this.lane];
    this.reckoned = null;
    if (lane && this.place !== null && this.state === "waiting" && !this.opening?.undrawn) {
      this.ahead = aheadOf(lane, this.place, this.ahead);
      const { p50, slow } = lane.calls_per_minute ?? {};
      const seconds = (perMinute) => (perMinute > 0 ? ((this.ahead + 1) / perMinute) * 60 : null);
      this.reckoned = { ahead: this.ahead, p50: seconds(p50), slow: seconds(slow), at: Date.now() };
    }
    this.view.board(board);
    this.show();
  }

  /** The ticket's own state; returns the seconds until it is worth asking again. */
  async readTicket() {
    try {
      this.applyTicket(await call(`${this.base}ticket`));
    } catch (error) {
      if (error.status !== 410 && error.status !== 404 && error.status !== 401) throw error;
      this.state = error.status === 410 ? "gone" : "none";
      if (this.state === "none") this.id = null;
    }
    this.show();
    return this.nextPoll ?? 5;
  }

  applyTicket(ticket) {
    // A visit already admitted in another tab enters by the same button: a repeated claim gives the same admission.
    const shown = { admitted: "called", left: "none" };
    this.take(ticket);
    this.state = ticket.ended ? "ended" : shown[ticket.state] ?? ticket.state;
    this.claimUntil = ticket.claim_until ? Date.parse(ticket.claim_until) : null;
    this.nextPoll = ticket.next_poll_seconds ?? null;
    if (this.state === "waiting" && typeof ticket.ahead === "number") this.ahead = ticket.ahead;
  }

  async extend(form) {
    try {
      const answer = await call(form.action, "POST");
      this.claimUntil = Date.parse(answer.claim_until);
      this.slots.refused.hidden = true;
      this.tick();
      this.tell();
      this.view.announce(this.speech.say("extended", { time: this.speech.countdown(this.secondsLeft()) }), true);
    } catch {
      this.view.announce(this.speech.say("notExtended"), true);
      this.slots.refused.hidden = false;
      this.turn();
    }
  }

  get shown() {
    // a call keeps its time meanwhile
    const held = COVERING.includes(this.phase);
    if (held && (this.state === "waiting" || this.state === "called")) return this.phase;
    return (this.state === "none" || this.state === "over") && this.phase === "closed" ? "closed" : this.state;
  }

  show() {
    const { shown } = this;
    if (!this.view.section(shown)) return;
    this.tick();
    if (shown === "called") this.alerts?.call(this.leads);
    else this.alerts?.calm();
  }

  secondsLeft() {
    return Math.max(0, Math.floor((this.claimUntil - this.now()) / 1000));
  }

  tick() {
    this.opening?.tick();
    if (this.failures && !this.view.still) this.view.wait();
    this.slots.left.hidden = this.claimUntil === null;
    if (this.shown !== "called" || this.claimUntil === null) return;
    const seconds = this.secondsLeft();
    this.view.left(seconds);
    if (seconds <= LAST_SECONDS && !this.warned) {
      this.warned = true;
      this.view.announce(this.slots.left.textContent, true);
      if (seconds > 0 && (this.leads || this.rings)) this.alerts?.hurry();
    } else if (seconds > LAST_SECONDS) this.warned = false;
    if (seconds === 0 && !this.late) this.later(1);
    this.late = seconds === 0;
  }
}

const main = document.querySelector("main[data-room]");
const { default: words } = await import(main.dataset.words);
new WaitingPage(main, words).start();
