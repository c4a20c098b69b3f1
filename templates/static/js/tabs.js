// What a tab hears besides its own looks: the other tabs of this browser, and near the front a stream from the server.

/**
 * Several tabs of one room: who has looked tells the others, and who hears puts its own next look off. So one asks for
 * all, without an election: the one whose timer runs best, which is never a hidden one while another is in view.
 */
export class Tabs {
  constructor(room, hear) {
    this.name = `ecluse:${room}`;
    this.hear = hear;
    this.open();
    // An open channel would keep the page out of the back/forward cache.
    addEventListener("pagehide", () => this.channel?.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.channel = globalThis.BroadcastChannel && new BroadcastChannel(this.name);
    this.channel?.addEventListener("message", (event) => this.hear(event.data));
  }

  tell(message) {
    try {
      // `mute`: nothing was pressed here yet, so that the browser lets this tab make no sound.
      this.channel?.postMessage({ ...message, mute: !navigator.userActivation?.hasBeenActive });
    } catch {
      // Closed while this page is put away.
    }
  }
}

/** The board as server-sent events: messages wake a hidden tab whose timers run once a minute. */
export class Stream {
  constructor(url, read) {
    this.url = url;
    this.read = read;
    this.refused = false;
    addEventListener("pagehide", () => this.stop());
  }

  start() {
    if (this.source || this.refused || !globalThis.EventSource) return;
    this.source = new EventSource(this.url);
    this.source.addEventListener("board", (event) => this.read(JSON.parse(event.data)));
    this.source.addEventListener("error", () => {
      // The browser connects again by itself unless it was refused; then looking goes on as before.
      if (this.source?.readyState !== EventSource.CLOSED) return;
      this.refused = true;
      this.stop();
    });
  }

  stop() {
    this.source?.close();
    this.source = null;
  }
}
