// What only the browser can do: stop held keys, and tell how large the window is.
//
// A key that is held down repeats, and the shortcuts of the page would fire again and again, one decision after
// the other. Repeats are stopped before the page hears of them. Text fields keep theirs.
const KEYS_THAT_ACT = /^([a-z0-9]|Arrow(Left|Right))$/i;
const STEP = 20; // pixels: a window that is resized does not redraw at every one of them

function isTextField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function stopRepeats(event) {
  if (event.repeat && KEYS_THAT_ACT.test(event.key) && !isTextField(event.composedPath()[0])) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

function roomForThePair() {
  const main = document.querySelector(".stMainBlockContainer");
  const style = main && getComputedStyle(main);
  const width = main ? main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) : window.innerWidth;
  return {
    width: Math.max(STEP, Math.floor(width / STEP) * STEP),
    height: Math.max(STEP, Math.floor(window.innerHeight / STEP) * STEP),
    ratio: Math.min(2, Math.max(1, Math.round(window.devicePixelRatio * 4) / 4)),
  };
}

let observer = null;
let told = "";

export default function ({ setStateValue }) {
  window.addEventListener("keydown", stopRepeats, true); // the same listener is never added twice
  let timer = 0;
  const tell = () => {
    const room = roomForThePair();
    if (JSON.stringify(room) !== told) {
      told = JSON.stringify(room);
      setStateValue("room", room);
    }
  };
  if (observer === null) {
    observer = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(tell, 250);
    });
    observer.observe(document.documentElement);
    const main = document.querySelector(".stMainBlockContainer");
    if (main) observer.observe(main);
    tell();
  }
  return () => {
    window.removeEventListener("keydown", stopRepeats, true);
    observer?.disconnect();
    observer = null;
    told = "";
  };
}
