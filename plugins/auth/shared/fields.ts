/** What somebody may do and under which limits, as options of a pipeline file: one set for keys, users and anyone. */
import {
  ACTIONS,
  Bitrate,
  CAMERA_ID_PATTERN,
  Duration,
  Integer,
  isAddressBlock,
  isCameraPattern,
  isOrigin,
  ListOf,
  OneOf,
  parseRfc3339,
  Text,
  type ConfigOf,
  type Field,
} from 'eddy/plugin';

const camera: Field<string> = {
  ...Text({ doc: 'A camera, "acme.*" for all that begin so, or "*" for all.' }),
  parse: (raw) =>
    isCameraPattern(raw)
      ? { value: raw }
      : {
          error: `"${String(raw)}" is no camera pattern; write a camera (${CAMERA_ID_PATTERN}), "acme.*" for all that begin so, or "*"`,
        },
};

const origin: Field<string> = {
  ...Text({ doc: 'The origin of a page: https://example.org' }),
  parse: (raw) =>
    typeof raw === 'string' && isOrigin(raw)
      ? { value: raw }
      : { error: `"${String(raw)}" is no origin; write scheme and host alone, such as "https://example.org"` },
};

const addressRange: Field<string> = {
  ...Text({ doc: 'An IP address or a CIDR block: 10.0.0.0/8' }),
  parse: (raw) =>
    typeof raw === 'string' && isAddressBlock(raw)
      ? { value: raw }
      : { error: `"${String(raw)}" is no address; write "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"` },
};

/** A moment in RFC 3339; the configuration holds epoch ms. */
export function Moment(doc: string): Field<number | undefined> {
  return {
    ...Integer({ doc, optional: true }),
    schema: Text({ doc, optional: true }).schema,
    parse: (raw) => {
      const value = parseRfc3339(String(raw));
      return value === undefined
        ? { error: `"${String(raw)}" is no moment; write date, time and offset, such as "2027-01-31T18:00:00Z"` }
        : { value };
    },
  };
}

/** Lines of a picture, as a number or as people say it: 720, `720p`. */
const lines: Field<number | undefined> = {
  ...Integer({ doc: 'The largest picture: 720 for 720p; absent: any.', optional: true, min: 1 }),
  schema: {
    type: ['integer', 'string'],
    minimum: 1,
    pattern: '^[1-9]\\d{0,4}p$',
    description: 'The largest picture: 720 or 720p; absent: any.',
    'x-takes': '720 | 720p',
  },
  parse: (raw) => ({ value: typeof raw === 'number' ? raw : Number.parseInt(String(raw), 10) }),
};

/** Something that the rights are good for. */
export const action = OneOf(ACTIONS, { doc: 'Something to be done.' });

/** A longer name of who it is is none. */
export const LONGEST_SUBJECT = 256;

/** Limits that hold wherever there are rights. */
export const limitFields = {
  rewind: Duration({ doc: 'How far back they may rewind and export; absent: as far as there is.', optional: true }),
  'max-bitrate': Bitrate({ doc: 'The highest bit rate of video that they get; absent: any.', optional: true }),
  'max-lines': lines,
  sessions: Integer({
    doc: 'How many sessions the subject may have open at once, over all transports; absent: any number.',
    optional: true,
    min: 1,
  }),
  origins: ListOf(origin, {
    doc: 'Pages of these origins alone; native players, which send none, are let through. Absent: any.',
    optional: true,
  }),
  addresses: ListOf(addressRange, {
    doc: 'Peers of these addresses or CIDR blocks alone; absent: any.',
    optional: true,
  }),
  role: OneOf(['read-only', 'full'], {
    doc: 'What "admin" may do: look, or change too. Absent: full.',
    optional: true,
  }),
};

/** Rights as a token's claim or a webhook's answer tells them. */
export const rightsFields = {
  cameras: ListOf(camera, { doc: 'Cameras that it is good for.', default: ['*'] }),
  actions: ListOf(action, { doc: 'What it is good for; "admin" needs cameras "*".' }),
  ...limitFields,
};

/** Rights in a pipeline file, which have their own beginning and end. */
export const timedRightsFields = {
  ...rightsFields,
  from: Moment('Not good before this moment (RFC 3339); absent: at once.'),
  until: Moment('Not good after this moment (RFC 3339); absent: for ever.'),
};

export type Limits = ConfigOf<typeof limitFields>;
export type Rights = ConfigOf<typeof rightsFields>;
export type TimedRights = ConfigOf<typeof timedRightsFields>;
