/**
 * A page of another origin with the clients that others wrote, bundled as their users bundle them: `window.clients`. Pictures
 * carry the block clock, so that who watches can tell a live picture from a frozen one.
 */
import { WebRTCPlayer } from '@eyevinn/webrtc-player';
import { WHIPClient as EyevinnWhip } from '@eyevinn/whip-web-client';
import { WHEPClient } from 'whip-whep/whep.js';
import { WHIPClient } from 'whip-whep/whip.js';
import { blockClockBits, decodeBlockClock } from '../../core/media/block-clock.ts';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 30;
const BLOCK = WIDTH / 32;

/** A canvas with the clock, and a tone. */
function camera() {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext('2d');
  let count = 0;
  const draw = () => {
    context.fillStyle = `hsl(${count % 360}, 60%, 50%)`;
    context.fillRect(0, 2 * BLOCK, WIDTH, HEIGHT);
    const now = Math.floor(performance.timeOrigin + performance.now());
    blockClockBits(now, count % 1024).forEach((bit, i) => {
      context.fillStyle = bit ? '#fff' : '#000';
      context.fillRect((i % 32) * BLOCK, Math.floor(i / 32) * BLOCK, BLOCK, BLOCK);
    });
    count += 1;
  };
  draw();
  setInterval(draw, 1000 / FPS);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const sink = audio.createMediaStreamDestination();
  tone.connect(sink);
  tone.start();
  return new MediaStream([...canvas.captureStream(FPS).getTracks(), ...sink.stream.getTracks()]);
}

const connected = (pc) =>
  new Promise((resolve, reject) => {
    const look = () => {
      if (pc.connectionState === 'connected') resolve();
      if (pc.connectionState === 'failed') reject(new Error('the connection failed'));
    };
    pc.addEventListener('connectionstatechange', look);
    look();
  });

const video = () => {
  const element = document.createElement('video');
  Object.assign(element, { muted: true, autoplay: true, playsInline: true, width: WIDTH });
  document.body.append(element);
  return element;
};

/** Pictures with a clock that goes forward: settles once there were so many, with their size. */
function pictures(wanted, element = document.querySelector('video')) {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let [seen, last] = [0, 0];
  return new Promise((resolve) => {
    const look = () => {
      const { videoWidth: width, videoHeight: height } = element;
      if (width > 0) {
        Object.assign(canvas, { width, height: Math.ceil(width / 16) });
        context.drawImage(element, 0, 0);
        const clock = decodeBlockClock(context.getImageData(0, 0, canvas.width, canvas.height));
        if (clock && clock.epochMs > last) [seen, last] = [seen + 1, clock.epochMs];
        if (seen >= wanted) return resolve({ seen, width, height });
      }
      return element.requestVideoFrameCallback(look);
    };
    element.requestVideoFrameCallback(look);
  });
}

/** As the README of each client says. What is returned is the client, for what the test asks of it next. */
const publishers = {
  async 'whip-whep'(url, token) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    for (const track of camera().getTracks()) pc.addTransceiver(track, { direction: 'sendonly' });
    const client = new WHIPClient();
    await client.publish(pc, url, token);
    await connected(pc);
    return { client, pc, leave: () => client.stop(), restart: () => client.restart() };
  },
  async '@eyevinn/whip-web-client'(url, token) {
    const client = new EyevinnWhip({ endpoint: url, opts: { authkey: token, iceServers: [] } });
    await client.setIceServersFromEndpoint();
    await client.ingest(camera());
    await connected(client.peer);
    return { client, pc: client.peer, trickles: client.supportTrickleIce(), leave: () => client.destroy() };
  },
};

const players = {
  async 'whip-whep'(url, token, { answer = '', iceTransportPolicy = 'all' } = {}) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceTransportPolicy });
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.addTransceiver('audio', { direction: 'recvonly' });
    const [element, stream] = [video(), new MediaStream()];
    pc.ontrack = ({ track }) => {
      stream.addTrack(track);
      element.srcObject = stream;
    };
    const client = new WHEPClient();
    if (answer === 'tcp') client.onAnswer = (sdp) => sdp.replace(/a=candidate:\S+ 1 udp .*\r\n/g, '');
    await client.view(pc, url, token);
    await connected(pc);
    return { client, pc, leave: () => client.stop(), restart: () => client.restart() };
  },
  async '@eyevinn/webrtc-player'(url, token) {
    const player = new WebRTCPlayer({ video: video(), type: 'whep', iceServers: [], statsTypeFilter: '^inbound-rtp' });
    // It sends its key as it is.
    await player.load(new URL(url), `Bearer ${token}`);
    return { client: player, leave: () => player.unload() };
  },
};

const open = {};
window.clients = {
  pictures,
  async publish(name, url, token) {
    open[url] = await publishers[name](url, token);
    return { trickles: open[url].trickles };
  },
  async watch(name, url, token, options) {
    open[url] = await players[name](url, token, options);
  },
  restart: (url) => open[url].restart(),
  leave: (url) => open[url].leave(),
  call: (url, method, ...args) => open[url].client[method](...args),
  /** Ends the connection, not the session. */
  drop: (url) => open[url].pc.close(),
  /** Types of the candidates of ours that the connection uses. */
  async localCandidates(url) {
    const reports = await open[url].pc.getStats();
    const pairs = [...reports.values()].filter(({ type, nominated }) => type === 'candidate-pair' && nominated);
    return pairs.map(({ localCandidateId }) => reports.get(localCandidateId).candidateType);
  },
  /** Kinds of which packets have come. */
  async heard(url) {
    const { client, pc } = open[url];
    const reports = [...(await (pc ?? client.peer).getStats()).values()];
    const kinds = reports.flatMap(({ type, kind, packetsReceived }) =>
      type === 'inbound-rtp' && packetsReceived > 0 ? [kind] : [],
    );
    return kinds.sort();
  },
};
