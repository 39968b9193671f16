/** What a clean stop writes down for the next start: since when each camera is away, and why. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCameraId, type CameraId } from 'eddy/plugin';
import type { Absence } from './memory.ts';

const FILE = 'stopped.json';

export async function writeStopped(dir: string, absences: ReadonlyMap<CameraId, Absence>): Promise<void> {
  const path = join(dir, FILE);
  await writeFile(`${path}.tmp`, JSON.stringify(Object.fromEntries(absences)));
  await rename(`${path}.tmp`, path);
}

/** Reads and removes it; undefined after a crash. */
export async function takeStopped(dir: string): Promise<Map<CameraId, Absence> | undefined> {
  const path = join(dir, FILE);
  try {
    const absences = new Map<CameraId, Absence>();
    for (const [id, absence] of Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, Absence>)) {
      const cameraId = parseCameraId(id);
      if (cameraId) absences.set(cameraId, absence);
    }
    return absences;
  } catch {
    return undefined;
  } finally {
    await rm(path, { force: true });
  }
}
