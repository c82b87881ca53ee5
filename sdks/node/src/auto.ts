// import "@tokentra/sdk/auto": clients of the libraries that a program depends on report by themselves.
import { loadModules, watchRequire } from "./loading.js";

watchRequire();
await loadModules((library) => import(library));
