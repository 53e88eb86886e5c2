// Light or dark by choice. This runs before the page is drawn, so that it never flashes; that is why it is no module.

(() => {
  const choices = ["system", "light", "dark"];
  const key = "chatr-theme";

  // Where storage is forbidden, a choice lasts as long as the page.
  function kept() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function keep(choice) {
    try {
      localStorage.setItem(key, choice);
    } catch {}
  }

  function show(choice) {
    document.documentElement.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) button.ariaLabel = button.title = `Colours: ${choice}`;
  }

  const chosen = () => document.documentElement.dataset.theme;

  show(choices.includes(kept()) ? kept() : "system");
  addEventListener("DOMContentLoaded", () => {
    show(chosen());
    document.getElementById("theme")?.addEventListener("click", () => {
      const next = choices[(choices.indexOf(chosen()) + 1) % choices.length];
      show(next);
      keep(next);
    });
  });
})();
