// Shows openapi.json with Swagger UI. Requests that are tried go to the API that serves this page.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  // Schemas are shown where they are used. The list of all of them is long, and is opened on request.
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  filter: true,
  // No badge of a validator elsewhere, and a key is forgotten with the page.
  validatorUrl: null,
  persistAuthorization: false,
});
