import { OWN_HEADERS, RESERVED_HEADERS } from './message.js';
import { show } from './show.js';

/**
 * The headers that a job is stored with: the user's, and ours.
 *
 * @throws TypeError naming the header that is reserved or no text
 */
export function headersOf(
  given: Readonly<Record<string, string>> | undefined,
  own: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const users = given === undefined ? {} : headers(given);
  return own ? { ...users, ...own } : users;
}

function headers(value: Readonly<Record<string, unknown>>): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`headers: expected an object of texts, got ${show(value)}`);
  }
  for (const [name, text] of Object.entries(value)) {
    if (RESERVED_HEADERS.has(name) || OWN_HEADERS.has(name))
      throw new TypeError(`headers: ${show(name)} is reserved; choose another name`);
    if (typeof text !== 'string') throw new TypeError(`headers[${show(name)}]: expected a text, got ${show(text)}`);
  }
  return Object.fromEntries(Object.entries(value) as [string, string][]);
}
