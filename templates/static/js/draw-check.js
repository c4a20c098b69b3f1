// Recomputes a published draw on the visitor's own device, with Web Crypto alone: is the ticket in the list, does the
// list lead to the published root, does the seed follow, and which rank is the ticket's? docs/draw.md has the protocol.

import { Speech } from "./line.js";

const VERSION = "ecluse-draw-v1";
const BATCH = 512; // digests under way at once
const WHOLE_LIST_MOST = 50_000; // a longer list (12 bytes each) is not fetched: a proof of the one ticket is
const TICKET = /^[A-Za-z0-9_-]{1,64}$/;
const HASH = /^[0-9a-f]{64}$/;
const utf8 = new TextEncoder();

/** What was published cannot be read as a draw. */
export class Unreadable extends Error {}

export function fromHex(text) {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})+$/.test(text)) throw new Unreadable("not hex");
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** `make(0)` to `make(count - 1)`, a batch at a time, each answer given to `take(index, answer)`. */
async function each(count, make, take, tick = () => {}) {
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    const answers = await Promise.all(Array.from({ length: size }, (_, i) => make(start + i)));
    answers.forEach((answer, i) => take(start + i, answer));
    tick(size);
  }
}

/** The ids of tickets.txt, or Unreadable. */
export function readIds(text) {
  if (text === "") return [];
  const ids = text.split("\n");
  if (ids.pop() !== "" || !ids.every((id) => TICKET.test(id))) throw new Unreadable("not a list of tickets");
  return ids;
}

/** The root of RFC 9162, section 2.1: leaf SHA-256(0 ‖ id), node SHA-256(1 ‖ left ‖ right). */
export async function merkleRoot(ids, tick) {
  if (ids.length === 0) return sha256(new Uint8Array());
  let level = new Uint8Array(32 * ids.length);
  await each(ids.length, (i) => sha256(joined([0], utf8.encode(ids[i]))), (i, hash) => level.set(hash, 32 * i), tick);
  for (let count = ids.length; count > 1; count = Math.ceil(count / 2)) {
    const pairs = Math.floor(count / 2);
    const above = new Uint8Array(32 * Math.ceil(count / 2));
    const below = level;
    const pair = (i) => sha256(joined([1], below.subarray(64 * i, 64 * i + 64)));
    await each(pairs, pair, (i, hash) => above.set(hash, 32 * i), tick);
    if (count % 2) above.set(below.subarray(64 * pairs, 64 * pairs + 32), 32 * pairs); // no sister: up as it is
    level = above;
  }
  return level;
}

/** SHA-256("ecluse-draw-v1|" room "|" ‖ n, 8 bytes, big end first ‖ root ‖ randomness). */
export async function drawSeed(room, n, root, randomness) {
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(n));
  return sha256(joined(utf8.encode(`${VERSION}|${room}|`), count, root, randomness));
}

function placeOf(mac) {
  const view = new DataView(mac);
  return (view.getUint32(0) * 2 ** 20 + (view.getUint32(4) >>> 12)) / 2 ** 52;
}

