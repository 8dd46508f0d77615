// What each scene looks like. Everything that a team or a catalogue wrote goes in as text, never as markup.

const MOST_COLUMNS = 4; // photographs side by side
const NAMES = {
  opening: "Beginning",
  arrival: "New photo",
  candidates: "Candidates",
  decision: "Decision",
  count: "Count",
  ending: "End",
};

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child != null));
  return made;
}

function photograph(photo, label) {
  const figure = element("figure", { className: "photo" });
  figure.style.setProperty("--ratio", photo.url ? photo.width / photo.height : 4 / 3);
  if (photo.url) figure.append(element("img", { src: photo.url, alt: photo.alt, draggable: false }));
  else figure.append(element("div", { className: "gone", textContent: photo.problem }));
  if (label) figure.append(element("figcaption", { textContent: label }));
  return element("div", { className: "place" }, figure);
}

const DRAWN = {
  opening(scene, story) {
    const begin = element("button", { type: "button", className: "begin", textContent: `▶ Play · ${clock(story.seconds)}` });
    begin.dataset.does = "play";
    return [wall(story), element("h1", { textContent: story.title }), begin];
  },
  arrival(scene, story) {
    const photo = story.photos[scene.query];
    return [photograph(photo), element("p", { className: "line", textContent: photo.facts })];
  },
  candidates(scene, story) {
    const cards = scene.candidates.map((one, at) => {
      const card = element(
        "div",
        { className: "card" },
        photograph(story.photos[one.photo]),
        element("div", { className: "name", textContent: one.name }),
        element("div", { className: "similarity", textContent: one.ranked }),
      );
      card.style.animationDelay = `${0.5 + at * 0.45}s`;
      return card;
    });
    return [photograph(story.photos[scene.query], scene.newcomer), element("div", { className: "cards" }, ...cards)];
  },
  pair(scene, story) {
    const loupes = element(
      "div",
      { className: "loupes" },
      element("div", { className: "loupe", hidden: true }),
      element("div", { className: "which" }),
      element("div", { className: "loupe", hidden: true }),
    );
    const marks = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    marks.setAttribute("class", "marks");
    marks.setAttribute("aria-hidden", "true");
    const [query, candidate] = [story.photos[scene.query], story.photos[scene.candidate]];
    return [photograph(query, scene.newcomer), loupes, photograph(candidate, scene.name), marks];
  },
  decision(scene, story) {
    const verdicts = scene.pairs.map((pair) =>
      element(
        "div",
        { className: "verdict" },
        photograph(story.photos[pair.photo], pair.name),
        element("div", { className: `stamp ${pair.decision}`, textContent: pair.said }),
      ),
    );
    return [photograph(story.photos[scene.query], scene.newcomer), ...verdicts];
  },
  count(scene) {
    return scene.counts.map(([label, was, is]) =>
      element(
        "div",
        {},
        element(
          "div",
          { className: "number" },
          element("span", { className: "was", textContent: was.toLocaleString("en") }),
          element("span", { className: "arrow", textContent: "→" }),
          element("span", { className: "is", textContent: is.toLocaleString("en") }),
        ),
        element("p", { className: "line", textContent: label }),
      ),
    );
  },
  ending(scene, story) {
    return [wall(story), element("h1", { textContent: "PAIR-X Review" }), element("p", { className: "line", textContent: story.made })];
  },
};

function wall(story) {
  const pictures = story.wall.map((src) => element("img", { src, alt: "" }));
  return element("div", { className: "wall", ariaHidden: "true" }, ...pictures);
}

function drawn(scene, story) {
  const made = element("div", { className: `scene ${scene.kind}` }, ...DRAWN[scene.kind](scene, story));
  made.style.setProperty("--columns", Math.min(made.children.length, MOST_COLUMNS));
  return made;
}

// Room for the longest caption of a scene, so that nothing moves from one to the next.
function captioned(scene, step) {
  const captions = [...new Set(scene.steps.map((one) => one.caption))];
  const room = captions.map((textContent) => element("span", { className: "room", textContent, ariaHidden: "true" }));
  return [...room, element("span", { className: "said", textContent: scene.steps[step].caption })];
}

// The matches that are lit: a line from photo to photo, and both ends of the last one under the loupes.
function lightUp(root, scene, story, lit, isFresh) {
  const [left, right] = root.querySelectorAll(".photo");
  const marks = root.querySelector(".marks");
  const frame = marks.getBoundingClientRect();
  marks.replaceChildren();
  scene.marks.slice(0, lit).forEach((mark, at) => {
    const group = svg("g", { class: at === lit - 1 ? "now" : "" });
    const ends = [placed(left, mark.query, frame), placed(right, mark.candidate, frame)];
    group.append(svg("line", { x1: ends[0][0], y1: ends[0][1], x2: ends[1][0], y2: ends[1][1], stroke: mark.color }));
    for (const [x, y] of ends) {
      group.append(svg("circle", { cx: x, cy: y, r: 11, stroke: mark.color }));
      const number = svg("text", { x, y });
      number.textContent = mark.number;
      group.append(number);
    }
    marks.append(group);
  });
  const now = scene.marks[lit - 1];
  root.querySelector(".which").textContent = now ? `${now.number}` : "";
  const photos = [story.photos[scene.query], story.photos[scene.candidate]];
  root.querySelectorAll(".loupe").forEach((loupe, at) => {
    loupe.hidden = !now;
    if (now) magnify(loupe, photos[at], at ? now.candidate : now.query, scene.reach[at], now.color);
    loupe.classList.remove("fresh");
    if (isFresh && now) void loupe.offsetWidth, loupe.classList.add("fresh"); // begins the animation anew
  });
}

// reach: how far the loupe sees around its middle, as a part of the picture's width.
function magnify(loupe, photo, [x, y], reach, color) {
  const side = loupe.clientWidth;
  const width = side / (2 * reach);
  const height = (width * photo.height) / photo.width;
  loupe.style.setProperty("--color", color);
  loupe.style.backgroundImage = `url("${photo.url}")`;
  loupe.style.backgroundSize = `${width}px ${height}px`;
  loupe.style.backgroundPosition = `${side / 2 - x * width}px ${side / 2 - y * height}px`;
}

function placed(photo, [x, y], frame) {
  const box = photo.getBoundingClientRect();
  return [box.left - frame.left + x * box.width, box.top - frame.top + y * box.height];
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
