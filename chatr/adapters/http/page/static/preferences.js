// Colours and language by choice. A classic script, not a module: it runs before the page is drawn, so that a page never flashes
// in other colours or in another language.

(() => {
  const themes = { system: "theme.system", light: "theme.light", dark: "theme.dark" };
  const themeNames = Object.keys(themes);
  const root = document.documentElement;

  function stored(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  }

  // Where storage is forbidden, a choice lasts as long as the page is open.
  function store(key, choice) {
    try {
      localStorage.setItem(key, choice);
    } catch {}
  }

  // The server renders a page once for each language. An address that names one keeps it, whatever was chosen.
  function applyLanguage(language) {
    if (!("translated" in root.dataset) || !language || language === root.lang) return;
    if (/[?&]language=/.test(location.search)) return;
    root.hidden = true;
    location.replace(`?language=${encodeURIComponent(language)}${location.hash}`);
  }

  function chooseLanguage(event) {
    const link = event.target.closest?.("a[hreflang]");
    if (!link) return;
    store("chatr-language", link.hreflang);
    link.hash = location.hash; // the same message or moment
  }

  function applyTheme(theme) {
    root.dataset.theme = theme;
    const button = document.getElementById("theme");
    // Other pages, which have no button, have no texts of this one.
    if (button) button.setAttribute("aria-label", (button.title = pageTexts[themes[theme]]));
  }

  applyLanguage(stored("chatr-language"));
  const theme = stored("chatr-theme");
  applyTheme(themeNames.includes(theme) ? theme : "system");
  addEventListener("click", chooseLanguage);
  addEventListener("DOMContentLoaded", () => {
    applyTheme(root.dataset.theme); // now there is a button
    document.getElementById("theme")?.addEventListener("click", () => {
      const next = themeNames[(themeNames.indexOf(root.dataset.theme) + 1) % themeNames.length];
      applyTheme(next);
      store("chatr-theme", next);
    });
  });
})();
