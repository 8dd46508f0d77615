// Where things are. A pane shows a photo through a view; all maps between the two are made here.
//
// Photo coordinates are pixels of the upright photo, cropped to the animal's box; what lies around the box has
// negative ones, or ones beyond its size. Pane coordinates are CSS pixels from the pane's top left corner.

const LEAST_ZOOM = 0.4; // times the size at which the animal's box fits the pane
const LARGEST_PIXEL = 12; // CSS pixels that one pixel of a photo may take

class View {
  constructor() {
    this.fit();
    this.straighten();
  }

  fit() {
    this.x = 0.5; // what is in the pane's middle, as a share of the photo's width and height
    this.y = 0.5;
    this.zoom = 1; // 1: the box fits
  }

  straighten() {
    this.angle = 0; // degrees, clockwise
    this.mirrored = false;
  }
}

function fitScale(pane) {
  const angle = (pane.view.angle * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const [width, height] = pane.size;
  return Math.min(pane.width / (width * cos + height * sin), pane.height / (width * sin + height * cos)) || 1;
}

// The map from photo to pane as [a, b, c, d, e, f] of a CSS matrix.
function matrixOf(pane) {
  const { view, size } = pane;
  const scale = fitScale(pane) * view.zoom;
  const angle = (view.angle * Math.PI) / 180;
  const mirror = view.mirrored ? -1 : 1;
  const a = scale * Math.cos(angle) * mirror;
  const b = scale * Math.sin(angle) * mirror;
  const c = -scale * Math.sin(angle);
  const d = scale * Math.cos(angle);
  const [x, y] = [view.x * size[0], view.y * size[1]];
  return [a, b, c, d, pane.width / 2 - a * x - c * y, pane.height / 2 - b * x - d * y];
}

function toPane([a, b, c, d, e, f], x, y) {
  return [a * x + c * y + e, b * x + d * y + f];
}

function toPhoto([a, b, c, d, e, f], x, y) {
  const determinant = a * d - b * c;
  return [(d * (x - e) - c * (y - f)) / determinant, (a * (y - f) - b * (x - e)) / determinant];
}

// Zooms by a factor; what is at (x, y) of the pane stays there.
function zoomAt(pane, factor, x, y) {
  const { view, size } = pane;
  const before = toPhoto(matrixOf(pane), x, y);
  view.zoom = Math.min(Math.max(view.zoom * factor, LEAST_ZOOM), largestZoom(pane));
  const after = toPhoto(matrixOf(pane), x, y);
  view.x += (before[0] - after[0]) / size[0];
  view.y += (before[1] - after[1]) / size[1];
  keepInSight(view);
}

function moveBy(pane, dx, dy) {
  const { view, size } = pane;
  const [x, y] = toPhoto(matrixOf(pane), pane.width / 2 - dx, pane.height / 2 - dy);
  view.x = x / size[0];
  view.y = y / size[1];
  keepInSight(view);
}

function largestZoom(pane) {
  return Math.max(8, LARGEST_PIXEL / fitScale(pane));
}

// The zoom at which a pixel of the photo is a pixel of the screen.
function exactZoom(pane) {
  return 1 / (fitScale(pane) * window.devicePixelRatio);
}

function keepInSight(view) {
  view.x = Math.min(Math.max(view.x, -0.25), 1.25);
  view.y = Math.min(Math.max(view.y, -0.25), 1.25);
}
