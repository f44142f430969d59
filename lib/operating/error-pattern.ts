/** The longest message that is compared, in characters. */
const LONGEST = 500;

/** What differs from job to job where the fault is the same, in the order in which it is looked for. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?/g, '<time>'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'`<>)]+/gi, '<url>'],
  [/[^\s@"'`<>()]{1,100}@[a-z0-9-]{1,100}(?:\.[a-z0-9-]{1,100}){1,5}/gi, '<address>'],
  [/"[^"]*"|`[^`]*`|“[^”]*”|(?<![\w])'[^']*'(?!\w)/g, '<text>'],
  [/(?<![\w<])(?:[A-Za-z]:)?(?:[\\/][\w.@~+-]+){2,}[\\/]?/g, '<path>'],
  [/\b0x[0-9a-f]+\b/gi, '<hex>'],
  [/\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, '<hex>'],
  [/\d+(?:[.,]\d+)*/g, '<n>'],
];

/** A message without what differs from job to job: ids, numbers, times, quoted texts, addresses and paths. */
export function errorPattern(message: string): string {
  const short = message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message;
  return VARYING.reduce((text, [varying, name]) => text.replace(varying, name), short)
    .replace(/\s+/g, ' ')
    .trim();
}
