/* Cells of grids that are more than text. Values are children of elements, never markup. */
(function () {
  "use strict";
  var cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  function follow(event) {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    window.history.pushState({}, "", event.currentTarget.getAttribute("href"));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate")); // as dcc.Link does
    window.scrollTo(0, 0);
  }

  /* A link to `<field>_href` of the row, where it has one. */
  cells.Linked = function (props) {
    if (props.value === undefined || props.value === null) return null;
    var href = props.data && props.data[props.colDef.field + "_href"];
    if (!href) return React.createElement("span", null, props.value);
    return React.createElement("a", { href: href, onClick: follow }, props.value);
  };

  cells.Band = function (props) {
    if (!props.value) return null;
    return React.createElement("span", { className: "band " + props.value }, props.value);
  };
})();

/* The order of the queue's grid as part of its address. */
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.queue = {
  keep_order: function (states) {
    var columns = (states && states[0]) || [];
    var sorted = columns.filter(function (c) { return c.sort; });
    sorted.sort(function (a, b) { return (a.sortIndex || 0) - (b.sortIndex || 0); });
    var order = sorted.map(function (c) { return (c.sort === "desc" ? "-" : "") + c.colId; }).join(",");
    var query = new URLSearchParams(window.location.search);
    if (order === (query.get("sort") || "")) return window.dash_clientside.no_update;
    if (order) query.set("sort", order);
    else query.delete("sort");
    var text = query.toString().replace(/%2C/g, ",");
    window.history.replaceState(window.history.state, "", window.location.pathname + (text ? "?" + text : ""));
    return window.dash_clientside.no_update;
  },
};
