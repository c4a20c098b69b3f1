// Who operates in this tab: with a key that the tab keeps, or with a session in a cookie that no script reads.

const KEY = "ecluse-operator-key";
const main = document.querySelector("main[data-api]");
let signedIn = main.dataset.entrance === "signed-in";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
  }
}

/** How this tab is known: by "key", by "password", or not at all (""). */
export function way() {
  if (sessionStorage.getItem(KEY)) return "key";
  return signedIn ? "password" : "";
}

export async function api(path, { method = "GET", headers = {}, body } = {}) {
  const key = sessionStorage.getItem(KEY);
  // With the cookie, this header tells our own script from a page elsewhere that makes the browser send it.
  const who = key ? { Authorization: `Bearer ${key}` } : { "Ecluse-Console": "1" };
  const answer = await fetch(path.startsWith("/") ? path : main.dataset.api + path, {
    method,
    headers: { ...who, Accept: "application/json", ...headers },
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  let content = {};
  try {
    content = JSON.parse(text || "{}");
  } catch {
    if (answer.ok) throw new Problem(answer.status, { detail: "The answer is not JSON." });
  }
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

export function enterWithKey(key) {
  sessionStorage.setItem(KEY, key);
}

export async function signIn(name, password) {
  const headers = { "Content-Type": "application/json" };
  await api("/_ecluse/console/session", { method: "POST", headers, body: { name, password } });
  signedIn = true;
}

/** Forget who it was, and say how they were known. */
export function leave() {
  const was = way();
  sessionStorage.removeItem(KEY);
  signedIn = false;
  return was;
}
