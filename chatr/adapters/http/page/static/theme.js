// Light or dark colours by choice. A classic script, not a module: it runs before the page is drawn, so that a page never flashes
// in the other colours.

(() => {
  const choices = ["system", "light", "dark"];
  const key = "chatr-theme";

  function storedChoice() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  }

  // Where storage is forbidden, a choice lasts as long as the page is open.
  function storeChoice(choice) {
    try {
      localStorage.setItem(key, choice);
    } catch {}
  }

  function applyChoice(choice) {
    document.documentElement.dataset.theme = choice;
    const button = document.getElementById("theme");
    button?.setAttribute("aria-label", (button.title = `Colours: ${choice}`));
  }

  const currentChoice = () => document.documentElement.dataset.theme;

  applyChoice(choices.includes(storedChoice()) ? storedChoice() : "system");
  addEventListener("DOMContentLoaded", () => {
    applyChoice(currentChoice()); // now there is a button
    document.getElementById("theme")?.addEventListener("click", () => {
      const next = choices[(choices.indexOf(currentChoice()) + 1) % choices.length];
      applyChoice(next);
      storeChoice(next);
    });
  });
})();
