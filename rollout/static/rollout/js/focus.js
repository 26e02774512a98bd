// The theme shows the page only once Alpine has begun, so the browser's own autofocus comes too early.
document.addEventListener("alpine:initialized", () => {
  requestAnimationFrame(() => document.querySelector("[data-first-focus]")?.focus());
});
