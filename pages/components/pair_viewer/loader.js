// Fetches the viewer's module once and hands on what Streamlit says: the module would otherwise travel with every run.

const loaded = new Map();

function load(address) {
  if (!loaded.has(address)) {
    const module = import(new URL(address, document.location.origin).href);
    module.catch(() => loaded.delete(address)); // so that the next run tries again
    loaded.set(address, module);
  }
  return loaded.get(address);
}

const shown = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  const here = shown.get(parentElement) ?? { latest: null, close: null };
  shown.set(parentElement, here);
  here.latest = component;
  load(data.script).then(
    (module) => {
      if (here.latest === component) here.close = module.default(component);
    },
    () => {
      parentElement.querySelector(".said").textContent = "";
      const problem = parentElement.querySelector(".waiting");
      problem.hidden = false;
      problem.textContent = "The pair viewer could not be loaded. Check the connection and reload the page.";
    },
  );
  return () => {
    here.latest = null;
    here.close?.();
    shown.delete(parentElement);
  };
}
