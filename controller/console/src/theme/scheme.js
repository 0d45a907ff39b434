(function () {
  var scheme = "auto";
  try {
    scheme = localStorage.getItem("fairlead-colour-scheme") || scheme;
  } catch (e) {}
  if (scheme !== "light" && scheme !== "dark") scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();

// A page whose program did not come, as when a laptop changes its network meanwhile, would stay empty: once it is loaded anew, then it says so.
addEventListener(
  "error",
  (event) => {
    if (!(event.target instanceof HTMLScriptElement)) return;
    const key = "fairlead-reloaded-at"; // app/Broken.tsx uses it as well
    if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) > 30000) {
      sessionStorage.setItem(key, String(Date.now()));
      setTimeout(() => location.reload(), 1000);
    } else {
      document.getElementById("root").textContent = "The console could not be loaded. Check your connection and that the controller is running, then reload the page.";
    }
  },
  true,
);
