import { describe, expect, it } from 'vitest';
import { appName, publishTarget } from '../../../plugins/ingest/rtmp/request.ts';

const connect = { app: 'live', tcUrl: 'rtmp://host/live', userAgent: undefined };

describe('what a publisher asks for', () => {
  it.each([
    ['cam1', 'cam1', {}],
    ['acme.door1', 'acme.door1', {}],
    ['acme%2Edoor1?token=abc', 'acme.door1', { token: 'abc' }],
    ['cam1?a=b&token=x%3Dy', 'cam1', { token: 'x=y' }],
    ['cam1?token=a+b/c==', 'cam1', { token: 'a+b/c==' }],
    // Not a camera's name: the engine says so, with its own message.
    ['front%2Fdoor', 'front/door', {}],
    ['cam1?tokens=no', 'cam1', {}],
    ['cam1?token=%ff', 'cam1', {}],
    ['cam1?user=ann&pass=a%26b+c', 'cam1', { user: 'ann', password: 'a&b+c' }],
    ['cam1?user=ann', 'cam1', { user: 'ann', password: '' }],
    ['cam1?pass=x', 'cam1', {}],
    ['cam1?user=ann&pass=x&token=abc', 'cam1', { token: 'abc' }],
  ])('%s is camera %s with %o', (name, cameraId, credentials) => {
    expect(publishTarget(name, connect)).toEqual({ cameraId, credentials });
  });

  it.each(['', '?token=abc', 'cam%', 'cam%ff'])('has no name in %j', (name) => {
    expect(publishTarget(name, connect)).toBeUndefined();
  });

  it('finds them in the app and in tcUrl, the name first', () => {
    expect(publishTarget('cam1', { ...connect, app: 'live?token=app' })?.credentials).toEqual({ token: 'app' });
    expect(publishTarget('cam1', { ...connect, tcUrl: 'rtmp://host/live?token=url' })?.credentials).toEqual({
      token: 'url',
    });
    expect(publishTarget('cam1?token=name', { ...connect, app: 'live?token=app' })?.credentials).toEqual({
      token: 'name',
    });
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
