const query = document.getElementById("query"), found = document.getElementById("found");
const items = [...document.querySelectorAll("[data-item]")].map(e => [e, e.textContent.toLowerCase()]);
query.addEventListener("input", () => {
  const words = query.value.toLowerCase().split(/\s+/).filter(w => w);
  let left = 0;
  for (const [e, text] of items) {
    e.hidden = !words.every(w => text.includes(w));
    if (!e.hidden && e.tagName == "DETAILS") { left++; if (words.length) e.open = true; }
  }
  found.textContent = words.length ? left + " of " + items.filter(([e]) => e.tagName == "DETAILS").length : "";
});
addEventListener("beforeprint", () => { for (const e of document.querySelectorAll("details")) e.open = true; });
