// Between the press of a decision and the page that follows it.
//
// The viewer shows at once what will come next, where that is known. Until the page has followed, no other decision
// is let through: it would be one on a pair that the page does not have yet. An undo that comes meanwhile is kept,
// and done as soon as the page's Undo means the decision just made.

const GIVE_UP_MS = 5000; // after which the viewer goes back to the pair that the page is about
const FOCUS_MS = 60; // for the page's new buttons to be there
const REFOCUS_MS = 3000; // the longest that a busy page takes for it
const LOOK_MS = 30; // between two looks whether the page has come so far

// What the page's own buttons and keys are: see deciding and the shortcuts in Python.
const PAGE_BUTTONS = ".st-key-buttons, .st-key-strip";
const PAGE_KEYS = /^([axnuz0-9]|ArrowLeft|ArrowRight)$/i;
const DECISION_KEYS = { a: "accept", x: "reject", n: "not_comparable", u: "unsure", 0: "none" };
const DECISIONS = Object.values(DECISION_KEYS);
const OTHER_BUTTONS = {
  z: '.st-key-buttons [class*="st-key-undo-"]',
  arrowleft: ".st-key-buttons .st-key-previous",
  arrowright: ".st-key-buttons .st-key-next",
};

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
    if (page !== before && this.pressedByKeyboard) setTimeout(() => this.#focusAgain(), FOCUS_MS);
    if (!this.isWaiting || page === before) return;
    this.#end();
    if (this.undoIsWanted) this.#undoOnceThere(performance.now() + GIVE_UP_MS);
  }

  close() {
    for (const kind of ["keydown", "click"]) window.removeEventListener(kind, this.hear, true);
    clearTimeout(this.looking);
    clearTimeout(this.refocusing);
    this.#end();
  }

  // Hears of keys and clicks before the page does.
  #hear(event) {
    if (event.type === "click" && event.detail > 0) clearTimeout(this.refocusing); // the pointer went elsewhere
    const pressed = event.type === "click" ? pressedButton(event) : pressedKey(event);
    if (!pressed) return;
    if (this.isWaiting || this.undoIsWanted) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.undoIsWanted ||= pressed === "undo";
      return;
    }
    const button = DECISIONS.includes(pressed) && decisionOnPage(pressed);
    if (event.type === "click") {
      if (event.detail === 0 && !this.isPressing) this.pressedByKeyboard = pressed;
      if (button) setTimeout(() => this.#wait(pressed));
      return;
    }
    this.#press(button || buttonOfKey(event), event);
  }

  // The page would not hear of a key while another one is still held, or a box that is ticked has the focus.
  #press(button, event) {
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.isPressing = true;
    button.click();
    this.isPressing = false;
  }

  // The button that was pressed by Enter or Space is another one for the next pair: the focus goes on to it, once it
  // is there and the old one is gone, unless the reviewer has gone elsewhere meanwhile.
  #focusAgain() {
    const pressed = this.pressedByKeyboard;
    this.pressedByKeyboard = null;
    clearTimeout(this.refocusing);
    if (pressed) this.#focusOnceThere(pressed, performance.now() + REFOCUS_MS);
  }

  #focusOnceThere(pressed, until) {
    const name = `[class*="st-key-${pressed}-"]`;
    const active = document.activeElement;
    if (active !== document.body && !active?.closest(name)) return;
    if (active === document.body) document.querySelector(`.st-key-buttons ${name} button:not(:disabled)`)?.focus();
    if (performance.now() < until) this.refocusing = setTimeout(() => this.#focusOnceThere(pressed, until), LOOK_MS);
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
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat || isTyping(event)) return null;
  const key = latinKey(event);
  if (!PAGE_KEYS.test(key)) return null;
  return key === "z" ? "undo" : (DECISION_KEYS[key] ?? "other");
}

// The same of a click.
function pressedButton(event) {
  const button = event.composedPath().find((one) => one.matches?.("button"));
  if (!button?.closest(PAGE_BUTTONS)) return null;
  return [...DECISIONS, "undo"].find((one) => button.closest(`[class*="st-key-${one}-"]`)) ?? "other";
}

// What a key is called, in small letters; where another alphabet is set, what is printed beside it.
function latinKey(event) {
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key;
}

function decisionOnPage(decision) {
  return document.querySelector(`.st-key-buttons [class*="st-key-${decision}-"] button:not(:disabled)`);
}

// The button of the page that a key presses beside the decisions.
function buttonOfKey(event) {
  const key = latinKey(event);
  const holder = /^[1-9]$/.test(key) ? `.st-key-choose-${key}` : OTHER_BUTTONS[key.toLowerCase()];
  return holder ? document.querySelector(`${holder} button:not(:disabled)`) : null;
}

// The page's Undo, whose name tells which decision it takes back.
function undoOnPage() {
  const holder = document.querySelector('.st-key-buttons [class*="st-key-undo-"]');
  if (!holder) return null;
  const name = [...holder.classList].find((one) => one.startsWith("st-key-undo-"));
  return { name, button: holder.querySelector("button") };
}

// Whether a key goes into a field, a list or a slider of the page. Letters go into no slider, and nothing into a box
// that is ticked.
function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("[type=checkbox], [type=radio], [type=button]")) return false;
  if (target.matches("[type=range], [role=slider]")) return !/^[a-z]$/.test(latinKey(event));
  return target.isContentEditable || Boolean(target.closest("input, textarea, select, [role=listbox], [role=dialog]"));
}
