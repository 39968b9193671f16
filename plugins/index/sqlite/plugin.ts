/** `index.sqlite`: the segment index in one file. */
import { API_VERSION, defineManifest, definePlugin, FilePath, input, SegmentIndex } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'index.sqlite',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Knows every finished segment by camera and time, in one SQLite file that survives crashes and power cuts.',
  config: {
    file: FilePath({ doc: 'The file, on a disk of this machine; it and its folder are made if need be.' }),
  },
  inputs: {
    segments: input('segments', {
      doc: 'Finished segments of every camera; each is acknowledged once it survives a crash.',
      demand: 'always',
      optional: true,
    }),
  },
  provides: { index: SegmentIndex },
  claims: { storage: ['file'] },
  errors: {
    BEHIND: {
      severity: 'warning',
      kind: 'resource',
      meaning: 'Segments cannot be indexed at the moment; they wait, and are indexed in order once it is possible.',
      mend: 'See the reason in the message: free some space, or mend the disk. Nothing else is to be done.',
      example: 'a full disk under the file of the index',
    },
  },
});

export default definePlugin(manifest, () => import('./sqlite.ts'));
