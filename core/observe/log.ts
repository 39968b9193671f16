/** Logs: pino with our fields, without secrets; lines of JSON, or readable text on a terminal. */
import { pino, type Logger as Pino } from 'pino';
import type { LogFields, Logger } from '../plugin/context.ts';
import { prettyLine } from './pretty.ts';
import { Redactor } from './redact.ts';

/** How much is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Fields of every line, such as `{ pipeline: 'live-dvr' }`. */
  readonly fields?: LogFields;
  /** Takes secrets out of every line; share it with whatever resolves secrets. Default: a new one. */
  readonly redactor?: Redactor;
  /** `json`, `pretty`, or by default `pretty` where `output` is a terminal. */
  readonly format?: 'json' | 'pretty';
  /** Where lines go; default standard error, since standard output is for data. */
  readonly output?: { write(line: string): unknown; readonly isTTY?: boolean };
  /** Use colour in `pretty`; default: where `output` is a terminal and NO_COLOR is not set. */
  readonly colour?: boolean;
}

/** A logger that can also make one of another level, and wait until all is written. */
export interface RootLogger extends Logger {
  /** A logger with these fields more; `level` overrides the level for it and its children (a stage's `log:`). */
  child(fields: LogFields, level?: LogLevel): RootLogger;
  /** Changes the level of this logger, not of children made before. */
  setLevel(level: LogLevel): void;
}

/** Makes the logger of an engine. */
export function createLogger(options: LoggerOptions = {}): RootLogger {
  const redactor = options.redactor ?? new Redactor();
  const output = options.output ?? process.stderr;
  const pretty = (options.format ?? (output.isTTY === true ? 'pretty' : 'json')) === 'pretty';
  const colour = options.colour ?? (output.isTTY === true && !process.env.NO_COLOR);
  const stream = pretty ? { write: (line: string) => output.write(prettyLine(line, colour)) } : output;
  const base = pino(
    {
      level: options.level ?? 'info',
      base: redactor.fields(options.fields ?? {}),
      timestamp: pino.stdTimeFunctions.epochTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are made plain by the redactor; pino's own serializer would bring the secrets back.
      serializers: { err: (error: unknown) => error },
    },
    stream as { write(line: string): void },
  );
  return wrap(base, redactor);
}

/** A logger that writes nothing, for tests and tools. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

function wrap(target: Pino, redactor: Redactor): RootLogger {
  const at =
    (level: LogLevel) =>
    (fields: LogFields | string, message = ''): void => {
      // A line that is not written costs one comparison.
      if (!target.isLevelEnabled(level)) return;
      // A plugin in plain JavaScript may leave the fields out; a line of its log is no reason to fail.
      if (typeof fields === 'string') target[level](redactor.text(`${fields} ${message}`.trim()));
      else target[level](redactor.fields(fields), redactor.text(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields, level) =>
      wrap(target.child(redactor.fields(fields), level === undefined ? {} : { level }), redactor),
    setLevel: (level) => {
      target.level = level;
    },
  };
}
