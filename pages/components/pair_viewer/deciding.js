// Between the press of a decision and the page that follows it.
//
// The viewer shows at once what will come next, where that is known. Until the page has followed, no other decision
// is let through: it would be one on a pair that the page does not have yet. An undo that comes meanwhile is kept,
// and done as soon as the page's Undo means the decision just made.

const GIVE_UP_MS = 5000; // after which the viewer goes back to the pair that the page is about
const LOOK_MS = 30; // between two looks whether the page's Undo means the decision just made

// What the page's own buttons and keys are: see deciding and the shortcuts in Python.
const PAGE_BUTTONS = ".st-key-buttons, .st-key-strip";
const PAGE_KEYS = /^([axnuz0-9]|ArrowLeft|ArrowRight)$/i;
const DECISION_KEYS = { a: "accept", x: "reject", n: "not_comparable", u: "unsure", 0: "none" };
const DECISIONS = Object.values(DECISION_KEYS);

class Deciding {
  constructor(viewer) {
    this.viewer = viewer;
    this.isWaiting = false; // for the page to follow a decision
    this.undoIsWanted = false;
    this.hear = (event) => this.#hear(event);
    for (const kind of ["keydown", "click"]) window.addEventListener(kind, this.hear, true);
  }

  // The page has been drawn, for the page-th time, or a part of it again.
  drawn(page) {
    const before = this.page;
    this.page = page;
    if (!this.isWaiting || page === before) return;
    this.#end();
    if (this.undoIsWanted) this.#undoOnceThere(performance.now() + GIVE_UP_MS);
  }

  close() {
    for (const kind of ["keydown", "click"]) window.removeEventListener(kind, this.hear, true);
    clearTimeout(this.looking);
    this.#end();
  }

  // Hears of keys and clicks before the page does.
  #hear(event) {
    const pressed = event.type === "click" ? pressedButton(event) : pressedKey(event);
    if (!pressed) return;
    if (this.isWaiting || this.undoIsWanted) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.undoIsWanted ||= pressed === "undo";
      return;
    }
    if (DECISIONS.includes(pressed) && isOnPage(pressed)) setTimeout(() => this.#wait(pressed));
  }

  #wait(decision) {
    this.isWaiting = true;
    this.undoBefore = undoOnPage()?.name;
    this.viewer.foresee(decision === "accept" || decision === "none" ? "accept" : "other");
    this.giveUp = setTimeout(() => {
      this.#end(); // the press did not reach the page, or the page is very slow
      this.undoIsWanted = false;
      this.viewer.takeBack();
    }, GIVE_UP_MS);
  }

  #end() {
    this.isWaiting = false;
    clearTimeout(this.giveUp);
  }

  #undoOnceThere(until) {
    const undo = undoOnPage();
    const isThere = undo && undo.name !== this.undoBefore && !undo.button.disabled;
    if (!isThere && performance.now() < until) {
      this.looking = setTimeout(() => this.#undoOnceThere(until), LOOK_MS);
      return;
    }
    this.undoIsWanted = false;
    if (isThere) undo.button.click();
  }
}

// What of the page's own a key presses: a decision, "undo" or "other"; null: nothing.
function pressedKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event)) return null;
  if (!PAGE_KEYS.test(event.key)) return null;
  const key = event.key.toLowerCase();
  return key === "z" ? "undo" : (DECISION_KEYS[key] ?? "other");
}

// The same of a click.
function pressedButton(event) {
  const button = event.composedPath().find((one) => one.matches?.("button"));
  if (!button?.closest(PAGE_BUTTONS)) return null;
  return [...DECISIONS, "undo"].find((one) => button.closest(`[class*="st-key-${one}-"]`)) ?? "other";
}

function isOnPage(decision) {
  return Boolean(document.querySelector(`.st-key-buttons [class*="st-key-${decision}-"] button:not(:disabled)`));
}

// The page's Undo, whose name tells which decision it takes back.
function undoOnPage() {
  const holder = document.querySelector('.st-key-buttons [class*="st-key-undo-"]');
  if (!holder) return null;
  const name = [...holder.classList].find((one) => one.startsWith("st-key-undo-"));
  return { name, button: holder.querySelector("button") };
}

// Whether a key goes into a field, a list or a slider of the page.
function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || Boolean(target.closest("input, textarea, select, [role=slider], [role=listbox], [role=dialog]"));
}
