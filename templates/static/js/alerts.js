// How the visitor wants to be called while looking elsewhere: sound and vibration, a message of the browser, entering
// without a press. Each is chosen by the visitor, kept by the browser, and off until then.

import { keep, kept } from "./view.js";

const CHIME = [[660, 0], [880, 0.22], [1320, 0.44]]; // hertz, seconds from the start
const VIBRATION_MS = [300, 120, 300, 120, 500];
const ENTER_SECONDS = 2; // time to read what happens

export class Alerts {
  constructor(page) {
    this.page = page;
    this.words = page.slots["alerts-words"];
    this.icon = document.querySelector('link[rel="icon"]');
    this.usualIcon = this.icon?.href;
    this.boxes = {};
    for (const box of page.main.querySelectorAll("[data-choice]")) {
      const { choice } = box.dataset;
      this.boxes[choice] = box;
      box.checked = kept(choice) === "yes";
      box.addEventListener("change", () => this.choose(choice, box.checked));
    }
    if (!globalThis.Notification) this.boxes.notify.closest("label").hidden = true;
    else if (Notification.permission !== "granted") this.boxes.notify.checked = false;
    // A choice holds in every tab: which of them learns of the call is not known before.
    addEventListener("storage", ({ key, newValue }) => {
      const box = this.boxes[key?.replace("ecluse:", "")];
      if (box) box.checked = newValue === "yes";
    });
    // A browser makes no sound on a page where nothing was pressed yet: the first press anywhere wakes it.
    addEventListener("pointerdown", () => this.on("ring") && this.audio());
    addEventListener("keydown", () => this.on("ring") && this.audio());
    if (this.on("ring") && !navigator.userActivation?.hasBeenActive) this.say("ringBlocked");
  }

  on(choice) { return this.boxes[choice].checked; }

  say(key) { this.words.textContent = this.page.speech.say(key); }

  async choose(choice, wanted) {
    if (choice !== "notify" || !wanted) keep(choice, wanted ? "yes" : "no");
    this.words.textContent = "";
    if (!wanted) return;
    if (choice === "ring") {
      this.ring();
      this.say("ringOn");
    } else if (choice === "notify") {
      const answer = await Notification.requestPermission();
      this.boxes.notify.checked = answer === "granted";
      keep(choice, answer === "granted" ? "yes" : "no");
      this.say(answer === "granted" ? "notifyOn" : "notifyBlocked");
    } else this.say("enterOn");
    if (this.called) this.call(true);
  }

  audio() {
    this.sound ??= globalThis.AudioContext && new AudioContext();
    if (this.sound?.state === "suspended") this.sound.resume().catch(() => {});
    return this.sound;
  }

  /** Three rising notes, made here: nothing to load. */
  ring() {
    const sound = this.audio();
    for (const [hertz, start] of sound ? CHIME : []) {
      const at = sound.currentTime + start;
      const note = sound.createOscillator();
      const loudness = sound.createGain();
      note.frequency.value = hertz;
      loudness.gain.setValueAtTime(0.0001, at);
      loudness.gain.exponentialRampToValueAtTime(0.4, at + 0.03);
      loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
      note.connect(loudness).connect(sound.destination);
      note.start(at);
      note.stop(at + 0.55);
    }
    navigator.vibrate?.(VIBRATION_MS);
    this.page.main.dataset.rang = String(Number(this.page.main.dataset.rang ?? 0) + 1);
  }

  /** The turn has come. `leads`: this tab learned it by itself, so that several tabs call once. */
  call(leads) {
    this.called = true;
    if (this.icon) this.icon.href = this.page.main.dataset.calledIcon;
    if (this.on("ring") && (leads || this.page.rings)) this.ring();
    if (!leads) return;
    if (this.on("notify")) this.notify();
    if (this.on("enter")) this.enter();
  }

  /** The turn is over, taken or missed. */
  calm() {
    this.called = false;
    if (this.icon) this.icon.href = this.usualIcon;
    clearTimeout(this.entering);
    this.message?.close();
  }

  /** The time is nearly over. */
  hurry() {
    if (this.on("ring")) this.ring();
  }

  notify() {
    const { speech, view } = this.page;
    try {
      this.message = new Notification(`${speech.say("turn")} – ${view.title}`, {
        body: speech.say("callBody"), tag: `ecluse:${this.page.main.dataset.room}`, requireInteraction: true, lang: speech.lang,
      });
      this.message.addEventListener("click", () => { window.focus(); this.message.close(); });
    } catch {
      // Some phones give messages to installed pages only.
    }
  }

  enter() {
    // After an early press the server says for how long; asking again at once would gain nothing.
    const asked = Number(new URLSearchParams(location.search).get("wait") ?? 0);
    this.say("entering");
    clearTimeout(this.entering);
    this.entering = setTimeout(() => {
      if (this.called && this.on("enter")) this.page.main.querySelector('[data-form="claim"]').requestSubmit();
    }, 1000 * Math.max(ENTER_SECONDS, Math.min(asked, 60)));
  }
}
