/** Cameras that are away: the engine knows them by what a timeline kept of them. */
import { Timeline } from '../contracts/index.ts';
import type { CheckedNode } from '../graph/checked.ts';
import type { CameraId } from '../model/index.ts';
import { providedBy } from '../plugin/registry.ts';
import type { Container } from './container.ts';

/** Whether any timeline of the pipeline has media of this camera. One that cannot tell now knows nobody. */
export async function hasPast(
  nodes: readonly CheckedNode[],
  container: Container,
  cameraId: CameraId,
): Promise<boolean> {
  for (const { name, plugin } of nodes) {
    if (providedBy(plugin, Timeline) === undefined) continue;
    try {
      if ((await container.handle(Timeline, name)?.latest(cameraId)) !== undefined) return true;
    } catch {
      // It is restarting, or its index is away: whoever asks tries again.
    }
  }
  return false;
}
