/** The YAML parser's own words are for people who know its grammar; these are for those who mistyped a sign. */
import type { Document, YAMLError } from 'yaml';
import type { FindingInput, Findings } from './finding.ts';
import type { Source, Span } from './source.ts';

/**
 * Turns the parser's errors into findings. Doubled keys and tabs are told one by one; of the rest only the first, since
 * one slip of syntax makes the parser stumble over all that follows.
 */
export function explainYamlErrors(document: Document, findings: Findings): void {
  let stumbled = false;
  for (const error of [...document.errors, ...document.warnings]) {
    const each = error.code === 'DUPLICATE_KEY' || error.code === 'TAB_AS_INDENT';
    if (!each && stumbled) continue;
    // A tab is told for each line that has one, and indents what follows differently.
    if (error.code !== 'DUPLICATE_KEY') stumbled = true;
    findings.add(explain(findings.source, error));
  }
}

const point = (start: number, length = 1): Span => ({ start, end: start + length });

function explain(source: Source, error: YAMLError): FindingInput {
  const { text } = source;
  const offset = error.pos[0];
  const number = source.position(offset).line;
  const line = source.line(number);
  const start = source.lineStart(number);

  if (text[offset] === '{' && text[offset - 1] === '$') return unquotedReference(text, offset - 1);
  if (error.code === 'TAB_AS_INDENT') {
    return { code: 'YAML_TAB', at: point(offset), message: 'this line is indented with a tab; YAML takes spaces only' };
  }
  if (error.code === 'DUPLICATE_KEY') return duplicate(source, offset);
  if (error.code === 'BLOCK_IN_FLOW') return missingComma(text, offset, error.pos[1]);

  const glued = /^[^'"#]*?[\w-](:)[{[]/.exec(line);
  if (glued) return spaceAfterColon(source, start + glued[0].length - 2);
  const lone = /^\s*(?:- )?[\w-]+:(?=\S)/.exec(line);
  if (error.code === 'MULTILINE_IMPLICIT_KEY' && lone) return spaceAfterColon(source, start + lone[0].length - 1);
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') return nested(source, line, offset);
  if (error.message.startsWith('Missing closing')) {
    const open = openAt(text, offset).quote ?? offset;
    return {
      code: 'YAML_QUOTE_OPEN',
      at: point(open),
      message: `the quote ${text[open] ?? '"'} that begins here is never closed`,
    };
  }
  if (error.code === 'BAD_INDENT' && error.message.startsWith('Flow')) {
    const open = openAt(text, offset).bracket ?? offset;
    const close = text[open] === '[' ? ']' : '}';
    const there = source.position(offset).line;
    const before = there === source.position(open).line ? '' : ` before line ${there}`;
    const message = `the "${text[open] ?? '{'}" that begins here is not closed${before}`;
    return { code: 'YAML_BRACKET_OPEN', at: point(open), message, mend: `Close it with "${close}".` };
  }
  if (/flow-(map|seq)-end/.test(error.message)) {
    return { code: 'YAML_BRACKET_EXTRA', at: point(offset), message: `this "${text[offset]}" closes nothing` };
  }
  if (error.code === 'BAD_ALIAS' || error.code === 'BAD_SCALAR_START') {
    const value = /^[^,}\]\n#]*/.exec(text.slice(offset))![0].trim();
    const message = `a value that begins with "${text[offset]}" must stand in quotes`;
    return {
      code: 'YAML_QUOTES_NEEDED',
      at: point(offset, value.length),
      message,
      mend: `Write "${value}" with the quotes.`,
    };
  }
  if (error.code === 'BAD_INDENT') {
    const dash = missingDash(source, number);
    if (dash) return dash;
    const message = 'this line is indented differently from the lines that it belongs to';
    return { code: 'YAML_INDENT', at: point(start + line.search(/\S|$/)), message };
  }
  if (error.code === 'MULTIPLE_DOCS') {
    return {
      code: 'YAML_SEVERAL_DOCUMENTS',
      at: point(offset, 3),
      message: 'a second YAML document begins here; a file holds one pipeline',
    };
  }
  if (error.code === 'TAG_RESOLVE_FAILED') {
    const at = { start: error.pos[0], end: error.pos[1] };
    return {
      code: 'YAML_TAG',
      at,
      message: `tags such as "${text.slice(at.start, at.end)}" have no meaning in a pipeline`,
    };
  }
  if (error.code === 'MISSING_CHAR' && error.message.includes('followed by map values')) {
    const word = line.trim();
    const message = `"${word}" stands where a "key: value" belongs`;
    return { code: 'YAML_VALUE_MISSING', at: point(start + line.indexOf(word), word.length), message };
  }
  const at = { start: error.pos[0], end: Math.max(error.pos[0] + 1, error.pos[1]) };
  return {
    code: 'YAML_SYNTAX',
    at,
    message: `not valid YAML: ${error.message.split('\n')[0]!.replace(/ at line.*$/, '')}`,
  };
}

