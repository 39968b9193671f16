/** A pipeline's sections, names, plugins and options. */
import { defineCodes } from '../define.ts';

const refused = { severity: 'error', kind: 'config' } as const;

export const pipelineCodes = defineCodes({
  PIPELINE_UNREADABLE: {
    ...refused,
    meaning: 'The pipeline file cannot be read.',
    mend: 'Check the path; "eddy new pipeline" writes one to begin with.',
    example: 'eddy run pipelines/live-dvr.yml',
  },
  PIPELINE_EMPTY: {
    ...refused,
    meaning: 'The file holds no stages.',
    mend: 'Add "version: 1" and "stages:"; "eddy new pipeline" writes one to begin with.',
    example: 'version: 1',
  },
  PIPELINE_NOT_A_MAP: {
    ...refused,
    meaning: 'The top level of the file is a list or text instead of a map.',
    mend: 'Begin the file with "version: 1", then "stages:" and "links:".',
    example: '- rtmp.video -> cmaf.video',
  },
  PIPELINE_VERSION: {
    ...refused,
    meaning: 'The file does not say which version of the pipeline format it is, or one that this Eddy does not know.',
    mend: 'Write version: 1 at the top.',
    example: 'version: 2',
  },
  EVENT_UNKNOWN: {
    ...refused,
    meaning: 'An option waits for events that neither the engine nor any plugin tells, so it would wait for ever.',
    mend: 'Write a type of docs/events.md, "session.*" for a family, or "*" for all.',
    example: 'audit: { plugin: events.file, file: ./audit.jsonl, events: [sesion.*] }   # session.*',
  },
  PIPELINE_KEY_UNKNOWN: {
    ...refused,
    meaning: 'The top level has a section that does not exist.',
    mend: 'Correct its name; keys of your own begin with x-.',
    example: 'stage: { ... }   # stages:',
  },
  PIPELINE_SECTION_INVALID: {
    ...refused,
    meaning: 'A section is text or a list where it must be a map.',
    mend: 'Write key: value lines below it.',
    example: 'stages: [rtmp, cmaf]',
  },
  NAME_INVALID: {
    ...refused,
    meaning: 'Names of pipelines, stages and services are lower case letters, digits and "-", beginning with a letter.',
    mend: 'Rename it, also in the links.',
    example: 'RTMP_in: { plugin: ingest.rtmp }   # rtmp-in:',
  },
  NAME_TAKEN: {
    ...refused,
    meaning: 'A stage and a service have the same name; they share one name space.',
    mend: 'Rename one of them.',
    example: 'services: { store: ... }  stages: { store: ... }',
  },
  NODE_NOT_A_MAP: {
    ...refused,
    meaning: 'A stage or service is not written as a map with its plugin.',
    mend: 'Write name: { plugin: family.name }.',
    example: 'rtmp: ingest.rtmp   # rtmp: { plugin: ingest.rtmp }',
  },
  PLUGIN_MISSING: {
    ...refused,
    meaning: 'A stage or service does not name its plugin.',
    mend: 'Add plugin: family.name; "eddy list" shows them all.',
    example: 'rtmp: { listen: 127.0.0.1:1935 }',
  },
  PLUGIN_UNKNOWN: {
    ...refused,
    meaning: 'No plugin of this name is built in or brought by a package in "plugins:".',
    mend: 'Correct the name ("eddy list" shows them all), or add its package to "plugins:".',
    example: 'rtmp: { plugin: ingest.rmtp }',
  },
  PLUGIN_NOT_FOUND: {
    ...refused,
    meaning:
      'A package or path in "plugins:" does not exist, seen from the pipeline\'s folder and from the working folder.',
    mend: 'Install the package (npm i NAME), or correct the path; paths begin with "./".',
    example: 'plugins: ["@acme/eddy-srt"]',
  },
  PLUGIN_INVALID: {
    ...refused,
    meaning: 'A package was loaded but does not export a plugin, or failed while it was loaded.',
    mend: 'Its default export must be definePlugin(...) or a list of such; see "eddy new plugin".',
    example: 'export default { name: "my-plugin" }',
  },
  PLUGIN_API_UNSUPPORTED: {
    ...refused,
    meaning: 'A plugin is written for a version of the plugin API that this Eddy does not load.',
    mend: 'Install a version of the plugin for this Eddy, or the Eddy that it asks for.',
    example: 'defineManifest({ api: 2, ... })',
  },
  PLUGIN_NAME_TAKEN: {
    ...refused,
    meaning: 'Two packages bring a plugin of the same name.',
    mend: 'Take one of them out of "plugins:", or ask its author for another name.',
    example: 'plugins: ["./ingest-rtmp"]   # it calls itself ingest.rtmp, as a built-in one does',
  },
  CONFIG_KEY_UNKNOWN: {
    ...refused,
    meaning: 'An option does not exist.',
    mend: 'Correct its name; "eddy inspect PLUGIN" shows them all.',
    example: 'cmaf: { plugin: package.cmaf, segmnt: 2s }',
  },
  CONFIG_KEY_MISSING: {
    ...refused,
    meaning: 'An option that has no default is missing.',
    mend: 'Add it; "eddy inspect PLUGIN" shows what it takes.',
    example: 'store: { plugin: store.filesystem }   # needs dir',
  },
  CONFIG_VALUE_INVALID: {
    ...refused,
    meaning: 'The value of an option is not one that it takes.',
    mend: 'Write a value as the message says; units are ms s m h d, KiB MiB GiB, kbps Mbps.',
    example: 'cmaf: { plugin: package.cmaf, segment: 2 }   # segment: 2s',
  },
  ALLOW_UNKNOWN: {
    ...refused,
    meaning: '"allow" lists a code that does not exist, or an error; only warnings and infos can be allowed.',
    mend: 'Correct the code; "eddy explain" lists them.',
    example: 'sfu: { plugin: webrtc.sfu, allow: [CAPS_USUALY_NOT] }',
  },
  START_UNFIT: {
    ...refused,
    meaning:
      'A stage or service is to run on demand, and nobody could ask for it: a source, a gateway to viewers, the authorizer. Or it has a "linger" and runs all the time.',
    mend: 'Take "start" (and "linger") out there; put it on what converts or packages for others.',
    example: 'whep: { plugin: webrtc.whep, start: on-demand }',
  },
  BUDGET_STAGE_UNKNOWN: {
    ...refused,
    meaning: '"budget" names a stage that does not exist.',
    mend: 'Name a stage of this pipeline.',
    example: 'budget: { wehp: 500ms }',
  },
  OBSERVE_HTTP_UNFIT: {
    ...refused,
    meaning: '"observe.http" does not name an HTTP server of this pipeline, or there are several and it names none.',
    mend: 'Name the service that is to serve health, metrics and the API.',
    example: 'observe: { http: admin }',
  },
});
