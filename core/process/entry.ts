/** Where a module's sibling is: in the checkout `./host.ts`, in the package `./host.js`. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** URL of the module `name` (`./host/host`, without extension) beside the module `importMetaUrl`. */
export function siblingModule(name: string, importMetaUrl: string): string {
  return new URL(name + extname(fileURLToPath(importMetaUrl)), importMetaUrl).href;
}

/** Node's options for running a module: sources resolve the package's own face to sources. */
export function nodeOptionsFor(moduleUrl: string): string[] {
  return moduleUrl.endsWith('.ts') ? ['--conditions=eddy-source', '--disable-warning=ExperimentalWarning'] : [];
}
