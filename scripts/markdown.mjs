// Texts as they stand in tables of Markdown.

/** A text as a cell. @param {string} text */
export const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** As code. @param {string} text */
export const code = (text) => `\`${cell(text)}\``;
