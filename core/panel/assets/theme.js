// Sets the theme before the page is painted: the one that was chosen, or none, so that
// the system's preference applies.
(function () {
  let chosen = null;
  try {
    chosen = localStorage.getItem('aitunnel.theme');
  } catch {
    // The browser stores nothing: the choice lasts as long as the page.
  }
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
})();
