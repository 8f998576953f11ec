/* What the gate refuses is said: a session that has ended leads to signing in and back, anything else is shown. */
(function () {
  "use strict";
  var fetched = window.fetch;

  function say(message) {
    var said = document.getElementById("refused") || document.createElement("div");
    said.id = "refused";
    said.className = "refused said";
    said.setAttribute("role", "alert");
    said.textContent = message;
    (document.querySelector(".frame main") || document.body).prepend(said);
  }

  window.fetch = function () {
    return fetched.apply(this, arguments).then(function (answer) {
      if (answer.status === 401) {
        location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
        return new Promise(function () {}); // the page is leaving: whoever asked would read the refusal twice
      }
      if (answer.status >= 400 && answer.status < 500) {
        answer.clone().json().then(
          function (told) { say("Not done: " + told.message + "."); },
          function () { say("Not done: the server refused it."); }
        );
      }
      return answer;
    });
  };
})();
