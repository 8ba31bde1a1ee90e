// `npm run openapi`: writes openapi.json and schemas/ from the code that serves the API.
import { writeOpenapi } from "./checks.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";

await main(async () => writeOpenapi(await setUp()));
