// The page on which a code is typed: a code that came behind the # of the address goes into its field, and out of the
// address, so that it stays in no history. Nothing is sent before the person presses the button.

const field = document.querySelector("#code");

function take() {
  const code = decodeURIComponent(location.hash.slice(1));
  if (!code) return;
  field.value = code.slice(0, 40);
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelector("form button").focus();
}

take();
window.addEventListener("hashchange", take);
