/** The page as HTML. What is live in it is filled in by client/. */
import { icon } from '../shared/icons.ts';
import { brand, escapeHtml, renderPage } from '../shared/pages.ts';

/** What the page knows. */
export interface PageOptions {
  readonly title: string;
  /** Prefix or base URL of the WHIP endpoints. */
  readonly whip: string;
  /** Changes with the files. */
  readonly version: string;
}

/** No camera has this name, since names begin with a letter or digit. */
export const FILES = '/publish/_';

const SOURCES = [
  ['camera', 'Camera'],
  ['screen', 'Screen'],
  ['card', 'Test card'],
] as const;
const CODECS = [
  ['', 'Automatic'],
  ['H264', 'H.264'],
  ['VP8', 'VP8'],
  ['VP9', 'VP9'],
  ['AV1', 'AV1'],
] as const;

const options = (entries: readonly (readonly [value: string, text: string])[]): string =>
  entries.map(([value, text]) => `<option value="${value}">${text}</option>`).join('');

/** `/publish/{camera}`; without a camera it asks for its name. */
export function publishPage({ title, whip, version }: PageOptions, camera: string): string {
  const name = escapeHtml(camera);
  const sources = SOURCES.map(
    ([value, text]) =>
      `<button type="button" role="radio" aria-checked="false" data-source="${value}">${icon(value)}<span>${text}</span></button>`,
  );
  const body = `
<header class="bar">${brand(title, FILES)}<h1>${camera ? name : 'Publish'}</h1><span class="state" id="state" data-state="ready"${camera ? '' : ' hidden'}>not sending</span>
  <a class="watch-link" id="watch" href="/watch/${encodeURIComponent(camera)}" target="_blank" data-keep-token${camera ? '' : ' hidden'}>Watch it</a></header>
<main${camera ? '' : ' hidden'}>
  <section class="stage" id="stage" aria-label="What is sent">
    <video id="preview" playsinline muted autoplay></video>
    <div class="overlay" id="overlay" role="status" aria-live="polite" data-kind="ready">
      <div class="spinner" id="spinner"></div>
      <h2 id="reason">Choose what to send</h2><p id="detail">Viewers see it in a fraction of a second; it can be changed while they watch.</p><p class="mend" id="mend"></p>
      <form id="key" hidden><label for="token">Key</label><input id="token" name="token" type="password" autocomplete="off" required>
      <button type="submit" class="primary">Publish</button></form>
    </div>
  </section>
  <section class="desk" aria-label="Source">
    <div class="sources" role="radiogroup" aria-label="Source" id="sources">${sources.join('')}</div>
    <label class="field" id="device-field" hidden>Device<select id="device"></select></label>
    <label class="field">Codec<select id="codec">${options(CODECS)}</select></label>
    <label class="field">Layers<select id="layers"><option value="3">3 sizes</option><option value="1">1 size</option></select></label>
    <button type="button" id="mute" class="round" aria-label="Microphone" title="Microphone (m)" aria-pressed="true">${icon('mic')}${icon('mic-off')}</button>
    <button type="button" id="start" class="primary" disabled>Start</button>
  </section>
  <dl class="stats" id="stats"></dl>
  <section class="layers"><h2>Layers</h2><div class="table"><table><thead><tr><th>Layer</th><th>Size</th><th>Pictures</th><th>Bit rate</th><th>Limited by</th><th>Key frames asked</th></tr></thead><tbody id="layer-rows"></tbody></table></div></section>
</main>
<section class="note" id="choose"${camera ? ' hidden' : ''}><h2>Publish from this browser</h2><p>Camera, screen or a test card, by WebRTC. Viewers find it by its name.</p>
  <form id="name-form"><label for="name">Name</label><input id="name" type="text" value="cam1" required maxlength="64" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*" autocomplete="off" spellcheck="false"><button class="primary">Go on</button></form></section>`;
  const heading = camera ? `${camera} · Publish` : 'Publish';
  return renderPage({ title, heading, files: FILES, version, name: 'publish', body, data: { camera, whip } });
}
