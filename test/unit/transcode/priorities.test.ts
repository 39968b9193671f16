import { describe, expect, it } from 'vitest';
import type { CameraId } from 'eddy/plugin';
import { checkPriorities, priorityOf } from '../../../plugins/transcode/video/priorities.ts';

describe('priorities of ladders', () => {
  it('are those of the camera, of a prefix, or of all; the highest counts', () => {
    const priorities = { stage: 10, 'acme.*': 5, 'acme.door': 2, '*': 1 };
    const of = (camera: string): number => priorityOf(priorities, camera as CameraId);
    expect([of('stage'), of('acme.door'), of('roof')]).toEqual([10, 5, 1]);
    expect(priorityOf({}, 'roof' as CameraId)).toBe(0);
  });

  it('take what can be a camera, and say what was meant where it cannot', () => {
    expect(checkPriorities({ stage: 10, 'acme.*': 5, '*': 1 })).toEqual([]);
    const meant = (key: string): string | undefined =>
      /did you mean (.*)\?/.exec(checkPriorities({ [key]: 1 })[0]!.message)?.[1];
    expect(meant('acme/*')).toBe('"acme.*"');
    expect(meant('/live/door1')).toBe('"live.door1"');
    expect(meant('door**')).toBe('"door*"');
    expect(meant('front door')).toBe('"front-door"');
    expect(meant('Tür')).toBe('"Tur"');
    expect(meant('**')).toBe('"*"');
    // A suffix is no prefix: nothing sensible to propose.
    expect(meant('*door')).toBeUndefined();
    expect(checkPriorities({ '*door': 1, stage: 2, '': 3 })).toHaveLength(2);
  });
});
