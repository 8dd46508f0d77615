// The pair viewer: what is on the stage, and what pointer and keys do to it.
//
// Python says what there is (data); everything about how it is looked at stays here, across candidates: zoom, light,
// layers, the match that is held. Python hears only what the record of decisions needs: the layers and the ticks.

const STORED = "pairx.viewer";
const LAYERS = ["lines", "points", "heat_map", "color_maps", "box"];
const CLICK = 4; // CSS pixels that a pointer may move and still click
const MATCH_ZOOM = 3; // at least so close when stepping through matches
const STEP_MS = 160;
const BLINK_MS = 650;
const ASK_MS = 900; // between two questions whether what comes next is made
const DEFAULTS = {
  layers: ["lines", "points", "heat_map"],
  bare: false,
  opacity: { lines: 0.95, heat_map: 0.6, color_maps: 0.9 },
  k_lines: null, // null: as many as were asked for when explaining
  k_colors: null,
  linked: true,
  swapped: false,
  three: false,
};

class Viewer {
  constructor(root) {
    this.root = root.querySelector(".viewer");
    this.stage = this.root.querySelector(".stage");
    this.tooltip = this.root.querySelector(".tooltip");
    this.panel = this.root.querySelector(".panel");
    this.matchBar = this.root.querySelector(".match-bar");
    this.images = new Images();
    this.panes = {};
    for (const element of this.root.querySelectorAll(".pane")) {
      this.panes[element.dataset.pane] = new Pane(element, element.dataset.pane);
    }
    this.marks = new Marks(this.root.querySelector(".marks"));
    this.wanted = this.#remembered();
    this.hovered = null;
    this.held = null;
    this.ticks = new Map();
    this.blinking = null;
    this.deciding = new Deciding(this);
    this.#listen();
  }

  // --- what there is -------------------------------------------------------------------------------------------

  // What Python says: the pair that the page is about.
  update({ data, setStateValue, setTriggerValue }) {
    this.tell = setStateValue;
    this.ask = setTriggerValue;
    this.real = data;
    const wasWaiting = this.deciding.isWaiting;
    this.deciding.drawn(data.page);
    if (this.deciding.isWaiting) return; // this was sent before the page heard of the decision
    this.isForeseen = false;
    this.#display(data, wasWaiting);
    this.#tellLayers();
    if (this.wanted.three && !data.third && data.candidate && !this.hasAsked) {
      this.hasAsked = true; // three-up was on before the page was loaded
      this.tell("three", true);
    }
    clearTimeout(this.asking);
    this.root.dataset.ready = data.is_preparing ? "" : "yes";
    if (data.is_preparing) this.asking = setTimeout(() => this.tell("asked", data.run), ASK_MS);
  }

  // A decision was made: what will come next is shown while the page is still at work, where it is known and here.
  foresee(kind) {
    const foreseen = this.real.foreseen[kind];
    const blank = { third: null, individual: null, ticks: [], suggested_tag: null, next: [] };
    this.isForeseen = Boolean(foreseen);
    this.#display({ ...this.real, ...(foreseen && { ...blank, ...foreseen }), waiting: "Saving your decision …" }, false);
  }

  // Back to what the page is about.
  takeBack() {
    this.isForeseen = false;
    this.#display(this.real, true);
  }

