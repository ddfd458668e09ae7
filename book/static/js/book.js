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

  // Long tables get a text filter, and a choice for verdicts, data kinds and the columns that the page names.
  function addFilter(table) {
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    var bar = table.closest("figure").querySelector(".ptm-filter");
    var text = document.createElement("input");
    var count = document.createElement("output");
    var wanted = ["verdict", "data kind"].concat((table.dataset.choose || "").split(", "));
    var choices = [];
    function labelled(words, field) {
      var label = document.createElement("label");
      label.append(words, field);
      bar.append(label);
    }
    text.type = "search";
    labelled("Find in this table", text);
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      if (!wanted.includes(head.textContent)) { return; }
      function value(row) { return row.cells[column] ? row.cells[column].textContent.trim() : ""; }
      var values = Array.from(new Set(rows.map(value))).filter(Boolean).sort();
      if (values.length < 2) { return; }
      var choice = document.createElement("select");
      choice.append(new Option("all", ""));
      values.forEach(function (one) { choice.append(new Option(one, one)); });
      labelled(head.textContent.charAt(0).toUpperCase() + head.textContent.slice(1), choice);
      choices.push({ field: choice, fits: function (row) { return !choice.value || value(row) === choice.value; } });
    });
    function apply() {
      var words = text.value.trim().toLowerCase();
      var shown = 0;
      rows.forEach(function (row) {
        var hit = row.textContent.toLowerCase().includes(words) && choices.every(function (c) { return c.fits(row); });
        row.hidden = !hit;
        shown += hit;
      });
      count.textContent = shown + " of " + rows.length + " rows";
    }
    [text].concat(choices.map(function (c) { return c.field; })).forEach(function (field) { field.addEventListener("input", apply); });
    count.setAttribute("aria-live", "polite");
    bar.append(count);
    apply();
    // A link to a row that the filter hides shows it again.
    window.addEventListener("hashchange", function () {
      if (rows.some(function (row) { return row.hidden && "#" + row.id === location.hash; })) {
        text.value = "";
        choices.forEach(function (c) { c.field.value = ""; });
        apply();
        document.getElementById(location.hash.slice(1)).scrollIntoView();
      }
    });
  }

  // A specification curve lets a reader make each choice and see that estimate among all of them.
  function addChoices(figure) {
    var given = JSON.parse(figure.dataset.choices);
    var end = given.columns.indexOf("value");
    var numbers = given.rows.filter(function (row) { return row[end] !== null; });
    var low = Math.min.apply(null, numbers.map(function (row) { return row[end + 1]; }));
    var high = Math.max.apply(null, numbers.map(function (row) { return row[end + 2]; }));
    var box = document.createElement("fieldset");
    var legend = document.createElement("legend");
    var said = document.createElement("output");
    var strip = document.createElement("div");
    box.className = "ptm-choose";
    legend.textContent = "Make the choices yourself";
    strip.className = "ptm-scale";
    strip.setAttribute("aria-hidden", "true");
    ["all", "range", "dot"].forEach(function (part) { var mark = document.createElement("span"); mark.className = "ptm-scale-" + part; strip.append(mark); });
    said.setAttribute("aria-live", "polite");
    box.append(legend);
    var fields = given.columns.slice(0, end).map(function (name, column) {
      var label = document.createElement("label");
      var field = document.createElement("select");
      var values = Array.from(new Set(given.rows.map(function (row) { return row[column]; })));
      values.forEach(function (value) { field.append(new Option(value, value)); });
      label.append(name, field);
      if (values.length > 1) { box.append(label); }
      field.addEventListener("input", show);
      return field;
    });
    function at(value) { return 100 * (value - low) / (high - low) + "%"; }
    function show() {
      var row = given.rows.find(function (one) { return fields.every(function (field, column) { return one[column] === field.value; }); });
      var found = row && row[end] !== null;
      strip.classList.toggle("ptm-nothing", !found);
      if (!found) { said.textContent = row ? "No estimate: " + row[end + 3] : "This combination was not computed."; return; }
      strip.children[1].style.left = at(row[end + 1]);
      strip.children[1].style.right = 100 - parseFloat(at(row[end + 2])) + "%";
      strip.children[2].style.left = at(row[end]);
      said.textContent = row[end].toFixed(2) + ", interval " + row[end + 1].toFixed(2) + " to " + row[end + 2].toFixed(2);
    }
    box.append(strip, said);
    figure.insertBefore(box, figure.querySelector("figcaption"));
    show();
  }

  document.querySelectorAll("figure[data-choices]").forEach(addChoices);
  document.querySelectorAll("table.ptm-long").forEach(addFilter);
  markOverflow();
  window.addEventListener("resize", markOverflow);
  document.addEventListener("toggle", markOverflow, true);
  document.fonts.addEventListener("loadingdone", markOverflow); // a text grows or shrinks with its font

  // Browsers refuse to fetch the text around a search hit from file://; titles are listed all the same.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") { DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; }
})();
