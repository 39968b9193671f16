import { expect, it, vi } from 'vitest';
import { parseCameraId } from '../../../core/model/index.ts';
import { createEvents, Redactor } from '../../../core/observe/index.ts';

const cam = parseCameraId('cam1')!;

it('tells every listener, stamps the time and the stage, and stops when asked', () => {
  const events = createEvents({ now: () => 42 });
  const heard = vi.fn();
  const stop = events.on(heard);
  events.forStage('rtmp').emit({ type: 'camera.live', cameraId: cam });
  stop();
  events.emit({ type: 'camera.away' });
  expect(heard.mock.calls).toEqual([[{ type: 'camera.live', cameraId: cam, stage: 'rtmp', at: 42 }]]);
});

it('takes secrets out of what is told and kept', () => {
  const redactor = new Redactor();
  redactor.add('planted-secret');
  const events = createEvents({ redact: (data) => redactor.fields(data) });
  const heard = vi.fn();
  events.on(heard);
  const message = 'rtmp://host/live/cam1?token=abcdef and planted-secret';
  events.emit({ type: 'report', data: { code: 'X', message } });
  const clean = { code: 'X', message: 'rtmp://host/live/cam1?token=[redacted] and [redacted]' };
  expect(heard.mock.calls[0]![0]).toMatchObject({ data: clean });
  expect(events.recent()).toMatchObject([{ data: clean }]);
});

it('survives a listener that throws, and tells of it', () => {
  const onListenerError = vi.fn();
  const events = createEvents({ onListenerError });
  const heard = vi.fn();
  events.on(() => {
    throw new Error('bad listener');
  });
  events.on(heard);
  events.emit({ type: 'pipeline.running' });
  expect(heard).toHaveBeenCalledOnce();
  expect(onListenerError).toHaveBeenCalledOnce();
});

it('keeps a bounded history that can be asked by type, prefix, camera and time', () => {
  let at = 0;
  const events = createEvents({ now: () => ++at, history: 5 });
  for (let n = 0; n < 23; n++)
    events.emit({ type: n % 2 ? 'camera.live' : 'pipeline.running', ...(n === 22 && { cameraId: cam }) });
  expect(events.recent().map((event) => event.at)).toEqual([19, 20, 21, 22, 23]);
  expect(events.recent({ type: 'camera.' }).map((event) => event.at)).toEqual([20, 22]);
  expect(events.recent({ cameraId: cam }).map((event) => event.at)).toEqual([23]);
  expect(events.recent({ since: 22 }).map((event) => event.at)).toEqual([22, 23]);
  expect(events.recent({ limit: 1 }).map((event) => event.at)).toEqual([23]);
  expect(events.recent({ limit: 0 })).toEqual([]);
});
