import { describe, expect, it } from 'vitest';
import { check } from '../../../core/cli/load.ts';
import { main } from '../../../core/cli/main.ts';
import { createEngine } from '../../../core/engine/engine.ts';
import { createLogger, Redactor } from '../../../core/observe/index.ts';
import type { AnyPlugin, Field, Fields } from '../../../core/plugin/index.ts';
import builtins from '../../../plugins/index.ts';
import { fakeCli } from './fake-cli.ts';

/** Looks like nothing that the redactor could know by its form. */
const PLANT = 'Blauregen47Zitrone';
/** As the Standard Webhooks want secrets: base64 of 30 bytes. */
const SIGNING = `whsec_${PLANT}${'x'.repeat(22)}`;

interface Place {
  readonly service: string;
  /** Its configuration as YAML flow, with the plant where a user may write a secret. */
  readonly config: string;
}

/** Every place of the plugins in the box at which a secret may stand, by its path in the manifest. */
const SECRET_FIELDS: Readonly<Record<string, Place>> = {
  'auth.jwt secrets': {
    service: 'auth.jwt',
    config: `secrets: ["${PLANT} and some more bytes"]`,
  },
  'auth.webhook secret': {
    service: 'auth.webhook',
    config: `url: "https://example.org/access", secret: "whsec_${PLANT}AndSomeMoreBase64X"`,
  },
  'auth.static users.password': {
    service: 'auth.static',
    config: `users: [{ user: ada, password: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$A${PLANT}", actions: [watch] }]`,
  },
  'auth.static keys.token': {
    service: 'auth.static',
    config: `keys: [{ token: "${PLANT}", subject: gate, actions: [publish] }]`,
  },
  'events.webhook secret': {
    service: 'events.webhook',
    config: `url: "https://hooks.example/eddy", secret: "${SIGNING}"`,
  },
  'events.webhook old-secrets': {
    service: 'events.webhook',
    config: `url: "https://hooks.example/eddy", secret: "whsec_${'A'.repeat(40)}", old-secrets: ["${SIGNING}"]`,
  },
  'index.postgres url': {
    service: 'index.postgres',
    config: `url: "postgres://eddy:${PLANT}@127.0.0.1/eddy"`,
  },
  'store.s3 credentials.access-key': {
    service: 'store.s3',
    config: `bucket: b, credentials: { access-key: ${PLANT}, secret-key: other-one }`,
  },
  'store.s3 credentials.secret-key': {
    service: 'store.s3',
    config: `bucket: b, credentials: { access-key: other-one, secret-key: ${PLANT} }`,
  },
  'store.s3 credentials.session-token': {
    service: 'store.s3',
    config: `bucket: b, credentials: { access-key: a, secret-key: s, session-token: ${PLANT} }`,
  },
  'webrtc.workers ice-servers.credential': {
    service: 'webrtc.workers',
    config: `ice-servers: [{ urls: ["turn:t.example"], username: u, credential: ${PLANT} }]`,
  },
};
/** Places that are no secrets, into which people write them nevertheless. */
const CARELESS: Readonly<Record<string, Place>> = {
  'a password in the address of a store': {
    service: 'store.s3',
    config: `bucket: b, endpoint: "https://user:${PLANT}@s3.example"`,
  },
  'a token in an address': {
    service: 'webrtc.workers',
    config: `ice-servers: [{ urls: ["turn:t.example?token=${PLANT}"] }]`,
  },
  'a reference to a secret where none is expected': {
    service: 'store.s3',
    config: 'bucket: "${secret:plant}"',
  },
  "a key of the file that is nobody's": {
    service: 'store.s3',
    config: `bucket: b, x-note: { password: ${PLANT} }`,
  },
};
const places = Object.entries({ ...SECRET_FIELDS, ...CARELESS });

const cli = fakeCli({ EDDY_SECRET_PLANT: PLANT, PLANTED: PLANT });
const printed = (): string => cli.printed.out + cli.printed.err;

const pipeline = ({ service, config }: Place, more = ''): string => `version: 1
name: planted
observe: { log: error }
services:
  it: { plugin: ${service}, ${config}${more} }
stages:
  rtmp: { plugin: ingest.rtmp }
links: []
`;
/** What may be wrong beside it, as YAML flow. */
const SLIPS = ['', ', colour: blue', ', bucket: 7, keys: 9', ', credentials: {', ', listen: [}'];
/** The ways to write it, but for itself. `planted.txt` holds it. */
const REFERENCES = ['${secret:plant}', '${env:PLANTED}', '${env:NOT_THERE:-' + PLANT + '}', '${file:./planted.txt}'];

/** The place with its plant written as a reference, quoted where it is not yet. */
const referring = (place: Place, reference: string): Place => ({
  ...place,
  config: place.config.replaceAll(/"[^"]*"|\b\w+\b/g, (token) => {
    if (!token.includes(PLANT)) return token;
    return `"${token.replaceAll('"', '').replace(PLANT, () => reference)}"`;
  }),
});

/** The plugins, with code that does nothing, or as `create` says. */
const hollow = (create: (config: unknown) => void): AnyPlugin[] =>
  builtins.map((plugin) => ({
    ...plugin,
    load: () =>
      Promise.resolve({
        create: (ctx: { readonly config: unknown }) => {
          create(ctx.config);
          return { services: Object.fromEntries(Object.keys(plugin.manifest.provides).map((name) => [name, {}])) };
        },
      }) as never,
  }));

