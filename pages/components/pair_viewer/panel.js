// The panel of sliders: numbers of lines and color maps, opacity, light, rotation.

class Panel {
  constructor(viewer) {
    this.viewer = viewer;
    this.element = viewer.root.querySelector(".panel");
    this.element.oninput = (event) => this.#onInput(event.target);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    this.viewer.root.querySelector("[data-act=panel]").setAttribute("aria-expanded", String(!this.element.hidden));
    this.build();
  }

  build() {
    if (this.element.hidden || !this.viewer.data) return;
    const { explanation } = this.viewer.data;
    const matches = explanation?.matches.length ?? 0;
    const maps = explanation?.query.maps?.count ?? 0;
    const { opacity } = this.viewer.wanted;
    const slider = (label, name, value, least, most, step) =>
      `<label><span>${label}</span><input type="range" name="${name}" min="${least}" max="${most}" step="${step}" ` +
      `value="${value}"><output>${shown(name, value)}</output></label>`;
    const light = (pane, title) =>
      `<fieldset data-pane="${pane}"><legend>${title}</legend>` +
      slider("Brightness", "brightness", this.viewer.panes[pane].light.brightness, 0.3, 3, 0.05) +
      slider("Contrast", "contrast", this.viewer.panes[pane].light.contrast, 0.3, 3, 0.05) +
      slider("Saturation", "saturation", this.viewer.panes[pane].light.saturation, 0, 3, 0.05) +
      slider("Turned", "angle", this.viewer.panes[pane].view.angle, -180, 180, 1) +
      "</fieldset>";
    this.element.innerHTML =
      `<fieldset><legend>Explanation</legend>` +
      slider("Number of lines", "k_lines", this.viewer.lineCount, 0, matches, 1) +
      slider("Number of color maps", "k_colors", this.viewer.colorCount, 0, maps, 1) +
      slider("Lines, opacity", "opacity.lines", opacity.lines, 0, 1, 0.05) +
      slider("Heat map, opacity", "opacity.heat_map", opacity.heat_map, 0, 1, 0.05) +
      slider("Color maps, opacity", "opacity.color_maps", opacity.color_maps, 0, 1, 0.05) +
      `</fieldset>${light("query", "Query")}${light("candidate", "Candidate")}` +
      `<button type="button" data-act="reset">As it was</button>`;
    this.element.querySelector("[data-act=reset]").onclick = () => this.#reset();
  }

  #onInput(input) {
    const value = Number(input.value);
    const { name } = input;
    input.nextElementSibling.textContent = shown(name, value);
    const pane = this.viewer.panes[input.closest("fieldset").dataset.pane];
    if (name === "angle") pane.view.angle = value;
    else if (pane) pane.light[name] = value;
    else if (name.startsWith("opacity.")) this.viewer.wanted.opacity[name.slice(8)] = value;
    else this.viewer.wanted[name] = value;
    remember(this.viewer.wanted);
    this.viewer.redraw();
  }

  #reset() {
    const { k_lines, k_colors, opacity } = structuredClone(DEFAULTS);
    Object.assign(this.viewer.wanted, { k_lines, k_colors, opacity });
    this.viewer.straightenAll();
    remember(this.viewer.wanted);
    this.viewer.redraw();
  }
}

function shown(name, value) {
  if (name.startsWith("k_")) return String(value);
  return name === "angle" ? `${value}°` : `${Math.round(100 * value)} %`;
}
