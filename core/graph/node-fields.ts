/** The engine's keys on every stage and service. */
import { Duration, ListOf, MapOf, OneOf, Text, type Fields } from '../plugin/fields.ts';
import { LOG_LEVELS } from './envelope-fields.ts';

/** Without `plugin`, which is read first, and `supervise`, which overlays the pipeline's. */
export const nodeFields = {
  use: MapOf(Text({ doc: 'The name of a service or providing stage.' }), {
    doc: 'Which service meets which need, where more than one could.',
    default: {},
  }),
  start: OneOf(['always', 'on-demand'], {
    doc: 'Whether it runs from the start, or only while somebody uses it.',
    default: 'always',
  }),
  linger: Duration({ doc: 'How long it goes on after its last use; with "start: on-demand" alone.', default: '10s' }),
  process: OneOf(['engine'], {
    doc: 'Where its code runs; native code has child processes of its own.',
    default: 'engine',
  }),
  log: OneOf(LOG_LEVELS, { doc: "The least severe lines that it logs; default: the pipeline's.", optional: true }),
  allow: ListOf(Text({ doc: 'A code.' }), { doc: 'Codes of warnings that are known and accepted here.', default: [] }),
} satisfies Fields;
