/** The text of a pipeline file: from offsets to line and column, and the lines around a mistake. */
import type { Position } from './checked.ts';

/** A stretch of the text, as offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What stands in the place of a secret that is written in the file itself. */
export const MASK = '***';

/** A pipeline file's text. */
export class Source {
  readonly text: string;
  readonly file: string;
  readonly #lineStarts: readonly number[];
  readonly #masks: Span[] = [];

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
  }

  /** Line and column from 1; a column is a UTF-16 unit, as editors count. */
  position(offset: number): Position {
    const at = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: at - this.#lineStarts[low]! + 1 };
  }

  /** A line's text without its end; lines count from 1. */
  line(number: number): string {
    const start = this.#lineStarts[number - 1];
    if (start === undefined) return '';
    return this.text.slice(start, this.#lineStarts[number] ?? this.text.length).replace(/\r?\n$/, '');
  }

  /** The offset at which a line (from 1) begins. */
  lineStart(number: number): number {
    return this.#lineStarts[number - 1] ?? this.text.length;
  }

  /** A secret written out in the file: never shown in a frame. */
  mask(span: Span): void {
    this.#masks.push(span);
  }

  /** The line before and the line itself, with carets under the span. Secrets are masked. */
  frame(span: Span): string {
    const { line, column } = this.position(span.start);
    const width = String(line).length;
    const shown: string[] = [];
    for (let number = Math.max(1, line - 1); number <= line; number++) {
      const start = this.lineStart(number);
      shown.push(
        `${String(number).padStart(width)} | ${this.#visible(start, start + this.line(number).length)}`.trimEnd(),
      );
    }
    const start = this.lineStart(line);
    const end = Math.min(span.end, start + this.line(line).length);
    // Tabs keep their width, so that the carets stand below what they mean.
    const indent = this.#visible(start, start + column - 1).replace(/[^\t]/g, ' ');
    const carets = '^'.repeat(Math.max(1, this.#visible(span.start, end).length));
    shown.push(`${' '.repeat(width)} | ${indent}${carets}`);
    return shown.join('\n');
  }

  /** A stretch of the text as it may be shown. A mask has always the same length: a secret's own length tells of it. */
  #visible(start: number, end: number): string {
    let shown = '';
    let at = start;
    for (const mask of [...this.#masks].sort((a, b) => a.start - b.start)) {
      if (mask.end <= at || mask.start >= end) continue;
      shown += this.text.slice(at, Math.max(at, mask.start)) + MASK;
      at = Math.max(at, mask.end);
    }
    return shown + this.text.slice(at, Math.max(at, end));
  }
}
