// require("@tokentra/sdk/auto"): like the module of that name, which waits for libraries as no CommonJS can.
import { watchRequire } from "./loading.js";

watchRequire();
