/** The certificates that a pipeline serves with TLS, as `eddy doctor` looks at them: before a restart finds out, and before they expire. */
import type { CheckedGraph } from '../graph/checked.ts';
import { readCertificate } from '../plugin/index.ts';
import type { Row } from './doctor.ts';

/** Renewal tools renew a month before: what has a week left was not renewed. */
const SOON_DAYS = 7;
const DAY = 86_400_000;

/** A row for each service and stage with a `tls: { cert, key }`. */
export function certificates(graph: CheckedGraph | undefined, baseDir: string, now: number): Promise<Row[]> {
  const used = (graph?.nodes ?? []).flatMap(({ name, config }) => {
    const { cert, key } = (config as { tls?: { cert?: unknown; key?: unknown } }).tls ?? {};
    return typeof cert === 'string' && typeof key === 'string' ? [{ name, files: { cert, key } }] : [];
  });
  return Promise.all(
    used.map(async ({ name, files }) => {
      const what = `certificate of ${name}`;
      try {
        const { expiresAt } = await readCertificate(files, baseDir);
        const days = Math.floor((expiresAt - now) / DAY);
        const found = `${days < 0 ? 'expired' : 'valid until'} ${new Date(expiresAt).toISOString().slice(0, 10)}`;
        return days >= SOON_DAYS ? { what, ok: true, found } : { what, ok: false, found, mend: 'renew it' };
      } catch (error) {
        const mend = 'name the PEM files of a chain and its key, readable by who runs eddy';
        return { what, ok: false, found: (error as Error).message, mend };
      }
    }),
  );
}
