/** The stage around an index: a live handle of it, and how what is fed to it is indexed. */
import { EddyError, type Context, type Flow, type InputPad, type Report, type SegmentIndex } from 'eddy/plugin';

/** What the manifest of every index has. */
interface IndexManifest {
  readonly inputs: { readonly segments: InputPad<'segments'> };
}

/** How long to wait before segments that could not be indexed are tried again, in ms. */
const RETRY_MS = 1000;
/** Errors of the disk, the file or the server, not of what is written. */
const PASSING: readonly string[] = ['INDEX_FULL', 'INDEX_UNREACHABLE', 'INDEX_DENIED'];

/** The service of an index that is opened later; until then every call rejects with INDEX_UNREACHABLE. */
export function handleOf(current: () => SegmentIndex | undefined): SegmentIndex {
  const opened = (): SegmentIndex => {
    const index = current();
    if (!index) throw new EddyError('INDEX_UNREACHABLE', 'the segment index is not open');
    return index;
  };
  return {
    add: async (segments) => opened().add(segments),
    addGap: async (camera, gap) => opened().addGap(camera, gap),
    range: async (camera, range, track, limit) => opened().range(camera, range, track, limit),
    latest: async (camera, track) => opened().latest(camera, track),
    spans: async (camera, range) => opened().spans(camera, range),
    cameras: async () => opened().cameras(),
    reserve: async (camera, atLeast, count) => opened().reserve(camera, atLeast, count),
    delete: async (ids) => opened().delete(ids),
    watch: (camera, listener) => opened().watch(camera, listener),
  };
}

/**
 * The handler of flows: indexes what the pad brings, and acknowledges it then. Tries until it has worked or the flow is
 * over: meanwhile what follows waits in the link, and `behind` is reported.
 */
export function indexFlows<M extends IndexManifest>(
  { log, report, clock }: Pick<Context<M>, 'log' | 'report' | 'clock'>,
  service: SegmentIndex,
  behind: Report['code'],
): (flow: Flow<M>) => void {
  let waiting = false;
  const persist = async (signal: AbortSignal, write: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        await write();
        if (waiting) log.info({}, 'segments are indexed again');
        waiting = false;
        return;
      } catch (error) {
        const { code, message } = error as EddyError;
        if (!PASSING.includes(code) || signal.aborted) throw error;
        if (!waiting) report({ code: behind, message: `segments wait to be indexed: ${message}` });
        waiting = true;
        await clock.sleep(RETRY_MS, signal);
      }
    }
  };
  return ({ cameraId, scope: { signal }, in: pads }) => {
    (pads as Flow<IndexManifest>['in']).segments.onTrack(() => ({
      item: (segment) => persist(signal, () => service.add([segment])),
      gap: (start, end, cause) => persist(signal, () => service.addGap(cameraId, { start, end, cause })),
    }));
  };
}
