/** The route table: a tree of path parts. A literal beats a parameter, a parameter beats the rest. */
import { EddyError, type HttpMethod, type HttpRoute, type MountedRoute } from 'eddy/plugin';

/** A mounted route. */
export interface Mounted {
  readonly route: HttpRoute;
  /** Names of its parameters, in order of the path; the rest is called `rest`. */
  readonly names: readonly string[];
  /** May pages of other origins call it? */
  readonly cors: boolean;
}

/** What a path leads to. */
export interface Match {
  readonly methods: ReadonlyMap<HttpMethod, Mounted>;
  readonly values: readonly string[];
}

interface Node {
  readonly literals: Map<string, Node>;
  param: Node | undefined;
  rest: Map<HttpMethod, Mounted> | undefined;
  methods: Map<HttpMethod, Mounted> | undefined;
}

const node = (): Node => ({ literals: new Map(), param: undefined, rest: undefined, methods: undefined });

/** Routes that come and go. */
export class RouteTable {
  readonly #root = node();
  readonly #mounted = new Set<HttpRoute>();

  /** Mounts a route; the returned function unmounts it. Throws HTTP_ROUTE_TAKEN or HTTP_ROUTE_INVALID. */
  add(route: HttpRoute): () => void {
    const parts = partsOf(route.path);
    const wanted = typeof route.method === 'string' ? [route.method] : [...route.method];
    const names = parts.flatMap((part) => (part === '*' ? ['rest'] : part.startsWith(':') ? [part.slice(1)] : []));
    const cors = route.cors ?? wanted.every((method) => method === 'GET' || method === 'HEAD');
    const mounted: Mounted = { route, names, cors };

    const trail = [this.#root];
    for (const part of parts) {
      if (part !== '*') trail.push(step(trail.at(-1)!, part));
    }
    const last = trail.at(-1)!;
    const methods = parts.at(-1) === '*' ? (last.rest ??= new Map()) : (last.methods ??= new Map());
    for (const method of wanted) {
      if (methods.has(method)) {
        throw new EddyError('HTTP_ROUTE_TAKEN', `${method} ${route.path} is served already.`, {
          details: { method, path: route.path },
        });
      }
    }
    for (const method of wanted) methods.set(method, mounted);
    this.#mounted.add(route);
    return () => {
      this.#mounted.delete(route);
      for (const method of wanted) if (methods.get(method) === mounted) methods.delete(method);
      prune(trail, parts);
    };
  }

  /** All of them, by path then method. */
  list(): MountedRoute[] {
    const all = [...this.#mounted].flatMap(({ method, path }) =>
      [method].flat().map((each) => ({ method: each, path })),
    );
    return all.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.method < b.method ? -1 : 1));
  }

  /** What these path parts lead to; undefined where nothing is mounted. */
  match(segments: readonly string[]): Match | undefined {
    return find(this.#root, segments, 0, []);
  }
}

function partsOf(path: string): string[] {
  const parts = path.split('/').slice(1);
  const names = parts.filter((part) => part.startsWith(':'));
  const valid =
    path.startsWith('/') &&
    parts.every((part, index) =>
      part === '*' ? index === parts.length - 1 : /^(?::[a-z][A-Za-z0-9]*|[^:*?#%]*)$/.test(part),
    ) &&
    new Set(names).size === names.length;
  if (!valid) throw new EddyError('HTTP_ROUTE_INVALID', `"${path}" is no route.`);
  return parts;
}

function step(from: Node, part: string): Node {
  if (part.startsWith(':')) return (from.param ??= node());
  let next = from.literals.get(part);
  if (next === undefined) from.literals.set(part, (next = node()));
  return next;
}

/** Removes what leads nowhere any more, so that routes that come and go leave nothing behind. */
function prune(trail: readonly Node[], parts: readonly string[]): void {
  for (let depth = trail.length - 1; depth >= 0; depth--) {
    const here = trail[depth]!;
    if (here.methods?.size === 0) here.methods = undefined;
    if (here.rest?.size === 0) here.rest = undefined;
    if (depth === 0 || here.methods || here.rest || here.param || here.literals.size > 0) return;
    const part = parts[depth - 1]!;
    const parent = trail[depth - 1]!;
    if (part.startsWith(':')) {
      if (parent.param === here) parent.param = undefined;
    } else if (parent.literals.get(part) === here) parent.literals.delete(part);
  }
}

function find(from: Node, segments: readonly string[], at: number, values: readonly string[]): Match | undefined {
  if (at === segments.length) return from.methods && { methods: from.methods, values };
  const segment = segments[at]!;
  const literal = from.literals.get(segment);
  const found = literal && find(literal, segments, at + 1, values);
  if (found) return found;
  if (from.param && segment !== '') {
    const byParam = find(from.param, segments, at + 1, [...values, segment]);
    if (byParam) return byParam;
  }
  return from.rest && { methods: from.rest, values: [...values, segments.slice(at).join('/')] };
}
