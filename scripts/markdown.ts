/** Texts as they stand in tables of Markdown. */

/** A text as a cell. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** As code. */
export const code = (text: string): string => `\`${cell(text)}\``;
