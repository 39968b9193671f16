/** The syntax of a pipeline file. */
import { defineCodes } from '../define.ts';

const refused = { severity: 'error', kind: 'config' } as const;

export const yamlCodes = defineCodes({
  YAML_SYNTAX: {
    ...refused,
    meaning: 'The file is not valid YAML.',
    mend: 'Look at the marked sign and the line above it: a quote, a bracket, a colon or the indentation.',
    example: 'name: "a" "b"',
  },
  YAML_REFERENCE_UNQUOTED: {
    ...refused,
    meaning: 'A reference stands unquoted inside { } or [ ], where YAML reads its "{" as the begin of a map.',
    mend: 'Put the reference in quotes.',
    example: 'auth: { plugin: auth.jwt, jwks: ${file:./jwks.json} }   # jwks: "${file:./jwks.json}"',
  },
  YAML_SPACE_AFTER_COLON: {
    ...refused,
    meaning: 'A colon must be followed by a space; without it YAML reads key and value as one name.',
    mend: 'Put a space after the colon.',
    example: '- cmaf.chunks -> dvr.chunks:{ queue: 2s }   # dvr.chunks: { queue: 2s }',
  },
  YAML_COMMA_MISSING: {
    ...refused,
    meaning: 'Inside { } or [ ] no comma stands between one option and the next.',
    mend: 'Put a comma between them.',
    example: 'cmaf: { plugin: package.cmaf segment: 2s }   # { plugin: package.cmaf, segment: 2s }',
  },
  YAML_DASH_MISSING: {
    ...refused,
    meaning: 'A line of a list does not begin with a dash and a space.',
    mend: 'Begin the line with a dash and a space.',
    example: '- a.x -> b.x\\n  a.y -> b.y   # - a.y -> b.y',
  },
  YAML_COLON_MISSING: {
    ...refused,
    meaning: 'The colon between a name and its map is missing, so YAML reads both as one name.',
    mend: 'Put a colon and a space after the name.',
    example: 'hls { plugin: publish.hls }   # hls: { plugin: publish.hls }',
  },
  YAML_LINK_OPTIONS: {
    ...refused,
    meaning: "A link's options stand without their braces.",
    mend: 'Put the options in { }.',
    example: '- a.x -> b.y: queue: 2s   # - a.x -> b.y: { queue: 2s }',
  },
  YAML_COLON_IN_VALUE: {
    ...refused,
    meaning: 'A value holds a colon and a space, which YAML reads as a second key on the same line.',
    mend: 'Put the value in quotes.',
    example: 'doc: note: this   # doc: "note: this"',
  },
  YAML_TAB: {
    ...refused,
    meaning: 'A line is indented with a tab; YAML takes spaces only.',
    mend: 'Replace the tab by spaces, as many as the lines beside it have.',
    example: 'stages:\\n\\trtmp: { plugin: ingest.rtmp }',
  },
  YAML_DUPLICATE_KEY: {
    ...refused,
    meaning: 'A key is given twice in the same map; only one can hold.',
    mend: 'Keep one, or give the second another name.',
    example: 'stages: { rtmp: { ... }, rtmp: { ... } }',
  },
  YAML_QUOTE_OPEN: {
    ...refused,
    meaning: 'A quote is never closed.',
    mend: 'Close the quote at the end of the value.',
    example: 'name: "live',
  },
  YAML_BRACKET_OPEN: {
    ...refused,
    meaning: 'A { or [ is never closed.',
    mend: 'Close it on the same line, or indent the lines that belong to it.',
    example: 'rtmp: { plugin: ingest.rtmp',
  },
  YAML_BRACKET_EXTRA: {
    ...refused,
    meaning: 'A } or ] closes nothing.',
    mend: 'Take it out.',
    example: 'rtmp: { plugin: ingest.rtmp }}',
  },
  YAML_QUOTES_NEEDED: {
    ...refused,
    meaning: 'A value begins with a sign that means something to YAML: * & ! % @ `.',
    mend: 'Put the value in quotes.',
    example: 'cameras: *   # cameras: "*"',
  },
  YAML_INDENT: {
    ...refused,
    meaning: 'Lines that belong together begin in different columns.',
    mend: 'Indent it like the lines beside it.',
    example: 'stages:\\n    a: { ... }\\n  b: { ... }',
  },
  YAML_VALUE_MISSING: {
    ...refused,
    meaning: 'A word stands alone where YAML expects a key and its value.',
    mend: 'Write "key: value", or join the word to the line above.',
    example: 'name: live\\ndvr',
  },
  YAML_SEVERAL_DOCUMENTS: {
    ...refused,
    meaning: 'The file holds more than one YAML document; a file is one pipeline.',
    mend: 'Take out the line "---", or make two files.',
    example: 'version: 1\\n---\\nversion: 1',
  },
  YAML_TAG: {
    ...refused,
    meaning: 'A YAML tag stands in the file; tags have no meaning in a pipeline.',
    mend: 'Take the tag out; where a value begins with "!" put it in quotes.',
    example: 'name: !!str live',
  },
  YAML_ALIAS_UNKNOWN: {
    ...refused,
    meaning: 'An alias names an anchor that does not stand above it.',
    mend: 'Define the anchor above (x-name: &name ...), or put the value in quotes if no alias is meant.',
    example: 'segment: *length',
  },
  YAML_KEY_NOT_TEXT: {
    ...refused,
    meaning: 'A key is a map, a list or an alias.',
    mend: 'Write a name as the key.',
    example: '[a, b]: 1',
  },
  YAML_TOO_LARGE: {
    ...refused,
    meaning: 'The file, with its aliases followed, holds more values than any pipeline has.',
    mend: 'Take out aliases that repeat aliases.',
    example: 'a: &a [x, x]  b: &b [*a, *a]  c: &c [*b, *b] ...',
  },
  REFERENCE_MALFORMED: {
    ...refused,
    meaning: 'A ${...} is none of the references that there are.',
    mend: 'Write ${env:NAME}, ${env:NAME:-default}, ${file:path} or ${secret:name}; a plain "${" is written "$${".',
    example: '"${HOME}"   # "${env:HOME}"',
  },
  REFERENCE_ENV_UNSET: {
    ...refused,
    meaning: 'A reference names an environment variable that is not set.',
    mend: 'Set the variable, or give a default: ${env:NAME:-default}.',
    example: 'listen: "${env:LISTEN}"',
  },
  REFERENCE_FILE_UNREADABLE: {
    ...refused,
    meaning: "A reference names a file that cannot be read; relative paths begin at the pipeline file's folder.",
    mend: 'Correct the path, or make the file readable.',
    example: 'jwks: "${file:./jwks.jsn}"',
  },
  REFERENCE_SECRET_UNKNOWN: {
    ...refused,
    meaning:
      'A reference names a secret that is nowhere: not in EDDY_SECRET_<NAME>, not in $EDDY_SECRETS_DIR, not in secrets/ beside the pipeline.',
    mend: 'Put the secret into the file secrets/<name> beside the pipeline, or set EDDY_SECRET_<NAME>.',
    example: 'token: "${secret:publish-token}"',
  },
  REFERENCE_NOT_HERE: {
    ...refused,
    meaning:
      'References are resolved in values of options; links, plugins and names must read the same on every machine.',
    mend: 'Write the name itself.',
    example: '- ${env:SOURCE}.video -> cmaf.video',
  },
});
