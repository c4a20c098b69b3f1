// Asks now and then whether this device still holds the place: the board, which is the same for everybody, cannot tell.
// What it learns goes to the waiting page as a "ticket" event.

const MINUTES = 4;
// between two looks, however often the page comes back to the front
const LEAST_MS = 20_000;

export function watch(main) {
  let looked = Date.now();
  let timer;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(look, MINUTES * 60_000 * (0.75 + 0.5 * Math.random()));
  };

  async function look() {
    looked = Date.now();
    try {
      const answer = await fetch(main.dataset.ticket, {
        headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15_000),
      });
      const ticket = answer.ok ? await answer.json() : null;
      if (ticket?.id === main.dataset.id) main.dispatchEvent(new CustomEvent("ticket", { detail: ticket }));
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

watch(document.querySelector("main[data-id]"));
