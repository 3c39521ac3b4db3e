(() => {
  "use strict";
  const form = document.querySelector("form.filter");
  if (!form) return;
  const search = document.getElementById("search");
  const kind = document.getElementById("kind");
  const shown = document.getElementById("shown");
  const cases = Array.from(document.querySelectorAll("details.case"));
  const texts = cases.map((one) => one.textContent.toLowerCase());
  const apply = () => {
    const word = search.value.toLowerCase();
    let count = 0;
    cases.forEach((one, place) => {
      const kinds = (one.dataset.kinds || "").split(" ");
      const fits = (kind.value === "" || kinds.includes(kind.value)) && texts[place].includes(word);
      one.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count + " of " + cases.length;
  };
  const reveal = () => {
    const id = window.location.hash.slice(1);
    const target = id ? document.getElementById(id) : null;
    if (target && target.matches("details.case")) target.open = true;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", apply);
  kind.addEventListener("change", apply);
  window.addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
