// The pair viewer: what is on the stage.
//
// Python says what there is (data); everything about how it is looked at stays here, across candidates: zoom, light,
// layers, the match that is held. Python hears only what the record of decisions needs: the layers and the ticks.

const ASK_MS = 900; // between two questions whether what comes next is made

class Viewer {
  constructor(root) {
    this.root = root.querySelector(".viewer");
    this.stage = this.root.querySelector(".stage");
    this.images = new Images();
    this.panes = {};
    for (const element of this.root.querySelectorAll(".pane")) {
      this.panes[element.dataset.pane] = new Pane(element, element.dataset.pane);
    }
    this.marks = new Marks(this.root.querySelector(".marks"));
    this.wanted = remembered();
    this.strip = new Strip(this.root);
    this.panel = new Panel(this);
    this.matching = new Matching(this);
    this.deciding = new Deciding(this);
    this.pointing = new Pointing(this);
    this.blinking = new Blinking(this);
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
    if (before?.query?.id !== data.query?.id) this.straightenAll();
    this.#showPhotos();
    if (isNewPair) {
      this.matching.forget();
      this.matching.say("");
    }
    if (isNewPair || ticksAreNew || !before?.explanation) this.matching.ticks = new Map(data.ticks);
    if (isNewPair || before?.explanation?.key !== data.explanation?.key) this.#showExplanation();
    else if (ticksAreNew) this.marks.tick(this.matching.ticks); // the bar follows when the panes are arranged
    this.#showWaiting();
    this.#showWarning();
    this.strip.show(data.individual);
    this.#preload();
    this.arrange();
    this.root.dataset.query = data.query?.id ?? "";
    this.root.dataset.candidate = data.candidate?.id ?? "";
    this.root.dataset.state = data.explanation ? (data.waiting && !this.isForeseen ? "partly" : "explained") : "photos";
    this.root.dataset.foreseen = this.isForeseen ? "yes" : "";
  }

  close() {
    this.pointing.close();
    this.blinking.close();
    this.deciding.close();
    for (const timer of [this.asking, this.preloading]) clearTimeout(timer);
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
    this.marks.tick(this.matching.ticks);
    for (const name of ["query", "candidate"]) {
      const pane = this.panes[name];
      pane.maps = null;
      const heat = explanation?.[name].heat;
      if (heat) copyTo(pane.heat, heatTexture(heat, this.data.heat_stops));
      else [pane.heat.width, pane.heat.height] = [1, 1];
      const maps = explanation?.[name].maps;
      if (maps) this.#loadMaps(pane, maps);
    }
    this.panel.build();
  }

  #loadMaps(pane, maps) {
    const image = this.images.get(maps.url);
    const { explanation } = this.data;
    const use = () => {
      if (this.data.explanation !== explanation && this.data.explanation?.[pane.name].maps?.url !== maps.url) return;
      pane.maps = new ColorMaps(image, maps, this.data.colors);
      this.drawMatches();
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

  // The next pairs' pictures come while this one is looked at.
  #preload() {
    clearTimeout(this.preloading);
    this.preloading = setTimeout(() => addressesOf(this.data).forEach((url) => this.images.get(url)), 50);
  }

  straightenAll() {
    for (const pane of Object.values(this.panes)) {
      pane.view = new View();
      pane.light = { ...NO_LIGHT };
    }
    this.panel.build();
  }

  // --- what is drawn -------------------------------------------------------------------------------------------

  // Measures the panes after anything that moves them, and draws.
  arrange() {
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
    this.drawMatches();
  }

