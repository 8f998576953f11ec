/* What the page does by itself: light or dark, and which entry of the navigation is the current page. */
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
})();
