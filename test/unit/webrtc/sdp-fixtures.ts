/** Recorded offers, and what the real routers know. */
import { readdirSync, readFileSync } from 'node:fs';
import * as ortc from 'mediasoup/ortc';
import type { RtpCapabilities } from 'eddy/plugin';
import { MEDIA_CODECS } from '../../../plugins/webrtc/workers/codecs.ts';

const folder = new URL('../../fixtures/sdp/', import.meta.url);

/** The text of an offer. */
export const fixture = (name: string): string => readFileSync(new URL(`${name}.sdp`, folder), 'utf8');

/** Names of all offers that end so: `whip`, `whep`; simulcast ones count as `whip`. */
export const fixtures = (way: 'whip' | 'whep'): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.sdp') && file.includes(`-${way}`))
    .map((file) => file.slice(0, -4))
    .sort();

/** As every router of ours has it, made by mediasoup itself. */
export const capabilities = ortc.generateRouterRtpCapabilities([...MEDIA_CODECS]) as unknown as RtpCapabilities;

/** A transport as an answer needs it. */
export const address = {
  iceParameters: { usernameFragment: 'serverufrag', password: 'serverpasswordserverpassword', iceLite: true },
  iceCandidates: [
    { foundation: 'u', priority: 1076302079, address: '192.0.2.1', protocol: 'udp', port: 10000, type: 'host' },
    {
      foundation: 't',
      priority: 1076276479,
      address: '192.0.2.1',
      protocol: 'tcp',
      port: 10000,
      type: 'host',
      tcpType: 'passive',
    },
  ],
  dtlsFingerprints: [
    { algorithm: 'sha-1', value: '00:11' },
    { algorithm: 'sha-256', value: Array(32).fill('AB').join(':') },
  ],
} as const;

/** Sections of an SDP: the first is the session's. */
export const sectionsOf = (sdp: string): string[][] =>
  sdp
    .trim()
    .split(/\r\n(?=m=)/)
    .map((section) => section.split('\r\n'));
