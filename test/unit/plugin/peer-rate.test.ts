import { describe, expect, it } from 'vitest';
import { peerKey, PeerRate } from '../../../core/plugin/index.ts';
import { VirtualClock } from '../../../core/testing/index.ts';

describe('how often an address may begin', () => {
  it('is so many in a time, per address, and says how long to wait', async () => {
    const clock = new VirtualClock();
    const rate = new PeerRate(clock, { count: 2, within: 10_000 });
    expect([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('b')]).toEqual([0, 0, 5, 0]);
    await clock.advance(5000);
    expect([rate.wait('a'), rate.take('a'), rate.take('a'), rate.wait('a'), rate.wait('c')]).toEqual([0, 0, 5, 5, 0]);
  });

  it('is kept of so many addresses', () => {
    const rate = new PeerRate(new VirtualClock(), { count: 1, within: 1000 });
    rate.take('first');
    expect(rate.take('first')).toBe(1);
    for (let i = 0; i < 10_000; i++) rate.take(`10.0.${i >> 8}.${i & 255}`);
    expect(rate.take('first')).toBe(0);
  });
});

it('counts IPv6 addresses by their /64, IPv4 addresses one by one', () => {
  const same = ['2001:db8:0:7::1', '2001:0DB8:0000:0007:ffff:1:2:3', '2001:db8:0:7:8::', '2001:db8:0:7::1%eth0'];
  expect(new Set(same.map(peerKey))).toEqual(new Set(['2001:db8:0:7::/64']));
  expect(peerKey('2001:db8:0:8::1')).not.toBe(peerKey(same[0]!));
  expect([peerKey('::1'), peerKey('fe80::1'), peerKey('10.0.0.1'), peerKey('')]).toEqual([
    '0:0:0:0::/64',
    'fe80:0:0:0::/64',
    '10.0.0.1',
    '',
  ]);
});
