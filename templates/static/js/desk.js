// The pages of helpers: the name of the person a place is for is kept in this browser alone, and never sent. A name is
// forgotten a day after it was written, and at once where its place is no longer listed.

const STORE = "ecluse:names";
const KEPT_MS = 36 * 3_600_000;

function read() {
  try {
    const all = Object.entries(JSON.parse(localStorage.getItem(STORE) ?? "{}"));
    return Object.fromEntries(all.filter(([, { at }]) => Date.now() - at < KEPT_MS));
  } catch {
    return {};
  }
}

function write(names) {
  try {
    localStorage.setItem(STORE, JSON.stringify(names));
  } catch {
    // Storage may be forbidden: then names stay on paper.
  }
}

const names = read();

// A place was just taken: the name that was typed before belongs to it.
const taken = new URLSearchParams(location.search).get("new");
try {
  const typed = sessionStorage.getItem(STORE);
  sessionStorage.removeItem(STORE);
  if (taken && typed) names[taken] = { name: typed, at: Date.now() };
} catch {
  // As above.
}
if (taken) history.replaceState(null, "", location.pathname);

const slots = [...document.querySelectorAll("[data-name]")];
for (const slot of slots) slot.textContent = names[slot.dataset.name]?.name ?? "";
if (document.querySelector("[data-take]")) {
  const listed = new Set(slots.map((slot) => slot.dataset.name));
  for (const id of Object.keys(names)) if (!listed.has(id)) delete names[id];
}
write(names);

for (const form of document.querySelectorAll("[data-take]")) {
  form.querySelector("[data-keep]").hidden = false;
  form.addEventListener("submit", () => {
    try {
      sessionStorage.setItem(STORE, form.querySelector("[data-keep] input").value.trim());
    } catch {
      // As above.
    }
  });
}
// Signing out of a shared computer takes the names with it.
document.querySelector('form[action$="sign-out"]')?.addEventListener("submit", () => write({}));
