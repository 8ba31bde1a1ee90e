// `npm run fuzz`: ten million mutations of valid inputs through everything that reads what strangers send.
// Minutes, so it is not part of `npm test`, which runs a few of them. FUZZ_INPUTS and FUZZ_SEED change it.
import { fuzz } from "./checks.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";

await main(async () => fuzz(await setUp()));
