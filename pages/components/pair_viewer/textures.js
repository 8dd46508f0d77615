// Heat map and color maps as small canvases that the browser stretches over the photo.

const ENLARGED = 8; // pixels of the heat map's canvas for a cell

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Weights of the four neighbours in Catmull-Rom interpolation, at t of the way between the middle two.
function cubicWeights(t) {
  return [
    t * (-0.5 + t * (1 - 0.5 * t)),
    1 + t * t * (-2.5 + 1.5 * t),
    t * (0.5 + t * (2 - 1.5 * t)),
    t * t * (-0.5 + 0.5 * t),
  ];
}

// A row of numbers, ENLARGED times as long; cells keep their centers.
function enlargedRow(values, length, start, stride) {
  const result = new Float32Array(length * ENLARGED);
  for (let i = 0; i < result.length; i++) {
    const at = (i + 0.5) / ENLARGED - 0.5;
    const first = Math.floor(at);
    const weights = cubicWeights(at - first);
    for (let k = 0; k < 4; k++) {
      const cell = Math.min(Math.max(first - 1 + k, 0), length - 1);
      result[i] += weights[k] * values[start + cell * stride];
    }
  }
  return result;
}

// Relevance, scaled to 0–255 on a grid, as a smooth picture: opaque where relevant, so markings stay visible.
function heatTexture(heat, stops) {
  const { columns, rows } = heat;
  const values = bytesOf(heat.values);
  const wide = [];
  for (let row = 0; row < rows; row++) wide.push(enlargedRow(values, columns, row * columns, 1));
  const canvas = document.createElement("canvas");
  canvas.width = columns * ENLARGED;
  canvas.height = rows * ENLARGED;
  const picture = new ImageData(canvas.width, canvas.height);
  const column = new Float32Array(rows);
  for (let x = 0; x < canvas.width; x++) {
    for (let row = 0; row < rows; row++) column[row] = wide[row][x];
    const tall = enlargedRow(column, rows, 0, 1);
    for (let y = 0; y < canvas.height; y++) {
      const level = Math.min(Math.max(tall[y] / 255, 0), 1);
      putColor(picture.data, 4 * (y * canvas.width + x), stops, level);
      picture.data[4 * (y * canvas.width + x) + 3] = 255 * level ** 0.8;
    }
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

function putColor(data, at, stops, level) {
  const place = level * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  for (let channel = 0; channel < 3; channel++) {
    data[at + channel] = stops[low][channel] + (place - low) * (stops[low + 1][channel] - stops[low][channel]);
  }
}

// The color maps of one photo: tiles of one grey picture, tinted with the colors of their matches.
class ColorMaps {
  constructor(image, maps, colors) {
    this.image = image;
    this.maps = maps;
    this.size = [maps.tile_width, maps.tile_height];
    this.count = maps.count;
    this.colors = colors;
    this.picture = new ImageData(...this.size);
    (window.requestIdleCallback ?? setTimeout)(() => this.tiles); // before they are needed, but after the pair is seen
  }

  // The maps' strengths, 0–255, a byte a pixel.
  get tiles() {
    this.read ??= this.#readTiles();
    return this.read;
  }

  #readTiles() {
    const { image, maps } = this;
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = [image.naturalWidth, image.naturalHeight];
    const context = sheet.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const tiles = [];
    for (let match = 0; match < this.count; match++) {
      const left = (match % maps.columns) * this.size[0];
      const top = Math.floor(match / maps.columns) * this.size[1];
      const pixels = context.getImageData(left, top, ...this.size).data;
      tiles.push(Uint8Array.from({ length: pixels.length / 4 }, (_, pixel) => pixels[4 * pixel]));
    }
    return tiles;
  }

  // Draws one match's map.
  drawOne(canvas, match) {
    const data = this.picture.data;
    const tile = this.tiles[match];
    const [red, green, blue] = this.colors[match % this.colors.length];
    for (let pixel = 0, at = 0; pixel < tile.length; pixel++, at += 4) {
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
      data[at + 3] = tile[pixel];
    }
    this.#put(canvas);
  }

  // Draws the first so many maps; where several overlap, their colors mix by strength.
  drawAll(canvas, count) {
    const data = this.picture.data;
    const tiles = this.tiles.slice(0, count);
    const colors = tiles.map((_, match) => this.colors[match % this.colors.length]);
    for (let pixel = 0, at = 0; pixel < data.length / 4; pixel++, at += 4) {
      let [strength, red, green, blue] = [0, 0, 0, 0];
      for (let match = 0; match < tiles.length; match++) {
        const part = tiles[match][pixel];
        if (part === 0) continue;
        strength += part;
        red += part * colors[match][0];
        green += part * colors[match][1];
        blue += part * colors[match][2];
      }
      data[at] = strength ? red / strength : 0;
      data[at + 1] = strength ? green / strength : 0;
      data[at + 2] = strength ? blue / strength : 0;
      data[at + 3] = Math.min(strength, 255);
    }
    this.#put(canvas);
  }

  #put(canvas) {
    if (canvas.width !== this.size[0] || canvas.height !== this.size[1]) [canvas.width, canvas.height] = this.size;
    canvas.getContext("2d").putImageData(this.picture, 0, 0);
  }
}
