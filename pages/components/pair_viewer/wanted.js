// What the reviewer wants to see, across candidates and pages: kept by the browser.

const STORED = "pairx.viewer";
const LAYERS = ["lines", "points", "heat_map", "color_maps", "box"];
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

function remembered() {
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

function remember(wanted) {
  try {
    localStorage.setItem(STORED, JSON.stringify(wanted));
  } catch {
    // a browser that keeps nothing: it lasts as long as the page
  }
}
