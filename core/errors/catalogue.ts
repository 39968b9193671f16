/** Every code of the core, by area. A code is never reused for another meaning. */
import { cameraCodes } from './codes/camera.ts';
import { cliCodes } from './codes/cli.ts';
import { engineCodes } from './codes/engine.ts';
import { mediaCodes } from './codes/media.ts';
import { httpCodes } from './codes/http.ts';
import { linkCodes } from './codes/link.ts';
import { pipelineCodes } from './codes/pipeline.ts';
import { webrtcCodes } from './codes/webrtc.ts';
import { yamlCodes } from './codes/yaml.ts';
import { indexCodes } from './codes/segment-index.ts';
import { storeCodes } from './codes/store.ts';
import type { CodeDefinition } from './define.ts';

const all = {
  ...cameraCodes,
  ...cliCodes,
  ...engineCodes,
  ...httpCodes,
  ...mediaCodes,
  ...linkCodes,
  ...pipelineCodes,
  ...webrtcCodes,
  ...yamlCodes,
  ...indexCodes,
  ...storeCodes,
};

/** A code of the core. */
export type Code = keyof typeof all;

/** Every code of the core with its severity, kind, meaning, mend and example. */
export const catalogue: Readonly<Record<Code, CodeDefinition>> = all;
