"use strict";
let looks = 0;
const away = document.getElementById("away");
async function look() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = document.querySelector("main");
    const scrolled = [...main.querySelectorAll(".sheet")].map(sheet => sheet.scrollLeft);
    main.replaceWith(page.querySelector("main"));
    document.title = page.title;
    document.querySelectorAll(".sheet").forEach((sheet, n) => { sheet.scrollLeft = scrolled[n] || 0; });
    // How often it has looked, for who looks at the page.
    document.documentElement.dataset.looks = ++looks;
    away.hidden = true;
  } catch {
    away.hidden = false;
  }
  setTimeout(look, 2000);
}
setTimeout(look, 2000);
