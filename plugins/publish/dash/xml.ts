/** XML as manifests need it: elements, attributes, text. */

/** An attribute that is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element, written. */
export type Xml = string;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Characters that XML 1.0 cannot hold at all go: a publisher may have chosen the words. */
const escape = (plain: string): string =>
  plain.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').replace(/[&<>"]/g, (one) => ESCAPES[one]!);

/** Writes an element; without children it closes itself. */
export function element(name: string, attributes: Attributes, ...children: readonly (Xml | readonly Xml[])[]): Xml {
  const said = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escape(String(value))}"`)
    .join('');
  const inside = children.flat().filter((child) => child !== '');
  return inside.length === 0 ? `<${name}${said}/>` : `<${name}${said}>\n${inside.join('\n')}\n</${name}>`;
}

/** Writes an element that holds text. */
export const text = (name: string, content: string): Xml => `<${name}>${escape(content)}</${name}>`;
