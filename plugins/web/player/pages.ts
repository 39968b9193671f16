/** The pages as HTML. What is live in them is filled in by the scripts of client/. */
import { icon } from '../shared/icons.ts';
import { brand, escapeHtml, renderPage } from '../shared/pages.ts';

/** What every page knows. */
export interface PageOptions {
  readonly title: string;
  /** Prefix or base URL of the WHEP endpoints, and of the playlists. */
  readonly whep: string;
  readonly hls: string;
  /** Changes with the files. */
  readonly version: string;
}

const FILES = '/player';

/** `/`: the cameras. */
export function homePage({ title, hls, version }: PageOptions): string {
  const body = `
<header class="bar">${brand(title, FILES)}<p class="summary" id="summary" role="status"></p></header>
<main>
  <h1 class="visually-hidden">Cameras</h1>
  <ul class="cameras" id="cameras"></ul>
  <section class="note" id="note" hidden></section>
  <noscript><section class="note"><h2>This page needs JavaScript</h2>
  <p>Players can open <code>${escapeHtml(hls)}/&lt;camera&gt;/index.m3u8</code> without it.</p></section></noscript>
</main>`;
  return renderPage({ title, heading: title, files: FILES, version, name: 'home', body });
}

const button = (id: string, label: string, keys: string, icons: string): string =>
  `<button type="button" id="${id}" aria-label="${label}" title="${label} (${keys})">${icons}</button>`;

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['space k', 'play or pause'],
  ['l end', 'go live'],
  ['← →', 'back and forward 5 seconds'],
  ['shift ← →', 'back and forward a minute'],
  [', .', 'the picture before, the next one'],
  ['home', 'the oldest moment that is kept'],
  ['+ -', 'show less or more of time'],
  ['s', 'copy a link to this moment'],
  ['↑ ↓', 'volume'],
  ['m', 'sound on or off'],
  ['w', 'WebRTC or LL-HLS'],
  ['q', 'picture size: automatic, or at most a layer'],
  ['c', 'cameras'],
  ['1 … 9', 'that camera of the list'],
  ['PgUp PgDn', 'the camera before, the next one'],
  ['f', 'full screen'],
  ['p', 'picture in picture'],
  ['esc', 'close'],
];

const keyList = KEYS.map(([keys, what]) => {
  const caps = keys.split(' ').map((key) => (key === '…' ? key : `<kbd>${key}</kbd>`));
  return `    <dt>${caps.join(' ')}</dt><dd>${what}</dd>`;
}).join('\n');

/** `/watch/{camera}`: the player. */
export function watchPage(options: PageOptions, camera: string): string {
  const { title, version, hls, whep } = options;
  const body = `
<header class="bar">${brand(title, FILES)}
  <div class="picker"><button type="button" id="cameras-button" class="picker-button" aria-haspopup="menu" aria-expanded="false" aria-controls="camera-menu" title="Cameras (c)"><h1 id="name">${escapeHtml(camera)}</h1></button>
  <ul id="camera-menu" class="menu" role="menu" aria-label="Cameras" hidden></ul></div>
  <span class="state" id="state" data-state="loading">connecting</span>
</header>
<main>
  <div class="player" id="player">
  <section class="stage" id="stage" aria-label="Picture">
    <video id="video" playsinline muted></video>
    <canvas id="held" class="poster" hidden></canvas>
    <img id="poster" class="poster" alt="" hidden>
    <div class="overlay" id="overlay" role="status" aria-live="polite">
      <div class="spinner" id="spinner"></div>
      <h2 id="reason"></h2><p id="detail"></p><p class="mend" id="mend"></p>
      <form id="key" hidden><label for="token">Key</label><input id="token" name="token" type="password" autocomplete="off" required>
      <button type="submit" class="primary">Watch</button></form>
      <button type="button" id="retry" class="primary" hidden>Try again</button>
      <button type="button" id="recorded" class="primary" hidden>Watch its last minute</button>
    </div>
    <button type="button" id="unmute" class="unmute" hidden>${icon('muted')}Sound is off</button>
    <time id="corner-clock" class="corner-clock" aria-hidden="true"></time>
  </section>
  <section class="deck" id="deck" aria-label="Player">
    <div class="timeline" id="timeline" hidden>
      <div class="peek" id="peek" aria-hidden="true" hidden>
        <canvas id="peek-picture" hidden></canvas>
        <p><span id="peek-day"></span> <time id="peek-time"></time></p><p class="peek-note" id="peek-note"></p>
      </div>
      <div class="scrub" id="scrub" role="slider" tabindex="0" aria-label="Time" aria-orientation="horizontal" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0">
        <div class="rail"><div id="rail"></div><div class="ahead" id="ahead"></div></div>
        <div class="scale" id="scale"></div>
        <div class="playhead" id="playhead" hidden></div>
      </div>
    </div>
    <div class="row">
      ${button('play', 'Play or pause', 'space', icon('play') + icon('pause'))}
      ${button('mute', 'Sound', 'm', icon('sound') + icon('muted'))}
      <input id="volume" type="range" min="0" max="1" step="0.05" value="1" aria-label="Volume">
      <button type="button" id="live" class="live" title="Go live (l)"><span class="dot"></span>Live</button>
      <p class="when" title="Server time of the picture on screen, in your time zone"><time id="clock" class="clock"></time><span id="day" class="day"></span><span id="lag" class="lag"></span></p>
      <p class="no-past" id="no-past" hidden></p>
      <span class="gap"></span>
      <div class="zoom" id="zoom" role="group" aria-label="Time shown" hidden>
        ${button('zoom-out', 'Show more of time', '-', icon('minus'))}<span id="zoom-text"></span>${button('zoom-in', 'Show less of time', '+', icon('plus'))}
      </div>
      ${button('link', 'Copy a link to this moment', 's', icon('link') + icon('check'))}
      <select id="layer" class="via" aria-label="Picture size" title="Picture size: automatic, or at most this layer (q)" hidden></select>
      <button type="button" id="via" class="via" title="WebRTC or LL-HLS (w)"><span id="via-text">…</span></button>
      ${button('help', 'Keyboard', '?', icon('keyboard'))}
      ${button('pip', 'Picture in picture', 'p', icon('pip'))}
      ${button('full', 'Full screen', 'f', icon('full'))}
    </div>
    <p class="said" id="said" role="status"></p>
  </section>
  </div>
  <section class="notice" id="notice" role="status" hidden><p><strong id="notice-title"></strong> <span id="notice-detail"></span> <span id="notice-mend" class="mend"></span> <code id="notice-code"></code></p></section>
  <section class="notice" id="limits" role="status" hidden></section>
  <dl class="stats" id="stats"></dl>
  <section class="tracks" id="tracks" hidden><h2>Tracks and where they go</h2><ul id="routes"></ul></section>
  <section class="tracks" id="findings" hidden><h2>Findings</h2><ul id="finding-list"></ul></section>
</main>
<dialog id="keys" aria-label="Keyboard">
  <h2>Keyboard</h2>
  <dl>
${keyList}
  </dl>
  <form method="dialog"><button class="primary">Close</button></form>
</dialog>`;
  const data = { camera, hls, whep };
  return renderPage({ title, heading: camera, files: FILES, version, name: 'watch', body, data });
}
