// Lines and numbered end points: one group of SVG shapes a match, moved when the view moves.

const SVG = "http://www.w3.org/2000/svg";
const AROUND = [[1, 0], [-1, 0], [0, -1], [0, 1], [0.75, -0.75], [-0.75, -0.75], [0.75, 0.75], [-0.75, 0.75]];
const NUMBER_AWAY = 16; // CSS pixels from a ring's center to its number's
const NEAR_RING = 14; // CSS pixels at which a ring feels the pointer
const NEAR_LINE = 5;
const SIGNS = { convincing: " ✓", misleading: " ✕" };

class Marks {
  constructor(svg) {
    this.svg = svg;
    this.groups = [];
    this.ends = []; // of each match: [query x, y, is inside, candidate x, y, is inside], pixels of the stage
  }

  show(matches, colors) {
    this.groups = matches.map((_, match) => markGroup(match, colors[match % colors.length]));
    this.svg.replaceChildren(...this.groups.map((group) => group.element).reverse()); // the most relevant on top
    this.ends = [];
  }

  // Shows the first so many matches, or one alone.
  choose(count, alone) {
    this.svg.classList.toggle("isolated", alone !== null);
    this.groups.forEach((group, match) => {
      const isShown = alone === null ? match < count : match === alone;
      if (group.isShown !== isShown) {
        group.isShown = isShown;
        group.element.toggleAttribute("hidden", !isShown);
        group.element.style.display = isShown ? "" : "none";
      }
    });
  }

  tick(said) {
    this.groups.forEach((group, match) => {
      const sign = SIGNS[said.get(match)] ?? "";
      for (const text of group.numbers) if (text.textContent !== `${match + 1}${sign}`) text.textContent = `${match + 1}${sign}`;
      group.element.dataset.said = said.get(match) ?? "";
    });
  }

  place(ends) {
    this.ends = ends;
    const taken = [];
    for (const [match, group] of this.groups.entries()) {
      if (!group.isShown || !ends[match]) continue;
      for (const side of [0, 1]) taken.push(ends[match].slice(3 * side, 3 * side + 2));
    }
    this.groups.forEach((group, match) => {
      if (group.isShown && ends[match]) placeGroup(group, ends[match], taken);
    });
  }

  // The shown match at a place of the stage; null: none.
  at(x, y, withLines) {
    let best = null;
    let least = Infinity;
    this.groups.forEach((group, match) => {
      const end = this.ends[match];
      if (!group.isShown || !end) return;
      const rings = [0, 3].map((at) => (end[at + 2] ? Math.hypot(end[at] - x, end[at + 1] - y) : Infinity));
      const ring = Math.min(...rings);
      const line = withLines ? distanceToLine(end, x, y) : Infinity;
      const distance = ring <= NEAR_RING ? ring / NEAR_RING : line <= NEAR_LINE ? 1 + line / NEAR_LINE : Infinity;
      if (distance < least) [best, least] = [match, distance];
    });
    return best;
  }
}

function markGroup(match, [red, green, blue]) {
  const element = shape("g", { "data-match": match, style: `--color: rgb(${red} ${green} ${blue})` });
  const lines = ["halo", "line"].map((look) => shape("line", { class: look }));
  const rings = [0, 1].map(() => ["ring-halo", "ring"].map((look) => shape("circle", { class: look, r: look === "ring" ? 6 : 7 })));
  const numbers = [0, 1].map(() => shape("text", { class: "number" }));
  element.append(...lines, ...rings.flat(), ...numbers);
  return { element, lines, rings, numbers, isShown: true };
}

function placeGroup(group, end, taken) {
  for (const line of group.lines) {
    setAll(line, { x1: end[0].toFixed(1), y1: end[1].toFixed(1), x2: end[3].toFixed(1), y2: end[4].toFixed(1) });
    line.classList.toggle("beyond", !end[2] || !end[5]);
  }
  for (const side of [0, 1]) {
    const [x, y, isInside] = end.slice(3 * side, 3 * side + 3);
    const display = isInside ? "" : "none";
    for (const ring of group.rings[side]) {
      ring.style.display = display;
      setAll(ring, { cx: x.toFixed(1), cy: y.toFixed(1) });
    }
    group.numbers[side].style.display = display;
    if (!isInside) continue;
    const spot = freeSpot(x, y, side === 0 ? -1 : 1, taken);
    taken.push(spot);
    setAll(group.numbers[side], { x: spot[0].toFixed(1), y: spot[1].toFixed(1) });
  }
}

// The place around a ring that crowds other rings and numbers the least.
function freeSpot(x, y, side, taken) {
  let best = null;
  let least = Infinity;
  for (const [dx, dy] of AROUND) {
    const spot = [x + dx * NUMBER_AWAY * side, y + dy * NUMBER_AWAY];
    let crowding = 0;
    for (const other of taken) {
      if (Math.abs(other[0] - spot[0]) > NUMBER_AWAY || Math.abs(other[1] - spot[1]) > NUMBER_AWAY) continue;
      const isOwnRing = other[0] === x && other[1] === y;
      if (!isOwnRing) crowding += Math.max(0, NUMBER_AWAY - Math.hypot(other[0] - spot[0], other[1] - spot[1]));
    }
    if (crowding < least) [best, least] = [spot, crowding];
    if (crowding === 0) break;
  }
  return best;
}

function distanceToLine([x1, y1, , x2, y2], x, y) {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const along = length ? Math.min(Math.max(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0), 1) : 0;
  return Math.hypot(x1 + along * (x2 - x1) - x, y1 + along * (y2 - y1) - y);
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  setAll(element, attributes);
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
