// A page that shows where places stand loads itself anew, as its sentence says and until its visitor stops it.

const seconds = Number(document.querySelector("main").dataset.reload);

function due() {
  if (!document.hidden) location.reload();
  else document.addEventListener("visibilitychange", () => location.reload(), { once: true });
}

if (seconds > 0) setTimeout(due, seconds * 1000 * (0.9 + 0.2 * Math.random()));
