import { describe, expect, it } from 'vitest';
import { appName, publishTarget } from '../../../plugins/ingest/rtmp/request.ts';

const connect = { app: 'live', tcUrl: 'rtmp://host/live', userAgent: undefined };

describe('what a publisher asks for', () => {
  it.each([
    ['cam1', 'cam1', undefined],
    ['acme.door1', 'acme.door1', undefined],
    ['acme%2Edoor1?token=abc', 'acme.door1', 'abc'],
    ['cam1?a=b&token=x%3Dy', 'cam1', 'x=y'],
    ['cam1?token=a+b/c==', 'cam1', 'a+b/c=='],
    // Not a camera's name: the engine says so, with its own message.
    ['front%2Fdoor', 'front/door', undefined],
    ['cam1?tokens=no', 'cam1', undefined],
  ])('%s is camera %s with token %s', (name, cameraId, token) => {
    expect(publishTarget(name, connect)).toEqual({ cameraId, token });
  });

  it.each(['', '?token=abc', 'cam%', 'cam%ff'])('has no name in %j', (name) => {
    expect(publishTarget(name, connect)).toBeUndefined();
  });

  it('finds the token in the app and in tcUrl, the name first', () => {
    expect(publishTarget('cam1', { ...connect, app: 'live?token=app' })?.token).toBe('app');
    expect(publishTarget('cam1', { ...connect, tcUrl: 'rtmp://host/live?token=url' })?.token).toBe('url');
    expect(publishTarget('cam1?token=name', { ...connect, app: 'live?token=app' })?.token).toBe('name');
  });

  it.each([
    ['live', 'live'],
    ['live/', 'live'],
    ['live?token=x', 'live'],
    ['live/door', 'live/door'],
    ['%6Cive', 'live'],
    ['%', undefined],
  ])('the app %s is %s', (written, name) => {
    expect(appName(written)).toBe(name);
  });
});
