/** The pages as HTML. What is live in them is filled in by the scripts of client/. */
import { icon } from './icons.ts';

/** What every page knows. */
export interface PageOptions {
  readonly title: string;
  /** Prefix or base URL of the playlists. */
  readonly hls: string;
  /** Changes with the files, so that no browser mixes two versions. */
  readonly version: string;
}

/** Makes a text safe in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function page({ title, version }: PageOptions, name: string, heading: string, body: string, data = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="dark">
<meta name="theme-color" content="#0b1014">
<title>${escapeHtml(heading === title ? title : `${heading} · ${title}`)}</title>
<link rel="icon" type="image/svg+xml" href="/player/icon.svg?${version}">
<link rel="stylesheet" href="/player/style.css?${version}">
<script type="module" src="/player/${name}.js?${version}"></script>
</head>
<body class="${name}" data-version="${version}" ${data}>
${body}
</body>
</html>
`;
}

const brand = (title: string): string =>
  `<a class="brand" href="/" data-keep-token><img src="/player/icon.svg" alt="" width="28" height="28"><span>${escapeHtml(title)}</span></a>`;

/** `/`: the cameras. */
export function homePage(options: PageOptions): string {
  const body = `
<header class="bar">${brand(options.title)}<p class="summary" id="summary" role="status"></p></header>
<main>
  <h1 class="visually-hidden">Cameras</h1>
  <ul class="cameras" id="cameras"></ul>
  <section class="note" id="note" hidden></section>
  <noscript><section class="note"><h2>This page needs JavaScript</h2>
  <p>Players can open <code>${escapeHtml(options.hls)}/&lt;camera&gt;/index.m3u8</code> without it.</p></section></noscript>
</main>`;
  return page(options, 'home', options.title, body);
}

/** `/watch/{camera}`: the player. */
export function watchPage(options: PageOptions, camera: string): string {
  const name = escapeHtml(camera);
  const button = (id: string, label: string, keys: string, icons: string): string =>
    `<button type="button" id="${id}" aria-label="${label}" title="${label} (${keys})">${icons}</button>`;
  const body = `
<header class="bar">${brand(options.title)}<h1>${name}</h1><span class="state" id="state" data-state="loading">connecting</span></header>
<main>
  <section class="stage" id="stage" aria-label="Player">
    <video id="video" playsinline muted></video>
    <div class="overlay" id="overlay" role="status" aria-live="polite">
      <div class="spinner" id="spinner"></div>
      <h2 id="reason"></h2><p id="detail"></p><p class="mend" id="mend"></p>
      <form id="key" hidden><label for="token">Key</label><input id="token" name="token" type="password" autocomplete="off" required>
      <button type="submit" class="primary">Watch</button></form>
      <button type="button" id="retry" class="primary" hidden>Try again</button>
    </div>
    <button type="button" id="unmute" class="unmute" hidden>${icon('muted')}Sound is off</button>
    <div class="controls">
      <input id="seek" type="range" min="0" max="0" step="0.1" value="0" aria-label="Position" disabled>
      <div class="row">
        ${button('play', 'Play or pause', 'space', icon('play') + icon('pause'))}
        ${button('mute', 'Sound', 'm', icon('sound') + icon('muted'))}
        <input id="volume" type="range" min="0" max="1" step="0.05" value="1" aria-label="Volume">
        <button type="button" id="live" class="live" title="Go live (l)"><span class="dot"></span><span id="live-text">Live</span></button>
        <time id="clock" class="clock" title="Server time of the picture on screen"></time>
        <span class="gap"></span>
        ${button('help', 'Keyboard', '?', icon('keyboard'))}
        ${button('pip', 'Picture in picture', 'p', icon('pip'))}
        ${button('full', 'Full screen', 'f', icon('full'))}
      </div>
    </div>
  </section>
  <dl class="stats" id="stats"></dl>
  <section class="tracks" id="tracks" hidden><h2>Tracks and where they go</h2><ul id="routes"></ul></section>
  <section class="tracks" id="findings" hidden><h2>Findings</h2><ul id="finding-list"></ul></section>
</main>
<dialog id="keys" aria-label="Keyboard">
  <h2>Keyboard</h2>
  <dl>
    <dt><kbd>space</kbd> <kbd>k</kbd></dt><dd>play or pause</dd>
    <dt><kbd>l</kbd></dt><dd>go live</dd>
    <dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>back and forward 5 seconds</dd>
    <dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>volume</dd>
    <dt><kbd>m</kbd></dt><dd>sound on or off</dd>
    <dt><kbd>f</kbd></dt><dd>full screen</dd>
    <dt><kbd>p</kbd></dt><dd>picture in picture</dd>
    <dt><kbd>esc</kbd></dt><dd>close</dd>
  </dl>
  <form method="dialog"><button class="primary">Close</button></form>
</dialog>`;
  const data = `data-camera="${name}" data-hls="${escapeHtml(options.hls)}"`;
  return page(options, 'watch', camera, body, data);
}
