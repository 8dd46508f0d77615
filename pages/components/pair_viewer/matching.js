// The match that the reviewer points at or holds, and what they say of it.

const MATCH_ZOOM = 3; // at least so close when stepping through matches
const STEP_MS = 160;

class Matching {
  constructor(viewer) {
    this.viewer = viewer;
    this.bar = viewer.root.querySelector(".match-bar");
    this.tooltip = viewer.root.querySelector(".tooltip");
    this.hovered = null;
    this.held = null;
    this.ticks = new Map(); // match → what was said
  }

  // The one match that is shown alone; null: all of them.
  get alone() {
    return this.hovered ?? this.held;
  }

  forget() {
    this.hovered = this.held = null;
  }

  step(by) {
    const count = this.viewer.lineCount;
    if (!count || this.viewer.wanted.bare) return;
    const next = this.held === null ? (by > 0 ? 0 : count - 1) : (this.held + by + count) % count;
    this.hold(next);
    const [qx, qy, cx, cy] = this.viewer.data.explanation.matches[next];
    this.#glide(this.viewer.panes.query, qx, qy);
    this.#glide(this.viewer.panes.candidate, cx, cy);
    this.#animate();
  }

  hold(match) {
    this.held = match;
    this.hovered = null;
    this.viewer.redraw();
    this.say(match === null ? "" : this.#words(match));
    this.showTooltip(null);
  }

  release() {
    if (this.viewer.panel.isOpen) return this.viewer.panel.toggle();
    if (this.held !== null) return this.hold(null);
  }

  tick(said) {
    const match = this.held ?? this.hovered;
    if (match === null) return this.say("Point at a match or step to one (↑ ↓) first, then tick it.");
    if (this.ticks.get(match) === said) this.ticks.delete(match);
    else this.ticks.set(match, said);
    this.viewer.marks.tick(this.ticks);
    this.showBar();
    this.say(this.#words(match));
    if (this.hovered !== null) this.showTooltip(match);
    this.viewer.tell("ticks", { pair: this.viewer.data.pair, ticks: [...this.ticks] });
  }

  #words(match) {
    const { matches, match_count: count } = this.viewer.data.explanation;
    const [, , , , relevance, distance] = matches[match];
    const share = matches[0][4] > 0 ? ` (${Math.round((100 * relevance) / matches[0][4])} % of the first)` : "";
    const said = this.ticks.get(match);
    return (
      `Match ${match + 1} of ${count}: relevance ${relevance.toPrecision(3)}${share}, ` +
      `distance ${distance.toPrecision(3)}${said ? `, ticked as ${said}` : ""}`
    );
  }

  say(text) {
    const element = this.viewer.root.querySelector(".said");
    if (element.textContent !== text) element.textContent = text;
  }

  showTooltip(match, x = 0, y = 0) {
    this.tooltip.hidden = match === null;
    if (match === null) return;
    this.tooltip.textContent = this.#words(match);
    if (x || y) {
      const right = x > this.viewer.stage.clientWidth / 2;
      this.tooltip.style.left = right ? "" : `${x + 16}px`;
      this.tooltip.style.right = right ? `${this.viewer.stage.clientWidth - x + 16}px` : "";
      this.tooltip.style.top = `${Math.max(4, y - 34)}px`;
    }
  }

  #glide(pane, x, y) {
    const target = { x: x / pane.size[0], y: y / pane.size[1], zoom: Math.max(pane.view.zoom, MATCH_ZOOM) };
    pane.from = { x: pane.view.x, y: pane.view.y, zoom: pane.view.zoom };
    pane.to = target;
  }

  #animate() {
    cancelAnimationFrame(this.viewer.frame);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const start = performance.now();
    const panes = [this.viewer.panes.query, this.viewer.panes.candidate];
    const draw = (now) => {
      const done = still ? 1 : Math.min(1, Math.max(0, (now - start) / STEP_MS));
      const eased = 1 - (1 - done) ** 3;
      for (const { view, from, to } of panes) {
        view.x = from.x + eased * (to.x - from.x);
        view.y = from.y + eased * (to.y - from.y);
        view.zoom = from.zoom * (to.zoom / from.zoom) ** eased;
      }
      this.viewer.redraw();
      if (done < 1) this.viewer.frame = requestAnimationFrame(draw);
      else this.viewer.wantSharp();
    };
    draw(still ? Infinity : start);
  }

  // For whom keys are far: what the keys do to the match that is held.
  showBar() {
    this.bar.hidden = this.held === null;
    if (this.held === null) return;
    const name = `Match ${this.held + 1} of ${this.viewer.lineCount}`;
    const element = this.bar.querySelector(".match-name");
    if (element.textContent !== name) element.textContent = name;
    for (const said of ["convincing", "misleading"]) {
      const button = this.bar.querySelector(`[data-act=${said}]`);
      button.setAttribute("aria-pressed", String(this.ticks.get(this.held) === said));
    }
  }
}
