/** The HTTP server. */
import { defineCodes } from '../define.ts';

export const httpCodes = defineCodes({
  HTTP_ROUTE_TAKEN: {
    severity: 'error',
    kind: 'config',
    meaning: 'Two plugins want to answer the same method on the same path.',
    mend: 'Give one of the two another prefix, or remove one of them from the pipeline.',
    example: 'two publish.hls stages that both have the prefix /hls',
  },
  HTTP_ROUTE_INVALID: {
    severity: 'error',
    kind: 'plugin',
    meaning: 'A plugin mounted a path that is no route: it must begin with "/", and "*" may only be its last part.',
    mend: 'Mend the plugin: "/hls/:camera/index.m3u8" and "/console/*" are routes.',
    example: "http.route({ method: 'GET', path: 'hls', handler })",
  },
  HTTP_LISTEN_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The HTTP server cannot listen on its address.',
    mend: 'Stop the program that holds the port, or set another "listen"; ports below 1024 need a privilege.',
    example: 'http: { plugin: http.server, listen: 127.0.0.1:8080 } while another server holds port 8080',
  },
  HTTP_TLS_INVALID: {
    severity: 'error',
    kind: 'config',
    meaning: 'The certificate or the key for HTTPS cannot be read, or the two do not belong together.',
    mend: 'Set "tls.cert" to the PEM file with the whole chain and "tls.key" to its private key.',
    example: 'tls: { cert: ./fullchain.pem, key: ./privkey.pem }',
  },
  HTTP_BAD_PATH: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The address is malformed: dot segments, encoded slashes, double encoding or control characters.',
    mend: 'Write the path plainly; camera names need no encoding.',
    example: 'GET /hls/cam1/..%2f..%2fetc/passwd',
  },
  HTTP_BAD_REQUEST: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The request is not one that this address takes: a parameter or the body is wrong.',
    mend: 'The message says which part; /api/v1/openapi.json describes the API.',
    example: 'GET /hls/cam1/index.m3u8?start=yesterday',
  },
  HTTP_NOT_FOUND: {
    severity: 'error',
    kind: 'peer',
    meaning: 'There is nothing at this address.',
    mend: '"/" lists the cameras; "eddy graph" names the plugins that run and so what is served.',
    example: 'GET /hsl/cam1/index.m3u8',
  },
  HTTP_METHOD_NOT_ALLOWED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The address exists, but not for this method.',
    mend: 'Use one of the methods that the Allow header names.',
    example: 'POST /hls/cam1/index.m3u8',
  },
  HTTP_TOO_MANY_REQUESTS: {
    severity: 'error',
    kind: 'peer',
    meaning: 'This address asks too often, or has brought too many keys that were refused.',
    mend: 'Wait as long as Retry-After says. Whoever runs the server: "rate", "refusals" and "unlimited" of http.server set the limits; behind a proxy, name it in "proxies".',
    example: 'a script that tries keys on /hls/cam1/index.m3u8?token=...',
  },
  HTTP_BODY_TOO_LARGE: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The body of the request is larger than this address takes.',
    mend: 'Send less: an SDP offer or a JSON command fits into 64 KiB.',
    example: 'POST /whip/cam1 with a body of 10 MB',
  },
});