function secretsOf(fields: Fields, path = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => secretsOfField(field, `${path}${name}`));
}
function secretsOfField({ parts, schema }: Field<unknown>, path: string): string[] {
  if (parts && 'fields' in parts) return secretsOf(parts.fields, `${path}.`);
  if (parts) return secretsOfField(parts.item, path);
  return schema['x-secret'] === true ? [path] : [];
}

it('knows every secret field of the plugins in the box', () => {
  const all = builtins.flatMap(({ manifest }) => secretsOf(manifest.config).map((path) => `${manifest.name} ${path}`));
  expect(Object.keys(SECRET_FIELDS).sort()).toEqual(all.sort());
});

describe.each(places)('%s', (_, place) => {
  it('is not printed by validate, whatever is wrong beside it, nor by graph', async () => {
    for (const more of SLIPS) {
      await main(['validate', await cli.file(pipeline(place, more)), '--offline'], cli);
      await main(['validate', 'p.yaml', '--offline', '--json'], cli);
    }
    for (const format of ['text', 'mermaid', 'dot']) {
      expect(await main(['graph', await cli.file(pipeline(place)), '--format', format], cli)).toBe(0);
    }
    expect(printed()).toContain('p.yaml');
    expect(printed()).not.toContain(PLANT);
  });

  it.each(REFERENCES)('is not printed where it is written as %s', async (reference) => {
    await cli.file(PLANT, 'planted.txt');
    const written = referring(place, reference);
    expect(written.config).not.toContain(reference.includes(PLANT) ? '"' + PLANT : PLANT);
    for (const more of SLIPS) {
      await main(['validate', await cli.file(pipeline(written, more)), '--offline'], cli);
      await main(['validate', 'p.yaml', '--offline', '--json'], cli);
      if (more !== '') await main(['run', 'p.yaml', '--log-format', 'json'], cli);
    }
    await main(['graph', await cli.file(pipeline(written))], cli);
    expect(printed()).toContain('p.yaml');
    expect(printed()).not.toContain(PLANT);
  });

  it('is not printed where a plugin fails with all of its configuration in the error', async () => {
    const failing = hollow((config) => {
      throw new Error(`cannot work with ${JSON.stringify(config)}`);
    });
    await cli.file(pipeline(place));
    expect(await main(['run', 'p.yaml'], { ...cli, builtins: () => Promise.resolve(failing) })).toBe(1);
    expect(printed()).toContain('cannot work with');
    expect(printed()).not.toContain(PLANT);
  });

  it('is not in logs, the pipeline as the API shows it, or metrics', async () => {
    const redactor = new Redactor();
    const lines: string[] = [];
    const log = createLogger({
      redactor,
      level: 'debug',
      format: 'json',
      output: { write: (line) => lines.push(line) },
    });
    await cli.file(pipeline(place));
    const own = {
      ...cli,
      redactor,
      builtins: () => Promise.resolve(hollow((config) => log.info({ config }, JSON.stringify(config)))),
    };
    const { graph } = await check('p.yaml', own, { offline: true });
    const engine = createEngine({ log, measureProcess: false });
    try {
      await engine.apply(graph!);
      expect(lines.join('')).toContain('pipeline running');
      expect(engine.view.snapshot()).toMatchObject({ name: 'planted' });
      const shown = JSON.stringify(engine.view.snapshot()) + (await engine.view.metrics()) + lines.join('');
      expect(shown).not.toContain(PLANT);
    } finally {
      await engine.stop();
    }
  });
});

/** Each option that holds a value, as a path; `0` is an item of a list, `any` a key of a map. */
function options(fields: Fields, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(fields).flatMap(([name, field]) => optionsOf(field, [...path, name]));
}
function optionsOf({ parts, schema }: Field<unknown>, path: readonly string[]): (readonly string[])[] {
  if (parts && 'fields' in parts) return options(parts.fields, path);
  if (parts) return optionsOf(parts.item, [...path, schema['type'] === 'array' ? '0' : 'any']);
  return [path];
}
/** YAML flow with a value at that path. */
const flowAt = ([name = '', ...rest]: readonly string[], value: string): string => {
  const inner = rest.length === 0 ? JSON.stringify(value) : flowAt(rest, value);
  return name === '0' ? `[${inner}]` : `{ ${name}: ${inner} }`;
};

describe('a reference in any option', () => {
  it.each(builtins.map((plugin) => [plugin.manifest.name, plugin] as const))(
    'of %s is not printed resolved',
    async (name, { manifest }) => {
      const isStage = Object.keys(manifest.inputs).length + Object.keys(manifest.outputs).length > 0;
      let count = 0;
      for (const path of options(manifest.config)) {
        for (const reference of ['${secret:plant}', '${env:PLANTED}']) {
          const config = flowAt(path, reference).slice(2);
          const node = `  it: { plugin: ${name}, ${config}\n`;
          const [services, stages] = isStage ? ['', node] : [node, ''];
          const text = `version: 1\nservices:\n${services || '  none: { plugin: auth.none }\n'}stages:\n${stages}  rtmp: { plugin: ingest.rtmp }\n`;
          await main(['validate', await cli.file(text), '--offline'], cli);
          await main(['validate', 'p.yaml', '--offline', '--json'], cli);
          await main(['graph', 'p.yaml'], cli);
          count += 1;
        }
      }
      if (count > 0) expect(printed()).toContain('p.yaml');
      expect(printed()).not.toContain(PLANT);
    },
  );
});
