/** Ladders of a camera as a stage `transcode.video` tells them, as JSON Schema. */
import { list, number, object, text } from './openapi-words.ts';

const told = (type: 'number' | 'string', description: string): Record<string, unknown> => ({ type, description });

const rung = object(
  {
    ...{ name: text, width: number, height: number },
    fps: told('number', 'Where it has fewer frames a second than the source.'),
    every: told('number', 'One of so many pictures of the source is taken.'),
    codec: text,
    profile: told('string', 'Where one was asked for.'),
    gops: told('number', "GOPs of the ladder that one of the rung's holds."),
    encoder: told('string', 'That makes it now.'),
    bitrate: told('number', 'Bits a second that its encoder is set to now.'),
    planned: told('number', 'Bits a second that it has when its readers keep up; there while they do not.'),
    made: {
      type: 'string',
      enum: ['passed through', 'encoded', 'left out', 'not wanted'],
      description: '`left out`: the machine has no room for it. `not wanted`: nobody watches or records it.',
    },
    cpu: told('number', 'What it is expected to take of the processors, in cores.'),
  },
  ['name', 'width', 'height', 'every', 'codec', 'gops', 'made'],
);

const complexity = object(
  {
    share: told('number', 'Bits that the content takes, as a share of what its size and frame rate usually take.'),
    bitrate: told('number', 'Of the source, in bits a second of H.264.'),
    quantiser: told('number', "Mean of the source's pictures by their bits, 0 to 51; of H.264 alone."),
  },
  ['share', 'bitrate'],
);

const usage = object(
  {
    cores: told('number', 'Processors that it is busy with, over the last seconds.'),
    rssBytes: number,
    framesIn: number,
    framesOut: told('number', 'Of all rungs.'),
    speed: told('number', 'Seconds of media that came out a second.'),
    latency: told('number', 'From a frame that went in until what was made of it came out, ms.'),
  },
  ['framesIn', 'framesOut'],
);

const cpu = object(
  {
    predicted: told('number', 'What the rungs that are encoded are expected to take on this machine.'),
    measured: told('number', 'What their host takes for a second of media; there once it has run for some seconds.'),
    room: told('number', 'What the other ladders of the stage leave to this one.'),
    ladders: told('number', 'What there is for all ladders of the stage: four fifths of the processors.'),
  },
  ['predicted', 'room', 'ladders'],
);

/** What GET and PATCH answer with. */
export const ladders = object({
  stage: text,
  tracks: list(
    object(
      {
        track: text,
        source: object({ codec: text, width: number, height: number, fps: number }, ['codec', 'width', 'height']),
        complexity: { ...complexity, description: 'Measured over the first GOPs of the source.' },
        running: { type: 'boolean' },
        pid: told('number', 'Of the host that runs.'),
        usage: { ...usage, description: 'Of the host that runs.' },
        cpu: { ...cpu, description: 'In cores.' },
        rungs: list(rung),
      },
      ['track', 'source', 'running', 'cpu', 'rungs'],
    ),
  ),
});
