// What the waiting page shows of what is known: numbers, words, sections. It asks nobody.

import { waitRange, whyGrown } from "./line.js";

// a screen reader is told at most this often
const LIVE_MS = 30_000;
// the board's marks are this exact behind the first 32
const MARK_ERROR = 0.02;

/** A value that the browser keeps for this site; null where there is none, or keeping is forbidden. */
export function kept(key) {
  try {
    return localStorage.getItem(`ecluse:${key}`);
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(`ecluse:${key}`, value);
  } catch {
    // Then it lasts as long as the page.
  }
}

export class View {
  constructor(page) {
    this.page = page;
    this.main = page.main;
    this.speech = page.speech;
    this.slots = page.slots;
    this.title = page.main.dataset.title;
    this.spokenAt = Date.now();
    this.said = "";
    // the visitor wants the numbers to stand still
    this.still = kept("still") === "yes";
    // the wait told last: {seconds, pace, ahead}
    this.told = null;
    this.slots.updated.textContent = this.clockTime(Number(this.main.dataset.now));
    this.slots.updates.hidden = false;
    this.slots.pause.addEventListener("click", () => this.pause(!this.still));
    this.pause(this.still);
  }

  /** Stop or resume the numbers. A change of state shows in any case: a missed turn helps nobody. */
  pause(still) {
    this.still = still;
    keep("still", still ? "yes" : "no");
    const button = this.slots.pause;
    button.textContent = this.speech.say(still ? "resume" : "pause");
    button.setAttribute("aria-pressed", String(still));
    this.slots["paused-words"].hidden = !still;
    if (!still && this.page.board) this.numbers(this.page.board);
  }

  board(board) {
    this.slots.stale.hidden = !board.stale;
    this.notice(board.notice ?? {});
    // a number that was never shown does not change by being shown
    if (!this.still || !(this.shownAhead >= 0)) this.numbers(board);
  }

  numbers(board) {
    const { page, speech, slots } = this;
    slots.pace.textContent = speech.pace(board.pace_per_minute);
    slots.updated.textContent = this.clockTime(board.at_ms);
    slots.updated.dateTime = new Date(board.at_ms).toISOString();
    if (page.reckoned) this.ahead(page.reckoned.ahead);
    this.wait();
    this.slotsLeft(board.slots_left ?? null);
  }

  /** The wait, counted down from the last numbers while no others come. */
  wait() {
    const { page, slots } = this;
    if (!page.reckoned || page.state !== "waiting") return;
    const { p50, slow, at } = page.reckoned;
    const passed = (Date.now() - at) / 1000;
    const rest = (seconds) => (seconds === null ? null : Math.max(0, seconds - passed));
    slots.wait.textContent = this.speech.wait(waitRange(rest(p50), rest(slow)));
    if (slow === null || page.failures) return;
    this.why({ seconds: slow, pace: page.board.pace_per_minute, ahead: this.shownAhead });
  }

  /** Why the wait grew: as the board says, else as far as the last two numbers tell. */
  why(now) {
    const { page, speech, slots, told } = this;
    const word = whyGrown(told, now);
    let text = speech.slower(page.board.slower?.[page.lane]);
    if (!text && word) text = speech.say(word, { before: speech.pace(told.pace), after: speech.pace(now.pace) });
    if (text) {
      if (slots.why.hidden || slots.why.textContent !== text) this.announce(text, true);
      slots.why.textContent = text;
    }
    if (text || told === null || now.seconds < told.seconds) {
      slots.why.hidden = !text;
      this.told = now;
    }
  }

  slotsLeft(left) {
    const { speech, slots } = this;
    slots.slots.hidden = left === null;
    if (left === null) return;
    let text = left ? speech.say("slots", { count: left, number: speech.number(left) }) : speech.say("noSlots");
    if (left && this.shownAhead >= left) text += ` ${speech.say("beyond")}`;
    slots.slots.textContent = text;
  }

