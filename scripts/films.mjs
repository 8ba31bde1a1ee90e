// `npm run films`: every kind of film of the corpus and a thousand films with random changes, rendered and measured.
// Minutes, so it is not part of `npm test`, which renders a few of each. FILMS, MUTATIONS and MUTATION_SEED change it.
import { films } from "./checks.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";

await main(async () => films(await setUp()));