/** The place of every id: the top 52 bits of HMAC-SHA256(seed, id), a fraction. */
export async function drawPlaces(seed, ids, tick) {
  const key = await crypto.subtle.importKey("raw", seed, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const places = new Float64Array(ids.length);
  const sign = (i) => crypto.subtle.sign("HMAC", key, utf8.encode(ids[i]));
  await each(ids.length, sign, (i, mac) => { places[i] = placeOf(mac); }, tick);
  return places;
}

/** The 32 bytes that enter the seed, and whether the value is what was announced (null: nothing to compare with). */
async function decided(record) {
  const { kind, value, signature } = record.beacon;
  if (typeof value !== "string") throw new Unreadable("no value");
  if (kind === "operator") return { randomness: await sha256(utf8.encode(value)), valueHolds: null };
  if (!HASH.test(value)) throw new Unreadable("not a value");
  const randomness = fromHex(value);
  if (kind === "none") return { randomness, valueHolds: toHex(await sha256(randomness)) === record.commitment };
  if (kind === "drand") return { randomness, valueHolds: toHex(await sha256(fromHex(signature))) === value };
  throw new Unreadable("no such beacon");
}

function understood(record) {
  if (record?.version !== VERSION || typeof record.room !== "string" || typeof record.beacon?.kind !== "string") {
    throw new Unreadable("another version");
  }
  if (record.state === "announced" || record.state === "closed" || record.state === "drawn") return record;
  throw new Unreadable("no such state");
}

/**
 * Check draw.json, the text of tickets.txt and one ticket id; `progress` is told a share of 0 to 1.
 * Resolves to {state, kind, n, included, index, rootHolds} and, once drawn, {valueHolds, seedHolds, place, rank};
 * what cannot be said is null. Rejects with Unreadable.
 */
export async function checkDraw(record, text, id, progress = () => {}) {
  const { state, room, beacon, n, root } = understood(record);
  const result = { state, kind: beacon.kind, n: null, included: null, index: null, rootHolds: null };
  Object.assign(result, { valueHolds: null, seedHolds: null, place: null, rank: null });
  if (state === "announced") return result;
  if (!Number.isSafeInteger(n) || n < 0 || !HASH.test(root)) throw new Unreadable("no count or root");
  const ids = readIds(text);
  const total = (state === "drawn" ? 3 : 2) * ids.length;
  let done = 0;
  const tick = (size) => progress(Math.min(1, (done += size) / total));
  const index = ids.indexOf(id);
  Object.assign(result, { n: ids.length, included: index >= 0, index: index >= 0 ? index : null });
  const rising = ids.every((each, i) => i === 0 || ids[i - 1] < each);
  result.rootHolds = rising && ids.length === n && toHex(await merkleRoot(ids, tick)) === root;
  if (state !== "drawn") return result;
  const { randomness, valueHolds } = await decided(record);
  const seed = await drawSeed(room, n, fromHex(root), randomness);
  Object.assign(result, { valueHolds, seedHolds: toHex(seed) === record.seed });
  const places = await drawPlaces(seed, ids, tick);
  if (index < 0) return result;
  const own = places[index];
  let before = 0;
  places.forEach((place, i) => { if (place < own || (place === own && i < index)) before += 1; });
  return Object.assign(result, { place: own, rank: before + 1 });
}

/** Whether the hashes of `proof` lead from an id at `index` of `n` to the root (RFC 9162, section 2.1.3.2). */
export async function verifyInclusion(id, index, n, proof, root) {
  if (!(index >= 0 && index < n)) return false;
  let here = index;
  let last = n - 1;
  let node = await sha256(joined([0], utf8.encode(id)));
  for (const sister of proof) {
    if (last === 0) return false;
    const other = fromHex(sister);
    if (here % 2 === 1 || here === last) {
      node = await sha256(joined([1], other, node));
      while (here % 2 === 0 && here !== 0) {
        here = Math.floor(here / 2);
        last = Math.floor(last / 2);
      }
    } else node = await sha256(joined([1], node, other));
    here = Math.floor(here / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && toHex(node) === root;
}

/** The same as `checkDraw` for a long list, from a proof of the one ticket (null: it is not on the list); no rank. */
export async function checkByProof(record, proof, id) {
  const { state, room, beacon, n, root } = understood(record);
  if (!Number.isSafeInteger(n) || n < 0 || !HASH.test(root)) throw new Unreadable("no count or root");
  const result = { state, kind: beacon.kind, n, included: proof !== null, index: proof?.index ?? null };
  Object.assign(result, { rootHolds: null, valueHolds: null, seedHolds: null, place: null, rank: null });
  if (proof !== null) result.rootHolds = await verifyInclusion(id, proof.index, n, proof.proof, root);
  if (state !== "drawn") return result;
  const { randomness, valueHolds } = await decided(record);
  const seed = await drawSeed(room, n, fromHex(root), randomness);
  Object.assign(result, { valueHolds, seedHolds: toHex(seed) === record.seed });
  if (proof !== null) [result.place] = await drawPlaces(seed, [id]);
  return result;
}

/** The result in the page's words: [verdict, sentence] pairs, verdict "holds", "fails" or "unproven". */
export function tell(result, speech) {
  const number = (value) => (value === null ? "" : speech.number(value));
  const index = number(result.index === null ? null : result.index + 1);
  const values = { count: result.n ?? 0, n: number(result.n), index, rank: number(result.rank) };
  const said = [];
  const add = (good, name) => said.push([good ? "holds" : "fails", speech.say(`${name}_${good ? "holds" : "fails"}`, values)]);
  if (result.state === "announced") return [["unproven", speech.say("announced", values)]];
  add(result.included, "included");
  if (result.rootHolds !== null) add(result.rootHolds, "root");
  if (result.state === "closed") return [...said, ["unproven", speech.say("closed", values)]];
  if (result.valueHolds !== null) add(result.valueHolds, "value");
  add(result.seedHolds, "seed");
  const sound = said.every(([verdict]) => verdict === "holds");
  if (sound && result.rank !== null) said.push(["holds", speech.say("rank", values)]);
  else if (sound) said.push(["holds", speech.say("place", { place: result.place.toFixed(10) })]);
  said.push(["unproven", speech.say(`unproven_${result.kind}`, values)]);
  return said;
}

/** An element with data-draw-check: its button checks, its list is told. */
export class DrawCheck {
  constructor(element) {
    this.handed = element.dataset;
    this.speech = new Speech(JSON.parse(this.handed.words), document.documentElement.lang);
    this.button = element.querySelector("button");
    this.status = element.querySelector('[data-slot="progress"]');
    this.list = element.querySelector('[data-slot="findings"]');
    this.button.addEventListener("click", () => this.check());
    this.button.hidden = false;
  }

  async check() {
    this.button.disabled = true;
    this.list.replaceChildren();
    try {
      const result = await this.result();
      this.status.textContent = "";
      for (const [verdict, sentence] of tell(result, this.speech)) this.add(verdict, sentence);
    } catch (error) {
      this.status.textContent = this.speech.say(error instanceof Unreadable ? "unreadable" : "failed");
    } finally {
      this.button.disabled = false;
    }
  }

  async result() {
    const record = await this.fetched(this.handed.record, (answer) => answer.json());
    const closed = record?.state === "closed" || record?.state === "drawn";
    if (closed && record.n > WHOLE_LIST_MOST && this.handed.proof) return this.resultByProof(record);
    const text = closed ? await this.fetched(this.handed.tickets, (answer) => answer.text()) : "";
    let told = 0;
    return checkDraw(record, text, this.handed.ticket, (share) => {
      if (share < told + 0.1) return; // a screen reader says every one of these
      told = share;
      const percent = this.speech.number(share, { style: "percent" });
      this.status.textContent = this.speech.say("progress", { percent });
    });
  }

  async resultByProof(record) {
    const { proof, ticket } = this.handed;
    const answer = await fetch(`${proof}?id=${encodeURIComponent(ticket)}`, { credentials: "omit" });
    if (!answer.ok && answer.status !== 404) throw new Error(`answered ${answer.status}`);
    return checkByProof(record, answer.ok ? await answer.json() : null, ticket);
  }

  async fetched(url, read) {
    const answer = await fetch(url, { credentials: "omit" });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    return read(answer);
  }

  add(verdict, sentence) {
    const item = document.createElement("li");
    item.dataset.verdict = verdict;
    item.textContent = `${{ holds: "✓", fails: "✗", unproven: "?" }[verdict]} ${sentence}`;
    this.list.append(item);
  }
}

// Outside a secure context there is no Web Crypto: the button stays hidden and the server's own answer stands.
if (globalThis.crypto?.subtle) document.querySelectorAll("[data-draw-check]").forEach((element) => new DrawCheck(element));
