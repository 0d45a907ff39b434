(function () {
  var scheme = "auto";
  try {
    scheme = localStorage.getItem("fairlead-colour-scheme") || scheme;
  } catch (e) {}
  if (scheme !== "light" && scheme !== "dark") scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
