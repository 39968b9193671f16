/** On which worker a camera's next connection goes. */

/** As much of a worker as placement looks at. */
export interface Place {
  readonly index: number;
  /** About how many streams it forwards. */
  readonly load: number;
}

/** What is placed. */
export interface Placing<P extends Place> {
  readonly role: 'publisher' | 'viewer';
  /** Workers that have a router of this camera, the first one first. */
  readonly used: readonly P[];
  /** Every worker that runs; at least one. */
  readonly workers: readonly P[];
  /** The load from which on a worker counts as full. */
  readonly full: number;
}

/**
 * Publishers go where the camera is. So do viewers while there is room, since a second router costs a pipe; beyond that
 * they go to the worker that has the least to do.
 */
export function place<P extends Place>({ role, used, workers, full }: Placing<P>): P {
  const home = used[0];
  if (role === 'publisher' && home) return home;
  const roomy = used.find((worker) => worker.load < full);
  if (roomy) return roomy;
  return workers.reduce((best, worker) => {
    if (worker.load !== best.load) return worker.load < best.load ? worker : best;
    return used.includes(worker) && !used.includes(best) ? worker : best;
  });
}