/** The whole value must be quoted, not only the reference in it. */
function unquotedReference(text: string, dollar: number): FindingInput {
  const close = text.indexOf('}', dollar);
  const end = close < 0 ? dollar + 2 : close + 1;
  const before = /[^,[{\s]*$/.exec(text.slice(0, dollar))![0];
  const after = /^[^,}\]\s]*/.exec(text.slice(end))![0];
  return {
    code: 'YAML_REFERENCE_UNQUOTED',
    at: { start: dollar, end },
    message: 'inside { } and [ ] a reference must stand in quotes, since YAML reads its "{" as the begin of a map',
    mend: `Write "${before}${text.slice(dollar, end)}${after}" with the quotes.`,
  };
}

/** A colon with its value glued to it; the parser either stumbles or reads it all as one name. */
export function spaceAfterColon(source: Source, colon: number): FindingInput {
  const { line } = source.position(colon);
  const mended = `${source.text.slice(source.lineStart(line), colon + 1)} ${source.line(line).slice(colon + 1 - source.lineStart(line))}`;
  return {
    code: 'YAML_SPACE_AFTER_COLON',
    at: point(colon),
    message: 'a space is missing after this colon, so YAML reads the text on both sides as one name',
    mend: `Write: ${mended.trim()}`,
  };
}

function duplicate(source: Source, offset: number): FindingInput {
  const key = /^("[^"]*"|'[^']*'|[^:\s,{}]+(?: [^:\s,{}]+)*)/.exec(source.text.slice(offset))?.[0] ?? '';
  const name = key.replace(/^["']|["']$/g, '');
  return {
    code: 'YAML_DUPLICATE_KEY',
    at: point(offset, key.length),
    message: `"${name}" is given a second time in the same map; only one can hold`,
    mend: `Keep one "${name}", or give this one another name.`,
  };
}

function nested(source: Source, line: string, offset: number): FindingInput {
  if (line.includes('->')) {
    return {
      code: 'YAML_LINK_OPTIONS',
      at: point(offset),
      message: "a link's options are a map in { }",
      mend: `Write: ${line.trim().replace(/:\s+(.*)$/, ': { $1 }')}`,
    };
  }
  const value = line.slice(line.indexOf(':') + 1).trim();
  if (!/:\s/.test(value)) {
    // The colon is in the next line, which YAML joined to this value since it is indented deeper than its key.
    const next = source.position(offset).line + 1;
    const at = point(source.lineStart(next) + source.line(next).search(/\S|$/));
    return {
      code: 'YAML_INDENT',
      at,
      message: 'this line is indented deeper than the one above it, which has its value already',
    };
  }
  return {
    code: 'YAML_COLON_IN_VALUE',
    at: point(offset),
    message: 'a value that holds a colon and a space must stand in quotes',
    mend: `Write "${value}" with the quotes, or put the second key on a line of its own.`,
  };
}

/** `{ a: 1 b: 2 }`: the parser takes the second key for the begin of a block. */
function missingComma(text: string, start: number, end: number): FindingInput {
  const value = /^(\S+?)[\s;]+([\w-]+:\s)/.exec(text.slice(start, end));
  const at = value ? point(start + value[1]!.length) : { start, end };
  return {
    code: 'YAML_COMMA_MISSING',
    at,
    message: 'inside { } and [ ] a comma stands between one option and the next',
    mend: value ? `Write: ${value[1]}, ${value[2]!.trim()} ...` : undefined,
  };
}

/** A line in or after a list that has no dash, or one glued to what follows. */
function missingDash(source: Source, number: number): FindingInput | undefined {
  const line = source.line(number);
  const indent = line.search(/\S|$/);
  const glued = /^\s*-(?=\w)/.test(line);
  let above = number - 1;
  while (above > 0 && /^\s*(#.*)?$/.test(source.line(above))) above -= 1;
  const besideItem = above > 0 && source.line(above).search(/\S|$/) === indent && /^\s*- /.test(source.line(above));
  if (!glued && !besideItem) return undefined;
  const item = line.trim().replace(/^-/, '');
  return {
    code: 'YAML_DASH_MISSING',
    at: point(source.lineStart(number) + indent),
    message: glued
      ? 'a space is missing after this dash'
      : `the line above begins with a dash, so it is in a list, and this line has none`,
    mend:
      glued || item.includes('->')
        ? `Write: - ${item}`
        : 'Begin it with "- " too, or take the dash above away: services and stages are maps.',
  };
}

/** What is open before `end`: the innermost bracket and the quote, judged without a full parser. */
function openAt(text: string, end: number): { bracket?: number; quote?: number } {
  const brackets: number[] = [];
  let quote: number | undefined;
  for (let at = 0; at < end; at++) {
    const sign = text[at]!;
    const before = text[at - 1] ?? '\n';
    if (quote !== undefined) {
      if (sign === '\\' && text[quote] === '"') at += 1;
      else if (sign === text[quote]) quote = undefined;
    } else if (sign === '#' && /\s/.test(before)) {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? end : newline;
    } else if ((sign === '"' || sign === "'") && /[\s,:[{]/.test(before)) quote = at;
    else if ((sign === '{' || sign === '[') && /[\s,:[{]/.test(before)) brackets.push(at);
    else if (sign === '}' || sign === ']') brackets.pop();
  }
  const bracket = brackets.at(-1);
  return { ...(bracket === undefined ? {} : { bracket }), ...(quote === undefined ? {} : { quote }) };
}
