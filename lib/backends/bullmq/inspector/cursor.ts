import { BackendError } from '../../../core/backend.js';

/** Where a page ended: in which of the places that hold jobs of its state, and what tells where in it. */
export interface Cursor {
  readonly source: number;
  readonly position: readonly string[];
}

export function cursorText({ source, position }: Cursor): string {
  return Buffer.from(JSON.stringify([source, ...position])).toString('base64url');
}

/**
 * @param sources how many there are
 * @throws BackendError where it is none that a page gave
 */
export function cursorIn(text: string | undefined, sources: number): Cursor {
  if (text === undefined) return { source: 0, position: [] };
  const [source, ...position] = partsIn(text);
  const isPlace = typeof source === 'number' && Number.isInteger(source) && source >= 0 && source < sources;
  if (isPlace && position.every((part) => typeof part === 'string')) return { source, position };
  throw new BackendError(`cursor: expected what the page before gave, got ${JSON.stringify(text)}`, { passing: false });
}

function partsIn(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
