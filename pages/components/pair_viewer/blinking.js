// One photo after the other in one place.

const BLINK_MS = 650;

class Blinking {
  constructor(viewer) {
    this.viewer = viewer;
    this.timer = null;
  }

  get isOn() {
    return this.timer !== null;
  }

  toggle() {
    if (this.isOn) this.#stop();
    else this.#start();
    this.viewer.stage.classList.toggle("blinking", this.isOn);
    this.viewer.arrange();
  }

  close() {
    clearInterval(this.timer);
  }

  #start() {
    let shown = "query";
    const blink = () => {
      if (this.viewer.pointing.isDown) return; // held still under the hand
      shown = shown === "query" ? "candidate" : "query";
      for (const pane of this.#panes) pane.element.classList.toggle("blinked-out", pane.name !== shown);
      this.viewer.drawMatches();
    };
    this.timer = setInterval(blink, BLINK_MS);
    blink();
  }

  #stop() {
    clearInterval(this.timer);
    this.timer = null;
    for (const pane of this.#panes) pane.element.classList.remove("blinked-out");
  }

  get #panes() {
    return Object.values(this.viewer.panes);
  }
}
