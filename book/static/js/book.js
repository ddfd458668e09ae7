/* Conveniences on top of pages that are complete without them. A classic script: modules do not load from file://. */
(function () {
  "use strict";

  // Only what really overflows becomes a stop for the keyboard.
  function markOverflow() {
    document.querySelectorAll(".ptm-scroll, .bd-article pre").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth + 1) {
        var label = box.querySelector("table[aria-labelledby]");
        box.tabIndex = 0;
        if (label) {
          box.setAttribute("role", "region");
          box.setAttribute("aria-labelledby", label.getAttribute("aria-labelledby"));
        }
      } else {
        ["tabindex", "role", "aria-labelledby"].forEach(function (name) { box.removeAttribute(name); });
      }
    });
  }

  // Long tables get a text filter, and a choice where a column holds verdicts or data kinds.
  function addFilter(table) {
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    var bar = table.closest("figure").querySelector(".ptm-filter");
    var text = document.createElement("input");
    var count = document.createElement("output");
    var choice = null;
    function labelled(words, field) {
      var label = document.createElement("label");
      label.append(words, field);
      bar.append(label);
    }
    text.type = "search";
    labelled("Find in this table", text);
    var marks = rows.map(function (row) {
      var mark = row.querySelector(".ptm-verdict, .ptm-kind");
      return mark ? mark.textContent : "";
    });
    var values = Array.from(new Set(marks)).filter(Boolean).sort();
    if (values.length > 1) {
      choice = document.createElement("select");
      choice.append(new Option("all", ""));
      values.forEach(function (value) { choice.append(new Option(value, value)); });
      labelled(table.querySelector(".ptm-verdict") ? "Verdict" : "Data kind", choice);
    }
    function apply() {
      var wanted = text.value.trim().toLowerCase();
      var shown = 0;
      rows.forEach(function (row, i) {
        var hit = row.textContent.toLowerCase().includes(wanted) && (!choice || !choice.value || marks[i] === choice.value);
        row.hidden = !hit;
        shown += hit;
      });
      count.textContent = shown + " of " + rows.length + " rows";
    }
    [text, choice].forEach(function (field) { if (field) { field.addEventListener("input", apply); } });
    count.setAttribute("aria-live", "polite");
    bar.append(count);
    apply();
    // A link to a row that the filter hides shows it again.
    window.addEventListener("hashchange", function () {
      if (rows.some(function (row) { return row.hidden && "#" + row.id === location.hash; })) {
        text.value = "";
        if (choice) { choice.value = ""; }
        apply();
        document.getElementById(location.hash.slice(1)).scrollIntoView();
      }
    });
  }

  document.querySelectorAll("table.ptm-long").forEach(addFilter);
  markOverflow();
  window.addEventListener("resize", markOverflow);
  document.addEventListener("toggle", markOverflow, true);
  document.fonts.addEventListener("loadingdone", markOverflow); // a text grows or shrinks with its font

  // Browsers refuse to fetch the text around a search hit from file://; titles are listed all the same.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") { DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; }
})();
