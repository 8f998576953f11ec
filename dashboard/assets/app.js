/* What the page does by itself: light or dark, the current entry of the navigation, and places of drawings. */
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    var button = event.target.closest("#scheme");
    if (!button) return;
    var dark = document.querySelector(".frame").classList.contains("dark");
    document.cookie = "scheme=" + (dark ? "light" : "dark") + "; path=/; max-age=31536000; samesite=lax";
    location.reload(); // figures are drawn on the server, in the scheme of the request
  });

  function mark() {
    document.querySelectorAll(".nav-link").forEach(function (link) {
      var path = link.getAttribute("href");
      var here = path === "/" ? location.pathname === "/" : location.pathname.indexOf(path) === 0;
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }
  new MutationObserver(mark).observe(document.documentElement, { childList: true, subtree: true });

  // A network drawing keeps its place on the page in mind; when something above it grows, taps would miss.
  var sizes = new ResizeObserver(function () { window.dispatchEvent(new Event("resize")); });
  document.addEventListener("DOMContentLoaded", function () { sizes.observe(document.body); });
})();
