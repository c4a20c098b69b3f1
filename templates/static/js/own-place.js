// Asks now and then whether this device still holds the place: the board, which is the same for everybody, cannot tell.

const MINUTES = 4;
// between two looks, however often the page comes back to the front
const LEAST_MS = 20_000;

/** Looks at the ticket at `url` every few minutes, and when the page comes back; `tell` gets it while `id()` is its id. */
export function watch(url, id, tell) {
  let looked = Date.now();
  let timer;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(look, MINUTES * 60_000 * (0.75 + 0.5 * Math.random()));
  };

  async function look() {
    looked = Date.now();
    try {
      const answer = await fetch(url, {
        headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15_000),
      });
      const ticket = answer.ok ? await answer.json() : null;
      if (ticket && ticket.id === id()) tell(ticket);
      if (ticket?.state === "moved") return;
    } catch {
      // The page itself says when the connection is lost.
    }
    later();
  }

  const back = () => {
    if (!document.hidden && Date.now() - looked > LEAST_MS) look();
  };
  document.addEventListener("visibilitychange", back);
  window.addEventListener("pageshow", back);
  later();
}
