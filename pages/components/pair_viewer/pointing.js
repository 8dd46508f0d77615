// What pointer and keys do on the stage.

const CLICK = 4; // CSS pixels that a pointer may move and still click

const KEYS = {
  l: { layer: "lines" },
  p: { layer: "points" },
  h: { layer: "heat_map" },
  m: { layer: "color_maps" },
  o: { layer: "box" },
  b: { act: "bare" },
  "+": { act: "zoom-in", repeats: true },
  "=": { act: "zoom-in", repeats: true },
  "-": { act: "zoom-out", repeats: true },
  f: { act: "fit" },
  e: { act: "exact" },
  y: { toggle: "linked" },
  w: { toggle: "swapped" },
  k: { toggle: "blinking" },
  j: { toggle: "three" },
  d: { act: "panel" },
  i: { act: "strip" },
  ArrowDown: { act: "next-match", repeats: true },
  ArrowUp: { act: "previous-match", repeats: true },
  Escape: { act: "release" },
  t: { act: "convincing" },
  s: { act: "misleading" },
  v: { act: "mirror" },
  "Shift+v": { act: "mirror-query" },
  g: { act: "turn" },
  "Shift+g": { act: "turn-query" },
};

class Pointing {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map(); // those that are down, by their id
    this.#listen();
  }

  // Whether the reviewer's hand is on the photos.
  get isDown() {
    return this.pointers.size > 0;
  }

  close() {
    window.removeEventListener("keydown", this.onKey);
    this.observer.disconnect();
  }

  #listen() {
    const { root, stage } = this.viewer;
    root.onclick = (event) => this.#onClick(event);
    stage.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    stage.onpointerdown = (event) => this.#onDown(event);
    stage.onpointermove = (event) => this.#onMove(event);
    stage.onpointerup = (event) => this.#onUp(event);
    stage.onpointercancel = (event) => this.pointers.delete(event.pointerId);
    stage.onpointerleave = () => this.#hover(null);
    stage.ondblclick = (event) => !isControl(event) && this.#zoomPointed(event, 2);
    this.onKey = (event) => this.#onKey(event);
    window.addEventListener("keydown", this.onKey);
    this.observer = new ResizeObserver(() => this.viewer.data && this.viewer.arrange());
    this.observer.observe(stage);
  }

  #onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { layer, act, toggle, turn, photo } = button.dataset;
    if (photo) this.viewer.ask("picked", [this.viewer.data.query.id, photo]);
    else if (layer) this.viewer.toggleLayer(layer);
    else if (act) this.viewer.act(act);
    else if (toggle) this.viewer.toggle(toggle);
    else if (turn) this.viewer.turn(this.#paneOf(button), Number(turn));
    else if ("mirror" in button.dataset) this.viewer.mirror(this.#paneOf(button));
  }

  #paneOf(element) {
    return this.viewer.panes[element.closest("[data-pane]").dataset.pane];
  }

  #onStage(event) {
    const box = this.viewer.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #paneAt(x, y) {
    const isIn = (pane) =>
      pane.isSeen && x >= pane.left && x < pane.left + pane.width && y >= pane.top && y < pane.top + pane.height;
    return Object.values(this.viewer.panes).find(isIn);
  }

  #onWheel(event) {
    if (isControl(event)) return;
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    this.#zoomPointed(event, Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0016)));
  }

  #zoomPointed(event, factor) {
    const [x, y] = this.#onStage(event);
    const pointed = this.#paneAt(x, y);
    if (pointed) this.#zoom(pointed, factor, x - pointed.left, y - pointed.top);
  }

  // Zooms a pane, and the linked ones at the same place of theirs.
  #zoom(pointed, factor, x, y) {
    cancelAnimationFrame(this.viewer.frame);
    for (const pane of this.#together(pointed)) {
      zoomAt(pane, factor, (x / pointed.width) * pane.width, (y / pointed.height) * pane.height);
    }
    this.viewer.wantSharp();
    this.viewer.redraw();
  }

  #together(pane) {
    return this.viewer.wanted.linked ? Object.values(this.viewer.panes).filter((one) => !one.element.hidden) : [pane];
  }

  #onDown(event) {
    if (isControl(event) || event.button > 0) return;
    const [x, y] = this.#onStage(event);
    const pane = this.#paneAt(x, y);
    if (!pane) return;
    this.pointers.set(event.pointerId, { x, y, startX: x, startY: y, pane });
    this.viewer.stage.setPointerCapture(event.pointerId);
  }

  #onMove(event) {
    const [x, y] = this.#onStage(event);
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return isControl(event) ? this.#hover(null) : this.#hover(x, y);
    const other = [...this.pointers.values()].find((one) => one !== pointer);
    const [dx, dy] = [x - pointer.x, y - pointer.y];
    if (other) this.#pinch(pointer, other, x, y);
    [pointer.x, pointer.y] = [x, y];
    const isDrag = Math.hypot(x - pointer.startX, y - pointer.startY) > CLICK || pointer.dragged;
    if (!isDrag) return;
    pointer.dragged = true;
    cancelAnimationFrame(this.viewer.frame);
    this.#hover(null);
    const share = other ? 0.5 : 1; // two fingers that move together move the photo once
    for (const pane of this.#together(pointer.pane)) moveBy(pane, dx * share, dy * share);
    this.viewer.redraw();
  }

  #pinch(pointer, other, x, y) {
    const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
    const after = Math.hypot(x - other.x, y - other.y);
    if (before < 1 || after < 1) return;
    const { pane } = pointer;
    this.#zoom(pane, after / before, (x + other.x) / 2 - pane.left, (y + other.y) / 2 - pane.top);
    pointer.dragged = other.dragged = true;
  }

  #onUp(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (!pointer || pointer.dragged) return;
    const match = this.#matchAt(pointer.x, pointer.y);
    const { matching } = this.viewer;
    matching.hold(match === matching.held ? null : match);
  }

  #matchAt(x, y) {
    return this.viewer.marks.at(x, y, this.viewer.layers.includes("lines") && !this.viewer.blinking.isOn);
  }

  // The pointer is somewhere on the stage, or (null) away.
  #hover(x, y) {
    const start = performance.now();
    const { matching } = this.viewer;
    const match = x === null || matching.held !== null ? null : this.#matchUnder(x, y);
    if (match !== matching.hovered) {
      matching.hovered = match;
      this.viewer.drawMatches();
      this.viewer.root.dataset.spent = (performance.now() - start).toFixed(2);
    }
    const isOnHeld = matching.held !== null && x !== null && this.#matchAt(x, y) === matching.held;
    const shown = isOnHeld ? matching.held : match;
    matching.showTooltip(shown, x ?? 0, y ?? 0);
    this.viewer.stage.style.cursor = shown === null ? "" : "pointer";
  }

  // The match under the pointer; the hovered one stays while the pointer stays on it, although it hides the others.
  #matchUnder(x, y) {
    const { hovered } = this.viewer.matching;
    if (hovered === null) return this.#matchAt(x, y);
    if (this.#matchAt(x, y) === hovered) return hovered;
    this.viewer.marks.choose(this.viewer.lineCount, null); // what is hidden may be under the pointer now
    this.viewer.placeMarks();
    return this.#matchAt(x, y);
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event) || !this.viewer.root.isConnected) return;
    const key = latinKey(event);
    const what = KEYS[event.shiftKey && key !== "+" ? `Shift+${key}` : key];
    if (!what || (event.repeat && !what.repeats) || !this.viewer.data) return;
    event.preventDefault();
    if (what.layer) this.viewer.toggleLayer(what.layer);
    else if (what.toggle) this.viewer.toggle(what.toggle);
    else this.viewer.act(what.act);
  }
}

function isControl(event) {
  return Boolean(event.target.closest?.("button, .panel, .strip, .warning, .match-bar"));
}
