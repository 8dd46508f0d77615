// Plays a story: scene by scene, step by step, by itself or by keys and clicks.

const REST_MS = 2500; // without a movement of the pointer, after which the controls fade
const TICK_MS = 100;

class Player {
  constructor(root) {
    this.root = root.querySelector(".player");
    this.root.tabIndex = 0;
    this.stage = this.root.querySelector(".stage");
    this.caption = this.root.querySelector(".caption");
    this.places = this.root.querySelector(".places");
    this.listening = new AbortController();
    const on = (target, type, heard) => target.addEventListener(type, heard, { signal: this.listening.signal });
    on(this.root, "click", (event) => this.#clicked(event));
    on(document, "keydown", (event) => this.#key(event));
    for (const type of ["pointermove", "pointerdown", "focusin"]) on(this.root, type, () => this.#stir());
    on(document, "fullscreenchange", () => this.#light(false));
    this.resized = new ResizeObserver(() => this.#light(false));
    this.resized.observe(this.stage);
    this.ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  close() {
    this.listening.abort();
    this.resized.disconnect();
    clearInterval(this.ticking);
  }

  show(story) {
    if (this.story?.key === story.key) return; // the page ran again: the story goes on
    this.story = story;
    this.scene = null; // of another story
    this.isPlaying = story.plays;
    this.repeats = story.repeats;
    this.places.replaceChildren(
      ...story.scenes.map((scene, at) => {
        const name = scene.label ?? NAMES[scene.kind];
        const button = element("button", { type: "button", textContent: name, title: name });
        button.dataset.scene = at;
        button.setAttribute("aria-label", `${at + 1}: ${name}`);
        return button;
      }),
    );
    this.#preload();
    this.#go(0, 0);
  }

  #preload() {
    for (const photo of Object.values(this.story.photos)) if (photo.url) new Image().src = photo.url;
  }

  // --- where it is ---------------------------------------------------------------------------------------------

  #go(scene, step) {
    const isNew = scene !== this.scene;
    [this.scene, this.step, this.elapsed] = [scene, step, 0];
    this.last = performance.now();
    const now = this.#now;
    if (isNew) this.stage.replaceChildren(drawn(now, this.story));
    this.caption.textContent = now.steps[step].caption;
    this.#light(true);
    this.root.dataset.scene = now.kind;
    this.root.dataset.step = `${scene}.${step}`;
    for (const [at, button] of [...this.places.children].entries()) {
      if (at === scene) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    this.#tellState();
  }

  get #now() {
    return this.story.scenes[this.scene];
  }

  get #isLast() {
    return this.scene === this.story.scenes.length - 1 && this.step === this.#now.steps.length - 1;
  }

  #next() {
    if (this.step + 1 < this.#now.steps.length) this.#go(this.scene, this.step + 1);
    else if (!this.#isLast) this.#go(this.scene + 1, 0);
    else if (this.repeats) this.#go(0, 0);
    else this.#play(false);
  }

  #back() {
    if (this.step > 0) this.#go(this.scene, this.step - 1);
    else if (this.scene > 0) this.#go(this.scene - 1, this.story.scenes[this.scene - 1].steps.length - 1);
  }

  #light(isFresh) {
    if (!this.story || this.#now.kind !== "pair") return;
    lightUp(this.stage.firstElementChild, this.#now, this.story, Math.min(this.step, this.#now.marks.length), isFresh);
  }

  // --- time ----------------------------------------------------------------------------------------------------

  #play(wanted) {
    if (wanted && this.#isLast) this.#go(0, 0);
    this.isPlaying = wanted;
    if (wanted && this.#now.kind === "opening") this.#next();
    this.last = performance.now();
    this.#stir();
    this.#tellState();
  }

  #tick() {
    if (!this.story) return;
    const now = performance.now();
    if (this.isPlaying && !document.hidden) this.elapsed += (now - this.last) / 1000;
    this.last = now;
    if (this.isPlaying && this.elapsed >= this.#now.steps[this.step].seconds) this.#next();
    this.root.classList.toggle("resting", this.isPlaying && now - (this.stirred ?? 0) > REST_MS);
    this.#tellTime();
  }

  #tellTime() {
    const left = this.story.seconds - this.#before - Math.min(this.elapsed, this.#now.steps[this.step].seconds);
    this.root.querySelector(".left").textContent = `−${clock(Math.max(0, left))}`;
    this.root.querySelector(".elapsed").style.transform = `scaleX(${1 - left / this.story.seconds})`;
  }

  get #before() {
    const scenes = this.story.scenes.slice(0, this.scene).flatMap((scene) => scene.steps);
    return [...scenes, ...this.#now.steps.slice(0, this.step)].reduce((sum, step) => sum + step.seconds, 0);
  }

  #stir() {
    this.stirred = performance.now();
  }

  #tellState() {
    const play = this.root.querySelector('[data-does="play"]:not(.begin)');
    play.classList.toggle("playing", this.isPlaying);
    play.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    this.root.querySelector('[data-does="repeat"]').setAttribute("aria-pressed", String(this.repeats));
    this.root.dataset.playing = this.isPlaying ? "yes" : "";
  }

  // --- keys and clicks -----------------------------------------------------------------------------------------

  #clicked(event) {
    const button = event.target.closest("button");
    if (button?.dataset.scene) this.#go(Number(button.dataset.scene), 0);
    else if (button) this.#does(button.dataset.does);
    else if (!event.target.closest(".controls")) this.#does("next");
  }

  #key(event) {
    const isTyping = event.composedPath().some((one) => one.matches?.("input, textarea, select, [contenteditable]"));
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !this.root.isConnected) return;
    if (!this.story.has_keys && !event.composedPath().includes(this.root)) return;
    const isOnButton = event.composedPath()[0].matches?.("button, a, [role=button], [role=tab]");
    const does = { ArrowRight: "next", ArrowLeft: "back", PageDown: "next", PageUp: "back", Home: "first" }[event.key];
    const named = { " ": "play", f: "full", r: "repeat" }[event.key.toLowerCase()];
    if (!does && (!named || (named === "play" && isOnButton))) return; // space presses the button that has the focus
    event.preventDefault();
    event.stopPropagation();
    this.#does(does ?? named);
  }

  #does(what) {
    this.#stir();
    if (what === "next") this.#next();
    else if (what === "back") this.#back();
    else if (what === "first") this.#go(0, 0);
    else if (what === "play") this.#play(!this.isPlaying);
    else if (what === "repeat") (this.repeats = !this.repeats), this.#tellState();
    else if (what === "full") this.#full();
  }

  #full() {
    const asked = document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen();
    asked.catch((error) => (this.caption.textContent = `The browser refuses to fill the screen: ${error.message}`));
    this.root.focus();
  }
}

const players = new WeakMap();

export default function ({ parentElement, data }) {
  if (!players.has(parentElement)) players.set(parentElement, new Player(parentElement));
  const player = players.get(parentElement);
  player.show(data);
  return () => {
    player.close();
    players.delete(parentElement);
  };
}