  #placePanes() {
    for (const pane of Object.values(this.panes)) if (!pane.element.hidden) pane.place();
  }

  placeMarks() {
    const { query, candidate } = this.panes;
    const matches = this.data?.explanation?.matches ?? [];
    if (!query.matrix || !candidate.matrix) return;
    this.marks.place(matches.map(([qx, qy, cx, cy]) => [...query.onStage(qx, qy), ...candidate.onStage(cx, cy)]));
  }

  // Everything that depends on which layers and which matches are wanted.
  drawMatches() {
    const layers = new Set(this.layers);
    const { alone } = this.matching;
    const svg = this.marks.svg;
    svg.classList.toggle("no-lines", !layers.has("lines") || this.blinking.isOn);
    svg.classList.toggle("no-points", !layers.has("points") && alone === null);
    svg.style.opacity = this.wanted.opacity.lines;
    const isMarked = layers.has("lines") || layers.has("points") || alone !== null;
    this.marks.choose(isMarked ? this.lineCount : 0, alone);
    this.placeMarks();
    for (const name of ["query", "candidate"]) this.#drawTextures(this.panes[name], layers, alone);
    this.stage.classList.toggle("boxed", layers.has("box"));
    this.root.dataset.alone = alone === null ? "" : String(alone);
    this.matching.showBar();
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
    if (name === "blinking") return this.blinking.toggle();
    this.wanted[name] = !this.wanted[name];
    if (name === "three") {
      this.tell("three", this.wanted.three);
      this.#showPhotos();
    }
    this.#changed();
  }

  #changed() {
    remember(this.wanted);
    this.arrange();
    this.#tellLayers();
  }

  act(name) {
    const acts = {
      bare: () => {
        this.wanted.bare = !this.wanted.bare;
        this.matching.forget();
        this.#changed();
      },
      "zoom-in": () => this.#zoomMiddle(1.35),
      "zoom-out": () => this.#zoomMiddle(1 / 1.35),
      fit: () => this.#each((pane) => pane.view.fit()),
      exact: () => this.#each((pane) => (pane.view.zoom = exactZoom(pane))),
      panel: () => this.panel.toggle(),
      strip: () => this.data.individual && this.tell("strip", !this.data.individual.is_open),
      "strip-back": () => this.ask("strip_page", [this.data.pair, -1]),
      "strip-on": () => this.ask("strip_page", [this.data.pair, 1]),
      tag: () => this.ask("tag", [this.data.pair, this.data.suggested_tag]),
      "next-match": () => this.matching.step(1),
      "previous-match": () => this.matching.step(-1),
      release: () => this.matching.release(),
      convincing: () => this.matching.tick("convincing"),
      misleading: () => this.matching.tick("misleading"),
      mirror: () => this.mirror(this.panes.candidate),
      "mirror-query": () => this.mirror(this.panes.query),
      turn: () => this.turn(this.panes.candidate, 90),
      "turn-query": () => this.turn(this.panes.query, 90),
    };
    acts[name]?.();
  }

  #each(change) {
    cancelAnimationFrame(this.frame);
    Object.values(this.panes).forEach((pane) => !pane.element.hidden && change(pane));
    this.wantSharp();
    this.redraw();
  }

  #zoomMiddle(factor) {
    this.#each((pane) => zoomAt(pane, factor, pane.width / 2, pane.height / 2));
  }

  mirror(pane) {
    pane.view.mirrored = !pane.view.mirrored;
    this.redraw();
    this.panel.build();
  }

  turn(pane, degrees) {
    pane.view.angle = ((pane.view.angle + degrees + 180) % 360) - 180;
    this.redraw();
    this.panel.build();
  }

  // --- what Python hears, and what the buttons say ----------------------------------------------------------------

  #tellLayers() {
    const layers = LAYERS.filter((layer) => this.layers.includes(layer));
    if (JSON.stringify(layers) === JSON.stringify(this.told ?? this.data.layers)) return;
    this.told = layers;
    this.tell("layers", layers);
  }

  // Asks for the photos at full resolution once they are seen larger than they were sent.
  wantSharp() {
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
      button.setAttribute("aria-pressed", String(name === "blinking" ? this.blinking.isOn : this.wanted[name]));
      if (name === "three") button.disabled = !this.data?.has_third;
    }
    this.root.querySelector("[data-act=bare]").setAttribute("aria-pressed", String(this.layers.length === 0));
  }
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
