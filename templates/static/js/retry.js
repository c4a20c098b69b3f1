// A page that holds the visitor while something is away: tries again by itself until told to stop.

const main = document.querySelector("main[data-retry]");
const stop = main.querySelector('[data-slot="stop"]');
const live = main.querySelector('[data-slot="live"]');
let timer;

function again() {
  // Some spread, so that everybody held at once does not come back at once.
  const seconds = Number(main.dataset.retrySeconds) * (1 + 0.3 * Math.random());
  timer = setTimeout(() => {
    // Going on without a network would replace this page by the browser's own error.
    if (navigator.onLine) location.replace(main.dataset.retry);
    else again();
  }, seconds * 1000);
}

stop.hidden = false;
stop.addEventListener("click", () => {
  clearTimeout(timer);
  stop.hidden = true;
  live.textContent = live.dataset.stopped;
});
again();