  #display(data, ticksAreNew) {
    const before = this.data;
    this.data = data;
    const isNewPair = before?.pair !== data.pair;
    if (before?.query?.id !== data.query?.id) this.#straightenAll();
    this.#showPhotos();
    if (isNewPair) {
      this.hovered = this.held = null;
      this.#say("");
    }
    if (isNewPair || ticksAreNew || !before?.explanation) this.ticks = new Map(data.ticks);
    if (isNewPair || before?.explanation?.key !== data.explanation?.key) this.#showExplanation();
    else if (ticksAreNew) this.marks.tick(this.ticks); // the bar follows when the panes are arranged
    this.#showWaiting();
    this.#showWarning();
    this.#showIndividual();
    this.#preload();
    this.#arrange();
    this.root.dataset.query = data.query?.id ?? "";
    this.root.dataset.candidate = data.candidate?.id ?? "";
    this.root.dataset.state = data.explanation ? (data.waiting && !this.isForeseen ? "partly" : "explained") : "photos";
    this.root.dataset.foreseen = this.isForeseen ? "yes" : "";
  }

  close() {
    window.removeEventListener("keydown", this.onKey);
    this.deciding.close();
    for (const timer of [this.asking, this.preloading]) clearTimeout(timer);
    this.observer.disconnect();
    clearInterval(this.blinking);
    cancelAnimationFrame(this.frame);
  }

  #showPhotos() {
    this.panes.query.show(this.data.query, this.images);
    this.panes.candidate.show(this.data.candidate, this.images);
    this.panes.third.show(this.wanted.three ? this.data.third : null, this.images);
  }

  #showExplanation() {
    const { explanation } = this.data;
    this.marks.show(explanation?.matches ?? [], this.data.colors);
    this.marks.tick(this.ticks);
    for (const name of ["query", "candidate"]) {
      const pane = this.panes[name];
      pane.maps = null;
      const heat = explanation?.[name].heat;
      if (heat) copyTo(pane.heat, heatTexture(heat, this.data.heat_stops));
      else [pane.heat.width, pane.heat.height] = [1, 1];
      const maps = explanation?.[name].maps;
      if (maps) this.#loadMaps(pane, maps);
    }
    this.#buildPanel();
  }

  #loadMaps(pane, maps) {
    const image = this.images.get(maps.url);
    const { explanation } = this.data;
    const use = () => {
      if (this.data.explanation !== explanation && this.data.explanation?.[pane.name].maps?.url !== maps.url) return;
      pane.maps = new ColorMaps(image, maps, this.data.colors);
      this.#drawMatches();
    };
    if (image.complete && image.naturalWidth) use();
    else image.addEventListener("load", use, { once: true });
  }

  #showWaiting() {
    const chip = this.root.querySelector(".waiting");
    chip.hidden = !this.data.waiting;
    if (chip.textContent !== (this.data.waiting ?? "")) chip.textContent = this.data.waiting ?? "";
  }

  #showWarning() {
    const element = this.root.querySelector(".warning");
    const { warning, suggested_tag: tag } = this.data;
    element.hidden = !warning;
    const [text, button] = element.children;
    if (text.textContent !== (warning ?? "")) text.textContent = warning ?? "";
    button.hidden = !tag;
    button.textContent = tag ? `Tag as ${tag}` : "";
  }

  // The photos of the candidate's individual, below the candidate.
  #showIndividual() {
    const strip = this.root.querySelector(".strip");
    const { individual } = this.data;
    const button = this.root.querySelector("[data-act=strip]");
    button.disabled = !individual;
    button.setAttribute("aria-pressed", String(Boolean(individual?.is_open)));
    strip.hidden = !individual?.is_open;
    if (strip.hidden) return strip.replaceChildren();
    strip.setAttribute("aria-label", `Photos of ${individual.name}`);
    const last = individual.first + individual.photos.length;
    const place = `${individual.first + 1}–${last} of ${individual.words}`;
    const turning = individual.total > individual.photos.length;
    strip.replaceChildren(
      element("span", { className: "strip-name", textContent: `${individual.name} · ${place}` }),
      ...(turning ? [stripButton("‹", "strip-back", "Earlier photos")] : []),
      ...individual.photos.map((photo) => this.#stripPhoto(photo)),
      ...(turning ? [stripButton("›", "strip-on", "More photos")] : []),
    );
  }

  #stripPhoto(photo) {
    const button = element("button", { type: "button", className: "strip-photo", title: photo.words });
    button.dataset.photo = photo.id;
    button.setAttribute("aria-pressed", String(photo.is_chosen));
    button.setAttribute("aria-label", `Compare with ${photo.words}`);
    button.append(
      photo.problem
        ? element("span", { textContent: photo.problem })
        : element("img", { src: photo.url, alt: "", draggable: false }),
    );
    return button;
  }

  // The next pairs' pictures come while this one is looked at.
  #preload() {
    clearTimeout(this.preloading);
    this.preloading = setTimeout(() => addressesOf(this.data).forEach((url) => this.images.get(url)), 50);
  }

  #straightenAll() {
    for (const pane of Object.values(this.panes)) {
      pane.view = new View();
      pane.light = { ...NO_LIGHT };
    }
    this.#buildPanel();
  }

  // --- what is drawn -------------------------------------------------------------------------------------------

  // Measures the panes after anything that moves them, and draws.
  #arrange() {
    const { swapped, three } = this.wanted;
    const hasThird = three && Boolean(this.data?.third);
    this.panes.third.element.hidden = !hasThird;
    this.stage.classList.toggle("three", hasThird);
    this.stage.classList.toggle("swapped", swapped);
    this.stage.classList.toggle("alone", !this.data?.candidate);
    const stage = this.stage.getBoundingClientRect();
    for (const pane of Object.values(this.panes)) {
      if (pane.element.hidden) continue;
      const box = pane.element.getBoundingClientRect();
      [pane.left, pane.top, pane.width, pane.height] = [box.left - stage.left, box.top - stage.top, box.width, box.height];
    }
    this.#pressButtons();
    this.redraw();
  }

  redraw() {
    this.#placePanes();
    this.#drawMatches();
  }

  #placePanes() {
    for (const pane of Object.values(this.panes)) if (!pane.element.hidden) pane.place();
  }

  #placeMarks() {
    const { query, candidate } = this.panes;
    const matches = this.data?.explanation?.matches ?? [];
    if (!query.matrix || !candidate.matrix) return;
    this.marks.place(matches.map(([qx, qy, cx, cy]) => [...query.onStage(qx, qy), ...candidate.onStage(cx, cy)]));
  }

  // Everything that depends on which layers and which matches are wanted.
  #drawMatches() {
    const layers = new Set(this.layers);
    const alone = this.#alone;
    const svg = this.marks.svg;
    svg.classList.toggle("no-lines", !layers.has("lines") || this.blinking !== null);
    svg.classList.toggle("no-points", !layers.has("points") && alone === null);
    svg.style.opacity = this.wanted.opacity.lines;
    const isMarked = layers.has("lines") || layers.has("points") || alone !== null;
    this.marks.choose(isMarked ? this.lineCount : 0, alone);
    this.#placeMarks();
    for (const name of ["query", "candidate"]) this.#drawTextures(this.panes[name], layers, alone);
    this.stage.classList.toggle("boxed", layers.has("box"));
    this.root.dataset.alone = alone === null ? "" : String(alone);
    this.#showMatchBar();
  }

  // For whom keys are far: what the keys do to the match that is held.
  #showMatchBar() {
    this.matchBar.hidden = this.held === null;
    if (this.held === null) return;
    const name = `Match ${this.held + 1} of ${this.lineCount}`;
    const element = this.matchBar.querySelector(".match-name");
    if (element.textContent !== name) element.textContent = name;
    for (const said of ["convincing", "misleading"]) {
      const button = this.matchBar.querySelector(`[data-act=${said}]`);
      button.setAttribute("aria-pressed", String(this.ticks.get(this.held) === said));
    }
  }

  #drawTextures(pane, layers, alone) {
    const { opacity } = this.wanted;
    pane.heat.style.opacity = layers.has("heat_map") && alone === null ? opacity.heat_map : 0;
    const count = this.colorCount;
    const isOn = alone === null ? layers.has("color_maps") && count > 0 : true;
    const hasMap = pane.maps !== null && (alone === null ? isOn : alone < pane.maps.count);
    pane.colors.style.opacity = isOn && hasMap ? opacity.color_maps : 0;
    pane.lighten(alone === null && isOn && hasMap);
    if (!isOn || !hasMap) return;
    const drawn = alone === null ? `all ${count}` : `one ${alone}`;
    if (pane.colors.drawn === drawn && pane.colors.drawnFrom === pane.maps) return;
    if (alone === null) pane.maps.drawAll(pane.colors, count);
    else pane.maps.drawOne(pane.colors, alone);
    [pane.colors.drawn, pane.colors.drawnFrom] = [drawn, pane.maps];
  }

  // The layers that are switched on.
  get layers() {
    return this.wanted.bare ? [] : this.wanted.layers;
  }

  get #alone() {
    return this.hovered ?? this.held;
  }

  get lineCount() {
    const { explanation } = this.data ?? {};
    return explanation ? Math.min(this.wanted.k_lines ?? explanation.k_lines, explanation.matches.length) : 0;
  }

  get colorCount() {
    const count = this.data?.explanation?.query.maps?.count ?? 0;
    return Math.min(this.wanted.k_colors ?? count, count);
  }

  // --- what the reviewer wants ---------------------------------------------------------------------------------

  toggleLayer(name) {
    const { layers } = this.wanted;
    if (this.wanted.bare) {
      this.wanted.bare = false;
      if (!layers.includes(name)) layers.push(name);
    } else if (layers.includes(name)) layers.splice(layers.indexOf(name), 1);
    else layers.push(name);
    this.#changed();
  }

  toggle(name) {
    if (name === "blinking") return this.#toggleBlinking();
    this.wanted[name] = !this.wanted[name];
    if (name === "three") {
      this.tell("three", this.wanted.three);
      this.#showPhotos();
    }
    this.#changed();
  }

  #changed() {
    this.#remember();
    this.#arrange();
    this.#tellLayers();
  }

  #toggleBlinking() {
    if (this.blinking !== null) {
      clearInterval(this.blinking);
      this.blinking = null;
      for (const pane of Object.values(this.panes)) pane.element.classList.remove("blinked-out");
    } else {
      let shown = "query";
      const blink = () => {
        if (this.pointers.size) return; // held still under the hand
        shown = shown === "query" ? "candidate" : "query";
        for (const pane of Object.values(this.panes)) pane.element.classList.toggle("blinked-out", pane.name !== shown);
        this.#drawMatches();
      };
      this.blinking = setInterval(blink, BLINK_MS);
      blink();
    }
    this.stage.classList.toggle("blinking", this.blinking !== null);
    this.#arrange();
  }

  act(name) {
    const acts = {
      bare: () => {
        this.wanted.bare = !this.wanted.bare;
        this.held = this.hovered = null;
        this.#changed();
      },
      "zoom-in": () => this.#zoomMiddle(1.35),
      "zoom-out": () => this.#zoomMiddle(1 / 1.35),
      fit: () => this.#each((pane) => pane.view.fit()),
      exact: () => this.#each((pane) => (pane.view.zoom = exactZoom(pane))),
      panel: () => this.#togglePanel(),
      strip: () => this.data.individual && this.tell("strip", !this.data.individual.is_open),
      "strip-back": () => this.ask("strip_page", [this.data.pair, -1]),
      "strip-on": () => this.ask("strip_page", [this.data.pair, 1]),
      tag: () => this.ask("tag", [this.data.pair, this.data.suggested_tag]),
      "next-match": () => this.#step(1),
      "previous-match": () => this.#step(-1),
      release: () => this.#release(),
      convincing: () => this.#tick("convincing"),
      misleading: () => this.#tick("misleading"),
      mirror: () => this.#mirror(this.panes.candidate),
      "mirror-query": () => this.#mirror(this.panes.query),
      turn: () => this.#turn(this.panes.candidate, 90),
      "turn-query": () => this.#turn(this.panes.query, 90),
    };
    acts[name]?.();
  }

  #each(change) {
    cancelAnimationFrame(this.frame);
    Object.values(this.panes).forEach((pane) => !pane.element.hidden && change(pane));
    this.#wantSharp();
    this.redraw();
  }

  #zoomMiddle(factor) {
    this.#each((pane) => zoomAt(pane, factor, pane.width / 2, pane.height / 2));
  }

  #mirror(pane) {
    pane.view.mirrored = !pane.view.mirrored;
    this.redraw();
    this.#buildPanel();
  }

  #turn(pane, degrees) {
    pane.view.angle = ((pane.view.angle + degrees + 180) % 360) - 180;
    this.redraw();
    this.#buildPanel();
  }

  #togglePanel() {
    this.panel.hidden = !this.panel.hidden;
    this.root.querySelector("[data-act=panel]").setAttribute("aria-expanded", String(!this.panel.hidden));
    this.#buildPanel();
  }

  // --- matches -------------------------------------------------------------------------------------------------

  #step(by) {
    const count = this.lineCount;
    if (!count || this.wanted.bare) return;
    const next = this.held === null ? (by > 0 ? 0 : count - 1) : (this.held + by + count) % count;
    this.#hold(next);
    const [qx, qy, cx, cy] = this.data.explanation.matches[next];
    this.#glide(this.panes.query, qx, qy);
    this.#glide(this.panes.candidate, cx, cy);
    this.#animate();
  }

  #hold(match) {
    this.held = match;
    this.hovered = null;
    this.redraw();
    this.#say(match === null ? "" : this.#words(match));
    this.#showTooltip(null);
  }

  #release() {
    if (!this.panel.hidden) return this.#togglePanel();
    if (this.held !== null) return this.#hold(null);
  }

  #tick(said) {
    const match = this.held ?? this.hovered;
    if (match === null) return this.#say("Point at a match or step to one (↑ ↓) first, then tick it.");
    if (this.ticks.get(match) === said) this.ticks.delete(match);
    else this.ticks.set(match, said);
    this.marks.tick(this.ticks);
    this.#showMatchBar();
    this.#say(this.#words(match));
    if (this.hovered !== null) this.#showTooltip(match);
    this.tell("ticks", { pair: this.data.pair, ticks: [...this.ticks] });
  }

  #words(match) {
    const { matches, match_count: count } = this.data.explanation;
    const [, , , , relevance, distance] = matches[match];
    const share = matches[0][4] > 0 ? ` (${Math.round((100 * relevance) / matches[0][4])} % of the first)` : "";
    const said = this.ticks.get(match);
    return (
      `Match ${match + 1} of ${count}: relevance ${relevance.toPrecision(3)}${share}, ` +
      `distance ${distance.toPrecision(3)}${said ? `, ticked as ${said}` : ""}`
    );
  }

  #say(text) {
    const element = this.root.querySelector(".said");
    if (element.textContent !== text) element.textContent = text;
  }

  #showTooltip(match, x = 0, y = 0) {
    this.tooltip.hidden = match === null;
    if (match === null) return;
    this.tooltip.textContent = this.#words(match);
    if (x || y) {
      const right = x > this.stage.clientWidth / 2;
      this.tooltip.style.left = right ? "" : `${x + 16}px`;
      this.tooltip.style.right = right ? `${this.stage.clientWidth - x + 16}px` : "";
      this.tooltip.style.top = `${Math.max(4, y - 34)}px`;
    }
  }

  #glide(pane, x, y) {
    const target = { x: x / pane.size[0], y: y / pane.size[1], zoom: Math.max(pane.view.zoom, MATCH_ZOOM) };
    pane.from = { x: pane.view.x, y: pane.view.y, zoom: pane.view.zoom };
    pane.to = target;
  }

  #animate() {
    cancelAnimationFrame(this.frame);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const start = performance.now();
    const panes = [this.panes.query, this.panes.candidate];
    const draw = (now) => {
      const done = still ? 1 : Math.min(1, Math.max(0, (now - start) / STEP_MS));
      const eased = 1 - (1 - done) ** 3;
      for (const { view, from, to } of panes) {
        view.x = from.x + eased * (to.x - from.x);
        view.y = from.y + eased * (to.y - from.y);
        view.zoom = from.zoom * (to.zoom / from.zoom) ** eased;
      }
      this.redraw();
      if (done < 1) this.frame = requestAnimationFrame(draw);
      else this.#wantSharp();
    };
    draw(still ? Infinity : start);
  }

  // --- pointer and keys ----------------------------------------------------------------------------------------

  #listen() {
    this.pointers = new Map();
    this.root.onclick = (event) => this.#onClick(event);
    this.stage.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    this.stage.onpointerdown = (event) => this.#onDown(event);
    this.stage.onpointermove = (event) => this.#onMove(event);
    this.stage.onpointerup = (event) => this.#onUp(event);
    this.stage.onpointercancel = (event) => this.pointers.delete(event.pointerId);
    this.stage.onpointerleave = () => this.#hover(null);
    this.stage.ondblclick = (event) => !isControl(event) && this.#zoomPointed(event, 2);
    this.panel.oninput = (event) => this.#onPanel(event.target);
    this.onKey = (event) => this.#onKey(event);
    window.addEventListener("keydown", this.onKey);
    this.observer = new ResizeObserver(() => this.data && this.#arrange());
    this.observer.observe(this.stage);
  }

  #onClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { layer, act, toggle, turn, photo } = button.dataset;
    if (photo) this.ask("picked", [this.data.query.id, photo]);
    else if (layer) this.toggleLayer(layer);
    else if (act) this.act(act);
    else if (toggle) this.toggle(toggle);
    else if (turn) this.#turn(this.#paneOf(button), Number(turn));
    else if ("mirror" in button.dataset) this.#mirror(this.#paneOf(button));
  }

  #paneOf(element) {
    return this.panes[element.closest("[data-pane]").dataset.pane];
  }

  #onStage(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #paneAt(x, y) {
    const isIn = (pane) =>
      pane.isSeen && x >= pane.left && x < pane.left + pane.width && y >= pane.top && y < pane.top + pane.height;
    return Object.values(this.panes).find(isIn);
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
    cancelAnimationFrame(this.frame);
    for (const pane of this.#together(pointed)) {
      zoomAt(pane, factor, (x / pointed.width) * pane.width, (y / pointed.height) * pane.height);
    }
    this.#wantSharp();
    this.redraw();
  }

  #together(pane) {
    return this.wanted.linked ? Object.values(this.panes).filter((one) => !one.element.hidden) : [pane];
  }

  #onDown(event) {
    if (isControl(event) || event.button > 0) return;
    const [x, y] = this.#onStage(event);
    const pane = this.#paneAt(x, y);
    if (!pane) return;
    this.pointers.set(event.pointerId, { x, y, startX: x, startY: y, pane });
    this.stage.setPointerCapture(event.pointerId);
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
    cancelAnimationFrame(this.frame);
    this.#hover(null);
    const share = other ? 0.5 : 1; // two fingers that move together move the photo once
    for (const pane of this.#together(pointer.pane)) moveBy(pane, dx * share, dy * share);
    this.redraw();
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
    this.#hold(match === this.held ? null : match);
  }

  #matchAt(x, y) {
    return this.marks.at(x, y, this.layers.includes("lines") && this.blinking === null);
  }

  // The pointer is somewhere on the stage, or (null) away.
  #hover(x, y) {
    const start = performance.now();
    const match = x === null || this.held !== null ? null : this.#matchUnder(x, y);
    if (match !== this.hovered) {
      this.hovered = match;
      this.#drawMatches();
      this.root.dataset.spent = (performance.now() - start).toFixed(2);
    }
    const shown = this.held !== null && x !== null && this.#matchAt(x, y) === this.held ? this.held : match;
    this.#showTooltip(shown, x ?? 0, y ?? 0);
    this.stage.style.cursor = shown === null ? "" : "pointer";
  }

  // The match under the pointer; the hovered one stays while the pointer stays on it, although it hides the others.
  #matchUnder(x, y) {
    if (this.hovered === null) return this.#matchAt(x, y);
    if (this.#matchAt(x, y) === this.hovered) return this.hovered;
    this.marks.choose(this.lineCount, null); // what is hidden may be under the pointer now
    this.#placeMarks();
    return this.#matchAt(x, y);
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event) || !this.root.isConnected) return;
    const key = latinKey(event);
    const what = KEYS[event.shiftKey && key !== "+" ? `Shift+${key}` : key];
    if (!what || (event.repeat && !what.repeats) || !this.data) return;
    event.preventDefault();
    if (what.layer) this.toggleLayer(what.layer);
    else if (what.toggle) this.toggle(what.toggle);
    else this.act(what.act);
  }

  // --- panel ---------------------------------------------------------------------------------------------------

  #buildPanel() {
    if (this.panel.hidden || !this.data) return;
    const { explanation } = this.data;
    const matches = explanation?.matches.length ?? 0;
    const maps = explanation?.query.maps?.count ?? 0;
    const { opacity } = this.wanted;
    const slider = (label, name, value, least, most, step) =>
      `<label><span>${label}</span><input type="range" name="${name}" min="${least}" max="${most}" step="${step}" ` +
      `value="${value}"><output>${shown(name, value)}</output></label>`;
    const light = (pane, title) =>
      `<fieldset data-pane="${pane}"><legend>${title}</legend>` +
      slider("Brightness", "brightness", this.panes[pane].light.brightness, 0.3, 3, 0.05) +
      slider("Contrast", "contrast", this.panes[pane].light.contrast, 0.3, 3, 0.05) +
      slider("Saturation", "saturation", this.panes[pane].light.saturation, 0, 3, 0.05) +
      slider("Turned", "angle", this.panes[pane].view.angle, -180, 180, 1) +
      "</fieldset>";
    this.panel.innerHTML =
      `<fieldset><legend>Explanation</legend>` +
      slider("Number of lines", "k_lines", this.lineCount, 0, matches, 1) +
      slider("Number of color maps", "k_colors", this.colorCount, 0, maps, 1) +
      slider("Lines, opacity", "opacity.lines", opacity.lines, 0, 1, 0.05) +
      slider("Heat map, opacity", "opacity.heat_map", opacity.heat_map, 0, 1, 0.05) +
      slider("Color maps, opacity", "opacity.color_maps", opacity.color_maps, 0, 1, 0.05) +
      `</fieldset>${light("query", "Query")}${light("candidate", "Candidate")}` +
      `<button type="button" data-act="reset">As it was</button>`;
    this.panel.querySelector("[data-act=reset]").onclick = () => this.#reset();
  }

  #onPanel(input) {
    const value = Number(input.value);
    const { name } = input;
    input.nextElementSibling.textContent = shown(name, value);
    const pane = this.panes[input.closest("fieldset").dataset.pane];
    if (name === "angle") pane.view.angle = value;
    else if (pane) pane.light[name] = value;
    else if (name.startsWith("opacity.")) this.wanted.opacity[name.slice(8)] = value;
    else this.wanted[name] = value;
    this.#remember();
    this.redraw();
  }

  #reset() {
    const { k_lines, k_colors, opacity } = structuredClone(DEFAULTS);
    Object.assign(this.wanted, { k_lines, k_colors, opacity });
    this.#straightenAll();
    this.#remember();
    this.redraw();
  }

  // --- memory --------------------------------------------------------------------------------------------------

  #remembered() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(STORED)) ?? {};
    } catch {
      // a browser that keeps nothing, or text that is not ours: begin with the defaults
    }
    const wanted = structuredClone(DEFAULTS);
    for (const name of Object.keys(wanted)) {
      if (name in kept && (wanted[name] === null || typeof kept[name] === typeof wanted[name])) wanted[name] = kept[name];
    }
    wanted.layers = LAYERS.filter((layer) => [...wanted.layers].includes(layer));
    wanted.opacity = { ...DEFAULTS.opacity, ...wanted.opacity };
    wanted.bare = false;
    return wanted;
  }

  #remember() {
    try {
      localStorage.setItem(STORED, JSON.stringify(this.wanted));
    } catch {
      // a browser that keeps nothing: it lasts as long as the page
    }
  }

  #tellLayers() {
    const layers = LAYERS.filter((layer) => this.layers.includes(layer));
    if (JSON.stringify(layers) === JSON.stringify(this.told ?? this.data.layers)) return;
    this.told = layers;
    this.tell("layers", layers);
  }

  // Asks for the photos at full resolution once they are seen larger than they were sent.
  #wantSharp() {
    if (!this.data) return;
    const wanted = ["query", "candidate", "third"].filter((name) => this.#isBlurred(this.panes[name]));
    if (!wanted.length) return;
    const ids = wanted.map((name) => this.panes[name].content.id);
    if (JSON.stringify(ids) === JSON.stringify(this.askedFor)) return;
    this.askedFor = ids;
    this.tell("sharp", ids);
  }

  #isBlurred(pane) {
    if (pane.element.hidden || !pane.content?.could_be_sharper || pane.content.sharp) return false;
    const scale = fitScale(pane) * pane.view.zoom * window.devicePixelRatio;
    return scale > 1.05 * pane.content.scale;
  }

  #pressButtons() {
    for (const button of this.root.querySelectorAll("[data-layer]")) {
      const isBare = Boolean(this.data?.is_bare);
      button.setAttribute("aria-pressed", String(!isBare && this.layers.includes(button.dataset.layer)));
      button.disabled = isBare && button.dataset.layer !== "box";
    }
    for (const button of this.root.querySelectorAll("[data-toggle]")) {
      const name = button.dataset.toggle;
      button.setAttribute("aria-pressed", String(name === "blinking" ? this.blinking !== null : this.wanted[name]));
      if (name === "three") button.disabled = !this.data?.has_third;
    }
    this.root.querySelector("[data-act=bare]").setAttribute("aria-pressed", String(this.layers.length === 0));
  }
}

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

function isControl(event) {
  return Boolean(event.target.closest?.("button, .panel, .strip, .warning, .match-bar"));
}

function shown(name, value) {
  if (name.startsWith("k_")) return String(value);
  return name === "angle" ? `${value}°` : `${Math.round(100 * value)} %`;
}

// All pictures that may be wanted next.
function addressesOf(data) {
  const foreseen = Object.values(data.foreseen ?? {}).flatMap((pair) => [
    pair.query.url,
    pair.candidate?.url,
    pair.explanation?.query.maps?.url,
    pair.explanation?.candidate.maps?.url,
  ]);
  return [...data.next, ...foreseen].filter(Boolean);
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function stripButton(text, act, title) {
  const button = element("button", { type: "button", textContent: text, title });
  button.dataset.act = act;
  button.setAttribute("aria-label", title);
  return button;
}

function copyTo(canvas, source) {
  [canvas.width, canvas.height] = [source.width, source.height];
  canvas.getContext("2d").drawImage(source, 0, 0);
}

const viewers = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = new Viewer(parentElement);
    viewers.set(parentElement, viewer);
  }
  viewer.update(component);
  return () => {
    viewer.close();
    viewers.delete(parentElement);
  };
}
