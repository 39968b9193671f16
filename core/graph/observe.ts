/** Which HTTP server carries health, metrics, the API and the console. */
import { HttpServer } from '../contracts/index.ts';
import { providedBy } from '../plugin/registry.ts';
import type { Draft } from './draft.ts';
import type { Envelope } from './envelope.ts';
import { quoteList, type Findings } from './finding.ts';
import { suggest } from './suggest.ts';

/** `observe.http` must name an HTTP server. */
export function checkObserve(envelope: Envelope, draft: Draft, findings: Findings): void {
  const named = envelope.observe.http as string | undefined;
  if (named === undefined) return;
  const node = draft.nodes.get(named);
  if (node && (!node.plugin || providedBy(node.plugin, HttpServer))) return;
  const servers = [...draft.nodes.values()].flatMap(({ name, plugin }) =>
    plugin && providedBy(plugin, HttpServer) ? [name] : [],
  );
  const meant = suggest(named, servers) ?? (servers.length === 1 ? servers[0] : undefined);
  findings.add({
    code: 'OBSERVE_HTTP_UNFIT',
    at: envelope.observeHttpAt,
    message: node ? `"${named}" (${node.plugin!.manifest.name}) is no HTTP server` : `there is no service "${named}"`,
    accepted: quoteList(servers),
    didYouMean: meant,
    mend: meant ? `Write http: ${meant}` : undefined,
  });
}
