/**
 * The JSON Schema of pipeline files, for editors: made from the manifests, so that completion, descriptions and red
 * underlines come from the same place as the checks. It is stricter than the file's own validator where an editor can
 * help (units have patterns) and never stricter than the checks as a whole.
 */
import { objectSchema, type JsonSchema } from '../plugin/fields.ts';
import type { Manifest } from '../plugin/manifest.ts';
import { contractOf, type Registry } from '../plugin/registry.ts';
import {
  cameraFields,
  linkFields,
  observeFields,
  pipelineFields,
  sessionFields,
  superviseFields,
} from './envelope-fields.ts';
import { nodeFields } from './node-fields.ts';

const NAME_PATTERN = '^[a-z][a-z0-9-]*$';
const NUMBER = '\\d+(\\.\\d+)?\\s*';
const DURATION = `${NUMBER}(ms|s|m|h|d)`;

/** Patterns of the units, each with what an editor says where it does not match. */
const UNITS: Readonly<Record<string, { readonly pattern: string; readonly say: string }>> = {
  duration: { pattern: DURATION, say: 'A duration with its unit: ms, s, m, h or d, such as 2s.' },
  bytes: { pattern: `${NUMBER}(B|KiB|MiB|GiB)`, say: 'A size with its unit: B, KiB, MiB or GiB, such as 512MiB.' },
  bitrate: {
    pattern: `${NUMBER}(bps|kbps|Mbps)`,
    say: 'A bit rate with its unit: bps, kbps or Mbps, such as 2.5Mbps.',
  },
  'duration-range': { pattern: `${DURATION}\\s*\\.\\.\\s*${DURATION}`, say: 'Two durations, such as 500ms..30s.' },
  rate: { pattern: `\\d+\\s+in\\s+${DURATION}`, say: 'So many in a duration, such as 5 in 2m.' },
  loudness: { pattern: '-[0-9]+(\\.[0-9]+)? ?LUFS', say: 'A loudness with its unit, such as -16LUFS.' },
  listen: { pattern: '(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):\\d{1,5}', say: 'host:port, such as 127.0.0.1:8080.' },
};

/** Any text with a reference passes: what it stands for is known only where the pipeline runs. */
const REFERENCE = '\\$\\{';

/** The schema for the plugins of a registry (JSON Schema draft-07, which YAML editors know best). */
export function pipelineSchema(registry: Registry): JsonSchema {
  const manifests = registry.list().map((plugin) => plugin.manifest);
  const free = { '^x-': {} };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Eddy pipeline',
    description: 'Live video as a graph: services, stages and the links between their pads.',
    type: 'object',
    required: ['version', 'stages'],
    properties: {
      version: { const: 1, description: 'The version of this format.' },
      name: { type: 'string', pattern: NAME_PATTERN, description: pipelineFields.name.doc },
      plugins: forEditors(pipelineFields.plugins.schema),
      cameras: forEditors(objectSchema(cameraFields)),
      sessions: forEditors(objectSchema(sessionFields)),
      services: nodes('Services: what stages ask for, such as an HTTP server or a store.'),
      stages: nodes('Stages: what media flows through, from sources to publishers.'),
      links: {
        type: 'array',
        items: { $ref: '#/definitions/link' },
        description: 'Links: an output pad to an input pad.',
      },
      budget: forEditors(pipelineFields.budget.schema),
      observe: forEditors(objectSchema(observeFields)),
      supervise: { $ref: '#/definitions/supervise' },
      drain: forEditors(pipelineFields.drain.schema),
    },
    patternProperties: free,
    additionalProperties: false,
    definitions: {
      supervise: { ...forEditors(objectSchema(superviseFields)), description: 'How failures are answered.' },
      node: nodeSchema(manifests, free),
      link: linkSchema(),
    },
  };
}

const nodes = (description: string): JsonSchema => ({
  type: ['object', 'null'],
  description,
  propertyNames: { pattern: NAME_PATTERN },
  additionalProperties: { $ref: '#/definitions/node' },
});