  ahead(ahead) {
    const { speech, slots } = this;
    const before = this.shownAhead ?? null;
    // Between two marks the board is exact to 2 %: a smaller rise is noise, and a rise is never shown without words.
    if (before !== null && ahead > before && ahead - before <= before * MARK_ERROR) ahead = before;
    if (before !== null && ahead > before) {
      slots.moved.textContent = speech.say("moved", { before: speech.number(before + 1), after: speech.number(ahead + 1) });
      slots.moved.hidden = false;
    } else if (before !== null && ahead < before) slots.moved.hidden = true;
    this.shownAhead = ahead;
    const big = document.createElement("b");
    big.textContent = speech.number(ahead + 1);
    const [start, end] = speech.words.number.split("%(number)s");
    slots.number.replaceChildren(start, big, end);
    slots.ahead.textContent = speech.say(ahead ? "ahead" : "next", { count: ahead, number: speech.number(ahead) });
    slots.number.hidden = slots.ahead.hidden = false;
    slots.counting.hidden = true;
    this.progress();
    this.retitle();
    this.announce(`${slots.number.textContent}. ${slots.wait.textContent}`);
  }

  /** The numbers of another ticket follow: these are not compared with the ones shown so far. */
  anew() {
    this.shownAhead = undefined;
    this.told = null;
    this.first = 0;
    this.slots.moved.hidden = true;
  }

  /** How much of the way is behind: measured from the first number this browser saw for this ticket. */
  progress() {
    const { page } = this;
    if (page.id === null || !(this.shownAhead >= 0)) return;
    const key = this.main.dataset.room;
    const [id, seen] = (kept(key) ?? "").split(" ");
    const first = Math.max(this.shownAhead, id === page.id ? Number(seen) : 0, this.first ?? 0);
    this.first = first;
    keep(key, `${page.id} ${first}`);
    const done = first > 0 ? (first - this.shownAhead) / first : 0;
    const bar = this.slots.progress;
    bar.value = Math.round(done * 100);
    bar.textContent = this.speech.say("progress", { percent: this.speech.number(done, { style: "percent" }) });
    bar.hidden = false;
  }

  notice(notice) {
    const { lang } = this.speech;
    const code = [lang, lang.split("-x-")[0], "en", ...Object.keys(notice)].find((name) => notice[name]);
    this.slots.notice.hidden = code === undefined;
    this.slots["no-reason"].hidden = code !== undefined;
    const text = this.slots["notice-text"];
    if (code === undefined || text.textContent === notice[code]) return;
    text.textContent = notice[code];
    text.lang = code;
    this.announce(notice[code], true);
  }

  /** The section of a state. True if it is another than before. */
  section(shown) {
    const changed = shown !== this.main.dataset.state;
    const held = changed && this.main.contains(document.activeElement);
    for (const el of this.main.querySelectorAll("[data-when]")) el.hidden = !el.dataset.when.split(" ").includes(shown);
    this.main.dataset.state = shown;
    this.slots.alerts.hidden = !["waiting", "called", "paused", "prequeue", "drawing"].includes(shown);
    this.retitle();
    if (!changed) return false;
    // what was said of a wait is of no use to somebody who waits no more
    if (shown !== "waiting") this.slots.why.hidden = this.slots.moved.hidden = true;
    const heading = this.main.querySelector(`section[data-when="${shown}"] h2`);
    // The focus moves only where it must: to the call, or off something that is no longer there.
    if (shown === "called" || (held && !document.activeElement?.checkVisibility?.())) heading.focus();
    else this.announce(heading.textContent, true);
    return true;
  }

  retitle() {
    const shown = this.main.dataset.state;
    let front = "";
    if (shown === "called") front = `${this.speech.say("turn")} – `;
    else if (shown === "waiting" && this.shownAhead >= 0) front = `(${this.speech.number(this.shownAhead + 1)}) `;
    document.title = front + this.title;
  }

  left(seconds) {
    const slot = this.slots.left;
    slot.hidden = false;
    slot.textContent = this.speech.say("left", { time: this.speech.countdown(seconds) });
  }

  announce(text, now = false) {
    if (text === this.said || (!now && Date.now() - this.spokenAt < LIVE_MS)) return;
    this.said = text;
    this.spokenAt = Date.now();
    this.slots.live.textContent = text;
  }

  clockTime(ms) {
    return this.speech.time(ms, this.main.dataset.zone);
  }
}
