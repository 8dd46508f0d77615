// One photo on the stage: the picture, and the textures that lie on it, moved by one CSS matrix.

const NO_LIGHT = { brightness: 1, contrast: 1, saturation: 1 };

class Pane {
  constructor(element, name) {
    this.element = element;
    this.name = name;
    this.view = new View();
    this.light = { ...NO_LIGHT };
    this.size = [1, 1]; // of the photo
    [this.left, this.top, this.width, this.height] = [0, 0, 1, 1]; // on the stage, CSS pixels
    this.content = null;
    this.maps = null;
    element.innerHTML = `
      <div class="plane"><div class="photo"></div><canvas class="heat"></canvas><canvas class="colors"></canvas>
        <div class="box"></div></div>
      <div class="problem" role="alert" hidden></div>
      <div class="label"></div>
      <div class="turning">
        <button type="button" data-turn="90" title="Turn by 90°" aria-label="Turn by 90°">⟳</button>
        <button type="button" data-mirror title="Mirror, to compare flanks" aria-label="Mirror">⇋</button>
      </div>`;
    this.plane = element.querySelector(".plane");
    this.photo = element.querySelector(".photo");
    this.heat = element.querySelector("canvas.heat");
    this.colors = element.querySelector("canvas.colors");
    this.box = element.querySelector(".box");
    this.problem = element.querySelector(".problem");
  }

  // Shows a photo; images is where pictures are loaded before they are needed.
  show(content, images) {
    const isNew = !content || !this.content || content.id !== this.content.id;
    this.content = content;
    this.element.hidden = !content;
    if (!content) return;
    this.problem.textContent = content.problem ?? "";
    this.problem.hidden = !content.problem;
    this.element.querySelector(".label").textContent = content.label;
    this.element.classList.toggle("with-box", Boolean(content.has_box));
    if (content.problem) {
      this.photo.replaceChildren();
      this.#clear();
      return;
    }
    this.size = content.size;
    const url = content.sharp ?? content.url;
    if (isNew || this.url !== url) this.#load(url, images, isNew);
    setBox(this.photo, content.extent);
    for (const part of [this.heat, this.colors, this.box]) setBox(part, [0, 0, ...content.size]);
    if (isNew) this.#clear();
  }

  #load(url, images, isNew) {
    this.url = url;
    const image = images.get(url);
    const place = () => {
      if (this.url !== url) return; // another photo was chosen meanwhile
      image.alt = this.content.alt;
      image.draggable = false;
      this.photo.replaceChildren(image);
      this.element.classList.remove("loading");
    };
    if (image.complete && image.naturalWidth) return place();
    if (isNew) {
      this.photo.replaceChildren();
      this.element.classList.add("loading");
    }
    image.addEventListener("load", place, { once: true });
    image.addEventListener("error", () => this.#failed(url), { once: true });
  }

  #failed(url) {
    if (this.url !== url) return;
    this.element.classList.remove("loading");
    this.problem.textContent = "The picture did not arrive. Check the connection and reload the page.";
    this.problem.hidden = false;
  }

  #clear() {
    for (const canvas of [this.heat, this.colors]) [canvas.width, canvas.height] = [1, 1];
    this.maps = null;
  }

  // Puts the photo where the view wants it.
  place() {
    this.matrix = matrixOf(this);
    this.plane.style.transform = `matrix(${this.matrix.map((value) => value.toFixed(6)).join(",")})`;
    this.plane.style.setProperty("--unit", 1 / Math.hypot(this.matrix[0], this.matrix[1]));
  }

  // The end of a match on the stage: [x, y, whether it is in the pane]; what is beyond is drawn at the border.
  onStage(x, y) {
    const [px, py] = toPane(this.matrix, x, y);
    const [cx, cy] = [Math.min(Math.max(px, 0), this.width), Math.min(Math.max(py, 0), this.height)];
    return [this.left + cx, this.top + cy, px === cx && py === cy && this.isSeen];
  }

  get isSeen() {
    return !this.element.hidden && !this.element.classList.contains("blinked-out");
  }

  // Light, and how much the photo fades under the color maps.
  lighten(isDimmed) {
    const { brightness, contrast, saturation } = this.light;
    const dimming = isDimmed ? " grayscale(0.6) brightness(0.72)" : "";
    const plain = brightness === 1 && contrast === 1 && saturation === 1 && !isDimmed;
    this.photo.style.filter = plain
      ? ""
      : `brightness(${brightness}) contrast(${contrast}) saturate(${saturation})${dimming}`;
  }
}

function setBox(element, [left, top, right, bottom]) {
  Object.assign(element.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${right - left}px`,
    height: `${bottom - top}px`,
  });
}

// Pictures by their address, loaded once; those not asked for lately are forgotten.
class Images {
  constructor(limit = 24) {
    this.limit = limit;
    this.kept = new Map();
  }

  get(url) {
    let image = this.kept.get(url);
    this.kept.delete(url);
    if (!image || (image.complete && !image.naturalWidth)) {
      image = new Image();
      image.decoding = "async";
      image.src = url;
      image.decode?.().catch(() => {}); // whoever shows it hears of the failure by its own listener
    }
    this.kept.set(url, image);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= this.limit) break;
      this.kept.delete(old);
    }
    return image;
  }
}
