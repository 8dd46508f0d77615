// The photos of the candidate's individual, below the candidate.

class Strip {
  constructor(root) {
    this.strip = root.querySelector(".strip");
    this.button = root.querySelector("[data-act=strip]");
  }

  show(individual) {
    const { strip, button } = this;
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
      ...individual.photos.map((photo) => stripPhoto(photo)),
      ...(turning ? [stripButton("›", "strip-on", "More photos")] : []),
    );
  }
}

function stripPhoto(photo) {
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

function stripButton(text, act, title) {
  const button = element("button", { type: "button", textContent: text, title });
  button.dataset.act = act;
  button.setAttribute("aria-label", title);
  return button;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
