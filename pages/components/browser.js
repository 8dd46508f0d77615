// What only the browser can do: stop held keys.
//
// A key that is held down repeats, and the shortcuts of the page would fire again and again, one decision after
// the other. Repeats are stopped before the page hears of them. Text fields keep theirs.
const KEYS_THAT_ACT = /^([a-z0-9]|Arrow(Left|Right))$/i;

function isTextField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function stopRepeats(event) {
  if (event.repeat && KEYS_THAT_ACT.test(event.key) && !isTextField(event.composedPath()[0])) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

export default function () {
  window.addEventListener("keydown", stopRepeats, true); // the same listener is never added twice
  return () => window.removeEventListener("keydown", stopRepeats, true);
}
