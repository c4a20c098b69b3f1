// What opening hours add to the waiting page: the countdown, the draw, and a place that a new campaign ended.
// Loaded only in rooms that have hours.

import { drawPlaces, fromHex } from "./draw-check.js";

const COVERING = ["prequeue", "drawing", "paused"]; // phases in which a place may still be undrawn

/** The drawn place of a ticket; null where the browser cannot tell (no Web Crypto outside https), and the server must. */
export async function drawnPlace(seed, id) {
  if (!globalThis.crypto?.subtle) return null;
  const [place] = await drawPlaces(fromHex(seed), [id]);
  return place;
}

export class Opening {
  constructor(page) {
    const handed = page.main.dataset;
    this.page = page;
    this.campaign = Number(handed.campaign);
    this.undrawn = handed.undrawn !== undefined;
    this.opensAt = handed.opensAt === undefined ? null : Number(handed.opensAt);
    this.zone = handed.zone;
    this.days = page.main.querySelectorAll('[data-slot="opening-day"]');
    this.counters = page.main.querySelectorAll('[data-slot="opens"]');
    this.tick();
  }

  /** Follow the board; the seconds until the next look where that is not the page's to say, else null. */
  async follow(board) {
    const { page } = this;
    if (await this.read(board)) {
      page.phase = board.phase;
      const seconds = await page.readTicket();
      if (page.state === "gone") page.state = "over";
      return seconds;
    }
    return this.undrawn ? this.pause(board.poll_seconds, board.phase) : null;
  }

  /** True: what this browser knows of its ticket may be wrong, ask the server. */
  async read(board) {
    const { page } = this;
    const opensAt = board.opens_at === null ? null : Date.parse(board.opens_at);
    if (opensAt !== this.opensAt) this.moveTo(opensAt);
    const campaign = board.campaign?.started_at_ms ?? 0;
    if (campaign !== this.campaign) {
      this.campaign = campaign;
      this.undrawn = false;
      return page.id !== null;
    }
    this.progress(board.draw);
    if (!this.undrawn) return false;
    if (board.draw?.state === "placed" && page.id !== null) {
      this.undrawn = false;
      const place = await drawnPlace(board.draw.seed, page.id);
      if (place === null) return true;
      page.place = place;
      return false;
    }
    if (COVERING.includes(board.phase)) return false;
    this.undrawn = false;
    return true;
  }

  /** Another opening is the next one. */
  moveTo(opensAt) {
    this.opensAt = opensAt;
    for (const time of this.days) {
      time.parentElement.hidden = opensAt === null;
      if (opensAt === null) continue;
      time.dateTime = new Date(opensAt).toISOString();
      time.textContent = this.page.speech.time(opensAt, this.zone, { dateStyle: "full", timeStyle: "short" });
    }
    this.tick();
  }

  progress(draw) {
    const slot = this.page.slots.drawn;
    slot.hidden = !draw || draw.n === null || draw.n === 0;
    if (slot.hidden) return;
    const { speech } = this.page;
    slot.textContent = speech.say("drawn", { done: speech.number(draw.done), total: speech.number(draw.n) });
  }

  /** Seconds until the next look of a browser that waits for the draw. */
  pause({ near, far }, phase) {
    if (phase === "drawing") return near;
    const left = this.opensAt === null ? far : (this.opensAt - this.page.now()) / 1000;
    return Math.max(near, Math.min(far, left + 1));
  }

  tick() {
    const seconds = this.opensAt === null ? 0 : Math.ceil((this.opensAt - this.page.now()) / 1000);
    const { speech } = this.page;
    let text = "";
    if (seconds > 0) {
      const hours = Math.floor(seconds / 3600);
      let time = `${speech.amount(hours, "hour", "short")} ${speech.amount(Math.floor((seconds % 3600) / 60), "minute", "short")}`;
      if (hours < 2) time = speech.countdown(seconds);
      else if (hours >= 48) time = speech.amount(Math.floor(hours / 24), "day");
      text = speech.say("opensIn", { time });
    }
    for (const slot of this.counters) slot.textContent = text;
  }
}
