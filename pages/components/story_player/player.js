// Plays a story: scene by scene, step by step, by itself or by keys and clicks.

const REST_MS = 2500; // without a movement of the pointer, after which the controls fade
const TICK_MS = 100;
const STORED = "pairx.story"; // in the tab: which story, and where
const TAKES_KEYS = "button, a, summary, canvas, [role=button], [role=tab], [role=option], [role=slider], [role=radio]";
const IS_TYPED_IN = "input, textarea, select, [contenteditable]";

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
    const isSame = this.story?.scenes.map((one) => one.kind).join() === story.scenes.map((one) => one.kind).join();
    const place = isSame ? [this.scene, this.step] : this.#remembered(story);
    if (!isSame) [this.isPlaying, this.repeats] = [story.plays, story.repeats];
    this.story = story;
    this.scene = null; // so that it is drawn anew
    this.places.replaceChildren(
      ...story.scenes.map((scene, at) => {
        const name = scene.label ?? NAMES[scene.kind];
        const number = element("span", { className: "short", textContent: at + 1 });
        const button = element("button", { type: "button", title: name }, element("span", { textContent: name }), number);
        button.dataset.scene = at;
        button.setAttribute("aria-label", `${at + 1}: ${name}`);
        return button;
      }),
    );
    this.#preload();
    const scene = Math.min(place[0], story.scenes.length - 1);
    this.#go(scene, Math.min(place[1], story.scenes[scene].steps.length - 1));
  }

  // Where it was before the page was loaded again: some clickers send the key for that.
  #remembered(story) {
    try {
      const [key, scene, step] = JSON.parse(sessionStorage.getItem(STORED));
      return key === story.key && scene < story.scenes.length - 1 ? [scene, step] : [0, 0];
    } catch {
      return [0, 0]; // nothing is kept, or may be
    }
  }

  #remember() {
    try {
      sessionStorage.setItem(STORED, JSON.stringify([this.story.key, this.scene, this.step]));
    } catch {
      // a browser that keeps nothing begins at the title
    }
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
    const hadFocus = this.stage.contains(this.root.getRootNode().activeElement);
    if (isNew) this.stage.replaceChildren(drawn(now, this.story));
    if (isNew && hadFocus) this.root.focus(); // its button is gone
    if (isNew) this.caption.replaceChildren(...captioned(now, step));
    else this.caption.querySelector(".said").textContent = now.steps[step].caption;
    this.#remember();
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
    this.#tellState();
  }

  #tick() {
    if (!this.story) return;
    const now = performance.now();
    if (this.isPlaying && !document.hidden) this.elapsed += (now - this.last) / 1000;
    this.last = now;
    if (this.isPlaying && this.elapsed >= this.#now.steps[this.step].seconds) this.#next();
    const isLeft = this.isPlaying || this.#now.kind !== "opening"; // the title waits for somebody to begin
    this.root.classList.toggle("resting", isLeft && now - (this.stirred ?? 0) > REST_MS);
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
    const isTyping = event.composedPath().some((one) => one.matches?.(IS_TYPED_IN));
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !this.root.isConnected) return;
    if (!this.story.has_keys && !event.composedPath().includes(this.root)) return;
    const isOnButton = event.composedPath()[0].matches?.(TAKES_KEYS);
    const does = { ArrowRight: "next", ArrowLeft: "back", PageDown: "next", PageUp: "back", Home: "first" }[event.key];
    const named = { " ": "play", f: "full", r: "repeat" }[event.key.toLowerCase()];
    if (!does && (!named || (named === "play" && isOnButton))) return; // space presses what has the focus
    if (does && isOnButton && !event.composedPath().includes(this.root)) return; // arrows go on within a menu
    event.preventDefault();
    event.stopPropagation();
    this.#does(does ?? named);
  }

  #does(what) {
    if (what === "next") this.#next();
    else if (what === "back") this.#back();
    else if (what === "first") this.#go(0, 0);
    else if (what === "play") this.#play(!this.isPlaying);
    else if (what === "repeat") (this.repeats = !this.repeats), this.#tellState();
    else if (what === "full") this.#full();
  }

  #full() {
    const asked = document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen();
    asked.catch((error) => (this.caption.querySelector(".said").textContent = `The browser refuses to fill the screen: ${error.message}`));
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
