/** What all pages are made of: the frame of the HTML, the files of the bundle, and the headers that keep them strict. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { EddyError, type HttpResponse } from 'eddy/plugin';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  map: 'application/json',
};

/** The files of a plugin's pages. */
export interface Bundle {
  readonly files: ReadonlyMap<string, HttpResponse>;
  /** Changes with the files, so that no browser mixes two versions. */
  readonly version: string;
}

/** A page. */
export interface Page {
  /** What the site is called. */
  readonly title: string;
  readonly heading: string;
  /** Where the files of the bundle are served. */
  readonly files: string;
  readonly version: string;
  /** The script's name without extension; the body's class too. */
  readonly name: string;
  readonly body: string;
  /** What the script reads: `data-...` attributes of the body. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Makes a text safe in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A whole page. */
export function renderPage({ title, heading, files, version, name, body, data = {} }: Page): string {
  const attributes = Object.entries({ version, ...data }).map(([key, value]) => `data-${key}="${escapeHtml(value)}"`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="dark light">
<meta name="theme-color" content="#0b1014" media="(prefers-color-scheme: dark)">
<meta name="theme-color" content="#f3f6f8" media="(prefers-color-scheme: light)">
<title>${escapeHtml(heading === title ? title : `${heading} · ${title}`)}</title>
<link rel="icon" type="image/svg+xml" href="${files}/icon.svg?${version}">
<link rel="stylesheet" href="${files}/style.css?${version}">
<script type="module" src="${files}/${name}.js?${version}"></script>
</head>
<body class="${name}" ${attributes.join(' ')}>
${body}
</body>
</html>
`;
}

/** The way home, in the head of every page. */
export function brand(title: string, files: string): string {
  return `<a class="brand" href="/" data-keep-token><img src="${files}/icon.svg" alt="" width="28" height="28"><span>${escapeHtml(title)}</span></a>`;
}

/** Reads what scripts/build-web.mjs has made. Rejects with SERVICE_START_FAILED where it has not. */
export async function readBundle(folder: URL): Promise<Bundle> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new EddyError('SERVICE_START_FAILED', 'The pages are not built: run "npm run build:web".', { cause: error });
  });
  const files = new Map<string, HttpResponse>();
  const version = createHash('sha256');
  for (const name of names.sort()) {
    const body = await readFile(new URL(name, folder));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    version.update(etag);
    const headers = {
      'content-type': TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream',
      // Pages name files with their version, so that an upgrade is seen at once.
      'cache-control': 'public, max-age=86400',
      etag,
      'x-content-type-options': 'nosniff',
    };
    files.set(name, { headers, body });
  }
  return { files, version: version.digest('hex').slice(0, 12) };
}

/** What a page may do besides running its own files. */
export interface PagePermissions {
  /** Prefixes or URLs that it speaks to; of URLs the origin is allowed. */
  readonly speaksTo: readonly string[];
  /** Other sites that may show it in a frame. */
  readonly embed: readonly string[];
  /** True where it asks for camera, microphone and screen. */
  readonly captures?: boolean;
}

const CAPTURE = ['camera', 'microphone', 'display-capture'];
/** What no page of ours asks for, and so no script that got into one. */
const NEVER = ['geolocation=()', 'payment=()', 'usb=()', 'serial=()', 'hid=()', 'midi=()'];

/** Only our own files run, nothing inline; media may come from, and go to, the hosts that the configuration names. */
export function pageHeaders({ speaksTo, embed, captures = false }: PagePermissions): Readonly<Record<string, string>> {
  const origins = new Set(speaksTo.filter((to) => to.startsWith('http')).map((to) => new URL(to).origin));
  const others = [...origins].map((origin) => ` ${origin}`).join('');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `media-src 'self' blob:${others}`,
    `connect-src 'self'${others}`,
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${["'self'", ...embed].join(' ')}`,
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': policy.join('; '),
    'permissions-policy': [...CAPTURE.map((name) => `${name}=(${captures ? 'self' : ''})`), ...NEVER].join(', '),
    // The address may hold a token.
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}
