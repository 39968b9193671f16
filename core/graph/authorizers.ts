/** Which service the engine asks about everybody who comes: the authorizer that no other authorizer asks for itself. */
import { Authorizer } from '../contracts/index.ts';
import type { AnyPlugin } from '../plugin/plugin.ts';
import { providedBy } from '../plugin/registry.ts';

interface Node {
  readonly name: string;
  readonly plugin: AnyPlugin | undefined;
  readonly uses: Readonly<Record<string, string | undefined>>;
}

/** All authorizers, and those of them that are not part of another: a sound pipeline has one such, or none at all. */
export function authorizersOf<N extends Node>(nodes: readonly N[]): { readonly all: N[]; readonly roots: N[] } {
  const all = nodes.filter(({ plugin }) => plugin && providedBy(plugin, Authorizer) !== undefined);
  const parts = new Set(all.flatMap(({ uses }) => Object.values(uses)));
  return { all, roots: all.filter(({ name }) => !parts.has(name)) };
}