function nodeSchema(manifests: readonly Manifest[], free: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: ['plugin'],
    properties: {
      plugin: {
        type: 'string',
        description: 'The plugin that it runs.',
        enum: manifests.map(({ name }) => name),
        enumDescriptions: manifests.map(({ summary }) => summary),
      },
    },
    // One branch a plugin, chosen by its name: one typo gives one finding, as it would not in a union of all.
    allOf: manifests.map((manifest) => ({
      if: { required: ['plugin'], properties: { plugin: { const: manifest.name } } },
      then: pluginSchema(manifest, free),
    })),
  };
}

function pluginSchema(manifest: Manifest, free: JsonSchema): JsonSchema {
  const own = objectSchema(manifest.config);
  const needs = Object.entries(manifest.needs).flatMap(([key, need]) => {
    const { contract, several } = contractOf(need);
    // Several are named in an option of the plugin's own.
    return several ? [] : [[key, { type: 'string', description: `${contract.name}: ${contract.summary}` }] as const];
  });
  const engine = objectSchema(nodeFields).properties as Record<string, JsonSchema>;
  return {
    description: manifest.summary,
    properties: {
      plugin: {},
      ...mapValues(engine, forEditors),
      ...(needs.length > 0
        ? {
            use: {
              type: 'object',
              properties: Object.fromEntries(needs),
              additionalProperties: false,
              description: nodeFields.use.doc,
            },
          }
        : {}),
      supervise: { $ref: '#/definitions/supervise' },
      ...mapValues(own.properties as Record<string, JsonSchema>, forEditors),
    },
    patternProperties: free,
    additionalProperties: false,
    ...(own.required === undefined ? {} : { required: own.required }),
  };
}

function linkSchema(): JsonSchema {
  const options = {
    ...mapValues(objectSchema(linkFields).properties as Record<string, JsonSchema>, forEditors),
    optional: { type: 'boolean', default: false, description: 'It may stay unused without a warning.' },
  };
  const ends = (what: string): JsonSchema => ({
    type: ['string', 'array'],
    items: { type: 'string' },
    description: what,
  });
  return {
    description: 'a.x -> b.y; several targets by comma, alternative routes by |, options as a map behind a colon.',
    type: ['string', 'object'],
    pattern: '->',
    patternErrorMessage: 'A link is output -> input, such as rtmp.video -> cmaf.video.',
    if: { type: 'object', anyOf: [{ required: ['from'] }, { required: ['to'] }] },
    then: {
      properties: { from: ends('Output pads: stage.pad'), to: ends('Input pads: stage.pad'), ...options },
      required: ['from', 'to'],
      additionalProperties: false,
    },
    else: {
      minProperties: 1,
      maxProperties: 1,
      patternProperties: { '->': { type: ['object', 'null'], properties: options, additionalProperties: false } },
      additionalProperties: false,
    },
  };
}

/** A field's schema as an editor is to see it: units by pattern, and references wherever a value may be one. */
function forEditors(schema: JsonSchema): JsonSchema {
  const unit = UNITS[String(schema['x-unit'])];
  const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => !key.startsWith('x-')));
  if (unit) return { ...rest, pattern: `^${unit.pattern}$|${REFERENCE}`, patternErrorMessage: unit.say };
  if (schema.enum !== undefined) return rest;
  if (typeof schema.pattern === 'string') return { ...rest, pattern: `${schema.pattern}|${REFERENCE}` };
  switch (schema.type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return { ...rest, type: [schema.type, 'string'], pattern: REFERENCE };
    case 'array':
      return { ...rest, items: forEditors(schema.items as JsonSchema) };
    case 'object':
      return {
        ...rest,
        ...(schema.properties === undefined
          ? {}
          : { properties: mapValues(schema.properties as Record<string, JsonSchema>, forEditors) }),
        ...(typeof schema.additionalProperties === 'object'
          ? { additionalProperties: forEditors(schema.additionalProperties as JsonSchema) }
          : {}),
      };
    default:
      return rest;
  }
}

const mapValues = <T, U>(map: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
