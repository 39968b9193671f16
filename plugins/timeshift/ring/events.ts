/** What the ring tells of the past that it keeps. */
import { defineEvents } from 'eddy/plugin';

const reason = { type: 'string', doc: 'What went wrong, in plain English.' } as const;
const segment = { type: 'string', doc: 'Id of the segment: {camera}/{track}/{name}.' } as const;

export const events = defineEvents({
  'segment.stored': {
    meaning: 'A finished segment is acknowledged, as "durability.ack" says.',
    data: {
      id: segment,
      track: { type: 'string', doc: 'Its track.' },
      number: { type: 'number', doc: 'Its number, shared by all tracks of the camera.' },
      startTs: { type: 'number', doc: 'When it begins: server time, epoch ms.' },
      duration: { type: 'number', doc: 'How long it is, ms.' },
      bytes: { type: 'number', doc: 'Its size.' },
    },
  },
  'segment.lost': {
    meaning: 'A finished segment could not be stored; it is a hole in the past.',
    data: { id: segment, reason },
  },
  'timeline.store-up': { meaning: 'The store takes segments again.' },
  'timeline.store-down': { meaning: 'The store does not take segments; they wait.', data: { reason } },
  'timeline.index-up': { meaning: 'The index takes segments again.' },
  'timeline.index-down': { meaning: 'The index does not take segments; they wait.', data: { reason } },
  'timeline.log-up': { meaning: 'The write-ahead log goes on.' },
  'timeline.log-full': { meaning: 'The write-ahead log has reached its bound.' },
  'timeline.log-down': { meaning: 'The write-ahead log cannot be written.', data: { reason } },
  'timeline.recovered': {
    meaning: 'What the last run left in the write-ahead log was read.',
    data: {
      segments: { type: 'number', doc: 'Segments found in it.' },
      recovered: { type: 'number', doc: 'How many of them were not yet stored and indexed.' },
      cut: { type: 'number', doc: 'How many of them were cut short.' },
      torn: { type: 'number', doc: 'Bytes at the ends of its files that were no whole records.' },
      ms: { type: 'number', doc: 'How long it took, ms.' },
    },
  },
  'timeline.reconciled': {
    meaning: 'Store and index were compared, and agree.',
    data: {
      agreed: { type: 'number', doc: 'Segments that both had.' },
      indexed: { type: 'number', doc: 'Objects that were given a row.' },
      rowsRemoved: { type: 'number', doc: 'Rows that had no object.' },
      objectsRemoved: { type: 'number', doc: 'Objects without a row that were too old.' },
      unreadable: { type: 'number', doc: 'Objects without a row that do not say what they are.' },
    },
  },
  'timeline.clock-stepped': {
    meaning: 'The wall clock of the machine stepped; the past is kept by the time before.',
    data: { ms: { type: 'number', doc: 'How far, ms; negative: back.' } },
  },
  'timeline.clock-steady': {
    meaning: 'The past is kept by the wall clock again.',
    data: { ms: { type: 'number', doc: 'Always 0.' } },
  },
});
