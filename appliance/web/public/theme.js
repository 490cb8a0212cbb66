// Sets the stored theme before the first paint, so that a chosen theme never flashes the other one.
try {
  var theme = localStorage.getItem('strongroom.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch (_) {
  // Storage may be blocked; the system's preference then decides.
}
