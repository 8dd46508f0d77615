// Both photos in cells. Python says what lies over them and which cell is chosen; pointing at a cell shows its way to
// the other photo and back at once, from the tables of nearest cells. Python hears which cell is chosen.

const TALLEST = "max(13rem, 100vh - 20rem)"; // what else the page shows above and below
const GAP = 6; // CSS pixels, as in the style sheet
const TELL_MS = 140; // so that a held arrow key does not ask for every cell on its way
const NS = "http://www.w3.org/2000/svg";
const OTHER = { query: "candidate", candidate: "query" };
const AROUND = [[1, 0], [0, -1], [0, 1], [-1, 0], [0.8, -0.8], [0.8, 0.8], [-0.8, -0.8], [-0.8, 0.8]]; // of a ring
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class CellViewer {
  constructor(root) {
    this.root = root.querySelector(".cells");
    this.stage = this.root.querySelector(".stage");
    this.drawn = this.root.querySelector(".drawn");
    this.photos = {};
    for (const side of this.root.querySelectorAll(".side")) {
      const photo = side.querySelector(".photo");
      this.photos[side.dataset.side] = photo;
      photo.onpointermove = (event) => this.#point(side.dataset.side, event);
      photo.onpointerleave = () => this.#leave();
      photo.onclick = (event) => this.#choose(side.dataset.side, this.#cellAt(side.dataset.side, event));
      photo.onkeydown = (event) => this.#key(side.dataset.side, event);
    }
    this.pointed = null;
    this.timer = null;
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.stage);
  }

  update({ data, setStateValue }) {
    this.tell = setStateValue;
    this.data = data;
    this.pointed = null;
    if (this.timer === null) this.chosen = data.chosen;
    const aspect = { query: 0, candidate: 0 };
    for (const [side, photo] of Object.entries(this.photos)) {
      const { url, label, width, height, layer, is_tint, is_dim, columns, rows } = data[side];
      aspect[side] = width / height;
      photo.style.aspectRatio = `${width} / ${height}`;
      photo.parentElement.style.flex = `${aspect[side]} 1 0`;
      photo.parentElement.querySelector(".label").textContent = label;
      photo.setAttribute("aria-label", `${label}: ${columns} by ${rows} cells. Arrow keys choose one.`);
      const [picture, over] = photo.querySelectorAll("img");
      if (picture.getAttribute("src") !== url) picture.src = url;
      picture.classList.toggle("dim", is_dim);
      over.hidden = layer === null;
      if (layer !== null) over.src = layer;
      over.classList.toggle("tint", is_tint);
    }
    this.stage.style.maxWidth = `calc(${TALLEST} * ${aspect.query + aspect.candidate} + ${GAP}px)`;
    this.#legend(data.legend);
    this.root.dataset.state = "shown";
    this.draw();
  }

  close() {
    this.sizes.disconnect();
    clearTimeout(this.timer);
  }

  // --- drawing -------------------------------------------------------------------------------------------------

  draw() {
    if (!this.data) return;
    this.drawn.replaceChildren();
    this.box = this.stage.getBoundingClientRect();
    if (this.data.has_dots) this.#dots();
    for (let match = this.data.lines - 1; match >= 0; match--) this.#line(match);
    const rings = Math.max(this.data.lines, this.data.rings);
    this.taken = Array.from({ length: rings }, (_, match) => this.#ends(match).map((place) => this.#middle(place))).flat();
    for (let match = rings - 1; match >= 0; match--) this.#ring(match);
    for (let match = 0; match < rings; match++) this.#number(match);
    if (this.data.has_path) this.#way(this.pointed ?? this.chosen);
    if (this.pointed) this.#cell(this.pointed, "", "cell pointed");
    this.#cell(this.chosen, "A", "cell");
  }

  #dots() {
    for (const side of ["query", "candidate"]) {
      for (const cell of this.data[side].matched) {
        const [x, y] = this.#middle({ side, cell });
        this.#add("circle", { class: "dot", cx: x, cy: y, r: 1.8 });
      }
    }
  }

  #line(match) {
    const [from, to] = this.#ends(match).map((place) => this.#middle(place));
    const line = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
    const opacity = this.data.has_path ? 0.55 : 0.95;
    this.#add("line", { class: "halo", ...line, "stroke-width": 3.5, opacity });
    this.#add("line", { ...line, stroke: this.data.colors[match], "stroke-width": 1.8, opacity });
  }

  #ring(match) {
    for (const place of this.#ends(match)) {
      const [x, y] = this.#middle(place);
      this.#add("circle", { class: "halo", cx: x, cy: y, r: 5, "stroke-width": 4.5 });
      this.#add("circle", { cx: x, cy: y, r: 5, fill: "none", stroke: this.data.colors[match], "stroke-width": 2.2, "data-ring": match + 1 });
    }
  }

  // Beside its ring, where other rings and numbers crowd it least.
  #number(match) {
    for (const place of this.#ends(match)) {
      const [x, y] = this.#middle(place);
      const box = this.#photoBox(place.side);
      const away = place.side === "query" ? -1 : 1; // from where the lines go
      const spots = AROUND.map(([right, down]) => [x + away * right * 15, y + down * 13]);
      const crowding = ([left, top]) =>
        this.taken.reduce((sum, taken) => sum + Math.max(0, 17 - Math.hypot(taken[0] - left, taken[1] - top)), 0) +
        (left < box.left + 8 || left > box.left + box.width - 8 || top < box.top + 8 || top > box.top + box.height - 8 ? 99 : 0);
      const [best] = spots.map((spot) => [crowding(spot), spot]).sort((one, two) => one[0] - two[0]);
      this.taken.push(best[1]);
      this.#add("text", { x: best[1][0], y: best[1][1], "data-match": match + 1 }).textContent = String(match + 1);
    }
  }

  // From a cell to its nearest, B, and from there to B's nearest: the cell itself, or another one, C.
  #way(start) {
    const there = this.#nearest(start);
    if (there === null) return;
    const back = this.#nearest(there);
    const isMutual = back !== null && back.cell === start.cell;
    this.#arrow(start, there, "path", isMutual);
    if (!isMutual && back !== null) this.#arrow(there, back, "path back", false);
    this.#cell(there, "B", "cell");
    if (!isMutual && back !== null) this.#cell(back, "C", "cell");
    if (this.pointed) this.#cell(start, "A", "cell");
    this.root.dataset.way = isMutual ? "match" : "none";
  }

  #arrow(from, to, kind, isBoth) {
    const [x1, y1] = this.#middle(from);
    const [x2, y2] = this.#middle(to);
    this.#add("line", { class: "halo", x1, y1, x2, y2, "stroke-width": 4.5 });
    const tips = { "marker-end": "url(#tip)", ...(isBoth ? { "marker-start": "url(#tip)" } : {}) };
    this.#add("line", { class: kind, x1, y1, x2, y2, ...tips });
  }

  #cell(place, letter, kind) {
    const { columns, rows } = this.data[place.side];
    const box = this.#photoBox(place.side);
    const [x, y] = this.#middle(place);
    const [width, height] = [box.width / columns, box.height / rows];
    const shape = { x: x - width / 2, y: y - height / 2, width, height };
    this.#add("rect", { class: "halo", ...shape, "stroke-width": 5 });
    this.#add("rect", { class: kind, ...shape, "data-cell": letter });
    if (letter) this.#add("text", { x, y: y + (y > box.top + 30 ? -1 : 1) * (height / 2 + 10) }).textContent = letter;
  }

  #add(name, attributes) {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    this.drawn.append(element);
    return element;
  }

  #legend(legend) {
    const element = this.root.querySelector(".legend");
    element.hidden = legend === null;
    if (legend === null) return;
    element.querySelector(".least").textContent = legend.least;
    element.querySelector(".most").textContent = legend.most;
    element.querySelector(".scale").style.background = `linear-gradient(90deg, ${legend.stops.join(", ")})`;
    element.style.maxWidth = this.stage.style.maxWidth;
  }

  // --- where cells are -----------------------------------------------------------------------------------------

  #photoBox(side) {
    const box = this.photos[side].getBoundingClientRect();
    return { left: box.left - this.box.left, top: box.top - this.box.top, width: box.width, height: box.height };
  }

  #middle({ side, cell }) {
    const { columns, rows } = this.data[side];
    const box = this.#photoBox(side);
    const column = cell % columns;
    const row = Math.floor(cell / columns);
    return [box.left + ((column + 0.5) * box.width) / columns, box.top + ((row + 0.5) * box.height) / rows];
  }

  #ends(match) {
    return ["query", "candidate"].map((side) => ({ side, cell: this.data[side].matched[match] }));
  }

  #nearest({ side, cell }) {
    const near = this.data[side].nearest[cell];
    return near < 0 ? null : { side: OTHER[side], cell: near };
  }

  #cellAt(side, event) {
    const { columns, rows } = this.data[side];
    const box = this.photos[side].getBoundingClientRect();
    const column = Math.min(columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)));
    const cell = row * columns + column;
    return this.data.snaps ? this.#numbered(side, column, row) ?? cell : cell;
  }

  // The numbered cell that is nearest to a place on the photo.
  #numbered(side, column, row) {
    const { columns, matched } = this.data[side];
    const away = (cell) => Math.hypot((cell % columns) - column, Math.floor(cell / columns) - row);
    const numbered = matched.slice(0, this.data.rings);
    return numbered.length ? numbered.reduce((best, cell) => (away(cell) < away(best) ? cell : best)) : null;
  }

  // --- what pointer and keys do --------------------------------------------------------------------------------

  #point(side, event) {
    const cell = this.#cellAt(side, event);
    if (this.pointed?.side === side && this.pointed.cell === cell) return;
    this.pointed = { side, cell };
    this.draw();
  }

  #leave() {
    this.pointed = null;
    this.draw();
  }

  #key(side, event) {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.pointed = null;
    if (this.data.snaps) this.#choose(this.chosen.side, this.#stepped(move[0] + move[1]));
    else this.#choose(side, this.#moved(side, move));
  }

  #moved(side, [across, down]) {
    const { columns, rows } = this.data[side];
    let start = this.chosen;
    if (start.side !== side) {
      const there = this.#nearest(start);
      start = there ?? { side, cell: Math.floor(rows / 2) * columns + Math.floor(columns / 2) };
      if (there) return there.cell; // the first key goes to where the chosen cell's way leads
    }
    const column = Math.min(columns - 1, Math.max(0, (start.cell % columns) + across));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(start.cell / columns) + down));
    return row * columns + column;
  }

  // The cell of the next numbered match, or of the one before.
  #stepped(by) {
    const { side, cell } = this.chosen;
    const count = Math.min(this.data.rings, this.data[side].matched.length);
    const now = this.data[side].matched.slice(0, count).indexOf(cell);
    return this.data[side].matched[now < 0 ? 0 : (now + by + count) % count] ?? cell;
  }

  #choose(side, cell) {
    this.chosen = { side, cell };
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.root.querySelector(".said").textContent = this.#inWords({ side, cell });
      const { columns } = this.data[side];
      this.tell("cell", { pair: this.data.pair, side, column: cell % columns, row: Math.floor(cell / columns) });
    }, TELL_MS);
  }

  // --- what is told by ear -------------------------------------------------------------------------------------

  // The chosen cell, and where its way leads: what the drawn arrows show.
  #inWords(chosen) {
    const there = this.#nearest(chosen);
    const start = `Cell ${this.#place(chosen)}`;
    if (there === null) return `${start}. No match.`;
    const match = this.data[chosen.side].matched.indexOf(chosen.cell);
    const way = `Its nearest is ${this.#place(there)}.`;
    return `${start}. ${match < 0 ? "No match." : `Match ${match + 1}.`} ${way}`;
  }

  #place({ side, cell }) {
    const { columns } = this.data[side];
    return `column ${(cell % columns) + 1}, row ${Math.floor(cell / columns) + 1} of the ${side}`;
  }
}

const viewers = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!viewers.has(parentElement)) viewers.set(parentElement, new CellViewer(parentElement));
  viewers.get(parentElement).update(component);
  return () => {
    viewers.get(parentElement)?.close();
    viewers.delete(parentElement);
  };
}
