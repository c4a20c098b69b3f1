// What a board says about one ticket, and how it is told: no page, no network, so that tests can call it.

// nine in ten waits last from this part of the median to the slow estimate
const EARLY = 0.75;
// without a measured pace, this many count as near
const PACE_UNKNOWN_AHEAD = 32;

/** The tickets before `place`: exact on a mark, a straight line between two. `shown` is the number known so far. */
export function aheadOf(lane, place, shown = null) {
  const marks = lane.marks;
  if (marks.length === 0 || place < marks[0][0]) return 0;
  let low = 0;
  let high = marks.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (marks[middle][0] <= place) low = middle;
    else high = middle - 1;
  }
  const [from, before] = marks[low];
  if (from === place) return before;
  if (low === marks.length - 1) {
    // Behind the last mark: a ticket younger than the board. It is somewhere between that mark and the end.
    return Math.max(before + 1, Math.min(shown ?? lane.waiting, lane.waiting));
  }
  const [to, after] = marks[low + 1];
  const between = before + Math.round(((place - from) / (to - from)) * (after - before));
  return Math.max(before + 1, Math.min(between, after - 1));
}

/** The wait told between a median and a slow estimate, in seconds; the same rule as `wait_range` on the server. */
export function waitRange(medianSeconds, slowSeconds) {
  return waitSpan(medianSeconds === null ? null : medianSeconds * EARLY, slowSeconds);
}

/** The wait as a range rounded outwards; the same rule as `wait_span` on the server. */
export function waitSpan(lowSeconds, highSeconds) {
  let low = Math.floor(Math.max(0, lowSeconds ?? 0) / 60);
  if (highSeconds === null || !Number.isFinite(highSeconds)) {
    if (!low) return { kind: "unknown" };
    return low > 120 ? { kind: "over", low: Math.floor(low / 60), lowUnit: "hour" } : { kind: "over", low, lowUnit: "minute" };
  }
  let high = Math.ceil(Math.max(0, highSeconds) / 60);
  let lowUnit = "minute";
  let highUnit = "minute";
  low = Math.min(low, high);
  high = Math.max(1, high);
  if (high > 120) {
    [high, highUnit] = [Math.ceil(high / 60), "hour"];
    if (low >= 60) [low, lowUnit] = [Math.floor(low / 60), "hour"];
  } else if (high > 20) {
    low = Math.floor(low / 5) * 5;
    high = Math.ceil(high / 5) * 5;
  }
  const kind = low === 0 ? "under" : low === high && lowUnit === highUnit ? "about" : "between";
  return { kind, low, lowUnit, high, highUnit };
}

/**
 * Why a wait grew, as a word of the page; null where it did not grow by much, or where the people ahead explain it.
 * `before` and `now` are {seconds, pace, ahead}.
 */
export function whyGrown(before, now) {
  if (before === null || now.ahead > before.ahead || !(now.seconds > before.seconds * 1.25 + 60)) return null;
  return now.pace < before.pace * 0.95 ? "slowerPace" : "slowerLine";
}

/** Seconds until the next look: often near the front, seldom far behind it. */
export function pollSeconds({ near, far }, ahead, perMinute) {
  if (ahead === null) return near;
  const wait = perMinute > 0 ? (ahead / perMinute) * 60 : ahead > PACE_UNKNOWN_AHEAD ? Infinity : 0;
  return Math.max(near, Math.min(far, wait / 10));
}

// the front of a lost line is back within this, while calls are held
const FRONT_SECONDS = 2;
// of the wait: everybody is back long before their turn
const WAIT_SHARE = 0.25;

/** The longest that a ticket of a lost line is held back; the same rule as `ecluse.domain.healing`. */
export function returnSeconds(ahead, perMinute, spread) {
  const wait = ahead ? (perMinute > 0 ? (ahead / perMinute) * 60 : Infinity) : 0;
  return Math.max(FRONT_SECONDS, Math.min(spread, wait * WAIT_SHARE));
}

/** When this browser presents its ticket after Redis lost the line: the front at once, the rest spread. */
export class Comeback {
  secondsLeft(board, lane, ahead) {
    if (this.epoch !== board.epoch) {
      this.epoch = board.epoch;
      const perMinute = board.lanes[lane]?.calls_per_minute?.p50 ?? 0;
      const longest = returnSeconds(ahead, perMinute, board.healing?.spread_seconds ?? FRONT_SECONDS);
      this.at = Date.now() + 1000 * longest * Math.random();
    }
    return Math.max(0, (this.at - Date.now()) / 1000);
  }
}

/** The sentences handed over by the page, with the numbers, units and plurals of its language. */
export class Speech {
  constructor(words, lang) {
    this.words = words;
    this.lang = lang;
    this.plural = new Intl.PluralRules(lang);
  }

  say(key, values = {}) {
    let text = this.words[key];
    if (typeof text === "object") text = text[this.plural.select(values.count)] ?? text.other;
    return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  }

  number(value, options) {
    // The digits of the page as it came, which a language with several kinds of them would otherwise change.
    return new Intl.NumberFormat(this.lang, { numberingSystem: "latn", ...options }).format(value);
  }

  /** A time as people read it, on the clocks of a zone; on the visitor's own where the browser does not know the zone. */
  time(ms, timeZone, style = { timeStyle: "short" }) {
    const told = { numberingSystem: "latn", ...style };
    try {
      return new Intl.DateTimeFormat(this.lang, { ...told, timeZone }).format(ms);
    } catch {
      return new Intl.DateTimeFormat(this.lang, told).format(ms);
    }
  }

  amount(value, unit, unitDisplay = "long") {
    return this.number(value, { style: "unit", unit, unitDisplay });
  }

  wait(span) {
    const low = span.low === undefined ? "" : this.amount(span.low, span.lowUnit);
    const high = span.high === undefined ? "" : this.amount(span.high, span.highUnit);
    const sameUnit = span.kind === "between" && span.lowUnit === span.highUnit;
    return this.say(span.kind, { low: sameUnit ? this.number(span.low) : low, high });
  }

  slower(reason) {
    return reason ? this.say(`slower-${reason}` in this.words ? `slower-${reason}` : "slower-unknown") : "";
  }

  pace(perMinute) {
    if (perMinute < 1) return this.say("perHour", { number: this.number(Math.round(perMinute * 60)) });
    return this.say("perMinute", { number: this.number(Math.round(perMinute)) });
  }

  countdown(seconds) {
    const minutes = Math.floor(seconds / 60);
    const rest = this.amount(seconds % 60, "second", "short");
    return minutes ? `${this.amount(minutes, "minute", "short")} ${rest}` : rest;
  }
}
