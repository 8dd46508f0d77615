// What only the browser can do: stop held keys, leave a field by Escape, measure the bar at the bottom and messages.
//
// A key that is held down repeats, and the shortcuts of the page would fire again and again, one decision after
// the other. Repeats are stopped before the page hears of them. Text fields keep theirs.
// What a key is called where another alphabet is set is told by its place (code), which the shortcuts go by as well.
const KEYS_THAT_ACT = /^(Key[A-Z]|Digit\d|Numpad\d|Arrow(Left|Right))$/;
const KEYS_OF_BUTTONS = /^(Enter|NumpadEnter|Space)$/;

const BAR = 117; // CSS pixels: the height of the bar where nothing wraps
const LOOK_MS = 500;
let watched = null;

function isTextField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function stopRepeats(event) {
  const target = event.composedPath()[0];
  const acts = KEYS_THAT_ACT.test(event.code) || (KEYS_OF_BUTTONS.test(event.code) && target.closest?.("button"));
  if (event.repeat && acts && !isTextField(target)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

// After Escape the keys mean the page again; a list that is open closes first.
function leaveField(event) {
  const target = event.composedPath()[0];
  if (event.key !== "Escape" || !isTextField(target) || target.getAttribute("aria-expanded") === "true") return;
  target.blur();
}

// A name that was typed is entered: the next key decides, and is not a letter more of it.
function leaveName(event) {
  const target = event.composedPath()[0];
  if (event.key === "Enter" && isTextField(target) && target.closest(".st-key-reviewer")) target.blur();
}

// The bar at the bottom wraps in narrow windows: the pair gives way by what the bar is higher than usual.
const bar = new ResizeObserver(([entry]) => {
  const more = Math.max(0, Math.round(entry.borderBoxSize[0].blockSize - BAR));
  document.documentElement.style.setProperty("--px-wrapped", `${more}px`);
});

// Messages push what is below them down: the pair gives way by their height, so that its facts stay in sight.
const GAP = 8; // CSS pixels between two things on the page
const MESSAGES = '.stMainBlockContainer [data-testid="stAlert"]';
let messages = [];

function measureMessages() {
  const taken = messages.reduce((sum, one) => sum + one.offsetHeight + GAP, 0);
  document.documentElement.style.setProperty("--px-told", `${taken}px`);
}

const told = new ResizeObserver(measureMessages);

function watchMessages() {
  const there = [...document.querySelectorAll(MESSAGES)];
  if (there.length === messages.length && there.every((one, place) => one === messages[place])) return;
  told.disconnect();
  messages = there;
  for (const one of there) told.observe(one);
  if (there.length) measureMessages();
  else document.documentElement.style.removeProperty("--px-told");
}

function watchBar() {
  const element = document.querySelector('[data-testid="stBottomBlockContainer"]');
  if (element === watched) return;
  bar.disconnect();
  watched = element;
  if (element) bar.observe(element);
  else document.documentElement.style.removeProperty("--px-wrapped");
}

export default function () {
  window.addEventListener("keydown", stopRepeats, true); // the same listener is never added twice
  window.addEventListener("keydown", leaveField, true);
  window.addEventListener("keyup", leaveName, true); // the page takes the name when the key goes down
  const look = () => {
    watchBar();
    watchMessages();
  };
  look();
  const looking = setInterval(look, LOOK_MS); // the page may make others
  return () => {
    clearInterval(looking);
    window.removeEventListener("keydown", stopRepeats, true);
    window.removeEventListener("keydown", leaveField, true);
  };
}
