// Before the first paint: the remembered theme, else the system's.
let remembered = "";
try {
  remembered = localStorage.getItem("theme") ?? "";
} catch {
  // storage is forbidden: the system's choice stands
}
const dark = remembered ? remembered === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
