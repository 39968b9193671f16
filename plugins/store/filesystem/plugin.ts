/** `store.filesystem`: objects as files. */
import { API_VERSION, defineManifest, definePlugin, FilePath, Integer, ObjectStore } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'store.filesystem',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Keeps objects as files in a folder, each whole and on the disk before it counts as stored.',
  config: {
    dir: FilePath({ doc: 'The folder; it is made if need be. One pipeline a folder.' }),
    concurrency: Integer({
      doc: 'How many objects are written at once; more make one disk no faster.',
      default: 8,
      min: 1,
      max: 256,
    }),
  },
  provides: { store: ObjectStore },
  claims: { storage: ['dir'] },
  errors: {
    LEFTOVERS: {
      severity: 'info',
      kind: 'resource',
      meaning: 'Files that a crash left half written were removed; none of them had counted as stored.',
      mend: 'Nothing is to be done.',
      example: 'the start after a power cut',
    },
  },
});

export default definePlugin(manifest, () => import('./filesystem.ts'));
